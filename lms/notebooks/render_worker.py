"""The subprocess that renders and compares untrusted notebooks: `python -m lms.notebooks.render_worker html|diff`.

It reads JSON from standard input and writes JSON to standard output. It sets resource limits before it imports anything
that reads notebooks, and uses neither settings nor database.
"""

import json
import resource
import sys
from dataclasses import asdict
from typing import Any

MEMORY = 768 * 1024**2  # bytes of address space
SECONDS = 20  # of processor time
OUTPUT = 12 * 1024**2  # bytes; also the maximum size of any file


def set_limits() -> None:
    """Limit memory, processor time and file size of this process."""
    for resource_id, maximum in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(resource_id, (maximum, maximum))


def run(task: str, argument: Any) -> Any:
    """Return the HTML of a notebook, or the changes between two."""
    if task == "html":
        from lms.notebooks.rendering import draw

        return draw(argument)
    from lms.notebooks.diff import diff_cells

    return [asdict(change) for change in diff_cells(argument["old"], argument["new"])]


def main() -> int:
    set_limits()
    # jsonschema would import it to check formats that no notebook has, which takes half of the time to start.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    result = json.dumps(run(sys.argv[1], json.load(sys.stdin.buffer)))
    if len(result) > OUTPUT:
        return 3
    sys.stdout.write(result)
    sys.stdout.flush()  # raises if the file would exceed the limit
    return 0


if __name__ == "__main__":
    sys.exit(main())
