"""Values of cells in a list of students: addresses and names as spreadsheets, mail programs and web pages wrap them.

'hana@example.com                  an apostrophe with which a spreadsheet marks a text
Hana Sato <hana@example.com>       from a mail program
mailto:hana@example.com            copied from a link
hana&#64;example.com               copied from the source of a page
="hana@example.com"                a formula that keeps a text from being read as a number
#N/A                               a formula that found nothing
"""

import html
import re
import unicodedata
from functools import lru_cache

from core.identity import visible
from lms.spreadsheets import original

MAX_LENGTH = 1000  # characters of a cell that is searched for an address
# Two texts with an @ between; the validator decides whether it is an address.
ADDRESS = re.compile(r"[^@\s<>,;|]+@[^@\s<>,;|]+")
NAMED = re.compile(r'(?P<name>[^<>@]*|"[^"]*")<\s*(?P<address>[^<>\s]+@[^<>\s]+)\s*>[\s;,]*')
LINK = re.compile(r"\[[^\]]*\]\((?P<address>[^()\s]+@[^()\s]+)\)")
SCHEME = re.compile(r"(?:mailto|smtp|e-?mail)\s*:\s*", re.IGNORECASE)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# One person of a line that a mail program wrote, and what ends it.
ENTRY = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^<>"@;]*?))\s*<(?P<address>[^<>\s@]+@[^<>\s@]+)>\s*(?:[;,]|$)')
ALONE = re.compile(r"\s*(?P<address>[^@\s<>,;|]+@[^@\s<>,;|]+)\s*(?:[;,]|$)")

ADDRESSEES = re.compile(r"^\s*(?:to|cc|bcc|宛先|an|à|para)\s*[:：]\s*", re.IGNORECASE)

# Errors of formulas in the most frequent languages of Excel, and null values of databases.
NO_VALUE = """#n/a #na #nv #n/d #ref! #bezug! #rif! #¡ref! #value! #wert! #valor! #¡valor! #valeur! #valore! #name?
    #nome? #nom? #¿nombre? #div/0! #¡div/0! #null! #nul! #¡nulo! #num! #nombre! #zahl! #¡num! #spill! #calc! #error!
    n/a <null> (null) \\n"""
NOTHING = frozenset(NO_VALUE.split())
APOSTROPHES = "'’‘`´"
QUOTES = ('""', "“”", "„“", "''", "‘’", "``", "<>", "＜＞", "«»", "()", "[]")
WIDE = str.maketrans("＜＞＠", "<>@")
BETWEEN = str.maketrans("；，、\t", ";,,;")  # people, beside the ASCII ones
FORMULA = re.compile(r'="(?P<text>[^"]*)"')


def is_address(text: str) -> bool:
    """Return whether the cell looks like one address, however it is wrapped."""
    return (
        len(text) <= MAX_LENGTH
        and ("@" in text or "＠" in text or "&#" in text)
        and bool(ADDRESS.fullmatch(address_of(text)[0]))
    )


@lru_cache(maxsize=8192)
def address_of(text: str) -> tuple[str, str]:
    """Return the unwrapped address and the name that a mail program wrote before it. A text that is no address is
    returned unwrapped too."""
    if len(text) > MAX_LENGTH:
        return text.strip(), ""
    text = _unescaped(text).strip()
    found = NAMED.fullmatch(text.translate(WIDE))
    if found:
        name = text[found.start("name") : found.end("name")]
        return _bare_address(found["address"]), name_of(name)
    link = LINK.fullmatch(text)
    return _bare_address(link["address"] if link else text), ""


def name_of(text: str) -> str:
    """Return the unwrapped name or team; "" for null values."""
    text = original(_unescaped(text).strip())
    if len(text) > 2 and any((text[0], text[-1]) == tuple(pair) for pair in QUOTES[:6]):
        text = text[1:-1].strip()
    if text == "NULL" or text.lower() in NOTHING:
        return ""
    return visible(text) or ""


def without_mark(text: str) -> str:
    """Remove the apostrophe with which a spreadsheet marks a text."""
    return text[1:].lstrip() if text[:1] in ("'", "’") and text[1:2] not in ("", " ") else text


def is_marked(text: str) -> bool:
    return text.lstrip()[:1] in ("'", "’")


def people_of(line: str, *, maximum: int) -> list[tuple[str, str]] | None:
    """Return (name, address) of all addressees on a line of a mail program, but of no more than `maximum` and one; None
    for any other line."""
    wide, at = ADDRESSEES.sub("", line.translate(WIDE | BETWEEN)).strip(), 0
    found: list[tuple[str, str]] = []
    while at < len(wide) and len(found) <= maximum:
        entry = ENTRY.match(wide, at) or ALONE.match(wide, at)
        if entry is None:
            return None
        parts = entry.groupdict()
        name = (parts.get("quoted") or parts.get("bare") or "").strip().strip(",").strip()
        found.append((name, entry["address"]))
        at = entry.end()
    return found or None


def _unescaped(text: str) -> str:
    if len(text) > MAX_LENGTH:
        return text
    formula = FORMULA.fullmatch(text.strip())
    text = formula["text"] if formula else text
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def _bare_address(text: str) -> str:
    """Return the address in half width, without invisible characters and wrapping."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip().rstrip(",;").strip()
    text = original(text)
    for pair in QUOTES:
        if len(text) > 2 and (text[0], text[-1]) == tuple(pair):
            text = text[1:-1].strip()
    text = text.lstrip(APOSTROPHES).rstrip("’‘`´").strip() if "@" in text else text
    bare = SCHEME.sub("", text, count=1) if SCHEME.match(text) else text
    if bare != text:
        bare = bare.partition("?")[0]
    return "" if bare == "NULL" or bare.lower() in NOTHING or not visible(bare) else bare
