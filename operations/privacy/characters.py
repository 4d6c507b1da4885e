"""Scripts of characters, and whether two neighbours in a text may be of one word (for `operations.privacy.names`)."""

import re
import unicodedata
from functools import cache

RANGES = (
    ("hiragana", "\u3041-\u309f"),
    ("katakana", "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"),
    ("han", "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
    ("hangul", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"),
    ("unspaced", "\u0e00-\u109f\u1780-\u17ff"),  # Thai, Lao, Tibetan, Burmese, Khmer
)
SCRIPTS = [(name, re.compile(f"[{characters}]")) for name, characters in RANGES]


@cache
def script(character: str) -> str:
    """Return hiragana, katakana, han, hangul, unspaced, letter (of a script with words), digit, or "" for others."""
    if not character.isascii():
        for name, pattern in SCRIPTS:
            if pattern.match(character):
                return name
    category = unicodedata.category(character)
    return {"L": "letter", "M": "letter", "N": "digit"}.get(category[0], "")


# What makes a longer family name of what follows (小山田, 大山田), and more of it where the family name is one
# character (林 in 若林). What makes a longer given name of what precedes (健太郎, 由美子), and more of it where that is
# one character (明 in 明美). Characters that often end or begin other words are left out: 一年山田太郎, 山田太郎代理.
BEFORE, BEFORE_ONE = (
    set("小大中上下東西南北新古奥"),
    set("若平高長石松竹梅杉栗柳藤山川河野村木原岡田島谷青赤黒白金今本吉神御福富宮桜"),
)
AFTER, AFTER_ONE = (
    set("子郎朗美江恵香奈菜佳彦男夫雄介哉樹輝斗丸吉緒織音乃穂咲莉梨沙紗貴々"),
    set("一二三太也人司志実生行之代治平花衣里明義信央希紀"),
)

# What may touch a lone word from behind although it is of the same script.
TITLES = {
    "han": re.compile(
        "(?:君|様|氏|殿)(?![子代江香恵枝])|先生|先輩|後輩|教授|講師|助教|助手|選手|班|組"
        "|的|说|說|同学|同學|老师|老師|女士|小姐"
    ),
    "hiragana": re.compile("さん|ちゃん|くん|さま|せんせい|は|が|を|に|へ|です|だ|から|まで|より|って"),
    "katakana": re.compile("サン|クン|チャン|サマ|センセイ"),
    "hangul": re.compile("씨|님|군|양|선생|교수|학생|은|는|이|가|을|를|의|에|와|과|도|한테|께"),
}  # fmt: skip
# Behind two characters these make another name (はると, ゆきの); behind three they are particles.
PARTICLES = re.compile("[のともや]")


def is_word(character: str) -> bool:
    """Return whether this is a letter or digit; False for ""."""
    return bool(character) and bool(script(character))


def is_alphabetic(character: str) -> bool:
    """Return whether the character, or the last of several, is a letter of a script with words."""
    return bool(character) and script(character[-1]) == "letter"


def are_one_word(left: str, right: str) -> bool:
    """Return whether two characters of an address are of one word: digits and letters are, 宛先 and `taro@` are not."""
    alphabetic = {"letter", "digit"}
    return script(left) == script(right) or {script(left), script(right)} <= alphabetic


def touches(neighbour: str, edge: str, *, digits: bool) -> bool:
    """Return whether both have the same script and may be one word. Digits count for a lone word (S123 in S1234)."""
    if neighbour == "ー":
        return script(edge) in {"katakana", "hiragana"}
    if digits and {script(neighbour), script(edge)} <= {"letter", "digit"}:
        return True
    return script(neighbour) == script(edge) and script(edge) not in {"", "digit"}


def word_before(text: str, start: int) -> str:
    r"""Return the character before; "" for the end of an escape: the n of `\n`, the s of `%s`."""
    if start > 1 and text[start - 1] in "nrtbfv" and text[start - 2] == "\\":
        return ""
    if start > 1 and text[start - 1] in "sd" and text[start - 2] == "%":
        return ""
    return text[start - 1 : start]


def path_begins(text: str, start: int) -> bool:
    """Return whether a path leads up to this position without a blank."""
    return bool(re.search(r"[/\\][^\s/\\]*\Z", text[max(0, start - 255) : start]))
