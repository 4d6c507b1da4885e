"""Files of the product are their owner's alone. What `up` makes and finds: test_up.py."""

import os
import stat
from pathlib import Path

import pytest

from operations.local.file_permissions import make_private, private_files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    top = tmp_path / "data"
    (top / "media" / "maps").mkdir(parents=True)
    for name in ("secret_key", "media/maps/a.jpg", "program"):
        (top / name).touch()
    for path in (top, *top.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (top / "program").chmod(0o755)
    return top


def test_what_is_there_is_tightened_once(loose: Path) -> None:
    assert make_private(loose) == 6
    assert {mode(path) for path in (loose, loose / "media", loose / "media" / "maps")} == {0o700}
    assert {mode(loose / name) for name in ("secret_key", "media/maps/a.jpg")} == {0o600}
    assert mode(loose / "program") == 0o700
    assert make_private(loose) == 0
    assert make_private(loose / "nowhere") == 0


def test_links_lead_nowhere(loose: Path, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir(mode=0o755)
    (other / "file").touch(mode=0o644)
    (loose / "link").symlink_to(other)
    (loose / "file").symlink_to(other / "file")
    make_private(loose)
    assert (mode(other), mode(other / "file") & 0o077) == (0o755, 0o044)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_user_is_theirs(loose: Path) -> None:
    os.chown(loose / "media", 12345, -1)
    make_private(loose)
    assert (mode(loose / "media"), mode(loose / "media" / "maps")) == (0o777, 0o777)


def test_a_home_is_not_closed(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody put everything where other things are: only what is known to be ours is closed."""
    monkeypatch.setenv("HOME", str(loose))
    make_private(loose)
    assert (mode(loose), mode(loose / "program")) == (0o777, 0o755)
    assert (mode(loose / "secret_key"), mode(loose / "media"), mode(loose / "media" / "maps" / "a.jpg")) == (
        0o600,
        0o700,
        0o600,
    )


def test_a_umask_for_a_while(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_files():
            (tmp_path / "inside").touch()
        (tmp_path / "outside").touch()
        assert (mode(tmp_path / "inside"), mode(tmp_path / "outside")) == (0o600, 0o644)
    finally:
        os.umask(before)


def test_uploads_are_private_under_any_umask(tmp_path: Path, settings) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import FileSystemStorage

    settings.MEDIA_ROOT = tmp_path
    before = os.umask(0)
    try:
        name = FileSystemStorage().save("maps/room.jpg", ContentFile(b"x"))
    finally:
        os.umask(before)
    assert (mode(tmp_path / name), mode(tmp_path / "maps")) == (0o600, 0o700)
