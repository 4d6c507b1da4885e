"""Processor time and memory of the running system, by what its processes are; read from /proc."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# The first word found in a command line names the group; everything else of the system is `other`.
GROUPS = {
    "uvicorn": "web",
    "daphne": "web",
    "postgres": "postgres",
    "valkey": "valkey",
    "redis-server": "valkey",
    "rqcron": "cron",
    "rqworker": "workers",
    "manage.py work": "workers",
    "manage.py up": "supervisor",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    pid: int
    group: str
    cpu: float  # seconds, those of its children that have ended included
    peak: float  # MiB resident at most so far; PostgreSQL's shared buffers count in every process that touched them


def family(*roots: int) -> list[Process]:
    """Return the processes `roots` and their descendants; those that end meanwhile are left out."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        if process := _process(pid):
            found.append(process)
    return found


def cpu_seconds(*roots: int) -> dict[str, float]:
    """Return the processor time so far by group; subtract two readings."""
    total: dict[str, float] = defaultdict(float)
    for process in family(*roots):
        total[process.group] += process.cpu
    return dict(total)


def all_cpu_seconds() -> float:
    """Return the processor time of everything on the machine so far; subtract two readings."""
    fields = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS  # without idle and waiting for the disk


def _process(pid: int) -> Process | None:
    fields = _stat(pid)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    if not fields:
        return None
    group = next((name for word, name in GROUPS.items() if word in command), "other")
    peak = next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
    return Process(pid=pid, group=group, cpu=sum(int(ticks) for ticks in fields[11:15]) / TICKS, peak=peak)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, which may itself hold spaces: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
