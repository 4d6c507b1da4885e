"""Static files, and the pictures of rooms among their addresses, on every server that may run the product."""

import re
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from lms.maps import replace_map
from tests.lms.notebooks.pictures import picture
from tests.realtime.servers import COMMANDS, serve
from tests.servers import wait_until

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", COMMANDS)
def test_pictures_of_rooms_and_static_files(kind, settings, tmp_path: Path):
    """`/static/maps/…` is none of the files that a static server knows; it must not keep the address for itself."""
    settings.MEDIA_ROOT = tmp_path
    made = replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    with serve(kind, MEDIA_ROOT=str(tmp_path)) as server:
        origin = f"http://127.0.0.1:{server.port}"
        wait_until(lambda: answers(origin), what=kind)
        shown = httpx.get(f"{origin}{made.image_url}")
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
        assert httpx.get(f"{origin}/static/maps/nothing.jpg").status_code == 404
        style = httpx.get(f"{origin}/static/css/base/tokens.css")
        assert style.status_code == 200
        assert style.headers["Content-Type"].startswith("text/css")


def answers(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/api/v1/health/simple", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_what_others_wrote_is_as_they_published_it():
    """Each script of static/vendor has its row, with its hash, in docs/development.md."""
    rows = re.findall(r"^\| `([\w.-]+\.js)` .*`([0-9a-f]{64})` \|$", (ROOT / "docs/development.md").read_text(), re.M)
    found = {file.name: sha256(file.read_bytes()).hexdigest() for file in (ROOT / "static/vendor").glob("*.js")}
    assert found
    assert dict(rows) == found
