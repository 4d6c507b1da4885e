"""What came with a student's own token is stored as verified: runs, requests for help, and what was set aside."""

import json

from django.utils import timezone

from events.intake import app as intake_app
from events.models import CellExecution, HelpRequest, OfflineQueueEntry
from events.offline import sync
from events.processing.pipeline import _set_aside
from tests.events.conftest import event

HANAKO = "hanako@example.com"


def post(event_pipeline, *records, student=HANAKO, class_id=7):
    body = json.dumps(records).encode()
    event_pipeline.put(intake_app.admit_body(body, class_id=class_id, student=student).events)
    event_pipeline.drain()


def test_runs(event_pipeline):
    post(event_pipeline, event(eventId="verified", emailAddress=None))
    event_pipeline.post(event(eventId="not"), class_id=7)
    assert dict(CellExecution.objects.values_list("event_id", "is_verified")) == {"verified": True, "not": False}


def test_an_event_that_comes_again_without_the_token_changes_nothing(event_pipeline):
    post(event_pipeline, event(eventId="e"))
    event_pipeline.post(event(eventId="e"), class_id=7)
    assert CellExecution.objects.get().is_verified


def test_a_request_for_help(event_pipeline):
    post(event_pipeline, event("help"))
    assert HelpRequest.objects.get().is_verified


def test_a_request_that_anybody_may_have_sent(event_pipeline):
    event_pipeline.post(event("help"), class_id=7)
    assert not HelpRequest.objects.get().is_verified


def test_a_request_becomes_verified_when_the_student_asks_again(event_pipeline, clock):
    event_pipeline.post(event("help", eventTime=clock(0)), class_id=7)
    post(event_pipeline, event("help", eventTime=clock(10)))
    event_pipeline.post(event("help", eventTime=clock(20)), class_id=7)
    assert HelpRequest.objects.get().is_verified


def test_a_stop_verifies_nothing(event_pipeline, clock):
    event_pipeline.post(event("help", eventTime=clock(0), sessionId="s2"), class_id=7)
    post(event_pipeline, event("help_stop", eventTime=clock(10), sessionId="s1"))
    assert not HelpRequest.objects.get(ended_at=None).is_verified


def test_an_earlier_request_of_the_student_verifies_no_later_one(event_pipeline, clock):
    post(event_pipeline, event("help", eventTime=clock(0)), event("help_stop", eventTime=clock(5)))
    event_pipeline.post(event("help", eventTime=clock(60)), class_id=7)
    assert list(HelpRequest.objects.order_by("asked_at").values_list("is_verified", flat=True))[-1] is False


def test_what_is_set_aside_stays_verified_when_it_is_put_back(event_pipeline):
    [made] = intake_app.admit_body(json.dumps([event()]).encode(), class_id=7, student=HANAKO).events
    _set_aside(intake_app.schema.as_sent(made), made, "origin", ValueError("x"), batch="")
    entry = OfflineQueueEntry.objects.get()
    sync.deliver([entry], enqueue_drains=lambda shards: None, now=timezone.now())
    event_pipeline.drain()
    run = CellExecution.objects.get()
    assert (run.is_verified, run.class_id) == (True, 7)
