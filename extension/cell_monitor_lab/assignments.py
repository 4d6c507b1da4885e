"""Assignments: the list, starters that never overwrite a file, and hand-ins with a receipt."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import sqlite3
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from .connection import TOKEN_PATH
from .outbox import Outbox
from .product import Answer, Product, Unreachable
from .sender import NOT_NOW, NotReady, Route, say_of_wrong_address
from .settings import Settings
from .texts import say

LIMIT_BYTES = 5 * 1024 * 1024  # the product's SUBMISSION_BYTES_LIMIT, where it does not tell another
HAND_IN_TIMEOUT_SECONDS = 60.0
MAX_COPIES = 1000

Rows = list[dict[str, Any]]  # within the class, `list` is a method

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Refused(Exception):
    """Something cannot be done; `text` says why in {code, en, ja}, `status` is that of the answer to the panel."""

    def __init__(self, text: dict[str, str], status: int = 409, **more: Any) -> None:
        super().__init__(text["code"])
        self.text, self.status, self.more = text, status, more


def canonical(content: Any) -> bytes:
    """Return canonical JSON as the product hashes it: sorted keys, no blanks, UTF-8, whole numbers without a fraction,
    U+FFFD for what PostgreSQL cannot store, null for NaN and infinities."""
    return json.dumps(
        _storable(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {_storable_text(str(key)): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(Decimal(repr(value))) if value.is_integer() else value
    return value


def _storable_text(text: str) -> str:
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    return joined.replace("\0", "\ufffd")


def free_name(filename: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name that no file has: `name.ipynb`, else `name-2.ipynb`, … Folders in `filename` are dropped."""
    plain = PurePosixPath(filename.replace("\\", "/")).name.lstrip(".") or "assignment.ipynb"
    stem = plain[: -len(".ipynb")] if plain.endswith(".ipynb") else plain
    for number in range(1, MAX_COPIES):
        name = f"{stem}.ipynb" if number == 1 else f"{stem}-{number}.ipynb"
        if not is_taken(name):
            return name
    raise Refused(say("not-written", why=plain))


def _notebook_text(content: Any) -> bytes:
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise Refused(say("no-notebook"), 422)
    return canonical(content)


class Assignments:
    """Asks the product; every method blocks, so call it in a thread. Raises Refused."""

    def __init__(
        self,
        route: Callable[[], Route],
        student: Callable[[], dict[str, Any] | None],
        outbox: Outbox,
        settings: Settings,
    ) -> None:
        self._route, self._student, self._outbox, self._settings = route, student, outbox, settings
        self._last: dict[str, Any] | None = None
        self._unwritten: dict[str, Any] | None = None  # drafts that the disk did not take

    def list(self) -> dict[str, Any]:
        """Return the product's answer to GET /me and {is_stale}: the last one known while the product is away."""
        try:
            answer = self._ask("GET", "/api/v1/me")
        except Refused as error:
            if self._last is not None and error.status == 503:
                return {**self._last, "is_stale": True, "drafts": self.drafts(), "fetched": self.fetched()}
            raise
        self._last = self._value(answer, 200)
        return {**self._last, "is_stale": False, "drafts": self.drafts(), "fetched": self.fetched()}

    def fetched(self) -> dict[str, str]:
        """Return {assignment id: path} of the starters that were written here."""
        return dict(self._settings.get("fetched", {}))

    def note_fetched(self, assignment_id: int, path: str) -> None:
        """Remember where a starter was written."""
        self._settings.put(fetched={**self.fetched(), str(assignment_id): path})

    def progress(self) -> Rows:
        """Return [{assignment_id, completed_cells, total_cells}]; nothing where the product does not tell."""
        student = self._student()
        if student is None:
            return []
        answer = self._ask("GET", f"/api/v1/progress/student/{student['id']}")
        summary = (answer.json() or {}).get("progress") if answer.status == 200 else None
        found = (summary or {}).get("assignments_progress") or []
        items = list(found.values()) if isinstance(found, dict) else found
        names = ("assignment_id", "completed_cells", "total_cells")
        return [{name: item[name] for name in names} for item in items if all(name in item for name in names)]

    def devices(self) -> Rows:
        """Return the student's devices: [{id, device, client, status, check_number, is_this, …}]."""
        if self._student() is None:
            return []
        return self._devices(self._ask("GET", TOKEN_PATH))

    def confirm_device(self, device_id: int) -> Rows:
        """Say that a waiting device is the student's own too; return all of them."""
        return self._devices(self._ask("POST", f"{TOKEN_PATH}/confirm", {"id": device_id}))

    def _devices(self, answer: Answer) -> Rows:
        found = self._value(answer, 200).get("devices")
        return found if isinstance(found, list) else []

    def own_page(self) -> dict[str, Any]:
        """Return {url} of the student's own page, with a code that works once."""
        answer = self._ask("POST", "/api/v1/me/page")
        url = str((answer.json() or {}).get("url") or "") if answer.status == 201 else ""
        if not url.startswith(("http://", "https://")):
            raise Refused(say("no-page"), 409, detail=answer.detail())
        return {"url": url}

    def switch_questions(self, may_be_asked: bool) -> dict[str, Any]:
        """Say whether the student may be asked if they are stuck; return {is_on, may_be_asked}."""
        return self._value(self._ask("PUT", "/api/v1/me/question", {"may_be_asked": may_be_asked}), 200)

    def starter(self, assignment_id: int) -> dict[str, Any]:
        """Return {assignment_id, filename, content, content_sha256}."""
        answer = self._ask("GET", f"/api/v1/assignments/{assignment_id}/starter")
        if answer.status == 404:
            raise Refused(say("no-starter"), 404)
        return self._value(answer, 200)

    def history(self, assignment_id: int | None) -> Any:
        """Return the student's own hand-ins without their notebooks, with grade and feedback."""
        query = f"&assignment_id={assignment_id}" if assignment_id is not None else ""
        answer = self._ask("GET", f"/api/v1/submissions?content=0{query}")
        if answer.status != 200:
            raise Refused(say("not-handed-in", detail=answer.detail() or str(answer.status)), 502)
        return answer.json()

    def drafts(self) -> dict[str, Any]:
        """Return {assignment id: {sha256, made_at}} of what is kept because it could not be handed in."""
        return {number: {"sha256": draft["sha256"]} for number, draft in self._drafts().items()}

    def trial(self, content: Any) -> dict[str, Any]:
        """Return {size, limit, content_sha256} of what would be handed in."""
        text = _notebook_text(content)
        return {"size": len(text), "limit": LIMIT_BYTES, "content_sha256": hashlib.sha256(text).hexdigest()}

    def hand_in(self, assignment_id: int, content: Any, comment: str | None = None) -> dict[str, Any]:
        """Hand in a notebook and return the receipt {attempt, submitted_at, content_sha256, is_same, text}.

        "Handed in" is said only after the product's 201. A hand-in whose answer was lost is repeated under its key, so
        that it counts once; so is the same content while it is a draft.
        """
        text = _notebook_text(content)
        if len(text) > LIMIT_BYTES:
            size, limit = f"{len(text) / 1048576:.1f}", LIMIT_BYTES // 1048576
            raise Refused(say("too-large", size=size, limit=limit), 413, size=len(text), limit=LIMIT_BYTES)
        sha256 = hashlib.sha256(text).hexdigest()
        key = self._draft_key(assignment_id, sha256)
        student = self._student()
        body = {
            "assignment_id": assignment_id,
            "student_id": student["id"] if student else None,
            "notebook_content": content,
            "submission_comment": comment,
        }
        try:
            answer = self._ask(
                "POST",
                "/api/v1/submissions",
                {name: value for name, value in body.items() if value is not None},
                {"Idempotency-Key": key},
                timeout=HAND_IN_TIMEOUT_SECONDS,
            )
        except Refused as error:
            if error.status == 503:
                raise Refused(say("draft", host=error.more["host"]), 503, is_draft=True) from None
            raise
        if answer.status == 413:
            self._drop_draft(assignment_id)
            size = f"{len(text) / 1048576:.1f}"
            raise Refused(say("too-large-there", size=size), 413, size=len(text))
        if answer.status != 201:
            self._drop_draft(assignment_id)
            raise Refused(say("not-handed-in", detail=answer.detail() or str(answer.status)), 422)
        receipt = self._value(answer, 201)
        self._drop_draft(assignment_id)
        is_same = receipt.get("content_sha256") == sha256
        said = say("handed-in", attempt=receipt.get("attempt"), submitted_at=receipt.get("submitted_at"))
        return {
            "attempt": receipt.get("attempt"),
            "submitted_at": receipt.get("submitted_at"),
            "content_sha256": receipt.get("content_sha256"),
            "is_same": is_same,
            "text": said if is_same else say("receipt-differs"),
        }

    def _draft_key(self, assignment_id: int, sha256: str) -> str:
        """Return the key of this content's hand-in, kept before it is sent."""
        drafts = self._drafts()
        draft = drafts.get(str(assignment_id))
        if draft is None or draft["sha256"] != sha256:
            draft = {"sha256": sha256, "key": str(uuid.uuid4())}
            self._keep_drafts({**drafts, str(assignment_id): draft})
        return str(draft["key"])

    def _drop_draft(self, assignment_id: int) -> None:
        drafts = self._drafts()
        if drafts.pop(str(assignment_id), None) is not None:
            self._keep_drafts(drafts)

    def _drafts(self) -> dict[str, Any]:
        if self._unwritten is not None:
            return dict(self._unwritten)
        with contextlib.suppress(sqlite3.Error):
            return dict(self._outbox.get("drafts", {}))
        return {}

    def _keep_drafts(self, drafts: dict[str, Any]) -> None:
        """Write them; on a full disk they live as long as this process."""
        try:
            self._outbox.put("drafts", drafts)
            self._unwritten = None
        except sqlite3.Error:
            self._unwritten = drafts

    def _ask(
        self,
        method: str,
        path: str,
        value: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        try:
            route = self._route()
        except NotReady as error:
            raise Refused(error.text) from error
        except Unreachable as error:
            raise Refused(say("offline", host=error.host), 503, host=error.host) from error
        product = Product(route.url)
        try:
            answer = product.request(method, path, value, {**route.headers, **(headers or {})}, timeout=timeout)
        except Unreachable as error:
            raise Refused(say("offline", host=route.host), 503, host=route.host) from error
        finally:
            product.close()
        if answer.status >= 500 or answer.status in NOT_NOW:
            raise Refused(say("busy-now", host=route.host), 503, host=route.host)
        is_page = answer.status < 300 and answer.json() is None  # of a network that wants a login, or no product
        if is_page or 300 <= answer.status < 400:
            raise Refused(say_of_wrong_address(answer, route.host))
        return answer

    @staticmethod
    def _value(answer: Answer, status: int) -> dict[str, Any]:
        value = answer.json()
        if answer.status != status or not isinstance(value, dict):
            raise Refused(say("not-connected"), 409, detail=answer.detail())
        return value
