"""Normal forms of what people type: the one place that decides when two texts mean the same person, team, notebook or
password.

Compare, index, cache and lock by these forms; show what was typed. Sources: Unicode UAX #15 (normalization), UTS #39
and the property Default_Ignorable_Code_Point (invisible characters), NIST SP 800-63B section 3.1.1.2 (passwords).
"""

import re
import unicodedata

EMAIL_LENGTH = 320  # characters of the longest address: 64 of the local part, @, 255 of the domain
LABEL_LENGTH = 320  # characters of a label's key
# Longer texts are not normalised: with marks enough it takes the square of the length, and nobody types them.
LONGEST = 1024

# Control and format characters, and what Unicode says to ignore where it cannot be shown: soft hyphen, joiners, marks
# of direction, fillers of Hangul, variation selectors, tags. Halves of a pair (surrogates), which no database takes.
# U+2800 is a braille cell without a dot, U+16FE4 and U+1D159 are a filler and a note of which nothing is drawn.
_IGNORED = (
    "\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00016fe4\U0001bca0-\U0001bca3"
    "\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[\u0000-\u001f{_IGNORED}]+")
_INVISIBLE_IN_LINES = re.compile(f"[\u0000-\u0008\u000b-\u001f{_IGNORED}]+")
_NOT_AS_IT_IS = re.compile(f"[\u0000-\u0008\u000b-\u001f\u2028\u2029{_IGNORED}]")
_LINE_BREAK = re.compile("[\v\f\r\x85\u2028\u2029]")
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]")
_BLANK = re.compile("[\\s\u2800\u3164\uffa0]")  # what looks like one, too
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # of Hangul: letters to Unicode, of which nothing is drawn


def email_key(address: str) -> str:
    """Return the identity behind an address: full-width as half-width, without case, invisible characters and outer
    blanks. "" where nothing visible is left, and for a text of more than LONGEST characters, which is nobody's address.
    May be longer than what was typed (㈱ is three characters).

    `ß` and `ss`, `ı` and `i` stay apart: they are different mailboxes, and mistaking one person for another is worse
    than knowing one person twice.
    """
    if len(address) > LONGEST:
        return ""
    if address.isascii() and address.isprintable():  # nearly all
        return " ".join(address.lower().split()) if " " in address else address.lower()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _BREAKS.sub(" ", address)))
    # After NFKC, which brings forth the plain letter of a stylised one; sigma has two lower-case forms.
    text = unicodedata.normalize("NFKC", text.lower().replace("ς", "σ"))
    text = " ".join(_INVISIBLE.sub("", text).split())
    # The full stop of a Japanese keyboard separates the parts of a domain too (UTS #46 section 4).
    local, at, domain = text.rpartition("@")
    return f"{local}@{domain.replace('。', '.')}" if at else text


def is_identity(address: str) -> bool:
    """Whether somebody can be known by this address: it has a visible character, and neither it nor its key is longer
    than EMAIL_LENGTH."""
    return len(address) <= EMAIL_LENGTH and 0 < len(email_key(address)) <= EMAIL_LENGTH


def row_number(text: str) -> int | None:
    """The number of a row where the text is one in plain digits, else None. Who also takes addresses must know which is
    meant: an address may be a number, as students of some schools are called."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def label_key(text: str) -> str:
    """Return what decides whether two names of a team or of a column are one: チームＡ, ﾁｰﾑA and チームa are. At most
    LABEL_LENGTH characters."""
    return email_key(text[:LONGEST])[:LABEL_LENGTH].rstrip()


def searchable(text: str) -> str:
    """Return a text as `email_key` compares it, each blank, tab and line break at its place: in this form names and
    addresses are looked for.

    Works on parts as on the whole, where no part begins with a character that combines with the one before it.
    """
    if text.isascii():
        text = text.lower()
        if text.replace("\n", " ").replace("\t", " ").isprintable():  # nearly all; a tenth of the time
            return text
    elif not _NOT_AS_IT_IS.search(text):
        return _folded(text)
    return _folded(_INVISIBLE_IN_LINES.sub("", _LINE_BREAK.sub("\n", text)))


def _folded(text: str) -> str:
    """Without invisible characters, which normalization never brings forth where there was none."""
    text = unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFKC", text.lower().replace("ς", "σ"))


def number_form(text: str) -> str:
    """Return a number or a date that somebody typed in half-width characters and the digits 0 to 9, without invisible
    characters and outer blanks.

    Unlike NFKC it keeps characters that say more than a digit: of 8² it would make 82, of ½ 1⁄2, of ⑧ or Ⅷ a number.
    """
    text = _INVISIBLE.sub("", _BLANK.sub(" ", text)).strip()
    return text if text.isascii() else "".join(map(_half_width, text))


def _half_width(char: str) -> str:
    kind = unicodedata.decomposition(char).partition(" ")[0]
    plain = unicodedata.normalize("NFKC", char) if kind in ("<wide>", "<narrow>", "<small>") else char
    return str(unicodedata.decimal(plain, plain))


def visible(text: str | None) -> str | None:
    """Return the text without outer blanks; None where no character of it can be seen."""
    if text is None:
        return None
    text = text.strip()
    first = text[:1]
    if first.isalnum() and first not in _FILLERS:  # nearly all
        return text
    return text if _INVISIBLE.sub("", text).strip() else None


def display_name(name: str | None, email: str) -> str:
    """Return what a person is called: their name, or the first part of the address where no character of it can be
    seen."""
    return visible(name) or visible(email.replace("＠", "@").partition("@")[0]) or email


def notebook_path(path: str) -> str:
    """Return the path in NFC, as every system but a Mac's spells it, so that one file is one notebook."""
    return path if path.isascii() or len(path) > LONGEST else unicodedata.normalize("NFC", path)


def password_form(password: str) -> str:
    """Return the form in which passwords are hashed and compared, whatever keyboard typed them."""
    return password if password.isascii() or len(password) > LONGEST else unicodedata.normalize("NFKC", password)


def password_spellings(password: str) -> list[str]:
    """Return the form and then the other texts of which an older hash of the same password may have been made: as it is
    typed now, as a Mac spells it, as others do."""
    form = password_form(password)
    if password.isascii() or len(password) > LONGEST:
        return [form]
    typed = [password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)]
    return list(dict.fromkeys([form, *typed]))
