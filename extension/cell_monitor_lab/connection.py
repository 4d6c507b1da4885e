"""The student's token: asked for once with the class key or a class code, then used for everything."""

from __future__ import annotations

import contextlib
import platform
import threading
import time
from collections.abc import Callable
from typing import Any

from . import CLIENT
from .identity import Identity, token_owner
from .privacy import Privacy
from .product import Answer, Product, Unreachable
from .sender import REFUSED_SECONDS, NotReady, Route, say_of_wrong_address
from .settings import Settings
from .texts import say

TOKEN_PATH = "/api/v1/me/token"  # noqa: S105
CONFIRMATION_SECONDS = 15.0  # how often a device asks whether it has been confirmed
WITHOUT_TOKENS_SECONDS = 3600.0  # how long a product is taken for one that has none
UNANSWERED_SECONDS = 60.0
MAX_RETIRED = 20


class Connection:
    """Says where and as whom to send. Blocks while it asks the product; threads may share it."""

    def __init__(self, settings: Settings, identity: Callable[[], Identity], privacy: Privacy) -> None:
        self._settings, self._identity, self._privacy = settings, identity, privacy
        self._lock = threading.Lock()
        self._without_tokens: tuple[str, float] = ("", 0.0)  # address, until when

    def route(self) -> Route:
        """Return where to send. Raises NotReady, Unreachable."""
        identity = self._identity()
        if not identity.is_complete:
            raise NotReady(say("bad-address" if identity.has_bad_address else "not-configured"), UNANSWERED_SECONDS)
        if not self._privacy.is_allowed:
            raise NotReady(say("consent-needed"), REFUSED_SECONDS)
        with self._lock:
            token = self._token(identity)
            if token is None and self._may_claim(identity):
                token = self._claim(identity)
            if token is not None and token["status"] == "waiting":
                token = self._ask_again(identity, token)
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Student {token['token']}"
        elif identity.class_key:
            headers["X-Class-Key"] = identity.class_key
        return Route(identity.url, headers, identity.host)

    def student(self) -> dict[str, Any] | None:
        """Return {id, email, name, team} as the product knows the student, once there is a token."""
        token = self._token(self._identity())
        return (token or {}).get("student")

    def state(self) -> dict[str, Any]:
        """Return {status, check_number, class}: status is none, active or waiting. The token is not in it."""
        token = self._token(self._identity()) or {}
        return {
            "status": token.get("status", "none"),
            "check_number": token.get("check_number"),
            "class": token.get("class"),
        }

    def has_token(self) -> bool:
        """Tell whether the product knows this device."""
        return bool(self.state()["status"] == "active")

    def retire(self) -> None:
        """Use the token no more. It is ended at the product before the next is asked for.

        As long as it is open there, a next one would wait to be confirmed by a device that is gone.
        """
        token = self._settings.get("token")
        if token:
            retired = [*(self._settings.get("retired") or []), {"url": token["owner"]["url"], "token": token["token"]}]
            self._settings.put(token=None, inbox_since=None, retired=retired[-MAX_RETIRED:])

    def forget(self) -> None:
        """End the token here, and at the product as soon as that can be reached."""
        self.retire()
        with contextlib.suppress(Unreachable):
            self._end_retired(self._identity().url)

    def _end_retired(self, url: str) -> None:
        """End the retired tokens of this product. Raises Unreachable."""
        for each in list(self._settings.get("retired") or []):
            if each["url"] == url:
                _ask(url, "DELETE", None, {"Authorization": f"Student {each['token']}"})
                left = [other for other in self._settings.get("retired") or [] if other != each]
                self._settings.put(retired=left or None)

    def _token(self, identity: Identity) -> dict[str, Any] | None:
        token = self._settings.get("token")
        return token if token and token.get("owner") == token_owner(identity) else None

    def _may_claim(self, identity: Identity) -> bool:
        if not identity.class_key and not identity.class_code:
            return False
        address, until = self._without_tokens
        return address != identity.url or time.monotonic() > until

    def _claim(self, identity: Identity) -> dict[str, Any] | None:
        """Ask for a token; None where the product has none to give. Raises NotReady, Unreachable."""
        if self._settings.get("token"):
            self.retire()  # of another student, class or product
        self._end_retired(identity.url)
        body: dict[str, Any] = {
            "userId": identity.user_id,
            "userName": identity.user_name or None,
            "teamName": identity.team or None,
            "device": platform.node()[:100] or "unknown",
            "client": CLIENT,
        }
        headers = {}
        if identity.class_code:
            body["class_code"] = identity.class_code
        else:
            headers["X-Class-Key"] = identity.class_key
        answer = _ask(identity.url, "POST", {name: value for name, value in body.items() if value}, headers)
        if answer.status in (404, 405) and identity.class_key:
            self._without_tokens = (identity.url, time.monotonic() + WITHOUT_TOKENS_SECONDS)
            return None
        value = answer.json()
        if answer.status != 201 or not isinstance(value, dict) or not value.get("token"):
            raise _not_ready(answer, identity)
        token = {
            "owner": token_owner(identity),
            **{name: value.get(name) for name in ("token", "status", "check_number", "student", "class")},
        }
        other = self._token(identity)
        if token["status"] == "waiting" and other and other["status"] == "active":
            return other  # of another server on this home, which asked at the same time
        self._settings.put(token=token)
        return token

    def _ask_again(self, identity: Identity, token: dict[str, Any]) -> dict[str, Any]:
        """Return the token once it is active. Raises NotReady while it is not, Unreachable."""
        answer = _ask(identity.url, "GET", None, {"Authorization": f"Student {token['token']}"})
        value = answer.json()
        if answer.status == 401 and self._may_claim(identity):
            self._settings.put(token=None)  # it waited too long, or was revoked
            return self._claim(identity) or token
        if answer.status != 200 or not isinstance(value, dict):
            raise _not_ready(answer, identity)
        token = {**token, **{name: value.get(name) for name in ("status", "student", "class")}}
        if token["status"] != "active":
            text = say("waiting-for-confirmation", check_number=token.get("check_number"))
            raise NotReady(text, CONFIRMATION_SECONDS)
        self._settings.put(token=token)
        return token


def _ask(url: str, method: str, body: Any, headers: dict[str, str]) -> Answer:
    product = Product(url)
    try:
        answer = product.request(method, TOKEN_PATH, body, headers)
    finally:
        product.close()
    if answer.status >= 500:
        raise Unreachable(str(answer.status), product.name)
    return answer


def _not_ready(answer: Answer, identity: Identity) -> NotReady:
    """Return what is said of a token that was not given."""
    if answer.status == 401 and identity.class_code:
        text = say("code-unknown")
    elif answer.status in (401, 403, 422, 429):
        code = {422: "not-taken", 429: "try-later"}.get(answer.status, "refused")
        text = {**say(code, host=identity.host), "detail": answer.detail()}
    else:
        return NotReady(say_of_wrong_address(answer, identity.host), UNANSWERED_SECONDS)
    return NotReady(text, UNANSWERED_SECONDS if answer.status == 429 else REFUSED_SECONDS)
