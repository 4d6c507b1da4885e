"""A small body of very many tiny values is refused wherever JSON is taken, before it takes fifty times its size."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from classroom.assignments.starters import StarterField
from core.json_size import MAX_CONTAINERS, TOO_MANY

LISTS = b"[" + b"[]," * MAX_CONTAINERS + b"[]]"
BODIES = {
    "lists": LISTS,
    "inside an event": b'[{"eventType": "x", "metadata": {"a": ' + LISTS + b"}}]",
    "in UTF-16": LISTS.decode().encode("utf-16"),
}
PATHS = ("cell-monitor", "submissions", "classes", "offline/queue", "auth/login")


@pytest.fixture(params=BODIES)
def body(request) -> bytes:
    return BODIES[request.param]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
async def test_every_address_refuses_it(path, body, settings):
    settings.RATE_LIMITS = False
    answer = await AsyncClient().post(f"/api/v1/{path}", body, content_type="application/json")
    assert (answer.status_code, json.loads(answer.content)) == (413, {"detail": TOO_MANY})


async def test_the_intake_refuses_it(body, redis):
    from tests.events.intake.test_intake import ADDRESS, serving

    async with serving() as client:
        answer = await client.post(ADDRESS, content=body)
    assert (answer.status_code, answer.json()) == (413, {"detail": TOO_MANY})


def test_a_starter_notebook_is_refused():
    content = b'{"nbformat": 4, "metadata": {}, "cells": ' + LISTS + b"}"
    with pytest.raises(Exception, match="too large") as refused:
        StarterField().clean(SimpleUploadedFile("a.ipynb", content))
    assert refused.typename == "ValidationError"
