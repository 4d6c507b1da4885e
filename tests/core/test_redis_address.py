"""The forms in which REDIS_URL may name servers."""

import pytest

from core.redis_address import parse


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
