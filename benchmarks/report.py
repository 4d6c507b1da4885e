"""Print the results as a table, and save them as JSON and Markdown."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.rows import Row, shown

RESULTS = Path(__file__).parent / "results"


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table with aligned columns."""
    cells = [("what", "value", "unit", "note")] + [(row.name, shown(row.value), row.unit, row.note) for row in rows]
    wide = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        f"| {what:<{wide[0]}} | {value:>{wide[1]}} | {unit:<{wide[2]}} | {note:<{wide[3]}} |"
        for what, value, unit, note in cells
    ]
    rule = f"|{'-' * (wide[0] + 2)}|{'-' * (wide[1] + 1)}:|{'-' * (wide[2] + 2)}|{'-' * (wide[3] + 2)}|"
    return "\n".join([lines[0], rule, *lines[1:]])


def machine() -> dict[str, str | float]:
    """Return facts that the results depend on; no names of hosts or folders, because results are committed."""
    return {
        "cores": os.cpu_count() or 0,
        "processor": _processor(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load before": round(os.getloadavg()[0], 2),  # of whatever else ran here
        "commit": _commit(),
    }


def save(
    rows: Sequence[Row],
    *,
    moment: datetime,
    about: dict[str, str | float],
    options: dict[str, object],
    folder: Path = RESULTS,
) -> Path:
    """Writes `<date>.json` and `<date>.md`, quick runs under a name of their own; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{moment:%Y-%m-%d}" + (f"-{options['what']}" if options.get("what") else "")
    name += "-quick" if options.get("quick") else ""
    whole = {
        "date": moment.isoformat(timespec="seconds"),
        "machine": about,
        "options": options,
        "rows": [row.as_dict() for row in rows],
    }
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    head = (
        f"# Benchmarks of {moment:%Y-%m-%d %H:%M}\n\n{', '.join(f'{key} {value}' for key, value in about.items())}\n\n"
    )
    (folder / f"{name}.md").write_text(head + table(rows) + "\n")
    return folder / f"{name}.md"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    answer = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "unknown"
