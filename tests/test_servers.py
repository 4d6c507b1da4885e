"""What a killed session leaves is removed by the next one, and what is in use by nobody else."""

from tests import servers


def test_the_directory_of_a_killed_session_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "in_memory", lambda: str(tmp_path))
    running, held = servers.make_directory()
    killed, lock = servers.make_directory()
    lock.close()  # as the kernel does
    (killed / "postgres").mkdir()
    starting = tmp_path / f"{servers.PREFIX}starting"
    starting.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / servers.LOCK).touch()
    servers.clear_leftovers(tmp_path)
    held.close()
    assert set(tmp_path.iterdir()) == {running, starting, other}
