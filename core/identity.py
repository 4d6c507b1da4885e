"""Normal forms of typed texts, which decide whether two texts are the same person, team, notebook or password.

Compare, index, cache and lock by these forms; show the original text. Sources: Unicode UAX #15 (normalization), UTS #39
and the property Default_Ignorable_Code_Point (invisible characters), NIST SP 800-63B section 3.1.1.2 (passwords).
"""

import re
import unicodedata

EMAIL_LENGTH = 320  # characters of the longest address: 64 of the local part, @, 255 of the domain
LABEL_LENGTH = 320  # characters of a label's key
# Longer texts are not normalised: with many combining marks it takes quadratic time.
MAX_NORMALISED = 1024

# Control and format characters, and the default ignorable code points of Unicode: soft hyphen, joiners, direction
# marks, Hangul fillers, variation selectors, tags. Surrogates, which databases cannot store. U+2800 is an empty braille
# cell, U+16FE4 and U+1D159 are an invisible filler and an invisible note head.
_IGNORED = (
    "\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00016fe4\U0001bca0-\U0001bca3"
    "\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[\u0000-\u001f{_IGNORED}]+")
_INVISIBLE_IN_LINES = re.compile(f"[\u0000-\u0008\u000b-\u001f{_IGNORED}]+")
_NEEDS_CLEANING = re.compile(f"[\u0000-\u0008\u000b-\u001f\u2028\u2029{_IGNORED}]")
_LINE_BREAK = re.compile("[\v\f\r\x85\u2028\u2029]")
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]")
_BLANK = re.compile("[\\s\u2800\u3164\uffa0]")  # and characters that look like one
# Embeddings, overrides and isolates: without their end they turn the text that follows a name around.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # of Hangul: letters in Unicode, but invisible


def email_key(address: str) -> str:
    """Return the normal form of an address: half-width, lower case, without invisible characters and outer blanks.

    Return "" if nothing visible is left, and for a text of more than MAX_NORMALISED characters. The result may be
    longer than the address (㈱ is three characters).

    `ß` and `ss`, `ı` and `i` stay different: they are different mailboxes, and confusing two people is worse than
    having one person twice.
    """
    if len(address) > MAX_NORMALISED:
        return ""
    if address.isascii() and address.isprintable():  # nearly all
        return " ".join(address.lower().split()) if " " in address else address.lower()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _BREAKS.sub(" ", address)))
    # After NFKC, which produces plain letters from stylised ones; sigma has two lower-case forms.
    text = unicodedata.normalize("NFKC", text.lower().replace("ς", "σ"))
    text = " ".join(_INVISIBLE.sub("", text).split())
    # The ideographic full stop also separates the labels of a domain (UTS #46 section 4).
    local, at, domain = text.rpartition("@")
    return f"{local}@{domain.replace('。', '.')}" if at else text


def is_identity(address: str) -> bool:
    """Return whether the address can identify a person: it has a visible character, and neither it nor its key is
    longer than EMAIL_LENGTH."""
    return len(address) <= EMAIL_LENGTH and 0 < len(email_key(address)) <= EMAIL_LENGTH


def row_number(text: str) -> int | None:
    """Return the row id if the text has only ASCII digits, at most 18 of them, else None.

    An e-mail address may be a number too, because some institutions use student numbers as addresses.
    """
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def label_key(text: str) -> str:
    """Return the normal form of the name of a team or column: チームＡ, ﾁｰﾑA and チームa are the same. At most
    LABEL_LENGTH characters."""
    return email_key(text[:MAX_NORMALISED])[:LABEL_LENGTH].rstrip()


def searchable(text: str) -> str:
    """Return the text normalised like by `email_key` but with its blanks, tabs and line breaks, for searching.

    The normal form of a text is that of its parts joined, if no part begins with a combining character.
    """
    if text.isascii():
        text = text.lower()
        if text.replace("\n", " ").replace("\t", " ").isprintable():  # nearly all; a tenth of the time
            return text
    elif not _NEEDS_CLEANING.search(text):
        return _normalise(text)
    return _normalise(_INVISIBLE_IN_LINES.sub("", _LINE_BREAK.sub("\n", text)))


def _normalise(text: str) -> str:
    """Return the normal form of a text without invisible characters. Normalization does not produce any."""
    text = unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFKC", text.lower().replace("ς", "σ"))


def number_form(text: str) -> str:
    """Return a typed number or date in half-width characters and the digits 0 to 9, without invisible characters and
    outer blanks.

    Leave characters that are more than a digit, unlike NFKC, which turns 8² into 82, ½ into 1⁄2, and ⑧ or Ⅷ into a
    number.
    """
    text = _INVISIBLE.sub("", _BLANK.sub(" ", text)).strip()
    return text if text.isascii() else "".join(map(_half_width, text))


def _half_width(char: str) -> str:
    kind = unicodedata.decomposition(char).partition(" ")[0]
    plain = unicodedata.normalize("NFKC", char) if kind in ("<wide>", "<narrow>", "<small>") else char
    return str(unicodedata.decimal(plain, plain))


def visible(text: str | None) -> str | None:
    """Return the text without outer blanks, or None if it has no visible character."""
    if text is None:
        return None
    text = text.strip()
    first = text[:1]
    if first.isalnum() and first not in _FILLERS:  # nearly all
        return text
    return text if _INVISIBLE.sub("", text).strip() else None


def undirected(text: str) -> str:
    """Return the text without characters that change the writing direction of what follows. Right-to-left letters
    need none: they bring their own direction."""
    return text if text.isascii() else _DIRECTION.sub("", text)


def display_name(name: str | None, email: str) -> str:
    """Return the name or, if it has no visible character, the local part of the address; without direction controls."""
    return undirected(visible(name) or visible(email.replace("＠", "@").partition("@")[0]) or email)


def notebook_path(path: str) -> str:
    """Return the path in NFC. macOS uses another form, so that one file would be two notebooks."""
    return path if path.isascii() or len(path) > MAX_NORMALISED else unicodedata.normalize("NFC", path)


def password_form(password: str) -> str:
    """Return the form in which passwords are hashed and compared."""
    return password if password.isascii() or len(password) > MAX_NORMALISED else unicodedata.normalize("NFKC", password)


def password_spellings(password: str) -> list[str]:
    """Return the normal form, and then the other forms that an older hash may have: as typed, NFC, NFD."""
    form = password_form(password)
    if password.isascii() or len(password) > MAX_NORMALISED:
        return [form]
    typed = [password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)]
    return list(dict.fromkeys([form, *typed]))
