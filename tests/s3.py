"""A server that speaks S3: moto's, over HTTP, so that boto3 and django-storages do what they do elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

BUCKET = "uploads"
REASON = "make .venv/test.stamp installs it"


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """Yield the settings of a bucket that is empty."""
    server_module = pytest.importorskip("moto.server", reason=REASON)
    boto3 = pytest.importorskip("boto3", reason=REASON)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        # What a server before it in this process held, it holds too.
        httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
        settings = {
            "UPLOADS_BUCKET": BUCKET,
            "UPLOADS_ENDPOINT": f"http://{host}:{port}",
            "UPLOADS_REGION": "us-east-1",
            "UPLOADS_PREFIX": "lessons",
            "UPLOADS_KEY_ID": "key",
            "UPLOADS_SECRET_KEY": "secret of the bucket",
        }
        client_of(settings, boto3).create_bucket(Bucket=BUCKET)
        yield settings
    finally:
        server.stop()


def client_of(settings: dict[str, str], boto3=None):
    boto3 = boto3 or pytest.importorskip("boto3", reason=REASON)
    return boto3.client(
        "s3",
        endpoint_url=settings["UPLOADS_ENDPOINT"],
        region_name=settings["UPLOADS_REGION"],
        aws_access_key_id=settings["UPLOADS_KEY_ID"],
        aws_secret_access_key=settings["UPLOADS_SECRET_KEY"],
    )


def keys_in(settings: dict[str, str]) -> list[str]:
    listed = client_of(settings).list_objects_v2(Bucket=BUCKET)
    return sorted(found["Key"] for found in listed.get("Contents", []))
