from collections.abc import Callable, Iterator

import pytest

from events.timeseries import backfill
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import reads as timeseries_reads
from tests.influx import Recorder, VictoriaMetrics, recording


@pytest.fixture
def point_at(settings) -> Iterator[Callable[[str], None]]:
    """Makes that the configured InfluxDB; forgets it, and what was thought of it, at the end."""

    def configure(url: str, token: str = "token") -> None:
        timeseries_client.disconnect()
        timeseries_reads.availability.failed_at = None
        settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN = url, token

    yield configure
    timeseries_client.disconnect()
    timeseries_reads.availability.failed_at = None


@pytest.fixture
def series(point_at, redis) -> Iterator[Recorder]:
    """An InfluxDB that records what it is told and asked; workers write to it."""
    with recording() as recorder:
        point_at(recorder.url)
        timeseries_buffer.set_target(redis, target=timeseries_client.target())
        yield recorder


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    """No batch is under way when a backfill begins."""
    monkeypatch.setattr(backfill, "SETTLE", 0.0)


@pytest.fixture
def victoria(tmp_path, point_at) -> Iterator[VictoriaMetrics]:
    made = VictoriaMetrics(directory=tmp_path / "series")
    made.start()
    point_at(made.url)
    yield made
    made.stop()
