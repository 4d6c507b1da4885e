"""Clients for walks of thousands of requests: each person logs in once, and the middleware is built once."""

from collections.abc import Iterable
from http.cookies import SimpleCookie

from django.test import Client
from django.test.client import ClientHandler

from instructors.models import Instructor


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
