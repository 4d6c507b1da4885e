"""Play a term over HTTP: lessons, homework, requests for help, hand-ins, extensions and grades of two classes.

Two teachers, an assistant. Some students are in both classes and work on the same notebook paths in both. Nothing here
knows what the product makes of it: what is expected is counted afterwards, from the rows (`recount`).
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

PASSWORD = "correct horse 9"
CELLS = 10  # of each lesson's notebook
LESSON = timedelta(minutes=50)
ERRORS = (
    "ZeroDivisionError: division by zero",
    "NameError: name 'totl' is not defined",
    "IndexError: list index out of range",
)
NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [], "execution_count": 1}],
}


@dataclass(frozen=True)
class Size:
    lessons: int
    students: int
    assignments: int


@dataclass(kw_only=True)
class Played:
    """What was sent: for comparing with what is stored."""

    class_ids: tuple[int, int]
    runs: list[int]  # by class
    events: int = 0
    refused: list[int] = field(default_factory=list)  # statuses that the assistant's tries to grade got


@dataclass(kw_only=True)
class Person:
    """Somebody of the staff, with a token for the API and a session for the pages."""

    url: str
    email: str
    client: httpx.Client = field(init=False)
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=60)
        login = {"email": self.email, "password": PASSWORD}
        token = self.call("POST", "auth/login", json=login, headers={})["token"]["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        form = self.client.get("/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert found
        answer = self.client.post("/login/", data={**login, "username": self.email, "csrfmiddlewaretoken": found[1]})
        assert answer.status_code == 302, answer.text

    def call(self, method: str, path: str, **options: Any) -> Any:
        options.setdefault("headers", getattr(self, "headers", {}))
        answer = self.client.request(method, f"/api/v1/{path}", **options)
        assert answer.status_code < 400, (method, path, answer.status_code, answer.text)
        return answer.json()

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.content.decode("utf-8-sig")

    def submit(self, path: str, **fields: object) -> httpx.Response:
        """Fill in the form of a page, as a browser does: with its hidden fields."""
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page(path))
        return self.client.post(path, data={**dict(hidden), **fields})


@dataclass(kw_only=True)
class Term:
    url: str
    keys: tuple[str, str]
    teachers: tuple[Person, Person]
    assistant: Person
    size: Size
    class_ids: tuple[int, int]
    now: datetime
    chance: random.Random

    def play(self) -> Played:
        shared = self.size.students // 5
        first = [f"s{number:03}@example.com" for number in range(self.size.students)]
        second = [*first[:shared], *(f"t{number:03}@example.com" for number in range(self.size.students - shared))]
        played = Played(class_ids=self.class_ids, runs=[0, 0])
        for place, students in enumerate((first, second)):
            events = list(self._events(place, students))
            played.runs[place] = sum(event["eventType"] == "cell_executed" for event in events)
            played.events += len(events)
            self._send(events, self.keys[place])
        return played

    # --- Lessons ------------------------------------------------------------------------------------------------------

    def _events(self, place: int, students: list[str]) -> Iterator[dict[str, Any]]:
        for number in range(self.size.lessons):
            # The second class has its lesson at the same time as the first on some days.
            begin = self._begin(number) + timedelta(hours=place * (number % 3))
            for email in students:
                if self.chance.random() < 0.08:
                    continue  # absent
                yield from self._lesson(place, number, email, begin)
                if self.chance.random() < 0.04:
                    yield from self._homework(place, number, email, begin + timedelta(hours=9))

    def _begin(self, number: int) -> datetime:
        """Return when a lesson begins: within the last 26 days, at one o'clock UTC."""
        days = 1 + round(25 * (self.size.lessons - 1 - number) / max(1, self.size.lessons - 1))
        return (self.now - timedelta(days=days)).replace(hour=1, minute=0, second=0, microsecond=0)

    def _lesson(self, place: int, number: int, email: str, begin: datetime) -> Iterator[dict[str, Any]]:
        at = begin + timedelta(seconds=self.chance.uniform(0, 240))
        common = {
            "emailAddress": email,
            "userName": email[:4].upper(),
            "teamName": f"Team {email[2]}",
            "sessionId": f"{place}-{number}-{email}",
            "notebookPath": f"lesson{number:02}.ipynb",
        }
        skill, asked = self.chance.betavariate(3, 2), False
        for cell in range(CELLS):
            for _ in range(7):
                at += timedelta(seconds=self.chance.expovariate(1 / 45) + 1)
                if at > begin + LESSON:
                    return
                is_error = self.chance.random() > skill - 0.3 * (cell % 4 == 3)
                yield self._run(common, cell, at, error=self.chance.choice(ERRORS) if is_error else None)
                if not is_error:
                    break
                if not asked and self.chance.random() < 0.05:
                    asked = True
                    yield {**common, "eventType": "help", "eventTime": at.isoformat()}
                    at += timedelta(seconds=self.chance.uniform(30, 400))
                    yield {**common, "eventType": "help_stop", "eventTime": at.isoformat()}
            if self.chance.random() < 0.03:
                yield self._run(common, cell, at + timedelta(seconds=0.5), error=None, cellType="markdown")

    def _homework(self, place: int, number: int, email: str, begin: datetime) -> Iterator[dict[str, Any]]:
        common = {"emailAddress": email, "sessionId": f"h{place}-{number}-{email}", "notebookPath": "home.ipynb"}
        for cell in range(3):
            at = begin + timedelta(seconds=self.chance.uniform(0, 3600))
            yield self._run(common, cell, at, error=None)

    def _run(
        self, common: dict[str, Any], cell: int, at: datetime, *, error: str | None, **fields: Any
    ) -> dict[str, Any]:
        return {
            **common,
            "eventType": "cell_executed",
            "eventTime": at.isoformat(),
            "cellId": f"{common['notebookPath']}-{cell}",
            "cellIndex": cell,
            "code": f"x = {cell}",
            "executionCount": 1 + cell if fields.get("cellType") != "markdown" else None,
            "hasError": error is not None,
            "errorMessage": error or "",
            **fields,
        }

    def _send(self, events: list[dict[str, Any]], key: str) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            ordered = sorted(events, key=lambda event: event["eventTime"])
            for first in range(0, len(ordered), 100):
                answer = client.post("/api/v1/events", params={"key": key}, json=ordered[first : first + 100])
                assert answer.status_code == 202, answer.text
                assert answer.json()["batch_stats"]["failed_events"] == []

    # --- Assignments --------------------------------------------------------------------------------------------------

    def schoolwork(self, played: Played) -> None:
        """Hand in, extend and grade in both classes. Students must be stored."""
        for place, teacher in enumerate(self.teachers):
            class_id = self.class_ids[place]
            found = teacher.call("GET", "students", params={"class_id": class_id, "limit": 1000})
            students = [each["id"] for each in found]
            for number in range(self.size.assignments):
                self._assignment(played, place, number, teacher, students)

    def _assignment(self, played: Played, place: int, number: int, teacher: Person, students: list[int]) -> None:
        paths = {each["path"]: each["id"] for each in teacher.call("GET", "notebooks", params={"limit": 1000})}
        is_last = number == self.size.assignments - 1
        due = self.now + timedelta(days=7) if is_last else self._begin(number % self.size.lessons) + timedelta(days=2)
        assignment = teacher.call(
            "POST",
            "assignments",
            json={
                "class_id": self.class_ids[place],
                "notebook_id": paths[f"lesson{number % self.size.lessons:02}.ipynb"],
                "title": f"Exercise {number}",
                "due_date": due.isoformat(),
                "points": (10, 20, 7.5, None)[number % 4],
                "weight": (1, 2, 1, 0.5)[number % 4],
            },
        )["id"]
        for student in students:
            if not is_last and self.chance.random() < 0.06:
                until = due + timedelta(days=self.chance.choice([1, 30]))
                path = f"assignments/{assignment}/extensions/{student}"
                teacher.call("PUT", path, json={"due_date": until.isoformat(), "reason": "ill"})
            for attempt in range(self.chance.choices([0, 1, 2], [2, 10, 2])[0]):
                at = min(due + timedelta(hours=self.chance.uniform(-48, 20) + attempt), self.now)
                made = teacher.call(
                    "POST",
                    "submissions",
                    json={
                        "assignment_id": assignment,
                        "student_id": student,
                        "notebook_content": NOTEBOOK,
                        "submitted_at": at.isoformat(),
                    },
                )
                self._grade(played, place, teacher, made["id"])

    def _grade(self, played: Played, place: int, teacher: Person, submission: int) -> None:
        grade, way = round(self.chance.uniform(0, 11), 1), self.chance.random()
        if place == 0 and (way > 0.99 or not played.refused):
            path = f"/api/v1/submissions/{submission}"
            answer = self.assistant.client.put(path, json={"grade": 0}, headers=self.assistant.headers)
            played.refused.append(answer.status_code)
        if way < 0.7:
            body = {"grade": grade, "status": "graded", "feedback": "ok"}
            teacher.call("PUT", f"submissions/{submission}", json=body)
        elif way < 0.75:
            teacher.call("PUT", f"submissions/{submission}", json={"status": "returned"})
        elif way < 0.8:
            path = f"/classes/{self.class_ids[place]}/submissions/{submission}/"
            answer = teacher.submit(
                path, grade=str(min(grade, 7.5)), feedback="typed", then="save"
            )  # not above the points
            assert answer.status_code == 302, answer.text


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
