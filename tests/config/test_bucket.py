"""Uploads in a bucket: settings, what is refused, maps, their orphans, and a bucket that is away."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from config.settings import storage
from lms import deletion
from lms.maps import remove_map, replace_map
from lms.models import ClassroomMap
from operations.local.embedded_valkey import free_port
from tests import s3
from tests.lms.notebooks.pictures import picture


@pytest.fixture(scope="module")
def server():
    with s3.serving() as found:
        yield found


@pytest.fixture
def bucket(server, monkeypatch, settings):
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "default": storage.uploads_in(s3.BUCKET)}
    yield server
    for key in s3.keys_in(server):
        s3.client_of(server).delete_object(Bucket=s3.BUCKET, Key=key)


def test_without_a_bucket_uploads_are_files():
    assert storage.uploads_in("") == {"BACKEND": "django.core.files.storage.FileSystemStorage"}


def test_half_a_login_is_refused(monkeypatch):
    pytest.importorskip("boto3", reason=s3.REASON)
    monkeypatch.setenv("UPLOADS_KEY_ID", "key")
    with pytest.raises(ImproperlyConfigured, match="belong together"):
        storage.uploads_in("uploads")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(storage, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements-s3\.txt"):
        storage.uploads_in("uploads")


@pytest.mark.django_db
def test_a_picture_is_served_by_the_product_and_private_in_the_bucket(bucket, settings):
    made = replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    [key] = s3.keys_in(bucket)
    assert key == f"lessons/maps/{made.image_filename}"
    answer = Client().get(made.image_url)
    assert (answer.status_code, answer.content) == (200, picture())
    settings.API_REQUIRE_AUTH = True
    assert Client().get(made.image_url).status_code == 403, "a stranger gets no picture"
    grants = s3.client_of(bucket).get_object_acl(Bucket=s3.BUCKET, Key=key)["Grants"]
    assert not [grant for grant in grants if "URI" in grant["Grantee"]], "only its owner may read it"


@pytest.mark.django_db
def test_a_picture_of_a_row_whose_file_is_gone_is_a_404(bucket):
    made = replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    default_storage.delete(f"maps/{made.image_filename}")
    assert Client().get(made.image_url).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_removed_map_takes_its_picture_along(bucket):
    made = replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    remove_map(made)
    assert s3.keys_in(bucket) == []


@pytest.mark.django_db
def test_prune_finds_pictures_of_no_map(bucket):
    replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    default_storage.save("maps/left.jpg", ContentFile(b"left"))
    later = timezone.now() + deletion.GRACE_PERIOD + timedelta(minutes=1)
    assert deletion.delete_orphans(now=later).pictures == 1
    assert len(s3.keys_in(bucket)) == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_bucket_is_away_pages_say_so_and_maps_can_be_removed(bucket, monkeypatch, settings):
    made = replace_map(class_id=None, picture=picture(), uploaded_by=None, now=timezone.now())
    monkeypatch.setenv("UPLOADS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    settings.STORAGES = {**settings.STORAGES, "default": storage.uploads_in(s3.BUCKET)}
    answer = Client(raise_request_exception=False).get(made.image_url)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    remove_map(made)
    assert not ClassroomMap.objects.exists()
