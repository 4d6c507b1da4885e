"""The sort order of readings (ふりがな): the dictionary order of their kana, however they were typed.

Voiced, small and long kana are first compared as plain ones, as a Japanese dictionary does: がくじ stands before
かんだ, and ハート beside はあと. Only readings that are equal then are compared as they are.
"""

import unicodedata

from core.identity import searchable

KEY_LENGTH = 640  # characters
MAX_SORTED = 255  # characters of a reading that are compared

_HIRAGANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_PLAIN = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ")
_MARKS = str.maketrans("", "", "\u3099\u309a")  # voiced, half voiced
_VOWELS = {
    kana: vowel
    for vowel, row in zip(
        "あいうえお",
        (
            "あかさたなはまやらわ",
            "いきしちにひみりゐ",
            "うくすつぬふむゆる",
            "えけせてねへめれゑ",
            "おこそとのほもよろを",
        ),
        strict=True,
    )
    for kana in row
}


def reading_key(reading: str) -> str:
    """Return the text by whose code points readings are ordered; "" for a reading without a visible character.

    A blank comes before every letter, so that all of one family name stand together.
    """
    folded = " ".join(searchable(reading[:MAX_SORTED]).split()).casefold().translate(_HIRAGANA)
    if not folded:
        return ""
    plain = unicodedata.normalize("NFD", folded).translate(_MARKS)
    plain = unicodedata.normalize("NFC", plain).translate(_PLAIN)
    letters: list[str] = []
    for letter in plain:
        letters.append(_VOWELS.get(letters[-1], letter) if letter == "ー" and letters else letter)
    return f"{''.join(letters)}\t{folded}"[:KEY_LENGTH]
