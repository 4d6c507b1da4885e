"""Makes *.jsonl of the *.log that were recorded in real JupyterLabs: `python traces/from_logs.py`.

A trace is what a reducer hears, in order, with the second at which it came, and in its last line the events that it
must give: {"at", "hint"}, {"at", "message"}, {"at", "kernel"}, {"expect"}. The logs have no contents, so texts are made
up.
"""

import ast
import json
import re
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).parent
LINE = re.compile(r"^\s*(\d+) (\S+)\s*(.*)$")
FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")

# Written by hand from the rules: run, phase, status, reason, error.
RUN_ALL = [
    "c0 start",
    "c0 end success",
    "c1 start",
    "c1 end success",
    "c2 start",
    "c2 end error - ValueError",
    "c3 end aborted error-before",
]
SECTIONS = {
    "lab40.log": {"A run all with an error in the third": ("lab40_run_all_error", RUN_ALL)},
    "lab46_run_all_restart_death_interrupt.log": {
        "A run all with an error in the third": ("lab46_run_all_error", RUN_ALL),
        "B restart during a run": (
            "lab46_restart",
            ["c0 start", "c0 end aborted restarted", "c1 end aborted restarted"],
        ),
        "B interrupt during a run": (
            "lab46_interrupt",
            ["c0 start", "c0 end aborted interrupted", "c1 end aborted error-before"],
        ),
        "C kernel dies": ("lab46_death", ["c0 start", "c0 end error - KernelDied", "c1 end aborted died"]),
    },
    "lab46_reload_and_floods.log": {
        "D before reload": ("lab46_reload", ["c0 start"]),
        "E flood": ("lab46_flood", ["c0 start", "c0 end success"]),
    },
    "lab46_two_tabs.log": {
        "F the tab that runs": (
            "lab46_two_tabs_first",
            ["c0 start", "c0 end success", "c1 start", "c1 end success"],
        ),
        "F the other tab": ("lab46_two_tabs_second", ["- start", "- end success", "- start", "- end success"]),
    },
}
SERVER_PART = ["- start", "- end error - ZeroDivisionError"]


def sections(text):
    """Return {title: lines}."""
    found, lines = {}, []
    for line in text.splitlines():
        if line.startswith("--- "):
            title = line[4:].rpartition(":")[0]
            lines = found.setdefault(title, [])
        elif LINE.match(line):
            lines.append(LINE.match(line).groups())
    return found


def content_of(kind, fields):
    if kind == "status":
        return {"execution_state": fields["state"]}
    if kind == "execute_input":
        return {"code": f"# {fields['parent']}", "execution_count": int(fields["n"])}
    if kind == "stream":
        return {"name": "stdout", "text": "x" * int(fields["bytes"])}
    if kind == "execute_result":
        return {"data": {"text/plain": "42"}, "execution_count": int(fields["n"])}
    if kind == "error":
        return {"ename": fields["ename"], "evalue": "made up", "traceback": ["Traceback", fields["ename"]]}
    if kind == "execute_reply":
        return {"status": fields["state"]}
    return {}


def steps_of(lines):
    """Return what a reducer hears in these lines, without the replies, which the server part does not hear."""
    index, base, last = 0, 0, 0
    is_death = any(kind == "status" and rest == "s=autorestarting" for _at, kind, rest in lines)
    for at, kind, rest in lines:
        base += 100_000 if int(at) < last - 50_000 else 0
        last = int(at)
        second = (base + int(at)) / 1000
        fields = dict(FIELD.findall(rest))
        if kind == "status" and rest == "s=restarting":
            yield {"at": second, "kernel": "died" if is_death else "restarted"}
        if (kind == "status" and rest == "s=connecting") or kind != "msg":
            if kind == "interrupt":
                yield {"at": second, "kernel": "interrupted"}
            continue
        if fields["direction"] == "send":
            yield {"at": second, "hint": {"msgId": fields["id"], "cellId": fields["cell"], "cellIndex": index}}
            index += 1
        elif fields["channel"] == "iopub" and fields.get("state") != "restarting":
            message = {
                "type": fields["type"],
                "date": datetime.fromisoformat(fields["date"].replace("Z", "+00:00")).timestamp(),
                "parent": fields.get("parent"),
                "content": content_of(fields["type"], fields),
            }
            yield {"at": second, "message": message}


def with_interrupt(steps):
    """The logs do not have the request that interrupts; it came just before the KeyboardInterrupt."""
    for step in steps:
        if step.get("message", {}).get("type") == "error":
            yield {"at": step["at"] - 0.05, "kernel": "interrupted"}
        yield step


def server_part_steps(text):
    """Return the steps of server_part_watch.log up to its first idle; dates follow from its seconds."""
    for line in text.splitlines():
        if not line.startswith("  ("):
            continue
        at, kind, parent, _parent_type, content, _is_cut = ast.literal_eval(line.strip())
        try:
            value = ast.literal_eval(content)
        except SyntaxError:  # a traceback that was cut in the log
            value = {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["Traceback"]}
        yield {"at": at, "message": {"type": kind, "date": 1_795_819_000 + at, "parent": parent, "content": value}}
        if value.get("execution_state") == "idle":
            return


def write(name, steps, expected):
    lines = [*steps, {"expect": expected}]
    (FOLDER / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def main():
    for file, wanted in SECTIONS.items():
        found = sections((FOLDER / file).read_text())
        for title, (name, expected) in wanted.items():
            steps = steps_of(found[title])
            write(name, with_interrupt(steps) if "interrupt" in name else steps, expected)
    write("server_part", server_part_steps((FOLDER / "server_part_watch.log").read_text()), SERVER_PART)


if __name__ == "__main__":
    main()
