"""The forms in which REDIS_URL may name servers."""

import pytest
from channels_redis.utils import create_pool
from django_rq.connection_utils import get_redis_connection
from redis.asyncio import SSLConnection

from core.redis import channel_options, client_of, rq_options
from core.redis_address import GONE_SECONDS, KEEPALIVE, parse


def test_one_server():
    found = parse("redis://:secret@host:6380/2")
    assert (found.kind, found.nodes, found.where) == ("server", (("host", 6380),), "host:6380")


def test_sentinels():
    found = parse("redis+sentinel://me:p%40ss@a,b:26380,[::1]:26381/lessons/3?sentinel_password=other")
    assert (found.kind, found.master) == ("sentinel", "lessons")
    assert found.nodes == (("a", 26379), ("b", 26380), ("::1", 26381))
    assert [found.options[name] for name in ("username", "password", "db")] == ["me", "p@ss", 3]
    assert found.sentinel_options["password"] == "other"
    assert "username" not in found.sentinel_options
    assert "p@ss" not in f"{found} {found.where}"


def test_tls_is_that_of_the_sentinels_too():
    found = parse("rediss+sentinel://:secret@a/lessons?ssl_ca_certs=/ca.pem")
    assert found.options["db"] == 0
    for options in (found.options, found.sentinel_options):
        assert (options["ssl"], options["ssl_ca_certs"]) == (True, "/ca.pem")


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "redis+sentinel://a:port/lessons",
        "redis+sentinel:///lessons",
        "redis+sentinel://a,,b/lessons",
        "redis+sentinel://a",
        "redis+sentinel://a/lessons/first",
        "redis+cluster://a/1",
        "amqp+sentinel://a/lessons",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match="redis"):
        parse(url)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("form", ["{}://:secret@host:6390/3", "{}+sentinel://:secret@host/lessons/3"])
def test_every_client_keeps_what_the_address_says_and_notices_a_machine_that_is_gone(form, is_tls):
    url = form.format("rediss" if is_tls else "redis") + ("?ssl_ca_certs=/ca.pem" if is_tls else "")
    channels = create_pool(channel_options(parse(url)))
    assert issubclass(channels.connection_class, SSLConnection) is is_tls
    pools = [client_of(url).connection_pool, get_redis_connection(rq_options(parse(url))).connection_pool, channels]
    for pool in pools:
        given = pool.connection_kwargs
        assert (given["password"], given["db"], given.get("ssl_ca_certs")) == (
            "secret",
            3,
            "/ca.pem" if is_tls else None,
        )
        assert given["socket_keepalive_options"] == KEEPALIVE["socket_keepalive_options"]
        assert ("SSL" in pool.connection_class.__name__ or "Tls" in pool.connection_class.__name__) is is_tls
    assert max(given["socket_keepalive_options"].values()) == GONE_SECONDS * 1000


def test_a_unix_socket_needs_no_keepalive():
    url = "unix:///run/valkey.sock?db=2"
    for pool in (client_of(url).connection_pool, get_redis_connection(rq_options(parse(url))).connection_pool,
                 create_pool(channel_options(parse(url)))):  # fmt: skip
        assert (pool.connection_kwargs["path"], pool.connection_kwargs["db"]) == ("/run/valkey.sock", 2)
        assert "socket_keepalive" not in pool.connection_kwargs
