"""The text of a file whose encoding nobody tells: what spreadsheets, registers and mail programs save around the world.

A mark at the beginning, NUL bytes of UTF-16 and the escapes of ISO-2022-JP say what they are, and text that is valid
UTF-8 is UTF-8. Everything else decodes as several encodings, most of them nonsense; the one is taken whose letters go
together best: headers that are known, kana and common characters of names, accents within words. A list is short, so
what is common in names tells more than statistics of prose.
"""

import codecs
import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

from lms.roster_headers import meaning_of

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ESCAPES = (b"\x1b$", b"\x1b(J", b"\x1b(I")
BROKEN = "\ufffd"  # what stands for a byte that means nothing
LEAST = 0.5  # of a score: what is below is nonsense
SAMPLE = 2000  # letters that are looked at
HEAD = 20  # lines in which a header is looked for

# The most common family names and the characters most common in names, by language.
JAPANESE = (
    "佐藤鈴木高橋田中伊渡辺邊邉山本村小林加吉口松井上清崎﨑﨟阿部森池原川石斉齋藤内青坂西谷岡三長近斎野大今河太金"
    "浜濱島髙子美花一郎太介真由香愛優健翔陽菜葵蓮結樹奈々恵和久之男夫雄明也人史"
)
CHINESE = (
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖田"
    "董潘袁蔡蒋蔣小明伟偉芳娜敏静靜丽麗强強磊军軍洋勇艳豔杰傑娟涛濤超秀霞平刚剛桂英华華文玉红紅建国國志雅"
    "婷淑怡君家豪俊宏"
)
KOREAN = "김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허유남심노하곽성차주우민지현수영준호철진은경희미선"


@dataclass(frozen=True)
class Candidate:
    encoding: str
    weigh: Callable[[str, str, str], float]  # of a letter, the one before and the one after: -1..1.5


def text_of(content: bytes) -> str | None:
    """The text; None where no encoding makes sense of it. A byte that is broken in text that is UTF-8 otherwise
    becomes U+FFFD."""
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
    """UTF-16, whose byte order shows in where the zeros of its blanks, commas and digits are."""
    encoding = "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    return _decoded(content, encoding)


def _iso_2022_jp(content: bytes) -> str | None:
    for encoding in ("iso2022_jp", "iso2022_jp_ext"):
        if (text := _decoded(content, encoding)) is not None:
            return text
    # Windows writes ① and ㈱ under the escape of JIS X 0208; in JIS X 0213 they have their places.
    return _decoded(content.replace(b"\x1b$B", b"\x1b$(Q"), "iso2022_jp_2004")


def _most_plausible(content: bytes) -> str | None:
    found = content.decode("utf-8", errors="replace")
    broken = found.count(BROKEN)
    if sum(not letter.isascii() for letter in found) > 3 * broken:
        return found
    best, text = LEAST, None
    for candidate in CANDIDATES:
        decoded = _decoded(content, candidate.encoding)
        if decoded is None:
            continue
        score = _score(decoded, candidate)
        if score > best:
            best, text = score, decoded
    return text


def _score(text: str, candidate: Candidate) -> float:
    """How well it reads: about 1 for a list of names, below 0 for most nonsense."""
    weights = [
        candidate.weigh(letter, text[at - 1 : at], text[at + 1 : at + 2])
        for at, letter in islice(((at, letter) for at, letter in enumerate(text) if not letter.isascii()), SAMPLE)
    ]
    if not weights:
        return 0.0
    return sum(weights) / len(weights) + 0.7 * min(3, _known_headers(text)) + 0.1 * _is_of_one_language(text)


def _is_of_one_language(text: str) -> bool:
    """Whether the accents of the text are those of one alphabet: `Jiří` and not `Jiøí`."""
    accents = {letter for letter in text[:100_000].lower() if "\u00df" <= letter <= "\u024f"}
    return bool(accents) and any(accents <= alphabet for alphabet in ALPHABETS)


def _known_headers(text: str) -> int:
    """Headers that are known, of those that are not plain ASCII: they would be known in every encoding."""
    known = 0
    for line in text[:20_000].splitlines()[:HEAD]:
        for delimiter in (",", ";", "\t", "|"):
            cells = next(csv.reader([line], delimiter=delimiter), []) if delimiter in line else []
            found = sum(not cell.isascii() and meaning_of(cell) is not None for cell in cells)
            known = max(known, found)
    return known


def _han(letter: str, *, encoding: str, last: int, common: str, rare: float = -0.2) -> float:
    """Of a Chinese character: whether it is one of the few thousand that the old standards put first."""
    if letter in common:
        return 1.5
    try:
        code = letter.encode(encoding)
    except UnicodeEncodeError:
        return min(rare, 0.3)
    return 0.8 if code[0] <= last else rare


def _is_glued(before: str, after: str) -> bool:
    """Lower-case ASCII letters next to it: within a word that is spelled in Latin letters."""
    return (before.isascii() and before.islower()) or (after.isascii() and after.islower())


def _is_han(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def _odd(letter: str) -> float | None:
    """What is a sign of nonsense in every encoding."""
    if "\ue000" <= letter <= "\uf8ff" or (not letter.isprintable() and letter not in "\u3000\xa0"):
        return -2.0
    return None


def _japanese(rare: float) -> Callable[[str, str, str], float]:
    return partial(_of_japanese, rare=rare)


def _of_japanese(letter: str, before: str, after: str, *, rare: float) -> float:
    if (odd := _odd(letter)) is not None:
        return odd
    if letter.isalpha() and _is_glued(before, after):
        return -1.0
    if "\uff61" <= letter <= "\uff9f":  # half-width katakana: what nonsense in CP932 is full of
        return 0.3 if "\uff61" <= (before or after) <= "\uff9f" or "\uff61" <= after <= "\uff9f" else -0.5
    if "\u3040" <= letter <= "\u30ff" or "\uff01" <= letter <= "\uff5e":
        return 1.0
    if _is_han(letter):
        return _han(letter, encoding="euc_jp", last=0xCF, common=JAPANESE, rare=rare)
    return 0.2 if letter in "\u3000、。々〆・「」（）①②③④⑤⑥⑦⑧⑨⑩㈱㈲№" else -0.3


def _chinese(encoding: str, last: int) -> Callable[[str, str, str], float]:
    def weigh(letter: str, before: str, after: str) -> float:
        if (odd := _odd(letter)) is not None:
            return odd
        if _is_han(letter):
            return -1.0 if _is_glued(before, after) else _han(letter, encoding=encoding, last=last, common=CHINESE)
        return 0.2 if letter in "\u3000、。·（）：" or "\uff01" <= letter <= "\uff5e" else -0.3

    return weigh


def _korean(letter: str, before: str, after: str) -> float:
    if (odd := _odd(letter)) is not None:
        return odd
    if "\uac00" <= letter <= "\ud7a3":
        if _is_glued(before, after):
            return -1.0
        if letter in KOREAN:
            return 1.5
        return 0.9 if len(letter.encode("cp949")) == len(letter.encode("euc_kr")) else -0.3
    return 0.2 if letter in "\u3000·" or "\uff01" <= letter <= "\uff5e" else -0.5


# By language: German, French, Spanish, Portuguese, Italian, Nordic, Icelandic; then those of CP1250.
ALPHABETS = tuple(
    map(
        frozenset,
        (
            *("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöøæé", "áæðéíóöþúý"),
            *("ąćęłńóśźż", "áäčďéěíĺľňóôŕřšťúůýž", "áéíóöőúüű", "čćđšž", "ăâîșşțţ"),
        ),
    )
)
ACCENTED = frozenset().union(*ALPHABETS)


def _latin(letter: str, before: str, after: str) -> float:
    """An accented letter within a word: lower case anywhere, upper case where a word begins or is in capitals."""
    if (odd := _odd(letter)) is not None:
        return odd
    if letter == "’" and before.isalpha() and after.isalpha():
        return 0.8
    if letter in "’‘“”–…«»°ª€№":
        return 0.1
    if not letter.isalpha() or ord(letter) > 0x24F or not (before.isalpha() or after.isalpha()):
        return -1.0
    if letter.isupper() and (before.islower() or not after.isalpha()):
        return -1.0
    if letter.islower() and before.isupper() and after.isupper():
        return -1.0
    if not (before.isascii() and before.isalpha()) and not (after.isascii() and after.isalpha()):
        return 0.2
    return 1.0 if letter.lower() in ACCENTED else 0.3


def _cyrillic(letter: str, before: str, after: str) -> float:
    if (odd := _odd(letter)) is not None:
        return odd
    if "\u0410" <= letter <= "\u044f" or letter in "ёЁіІїЇєЄґҐўЎ":
        is_odd = (letter.isupper() and before.islower()) or _is_glued(before, after)
        return -1.0 if is_odd else 0.9
    return 0.1 if letter in "«»№–—" else -1.0


# Of two that read equally well the first.
CANDIDATES = (
    Candidate("cp932", _japanese(rare=0.6)),  # what other encodings become in it is full of half-width katakana
    Candidate("euc_jp", _japanese(rare=-0.2)),
    Candidate("euc_jis_2004", _japanese(rare=-0.2)),
    Candidate("cp1252", _latin),
    Candidate("gb18030", _chinese("gb2312", 0xD7)),
    Candidate("cp949", _korean),
    Candidate("cp950", _chinese("big5", 0xC6)),
    Candidate("mac_roman", _latin),
    Candidate("cp1250", _latin),
    Candidate("cp1251", _cyrillic),
)
