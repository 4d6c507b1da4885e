"""What an account's role may say. Three roles mean something; any other text is a label, and grants nothing.

The specification lets roles be free texts (docs/contract/models.md section 4), so the API takes labels. A label must
not pass for a role: neither for the program, which compares exactly, nor for a person who reads a list of accounts.
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
    """A label that reads like a role and is none; the text says which."""


def role_of(text: str) -> str:
    """The role or the label that the text means: a role by whatever width, case and blanks it was typed in.

    Raises FalseRole for what only looks like a role, and for a text of which nothing can be seen.
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
