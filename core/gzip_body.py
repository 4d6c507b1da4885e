"""Decompression of a gzip body with one or more members (RFC 1952)."""

import re
import zlib

NAMES = ("gzip", "x-gzip")  # equivalent: RFC 9110 section 8.4.1.3
MAX_MEMBERS = 1000  # a body of 10 MiB from a parallel compressor has 80; 500,000 empty ones would only cost time
FIRST_CHUNK, MAX_CHUNK = 1024, 256 * 1024  # bytes; the data after a member is copied
PADDING = re.compile(rb"\0*+")


class BadGzip(ValueError):
    """The bytes are not valid gzip, or incomplete."""


class TooLong(ValueError):
    """The content is longer than the limit."""


def inflate(body: bytes, *, limit: int) -> bytes:
    """Return the content of all members. Zeros after a member are padding, like for `gzip`.

    Stop at the limit, so that a decompression bomb uses no more memory. Raises BadGzip, TooLong.
    """
    decompressor = zlib.decompressobj(wbits=31)
    content = _decompress(decompressor, body, limit + 1)
    if not decompressor.eof or decompressor.unused_data:
        content = _inflate_members(body, limit)
    if len(content) > limit:
        raise TooLong(f"The content is longer than {limit} bytes")
    return content


def _inflate_members(body: bytes, limit: int) -> bytes:
    contents, size, position = [], 0, 0
    for _ in range(MAX_MEMBERS):
        decompressor, chunk = zlib.decompressobj(wbits=31), FIRST_CHUNK
        while not decompressor.eof:
            if position >= len(body):
                raise BadGzip("The gzip body is cut short")
            data = body[position : position + chunk]
            position, chunk = position + len(data), min(chunk * 2, MAX_CHUNK)
            contents.append(_decompress(decompressor, data, limit + 1 - size))
            size += len(contents[-1])
            if size > limit:
                return b"".join(contents)
        position -= len(decompressor.unused_data)
        position = PADDING.match(body, position).end()  # type: ignore[union-attr]  # it also matches the empty string
        if position == len(body):
            return b"".join(contents)
    raise BadGzip(f"The gzip body has more than {MAX_MEMBERS} members")


def _decompress(decompressor: "zlib._Decompress", data: bytes, max_length: int) -> bytes:
    try:
        return decompressor.decompress(data, max_length)
    except zlib.error:
        raise BadGzip("The body is not valid gzip") from None
