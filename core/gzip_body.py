"""The content of a gzip body as RFC 1952 defines it: one member or several, one after the other, are one content."""

import re
import zlib

NAMES = ("gzip", "x-gzip")  # one and the same: RFC 9110 section 8.4.1.3
MOST_MEMBERS = 1000  # a body of 10 MiB from a parallel compressor has 80; 500,000 empty ones would only cost time
FIRST_PIECE, LARGEST_PIECE = 1024, 256 * 1024  # bytes; what follows a member is copied
PADDING = re.compile(rb"\0*+")


class BadGzip(ValueError):
    """The bytes are no gzip, or not all of it; the text says which."""


class TooLong(ValueError):
    """The content is longer than the limit."""


def inflate(body: bytes, *, limit: int) -> bytes:
    """Return the content of all members; zeros after a member are padding, as `gzip` has it.

    Stops at the limit, so that a small bomb stays small. Raises BadGzip, TooLong.
    """
    unzip = zlib.decompressobj(wbits=31)
    content = _inflated(unzip, body, limit + 1)
    if not unzip.eof or unzip.unused_data:
        content = _of_members(body, limit)
    if len(content) > limit:
        raise TooLong(f"The content is longer than {limit} bytes")
    return content


def _of_members(body: bytes, limit: int) -> bytes:
    contents, size, place = [], 0, 0
    for _ in range(MOST_MEMBERS):
        unzip, piece = zlib.decompressobj(wbits=31), FIRST_PIECE
        while not unzip.eof:
            if place >= len(body):
                raise BadGzip("The gzip body is cut short")
            given = body[place : place + piece]
            place, piece = place + len(given), min(piece * 2, LARGEST_PIECE)
            contents.append(_inflated(unzip, given, limit + 1 - size))
            size += len(contents[-1])
            if size > limit:
                return b"".join(contents)
        place -= len(unzip.unused_data)
        place = PADDING.match(body, place).end()  # type: ignore[union-attr]  # it matches nothing, too
        if place == len(body):
            return b"".join(contents)
    raise BadGzip(f"The gzip body has more than {MOST_MEMBERS} members")


def _inflated(unzip: "zlib._Decompress", given: bytes, most: int) -> bytes:
    try:
        return unzip.decompress(given, most)
    except zlib.error:
        raise BadGzip("The body is not valid gzip") from None
