"""The order of readings, however they were typed."""

import pytest

from core.kana_order import KEY_LENGTH, reading_key


@pytest.mark.parametrize(
    "spelling", ["さとう はな", "サトウ ハナ", "ｻﾄｳ ﾊﾅ", "さとう　はな", " さとう  はな ", "さとう\u200b はな"]
)
def test_one_reading_in_many_spellings(spelling):
    assert reading_key(spelling) == reading_key("さとう はな")


@pytest.mark.parametrize("nothing", ["", " ", "　", "\u200b", "\u3164"])
def test_what_cannot_be_seen_is_no_reading(nothing):
    assert reading_key(nothing) == ""


@pytest.mark.parametrize(
    "ordered",
    [
        ["あおき", "いとう", "うえだ", "わたなべ"],
        ["がくじ", "かとう", "がとう", "かんだ"],  # が as か
        ["きた", "きや", "きょう", "きよし"],  # ょ as よ
        ["はあと", "ハート", "はいだ"],  # ー as the vowel before it
        ["さとう いちろう", "さとう はな", "さとうだ あい"],  # a family together
        ["ab", "Yamada", "あい"],
        ["はら", "ばら", "ぱら"],
    ],
)
def test_dictionary_order(ordered):
    assert sorted(set(ordered), key=reading_key) == ordered


def test_a_long_reading_is_no_trouble():
    assert len(reading_key("㍿" * 300)) == KEY_LENGTH
