"""The process in which strangers' notebooks are drawn and compared: `python -m lms.notebooks.render_worker html|diff`.

JSON on standard input, JSON on standard output. It limits itself before it imports anything that reads notebooks, and
it knows neither settings nor database.
"""

import json
import resource
import sys
from dataclasses import asdict
from typing import Any

MEMORY = 768 * 1024**2  # bytes of address space
SECONDS = 20  # of processor time
OUTPUT = 12 * 1024**2  # bytes; also the most that any file may grow to


def limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def answer(task: str, asked: Any) -> Any:
    if task == "html":
        from lms.notebooks.rendering import draw

        return draw(asked)
    from lms.notebooks.diff import diff_cells

    return [asdict(change) for change in diff_cells(asked["old"], asked["new"])]


def main() -> int:
    limit()
    # jsonschema would import it to check formats that no notebook has: half of the time that starting takes.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    said = json.dumps(answer(sys.argv[1], json.load(sys.stdin.buffer)))
    if len(said) > OUTPUT:
        return 3
    sys.stdout.write(said)
    sys.stdout.flush()  # here, where a file that may not grow further is an error
    return 0


if __name__ == "__main__":
    sys.exit(main())
