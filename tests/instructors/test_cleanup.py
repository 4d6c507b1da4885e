"""What is tidied up once an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django_rq.cron import DjangoCronScheduler

from events.worker import cleanup, tasks
from instructors.models import Instructor, RevokedToken

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_expired_logins_and_tokens_go_and_others_stay():
    now = datetime.now(UTC)
    sato = Instructor.objects.create(email="sato@school.example", name="Sato", password="!")
    for name, moment in {"old": now - HOUR, "new": now + HOUR}.items():
        Session.objects.create(session_key=name, session_data="", expire_date=moment)
        RevokedToken.objects.create(jti=name, instructor=sato, expires_at=moment)
    tasks.run_cleanup()
    assert [row.session_key for row in Session.objects.all()] == ["new"]
    assert [row.jti for row in RevokedToken.objects.all()] == ["new"]
    tasks.run_cleanup()


def test_one_that_fails_keeps_no_other_from_being_done(monkeypatch):
    Session.objects.create(session_key="old", session_data="", expire_date=datetime.now(UTC) - HOUR)

    def fails(*, now):
        raise ValueError("broken")

    monkeypatch.setattr(cleanup, "EXPIRED", [fails, *cleanup.EXPIRED])
    with pytest.raises(ValueError, match="broken"):
        tasks.run_cleanup()
    assert not Session.objects.exists()


def test_it_is_in_the_schedule():
    scheduler = DjangoCronScheduler()
    scheduler.load_config_from_file("events.worker.periodic")
    assert [job.interval for job in scheduler.get_jobs() if job.func is tasks.run_cleanup] == [3600]
