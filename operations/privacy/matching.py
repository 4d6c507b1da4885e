"""Find a person in any text and cut the name out of the original.

The normal form is `core.identity.searchable` of what the text means: percent-encoding, JSON's and Python's escapes,
HTML's references and terminal colours are read as what they stand for. Each character of the normal form knows which
part of the original it came from, so that only that part is replaced and the rest stays as it is, byte for byte.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache

from core.identity import label_key, searchable
from operations.privacy.names import Form

_HEX = "[0-9A-Fa-f]"
_BYTE = rf"(?:%(?:25)*{_HEX}{{2}}|\\+x{_HEX}{{2}}|\\+[23][0-7]{{2}})"
# Each begins with one of four characters, so that a text without them is skipped quickly.
_ESCAPES = re.compile(
    r"[\\%&\x1b](?:"
    r"(?P<colour>(?:(?<=\x1b)|(?<=\\)\\*(?:x1b|u001b|033|e))\[[0-9;?]*[A-Za-z])"
    rf"|(?P<units>(?<=\\)\\*u{_HEX}{{4}}(?:\\+u{_HEX}{{4}})*)"
    rf"|(?P<bytes>(?:(?<=%)(?:25)*{_HEX}{{2}}|(?<=\\)\\*x{_HEX}{{2}}|(?<=\\)\\*[23][0-7]{{2}}){_BYTE}*)"
    rf"|(?P<point>(?<=\\)\\*(?:U{_HEX}{{8}}|u\{{{_HEX}{{1,6}}\}})"
    rf"|(?<=&)(?:\#[0-9]{{1,7}};|\#[xX]{_HEX}{{1,6}};|nbsp;))"
    r")"
)
_ONE_BYTE = re.compile(_BYTE)
_ONE_UNIT = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')  # of JSON

Piece = tuple[str, int, int]  # decoded text, start, end


@dataclass(frozen=True)
class _Folded:
    """The normal form, and start and end in the original of the cluster that each character came from.

    Without offsets if both have the same characters.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range in the original; None if it would split a character: `e` of é, か of が."""
        if self.starts is None or self.ends is None:
            return start, end
        if start and self.starts[start - 1] == self.starts[start]:
            return None
        if end < len(self.text) and self.starts[end - 1] == self.starts[end]:
            return None
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """`forms` name the person. Matches inside a match of `spared`, the names of others, do not count.

    `whole_values`, as `label_key` writes them, name the person only as the complete value of a column or JSON string.
    """

    forms: list[Form]
    spared: list[Form] = field(default_factory=list)
    whole_values: frozenset[str] = frozenset()

    @cached_property
    def _needles(self) -> list[list[str]]:
        """Return the sets of fragments that a text must have together, the longest first."""
        parts = {frozenset(form.fragments) for form in self.forms} | {frozenset(v.split()) for v in self.whole_values}
        return [sorted(each, key=len, reverse=True) for each in parts]

    def may_name(self, text: str) -> bool:
        """Return False only if the text cannot name the person, even packed into JSON. Fast."""
        folded = searchable(_meant(text))
        return any(all(part in folded for part in parts) for parts in self._needles)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the ranges that name the person, in order and without overlaps."""
        if not self.forms or not self.may_name(text):
            return []
        folded = _fold(text)
        found = sorted(span for form in self.forms for span in form.find(folded.text))
        if not found:
            return []
        others = [span for form in self.spared for span in form.find(folded.text)]
        kept = [
            span
            for start, end in found
            if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in others)
            if (span := folded.original(start, end))
        ]
        return list(_merged(kept))

    def names(self, text: str) -> bool:
        return bool(self.spans(text))

    def holds(self, text: str) -> bool:
        """Return whether the person may be named, ignoring the neighbouring characters.

        For packed values, where a byte that is not text may look like a letter.
        """
        if not self.may_name(text):
            return False
        folded = searchable(_meant(text))
        return any(form.pattern.search(folded) for form in self.forms)

    def is_whole_value(self, text: str) -> bool:
        return bool(self.whole_values) and len(text) < 1000 and label_key(text) in self.whole_values

    def cut(self, text: str, *, instead: str) -> str:
        """Replace the person in a text."""
        spans = self.spans(text)
        for start, end in reversed(spans):
            text = text[:start] + instead + text[end:]
        return text

    def cut_value(self, text: str, *, instead: str) -> str:
        """Replace the person in a complete value of a column or JSON string."""
        return instead if self.is_whole_value(text) else self.cut(text, instead=instead)

    def cut_json(self, text: str, *, instead: str) -> str:
        """Replace the person in every string of a JSON text, including keys; all else stays as written."""
        if not self.may_name(text):
            return text

        def replaced(found: "re.Match[str]") -> str:
            before = json.loads(found[0], strict=False)
            after = self.cut_value(before, instead=instead)
            return found[0] if after == before else json.dumps(after, ensure_ascii=False)

        return _STRING.sub(replaced, text)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    last: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if last and start < last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last:
            yield last
        last = (start, end)
    if last:
        yield last


# --- The normal form ------------------------------------------------------------------------------------------------


def _meant(text: str) -> str:
    if "\\" in text or "%" in text or "&" in text or "\x1b" in text:
        return _ESCAPES.sub(lambda found: "".join(piece[0] for piece in _pieces(found)), text)
    return text


def _fold(text: str) -> _Folded:
    folded = searchable(text)
    if text.isascii() and len(folded) == len(text) and not _ESCAPES.search(text):
        return _Folded(folded)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster, start, end in _clusters(_all_pieces(text)):
        normal = _normal(cluster)
        characters.append(normal)
        starts.extend([start] * len(normal))
        ends.extend([end] * len(normal))
    return _Folded("".join(characters), starts, ends)


def _clusters(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield characters with those that combine with them. Invisible ones are within a cluster, never at its end."""
    said, begin, end, pending = "", 0, 0, ""
    for text, start, stop in pieces:
        if not text or not _normal(text):
            pending += text if said else ""
        elif said and not _begins(text[0]):
            said, pending, end = said + pending + text, "", stop
        else:
            if said:
                yield said, begin, end
            said, pending, begin, end = text, "", start, stop
    if said:
        yield said, begin, end


_normal = lru_cache(100_000)(searchable)


@cache
def _begins(character: str) -> bool:
    """Return whether normalization does not combine the character with the one before.

    Marks combine, and so do vowels and finals of Hangul, and half-width ﾞ, which is a letter until normalized.
    """
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] != "M" and not (
        "\u1161" <= first <= "\u1175" or "\u11a8" <= first <= "\u11c2"
    )


def _all_pieces(text: str) -> Iterator[Piece]:
    position = 0
    for found in _ESCAPES.finditer(text):
        yield from _as_written(text, position, found.start())
        yield from _pieces(found)
        position = found.end()
    yield from _as_written(text, position, len(text))


def _as_written(text: str, start: int, end: int) -> Iterator[Piece]:
    return ((text[at], at, at + 1) for at in range(start, end))


def _pieces(found: "re.Match[str]") -> Iterator[Piece]:
    """Decode a run of escapes piece by piece; invalid ones stay as written."""
    text, start, end = found.string, found.start(), found.end()
    match found.lastgroup:
        case "colour":
            yield "", start, end
        case "units":
            yield from _of_units(text, list(_ONE_UNIT.finditer(text, start, end)))
        case "bytes":
            yield from _of_bytes(text, [m.span() for m in _ONE_BYTE.finditer(text, start, end)])
        case _:
            yield from _of_point(text, start, end)


def _of_units(text: str, units: "list[re.Match[str]]") -> Iterator[Piece]:
    """Decode UTF-16, as JSON escapes it."""
    at = 0
    while at < len(units):
        code, width = int(units[at][1], 16), 1
        if 0xD800 <= code < 0xDC00 and at + 1 < len(units) and 0xDC00 <= (low := int(units[at + 1][1], 16)) < 0xE000:
            code, width = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), 2
        start, end = units[at].start(), units[at + width - 1].end()
        if 0xD800 <= code < 0xE000:
            yield from _as_written(text, start, end)
        else:
            yield chr(code), start, end
        at += width


def _of_bytes(text: str, spans: list[tuple[int, int]]) -> Iterator[Piece]:
    """Decode UTF-8, percent-encoded or as Python and git write bytes."""
    values = [_byte(text[start:end]) for start, end in spans]
    at = 0
    while at < len(values):
        lead = values[at]
        width = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        said = bytes(values[at : at + width]).decode(errors="replace")
        if len(said) == 1 and said != "\ufffd":
            yield said, spans[at][0], spans[at + width - 1][1]
            at += width
            continue
        if "x" in text[slice(*spans[at])]:  # '\xe9' is é in a text of Python
            yield chr(lead), *spans[at]
        else:
            yield from _as_written(text, *spans[at])
        at += 1


def _byte(said: str) -> int:
    return int(said[-3:], 8) if said[0] == "\\" and "x" not in said else int(said[-2:], 16)


def _of_point(text: str, start: int, end: int) -> Iterator[Piece]:
    said = text[start:end]
    if said == "&nbsp;":
        yield " ", start, end
        return
    digits = re.sub(r"^(?:\\+[uU]\{?|&#[xX]?)|[;}]$", "", said)
    code = int(digits, 10 if said.startswith("&#") and said[2] not in "xX" else 16)
    if code < 0x110000 and not 0xD800 <= code < 0xE000:
        yield chr(code), start, end
    else:
        yield from _as_written(text, start, end)
