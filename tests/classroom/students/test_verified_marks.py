"""Pages mark what came with a student's own token, with words for whoever does not see the mark."""

from datetime import UTC, datetime

import pytest

from events.models import HelpRequest

MARK = 'href="#verified"/></svg><span class="visually-hidden">Verified</span>'


@pytest.mark.parametrize("is_verified", [True, False])
def test_runs(signed_in, hanako, python_class, aoi, run, is_verified):
    run(aoi, is_verified=is_verified, class_id=python_class.pk)
    page = signed_in(hanako).get(f"/classes/{python_class.pk}/students/{aoi.pk}/").content.decode()
    assert page.count(MARK) == is_verified
    assert page.count("verified-legend") == 1


@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize("page", ["students/{}/?part=help", "attention/"])
def test_requests_for_help(signed_in, hanako, python_class, aoi, is_verified, page):
    now = datetime.now(UTC)
    moments = {"asked_at": now, "last_asked_at": now, "last_heard_at": now}
    HelpRequest.objects.create(student=aoi, class_id=python_class.pk, is_verified=is_verified, **moments)
    path = f"/classes/{python_class.pk}/{page.format(aoi.pk)}"
    assert signed_in(hanako).get(path).content.decode().count(MARK) == is_verified
