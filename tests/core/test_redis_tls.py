"""Every client of Valkey speaks TLS, and checks who answers, where the address says `rediss`.

The Valkey of the wheel is built without TLS, so its side is a proxy that speaks it, before the real server.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.core.cache.backends.redis import RedisCache
from django_rq.connection_utils import get_redis_connection
from redis.exceptions import RedisError

from core.redis import async_client, blocking_client, channel_options, rq_options, short_timeout_client
from core.redis_address import parse
from tests.servers import ROOT

OPENSSL = "openssl"
pytestmark = pytest.mark.skipif(not shutil.which(OPENSSL), reason="no openssl, which signs the certificates")


@dataclass(frozen=True, kw_only=True)
class Tls:
    url: str  # with the CA that signed
    port: int
    other_ca: Path


def sign(directory: Path, name: str) -> None:
    """Make a CA `name`.pem, and a certificate of localhost signed by it, `name`-server.pem and .key."""
    ca, server = directory / name, directory / f"{name}-server"
    (directory / "names").write_text("subjectAltName=DNS:localhost")
    for words in (
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={name}"],
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", f"{server}.key", "-out", f"{server}.csr", "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", f"{server}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
         "-days", "2", "-extfile", str(directory / "names"), "-out", f"{server}.pem"],
    ):  # fmt: skip
        subprocess.run([OPENSSL, *words], check=True, capture_output=True)


@pytest.fixture
def tls(redis_server, tmp_path) -> Iterator[Tls]:
    directory = tmp_path
    sign(directory, "ours")
    sign(directory, "other")
    words = [directory / "ours-server.pem", directory / "ours-server.key", str(redis_server.valkey.port)]
    command = [sys.executable, "-m", "tests.core.tls_proxy", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as proxy:
        assert proxy.stdout
        port = int(proxy.stdout.readline())
        yield Tls(
            url=f"rediss://:{redis_server.valkey.password}@localhost:{port}/0?ssl_ca_certs={directory}/ours.pem",
            port=port,
            other_ca=directory / "other.pem",
        )
        proxy.kill()


def clients(url: str) -> None:
    """Make one of each kind, and ask the server with it. Raises RedisError."""
    assert blocking_client(timeout=4, url=url).ping()
    assert short_timeout_client(timeout=4, url=url).ping()
    assert get_redis_connection(rq_options(parse(url))).ping()
    cache = RedisCache(url, {})
    cache.set("tls", "text")
    assert cache.get("tls") == "text"
    asyncio.run(live(url))


async def live(url: str) -> None:
    link = async_client(timeout=4, url=url)
    assert await link.ping()
    await link.aclose()
    layer = RedisPubSubChannelLayer(hosts=[channel_options(parse(url))])
    name = await layer.new_channel()
    await layer.group_add("lesson", name)
    await layer.group_send("lesson", {"type": "row"})
    assert await asyncio.wait_for(layer.receive(name), 10) == {"type": "row"}
    await layer.flush()


def test_every_client_speaks_it(tls):
    clients(tls.url)


def test_who_answers_is_checked(tls):
    # Another CA, and the CAs of the system.
    for url in (f"rediss://localhost:{tls.port}/0?ssl_ca_certs={tls.other_ca}", f"rediss://localhost:{tls.port}/0"):
        with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
            blocking_client(timeout=4, url=url).ping()
        with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
            get_redis_connection(rq_options(parse(url))).ping()
        with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
            asyncio.run(live(url))


def test_a_plain_client_at_its_port_fails_and_does_not_wait(tls):
    with pytest.raises(RedisError):
        blocking_client(timeout=4, url=f"redis://localhost:{tls.port}/0").ping()
