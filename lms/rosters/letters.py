"""Plausibility of the letters of a list in an encoding: the weight of each beside its neighbours, from -2 to 1.5."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lms.rosters.common_names import ARABIC, CHINESE, CYRILLIC, GREEK, HEBREW, JAPANESE, KOREAN, LATIN, THAI

Weigh = Callable[[str, str, str], float]  # a letter, the one before and the one after


@dataclass(frozen=True)
class Candidate:
    encoding: str
    weigh: Weigh
    prior: float = 0.0  # added to the score: how much likelier the encoding is than others


@dataclass(frozen=True)
class Spelling:
    letters: frozenset[str]
    parts: frozenset[str]  # two and three letters; a blank stands for the beginning or the end of a word


def _spelling(names: str) -> Spelling:
    words = unicodedata.normalize("NFC", names).translate(DOTTED).lower().split()
    parts = {f" {word} "[at : at + size] for word in words for at in range(len(word) + 1) for size in (2, 3)}
    return Spelling(frozenset("".join(words)), frozenset(parts))


DOTTED = {ord("İ"): "i"}  # in lower case it would be two characters
PUNCTUATION = "’‘“”–…«»°ª€№·"


def _odd(letter: str) -> float | None:
    """Return -2 for a character that is implausible in every encoding, else None."""
    if "\ue000" <= letter <= "\uf8ff" or (not letter.isprintable() and letter not in "\u3000\xa0\u200c\u200d"):
        return -2.0
    return None


# --- Alphabets ------------------------------------------------------------------------------------------------------


def _is_of_wrong_case(letter: str, before: str, after: str) -> bool:
    """Return whether a capital stands within a word, or a small letter among capitals."""
    if letter.isupper():
        if before.isupper() and after.islower():
            return True
        return before.islower() or (not after.isalpha() and not before.isupper())
    return letter.islower() and before.isupper() and after.isupper()


def _known_parts(letter: str, before: str, after: str, spelling: Spelling) -> float:
    """Return 0.3, and up to 0.7 more if the letter has the same neighbours in common names."""
    left, letter, right = (
        each.translate(DOTTED).lower() if each.translate(DOTTED).lower() in spelling.letters else " "
        for each in (before or " ", letter, after or " ")
    )
    found = [part in spelling.parts for part in (left + letter, letter + right, left + letter + right)]
    return 0.3 + 0.25 * found[0] + 0.25 * found[1] + 0.2 * found[2]


def _latin(letter: str, before: str, after: str) -> float:
    """Return the weight of an accented letter."""
    if (odd := _odd(letter)) is not None:
        return odd
    is_within = before.isalpha() and after.isalpha()
    if letter == "’" and is_within and before.isascii() and after.isascii():
        return 0.8
    if letter in PUNCTUATION:
        return -1.0 if is_within else 0.1
    if not letter.isalpha() or not (before.isalpha() or after.isalpha()):
        return -1.0
    if _is_of_wrong_case(letter, before, after):
        return -1.0
    if letter.translate(DOTTED).lower() not in LATIN_SPELLING.letters:
        return -0.3
    return _known_parts(letter, before, after, LATIN_SPELLING)


def _of_script(letter: str, before: str, after: str, *, spelling: Spelling) -> float:
    """Return the weight of a letter of an alphabet other than Latin. Beside a Latin letter it is implausible."""
    if (odd := _odd(letter)) is not None:
        return odd
    if letter in PUNCTUATION:
        return -0.5 if before.isalpha() and after.isalpha() else 0.1
    if letter.lower() not in spelling.letters:
        return -1.0
    if any(each.isascii() and each.isalpha() for each in (before, after)):
        return -1.0
    if _is_of_wrong_case(letter, before, after):
        return -1.0
    small = 0.4 * (letter.islower() and not before.isalpha())  # names begin with a capital
    return _known_parts(letter, before, after, spelling) - small


def _script(names: str) -> Weigh:
    return partial(_of_script, spelling=_spelling(names))


LATIN_SPELLING = _spelling(" ".join(LATIN))
# By language, in the order of LATIN; Czech and Slovak, and the three Baltic ones, each have their own.
ALPHABETS = tuple(
    frozenset(alphabet)
    for alphabet in (
        *("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöøæé", "áæðéíóöþúýø"),
        *("ąćęłńóśźż", "áäčďéěíĺľňóôŕřšťúůýž", "áéíóöőúüű", "čćđšž", "ăâîșşțţ", "çğıöşüâîûə"),
        *("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
    )
)


# --- Chinese, Japanese, Korean --------------------------------------------------------------------------------------


def _han(letter: str, *, encoding: str, last: int, common: str, rare: float = -0.2) -> float:
    """Return the weight of a Chinese character: high if common, or in the first level of its old standard."""
    if letter in common:
        return 1.5
    try:
        code = letter.encode(encoding)
    except UnicodeEncodeError:
        return min(rare, 0.3)
    return 0.8 if code[0] <= last else rare


def _is_glued(before: str, after: str) -> bool:
    """Return whether a lower-case ASCII letter is next to it, so that it is within a Latin word."""
    return (before.isascii() and before.islower()) or (after.isascii() and after.islower())


def _is_han(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def _japanese(rare: float, narrow: float) -> Weigh:
    return partial(_of_japanese, rare=rare, narrow=narrow)


def _of_japanese(letter: str, before: str, after: str, *, rare: float, narrow: float) -> float:
    if (odd := _odd(letter)) is not None:
        return odd
    if letter.isalpha() and _is_glued(before, after):
        return -1.0
    if "\uff61" <= letter <= "\uff9f":  # half-width katakana
        return narrow if "\uff61" <= (before or after) <= "\uff9f" or "\uff61" <= after <= "\uff9f" else -0.5
    if "\u3040" <= letter <= "\u30ff" or "\uff01" <= letter <= "\uff5e":
        return 1.0
    if _is_han(letter):
        return _han(letter, encoding="euc_jp", last=0xCF, common=JAPANESE, rare=rare)
    return 0.2 if letter in "\u3000、。々〆・「」（）①②③④⑤⑥⑦⑧⑨⑩㈱㈲№" else -0.3


def _chinese(encoding: str, last: int) -> Weigh:
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


_CYRILLIC, _GREEK, _HEBREW, _ARABIC = map(_script, (CYRILLIC, GREEK, HEBREW, ARABIC))

# Encodings of Windows are likelier than those of classic Mac OS and MS-DOS.
CANDIDATES = (
    Candidate("cp932", _japanese(rare=0.6, narrow=0.3)),  # text of other encodings decodes to half-width katakana in it
    Candidate("euc_jp", _japanese(rare=-0.2, narrow=1.2)),
    Candidate("euc_jis_2004", _japanese(rare=-0.2, narrow=1.2)),
    Candidate("gb18030", _chinese("gb2312", 0xD7)),
    Candidate("cp949", _korean),
    Candidate("cp950", _chinese("big5", 0xC6)),
    Candidate("cp1252", _latin, 0.15),
    *(Candidate(encoding, _latin, 0.1) for encoding in ("cp1250", "cp1254", "cp1258")),
    Candidate("cp1257", _latin, 0.05),
    *(Candidate(encoding, _latin, 0.05) for encoding in ("iso8859_15", "iso8859_2")),
    *(Candidate(encoding, _latin) for encoding in ("iso8859_13", "mac_roman", "cp850", "cp852", "cp857", "mac_latin2")),
    *(Candidate(encoding, _CYRILLIC) for encoding in ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "mac_cyrillic")),
    *(Candidate(encoding, _GREEK) for encoding in ("cp1253", "iso8859_7")),
    Candidate("cp1255", _HEBREW),
    *(Candidate(encoding, _ARABIC) for encoding in ("cp1256", "iso8859_6")),
    Candidate("cp866", _CYRILLIC, -0.1),
    Candidate("cp874", _script(THAI)),
    *(Candidate(*each, -0.3) for each in (("cp737", _GREEK), ("cp862", _HEBREW))),
)
