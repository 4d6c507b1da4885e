"""Clients for walks of thousands of requests: each person logs in once, and the middleware is built once."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.db import connection, transaction
from django.test import Client
from django.test.client import ClientHandler
from psycopg.pq import TransactionStatus

from instructors.models import Instructor
from instructors.sessions import SessionStore
from instructors.tokens import BearerAuthentication


class Visitors:
    """Make it where its logins are kept: in a fixture of the module, or of the test. The settings that the middleware
    reads when it is built stay as they are then."""

    def __init__(self, accounts: Iterable[Instructor | None]) -> None:
        self._handler = ClientHandler(enforce_csrf_checks=False)
        self._cookies = {None: ""}
        for account in accounts:
            if account is not None:
                client = Client()
                client.force_login(account)
                self._cookies[account.pk] = client.cookies.output(header="", sep=";")

    def client(self, account: Instructor | None) -> Client:
        """A browser of somebody who has just logged in, whatever was done with the one before."""
        client = Client(raise_request_exception=False)
        client.handler = self._handler
        client.cookies = SimpleCookie(self._cookies[account.pk if account else None])
        return client


def recognise(account: Instructor, *, session: str, bearer: str = "", patch: pytest.MonkeyPatch) -> None:
    """Look this account's session and token up once. Two to four queries of each request would find the same again;
    whoever else asks, or asks with another session or token, is looked up as ever."""
    known: dict[str, Any] = {}
    load, get_user, authenticate = SessionStore.load, ModelBackend.get_user, BearerAuthentication.authenticate

    def load_once(store: SessionStore) -> dict[str, Any]:
        if store.session_key != session:
            return load(store)
        if "session" not in known:
            known["session"] = load(store)
        return dict(known["session"])

    def authenticate_once(self: BearerAuthentication, request: Any) -> Any:
        if not bearer or request.META.get("HTTP_AUTHORIZATION") != bearer:
            return authenticate(self, request)
        if "bearer" not in known:
            known["bearer"] = authenticate(self, request)
        found, token = known["bearer"]
        return copy(found), token

    def known_user(self: ModelBackend, user_id: Any) -> Any:
        return copy(account) if user_id == account.pk else get_user(self, user_id)

    patch.setattr(SessionStore, "load", load_once)
    patch.setattr(BearerAuthentication, "authenticate", authenticate_once)
    patch.setattr(ModelBackend, "get_user", known_user)


# Statements after which there is nothing to undo.
HARMLESS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT")


class Undoing:
    """Undo what a request did to the database: one statement, and none after a request that only read, which are most.
    Within the test's transaction."""

    def __init__(self) -> None:
        self._point = transaction.savepoint()
        self.has_changes = False

    @classmethod
    @contextmanager
    def watching(cls) -> Iterator["Undoing"]:
        """It sees the statements of this block."""
        made = cls()
        with connection.execute_wrapper(made._note):
            yield made

    def _note(self, execute: Callable[..., Any], sql: Any, *arguments: Any) -> Any:
        if not (isinstance(sql, str) and sql.startswith(HARMLESS)):
            self.has_changes = True
        return execute(sql, *arguments)

    def undo(self) -> None:
        has_failed = connection.connection.info.transaction_status == TransactionStatus.INERROR
        if self.has_changes or has_failed:
            transaction.savepoint_rollback(self._point)
        connection.needs_rollback = self.has_changes = False
