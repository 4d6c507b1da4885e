"""Nonsense in the administration's addresses is 400, an empty list or the list without it: never 500."""

import pytest
from django.contrib import admin

from tests.lms.admin.admin_rows import one_of_each
from tests.nonsense import VALUES
from tests.visitors import recognise

pytestmark = pytest.mark.usefixtures("plain_templates")

admin.autodiscover()
MODELS = list(admin.site._registry)
LOOKUPS = ["__exact", "__year", "__gte", "__in"]
OTHERS = ["q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters", "id", "pk__in", "year",
          "id__exact", "unknown"]  # fmt: skip


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
    return [f"{field}{lookup}" for field in {*fields, *related} for lookup in LOOKUPS] + OTHERS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists(rows, admin_client, model):
    bad = []
    for name in names_of(model):
        for value in VALUES[:8] if name in ("q", "p", "o", "id") else ("%00", "99999", "99999999999999999999"):
            status = admin_client.get(f"{place(model)}?{name}={value}").status_code
            if status >= 500:
                bad.append((name, value[:30], status))
    assert bad == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows(admin_client, model):
    bad = []
    for value in ("%00", "%ED%A0%80", "99999999999999999999", "%C2%B2", "_00"):
        for page in ("change/", "delete/", "history/", ""):
            address = f"{place(model)}{value}/{page}"
            status = admin_client.get(address).status_code
            if status >= 500:
                bad.append((address[:80], status))
    for page in ("add/", "export/", "0/change/", "0/delete/", "0/history/", "0/password/"):
        for query in ("", "?_to_field=%00", "?_changelist_filters=status%3D%00&email=%00&id=%00"):
            status = admin_client.get(f"{place(model)}{page}{query}").status_code
            if status >= 500:
                bad.append((page, query, status))
    assert bad == []
