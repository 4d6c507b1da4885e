"""Detection of the encoding of an uploaded list of students.

A byte order mark, NUL bytes of UTF-16 and the escapes of ISO-2022-JP identify the encoding, and text that is valid
UTF-8 is UTF-8. Other files can be decoded in several encodings. The one with the most plausible text is used: known
headers, kana and common characters of names, accents within words. Lists are short, so characters common in names are a
better measure than statistics of prose.
"""

import codecs
import csv
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING

from lms.rosters.headers import meaning_of

if TYPE_CHECKING:  # its tables of names take more than a MiB, and few lists need them
    from lms.rosters.letters import Candidate

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ESCAPES = (b"\x1b$", b"\x1b(J", b"\x1b(I")
BROKEN = "\ufffd"  # replaces a byte that cannot be decoded
MIN_SCORE = 0.5  # a text with a lower score is rejected
SAMPLE = 2000  # letters that are scored
MARGIN = 0.14  # by which the best score must exceed every other, summed over its letters
MEAN_MARGIN = 0.02  # the same for the score itself, the mean over the letters
COMPOSED = {"cp1258"}  # writes an accent as a character of its own
HEAD = 20  # lines that are searched for a header


def text_of(content: bytes) -> str | None:
    """Return the decoded text; None if no encoding is plausible. A broken byte in text that is otherwise UTF-8 becomes
    U+FFFD."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding)
    if content.count(0) * 10 >= len(content) > 1:
        return _without_mark(content)
    if any(escape in content for escape in ESCAPES) and content.isascii():
        found = _iso_2022_jp(content)
        if found is not None:
            return found
    text = _decoded(content, "utf-8")
    return text if text is not None else _most_plausible(content)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _without_mark(content: bytes) -> str | None:
    """Decode UTF-16 without a byte order mark: the zeros of ASCII characters show the byte order."""
    encoding = "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    return _decoded(content, encoding)


def _iso_2022_jp(content: bytes) -> str | None:
    for encoding in ("iso2022_jp", "iso2022_jp_ext"):
        if (text := _decoded(content, encoding)) is not None:
            return text
    # Windows writes ① and ㈱ with the escape of JIS X 0208; they are part of JIS X 0213.
    return _decoded(content.replace(b"\x1b$B", b"\x1b$(Q"), "iso2022_jp_2004")


def _most_plausible(content: bytes) -> str | None:
    """Return the text with the best score; None if no score is high enough, or another is as high."""
    from lms.rosters.letters import CANDIDATES

    found = content.decode("utf-8", errors="replace")
    broken = found.count(BROKEN)
    if sum(not letter.isascii() for letter in found) > 3 * broken:
        return found
    scores: dict[str, float] = {}  # several encodings may give the same text
    for candidate in CANDIDATES:
        decoded = _decoded(content, candidate.encoding)
        if decoded is None:
            continue
        text = unicodedata.normalize("NFC", decoded) if candidate.encoding in COMPOSED else decoded
        scores[text] = max(_score(text, candidate), scores.get(text, -3.0))
    ranked = sorted(scores, key=lambda text: scores[text], reverse=True)
    if not ranked or scores[ranked[0]] <= MIN_SCORE:
        return None
    letters = sum(not letter.isascii() for letter in ranked[0][:SAMPLE])
    ahead = min((scores[ranked[0]] - scores[other] for other in ranked[1:]), default=1.0)
    is_certain = ahead >= MEAN_MARGIN and ahead * letters >= MARGIN
    return ranked[0] if is_certain else None


def _score(text: str, candidate: "Candidate") -> float:
    """Return the plausibility of a text: about 1 for a list of names, below 0 for most wrong encodings."""
    weights = [
        candidate.weigh(letter, text[at - 1 : at], text[at + 1 : at + 2])
        for at, letter in islice(((at, letter) for at, letter in enumerate(text) if not letter.isascii()), SAMPLE)
    ]
    if not weights:
        return 0.0
    known = 0.7 * min(3, _known_headers(text)) + 0.1 * _is_of_one_language(text)
    return sum(weights) / len(weights) + known + candidate.prior


def _is_of_one_language(text: str) -> bool:
    """Return whether the accents of the text are those of one alphabet: `Jiří` and not `Jiøí`."""
    from lms.rosters.letters import ALPHABETS, DOTTED

    lower = text[:100_000].translate(DOTTED).lower()
    accents = {letter for letter in lower if "\u00df" <= letter <= "\u1eff"}
    return bool(accents) and any(accents <= alphabet for alphabet in ALPHABETS)


def _known_headers(text: str) -> int:
    """Return the number of known headers, without plain ASCII ones, which are the same in every encoding."""
    known = 0
    for line in text[:20_000].splitlines()[:HEAD]:
        for delimiter in (",", ";", "\t", "|"):
            cells = next(csv.reader([line], delimiter=delimiter), []) if delimiter in line else []
            found = sum(not cell.isascii() and meaning_of(cell) is not None for cell in cells)
            known = max(known, found)
    return known
