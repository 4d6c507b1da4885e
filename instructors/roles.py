"""Roles of accounts. Three roles have a meaning; any other text is a label and grants nothing.

Roles are free texts in the contract (docs/contract/models.md section 4), so the API accepts labels. A label must not be
mistaken for a role, neither by the program, which compares exactly, nor by a person who reads a list of accounts.
"""

import unicodedata

from core.identity import label_key, visible

ADMIN, INSTRUCTOR, ASSISTANT = "admin", "instructor", "assistant"
ROLES = (ADMIN, INSTRUCTOR, ASSISTANT)

# Letters of other alphabets that look like those of the three roles' names. Source: UTS #39, confusables.txt.
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("αаɑ", "a"), "ԁ": "d", **dict.fromkeys("ιіıɩ", "i"), **dict.fromkeys("мⅿ", "m"), "ո": "n",
        **dict.fromkeys("οо", "o"), "с": "c", "ѕ": "s", **dict.fromkeys("τт", "t"), "г": "r", "υ": "u",
    }
)  # fmt: skip


class FalseRole(ValueError):
    """A label that looks like a role but is none. The message names the role."""


def role_of(text: str) -> str:
    """Return the role, recognised in any width and case and with any blanks, or else the label.

    Raises FalseRole for a text that only looks like a role, and for one without visible characters.
    """
    key = label_key(text)
    if key in ROLES:
        return key
    label = visible(text)
    if label is None:
        raise FalseRole("A role must have letters that can be seen")
    plain = unicodedata.normalize("NFKD", key.translate(_LOOK_ALIKES))
    letters = "".join(letter for letter in plain if letter.isalnum())
    if letters in ROLES:
        raise FalseRole(f"This reads like the role `{letters}` and is none; write `{letters}`, or another label")
    return label
