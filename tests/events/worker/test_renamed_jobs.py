"""Jobs that an older release queued run under this one."""

from importlib import import_module

import django_rq

from events.worker.renamed_jobs import RENAMED, rename_queued_jobs


def test_a_queued_job_of_an_older_release_gets_todays_name_and_keeps_its_arguments(redis):
    queue = django_rq.get_queue("high")
    old = queue.enqueue("events.jobs.drain", 7, result_ttl=0, description="drain 7")
    new = queue.enqueue("events.worker.tasks.drain", 8, result_ttl=0)
    assert rename_queued_jobs() == 1
    found = queue.fetch_job(old.id)
    assert (found.func_name, found.args, found.description) == ("events.worker.tasks.drain", (7,), "drain 7")
    assert queue.fetch_job(new.id).args == (8,)
    assert queue.get_job_ids() == [old.id, new.id]
    assert rename_queued_jobs() == 0


def test_every_new_name_exists():
    for name in RENAMED.values():
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function)), name
