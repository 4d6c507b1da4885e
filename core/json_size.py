"""How many values a JSON text holds, counted before it is parsed.

Parsing makes an object of each value: 10 MiB of `[],[],[]…` are three million lists, which take hundreds of megabytes,
several times over when they are checked and copied. A count of the text costs no more than the text.
"""

# Of a body at any address. A notebook of 5 MiB that holds nothing but one-digit numbers has 2.5 million values, one of
# plots drawn from points a few ten thousand lists and objects, which take the most memory: 200 bytes each.
MAX_VALUES = 2_000_000
MAX_CONTAINERS = 250_000
TOO_MANY = (
    f"The body holds too many JSON values; at most {MAX_VALUES} are taken, and of lists and objects {MAX_CONTAINERS}. "
    "Send it in parts; of a notebook, clear the outputs"
)
CHUNK = 64 * 1024  # bytes


class TooManyValues(Exception):
    """The text holds more values than MAX_VALUES, or more lists and objects than MAX_CONTAINERS."""


def refuse_too_many_values(text: bytes) -> None:
    """Raise TooManyValues for a JSON text in UTF-8 that holds too many. What is no JSON is counted up to some point:
    the parser refuses it there."""
    if len(text) > MAX_CONTAINERS and _are_too_many(*_counts(text)) and _holds_too_many(text):
        raise TooManyValues(TOO_MANY)


def _holds_too_many(text: bytes) -> bool:
    """Return the same without what stands in strings, like the commas of code: slower, with the memory of two texts."""
    text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    containers = commas = 0
    in_string = False
    for start in range(0, len(text), CHUNK):
        parts = text[start : start + CHUNK].split(b'"')
        found = _counts(b" ".join(parts[in_string::2]))
        in_string ^= len(parts) % 2 == 0
        containers, commas = containers + found[0], commas + found[1]
        if _are_too_many(containers, commas):
            return True
    return False


def _counts(text: bytes) -> tuple[int, int]:
    """Return the number of lists and objects, and of commas."""
    return text.count(b"[") + text.count(b"{"), text.count(b",")


def _are_too_many(containers: int, commas: int) -> bool:
    return containers > MAX_CONTAINERS or containers + commas >= MAX_VALUES  # a value or key is after one of them
