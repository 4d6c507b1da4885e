"""One address as keyboards, copies and attackers spell it, and two that only look like it; for a test of every door."""

ADDRESS = "kissa@example.com"
SAME = {
    "full-width at": "kissa＠example.com",
    "full-width letters": "ｋｉｓｓａ@ｅｘａｍｐｌｅ．ｃｏｍ",
    "ideographic stop": "kissa＠example。com",
    "case": "KissA@Example.COM",
    "zero-width space": "kissa\u200b@example.com",
    "soft hyphen": "kis\u00adsa@example.com",
    "variation selector": "kissa@example.com\ufe0f",
    "no-break space": "kissa@example.com\u00a0",
    "long s": "ki\u017fsa@example.com",
    "Kelvin sign": "\u212aissa@example.com",
}
APART = {"dotless i": "k\u0131ssa@example.com", "sharp s": "ki\u00dfa@example.com"}
NFC, NFD = "p\u00e4ssw\u00f6rt-\u014c-77", "pa\u0308sswo\u0308rt-O\u0304-77"
