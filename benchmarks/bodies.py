"""Request bodies of events of about 1 KB, as a class of students produces them."""

import time
from datetime import UTC, datetime

import msgspec

CELLS = 18
ERROR_EVERY = 5  # one run in five fails
EVENT_BYTES = 1024
HEAD = "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "


def event(*, tag: str, number: int, students: int, cells: int = CELLS) -> dict[str, object]:
    """Return the `number`th run of the class `tag`; both determine its id and student."""
    student, cell, fails = number % students, number // students % cells, number % ERROR_EVERY == 0
    found: dict[str, object] = {
        "eventId": f"{tag}-{number:08d}",
        "eventType": "cell_executed",
        "eventTime": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "emailAddress": address(tag=tag, student=student),
        "teamName": f"チーム{student // 4 % 99 + 1}",
        "userName": f"学生 {student:03d}",
        "sessionId": f"{tag}-session-{student:03d}",
        "notebookPath": "lesson/演習01.ipynb",
        "cellId": f"cell-{cell:02d}",
        "cellIndex": cell,
        "cellType": "code",
        "code": "",
        "executionCount": number // students + 1,
        "hasError": fails,
        "result": "NameError: name 'prcies' is not defined" if fails else "137.5",
        "executionDurationMs": 3,
    }
    if fails:
        found["errorMessage"] = found["result"]
    line = "total = sum(prices) / len(prices)  # 平均\n"
    missing = EVENT_BYTES - len(msgspec.json.encode(found))
    found["code"] = line * (missing // len(line.encode()) + 1)
    return found


def address(*, tag: str, student: int) -> str:
    return f"{tag}-{student:03d}@example.com"


def requests(*, tag: str, count: int, size: int, students: int, cells: int = CELLS, first: int = 0) -> list[bytes]:
    """Return complete HTTP requests with `count` events from the `first`th on, `size` in each."""
    encode = msgspec.json.encode
    found = []
    for begin in range(first, first + count, size):
        numbers = range(begin, min(begin + size, first + count))
        events = [event(tag=tag, number=number, students=students, cells=cells) for number in numbers]
        found.append(request(encode(events)))
    return found


def request(body: bytes) -> bytes:
    return f"{HEAD}{len(body)}\r\n\r\n".encode() + body
