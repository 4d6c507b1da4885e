"""Nonsense in the administration's addresses is 400, an empty list or the list without it: never 500.

Every table's list is asked for every name it knows, and each of its pages is opened, with `IN_A_LIST` or `IN_A_PAGE` of
the values, in turn; `FAULTS=long` (`make faults`) asks for all of them everywhere."""

from itertools import count

import pytest
from django.contrib import admin

from tests.lms.admin.admin_rows import one_of_each
from tests.nonsense import VALUES
from tests.selection import some_of
from tests.visitors import recognise

pytestmark = pytest.mark.usefixtures("plain_templates")

admin.autodiscover()
MODELS = list(admin.site._registry)
LOOKUPS = ["__exact", "__year", "__gte", "__in"]
OTHERS = ["q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters", "id", "pk__in", "year",
          "id__exact", "unknown"]  # fmt: skip


AFTER_A_LOOKUP = ("%00", "99999", "99999999999999999999")
AS_A_KEY = ("%00", "%ED%A0%80", "99999999999999999999", "%C2%B2", "_00")
QUERIES = ("", "?_to_field=%00", "?_changelist_filters=status%3D%00&email=%00&id=%00")
IN_A_LIST, IN_A_PAGE = 1, 2


@pytest.fixture
def admin_client(signed_in, kaoru, redis, monkeypatch):
    """The list of all tables beside each page, which no address changes, is left out: it takes a third of the time."""
    monkeypatch.setattr(admin.site, "get_app_list", lambda request, app_label=None: [])
    client = signed_in(kaoru)
    recognise(kaoru, session=client.session.session_key, patch=monkeypatch)
    client.raise_request_exception = False
    return client


@pytest.fixture(scope="module")
def rows(rows_of_a_module) -> None:
    one_of_each(1)


def place(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def names_of(model) -> list[str]:
    site = admin.site._registry[model]
    fields = [name if isinstance(name, str) else getattr(name, "parameter_name", "x") for name in site.list_filter]
    related = [name.removeprefix("=").removeprefix("^") for name in site.search_fields]
    return [f"{field}{lookup}" for field in sorted({*fields, *related}) for lookup in LOOKUPS] + OTHERS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists(rows, admin_client, model):
    bad = []
    for turn, name in enumerate(names_of(model), start=MODELS.index(model)):
        values = VALUES[:8] if name in ("q", "p", "o", "id") else AFTER_A_LOOKUP
        for value in some_of(values, turn, share=IN_A_LIST):
            status = admin_client.get(f"{place(model)}?{name}={value}").status_code
            if status >= 500:
                bad.append((name, value[:30], status))
    assert bad == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows(admin_client, model):
    bad = []
    turns = count(MODELS.index(model))
    for page in ("change/", "delete/", "history/", ""):
        for value in some_of(AS_A_KEY, next(turns), share=IN_A_PAGE):
            address = f"{place(model)}{value}/{page}"
            status = admin_client.get(address).status_code
            if status >= 500:
                bad.append((address[:80], status))
    for page in ("add/", "export/", "0/change/", "0/delete/", "0/history/", "0/password/"):
        for query in some_of(QUERIES, next(turns), share=IN_A_PAGE):
            status = admin_client.get(f"{place(model)}{page}{query}").status_code
            if status >= 500:
                bad.append((page, query, status))
    assert bad == []
