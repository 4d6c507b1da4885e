"""The cells of the lesson: an introduction to Python and pandas, written once for both languages.

`$words` are substituted for each language. Errors are those of Python 3.11 and pandas 3 in JupyterLab; `@file` is
replaced by IPython's name of the cell in a syntax error.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    code: str
    result: str = ""
    mistakes: tuple[tuple[str, str], ...] = ()  # (what was typed, what Python said)
    difficulty: float = 0.0
    minutes: float = 0.5
    markdown: bool = False


WORDS = {
    "ja": {
        "notebook": "演習",
        "title": "はじめてのデータ分析",
        "intro": "セルを選び、Shift + Enter で実行します。困ったときは「ヘルプ」を押してください。",
        "lists": "リスト",
        "lists_text": "値を順番に並べたものです。番号は 0 から始まります。",
        "functions": "関数と辞書",
        "functions_text": "同じ計算に名前を付け、くり返し使えるようにします。",
        "frames": "表を読み込む",
        "frames_text": "`data/sales.csv` には三つの店の売上があります。",
        "hello": "こんにちは、Python",
        "yen": "円",
        "apple": "りんご",
        "peach": "もも",
        "pear": "なし",
        "north": "駅前",
        "south": "公園",
        "table": (
            "  shop item  price  count\n0   駅前  りんご    120     30\n"
            "1   駅前   もも    250     12\n2   公園  りんご    110     41"
        ),
        "means": "shop\n公園    4510.0\n駅前    3300.0\nName: sales, dtype: float64",
    },
    "en": {
        "notebook": "exercise",
        "title": "First steps in data analysis",
        "intro": "Select a cell and run it with Shift + Enter. Press the help button whenever you are lost.",
        "lists": "Lists",
        "lists_text": "Values one after another. Counting starts at 0.",
        "functions": "Functions and dictionaries",
        "functions_text": "Give a calculation a name and use it again and again.",
        "frames": "Reading a table",
        "frames_text": "`data/sales.csv` holds the sales of our shops.",
        "hello": "Hello, Python",
        "yen": " yen",
        "apple": "apple",
        "peach": "peach",
        "pear": "pear",
        "north": "station",
        "south": "park",
        "table": (
            "      shop   item  price  count\n0  station  apple    120     30\n"
            "1  station  peach    250     12\n2     park  apple    110     41"
        ),
        "means": "shop\npark       4510.0\nstation    3300.0\nName: sales, dtype: float64",
    },
}

CELLS = (
    Draft(markdown=True, code="# $title", minutes=0.1),
    Draft(markdown=True, code="$intro", minutes=0.2),
    Draft(
        code='greeting = "$hello"\nprint(greeting)',
        mistakes=(
            (
                'greeting = "$hello\nprint(greeting)',
                "SyntaxError: unterminated string literal (detected at line 1) (@file, line 1)",
            ),
            ('greeting = "$hello"\nprint(greting)', "NameError: name 'greting' is not defined"),
        ),
        difficulty=0.1,
        minutes=0.4,
    ),
    Draft(
        code="price = 120\ncount = 3\nprice * count",
        result="360",
        mistakes=(
            ("price = 120\ncount = 3\nprcie * count", "NameError: name 'prcie' is not defined"),
            ('price = 120\nprice + "$yen"', "TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
        ),
        difficulty=0.15,
        minutes=0.5,
    ),
    Draft(markdown=True, code="## $lists\n\n$lists_text", minutes=0.3),
    Draft(
        code="prices = [120, 80, 150, 200]\nprices[0]",
        result="120",
        mistakes=(
            ("prices = [120, 80, 150, 200]\nprcies[0]", "NameError: name 'prcies' is not defined"),
            ("prices = [120, 80, 150, 200]\nprices[4]", "IndexError: list index out of range"),
        ),
        difficulty=0.25,
        minutes=0.8,
    ),
    Draft(
        code="total = sum(prices)\ntotal / len(prices)",
        result="137.5",
        mistakes=(
            ("total = sum[prices]", "TypeError: 'builtin_function_or_method' object is not subscriptable"),
            ("total = sum(prices)\ncount = 0\ntotal / count", "ZeroDivisionError: division by zero"),
        ),
        difficulty=0.3,
        minutes=1.0,
    ),
    Draft(
        code="for price in prices:\n    print(price * 1.1)",
        mistakes=(
            (
                "for price in prices:\nprint(price * 1.1)",
                "IndentationError: expected an indented block after 'for' statement on line 1 (@file, line 2)",
            ),
            ("for price in prices\n    print(price * 1.1)", "SyntaxError: expected ':' (@file, line 1)"),
        ),
        difficulty=0.4,
        minutes=1.2,
    ),
    Draft(markdown=True, code="## $functions\n\n$functions_text", minutes=0.3),
    Draft(
        code="def with_tax(price, rate=0.1):\n    return round(price * (1 + rate))\n\nwith_tax(150)",
        result="165",
        mistakes=(
            (
                "def with_tax(price, rate=0.1):\nreturn round(price * (1 + rate))",
                "IndentationError: expected an indented block after function definition on line 1 (@file, line 2)",
            ),
            (
                "def with_tax(price, rate=0.1):\n    return round(price * (1 + rate))\n\nwith_tax()",
                "TypeError: with_tax() missing 1 required positional argument: 'price'",
            ),
        ),
        difficulty=0.55,
        minutes=1.8,
    ),
    Draft(
        code='stock = {"$apple": 12, "$peach": 5}\nstock["$peach"]',
        result="5",
        mistakes=(
            ('stock = {"$apple": 12, "$peach": 5}\nstock["$pear"]', "KeyError: '$pear'"),
            (
                'stock = {"$apple": 12, "$peach": 5\nstock["$peach"]',
                "SyntaxError: '{' was never closed (@file, line 1)",
            ),
        ),
        difficulty=0.35,
        minutes=1.0,
    ),
    Draft(
        code='int("1,200".replace(",", ""))',
        result="1200",
        mistakes=(
            ('int("1,200")', "ValueError: invalid literal for int() with base 10: '1,200'"),
            ('int(1200.replace(",", ""))', "SyntaxError: invalid decimal literal (@file, line 1)"),
            ('amount = 1200\namount.replace(",", "")', "AttributeError: 'int' object has no attribute 'replace'"),
        ),
        difficulty=0.45,
        minutes=1.0,
    ),
    Draft(markdown=True, code="## $frames\n\n$frames_text", minutes=0.4),
    Draft(
        code="import pandas as pd",
        mistakes=(("import panda as pd", "ModuleNotFoundError: No module named 'panda'"),),
        difficulty=0.2,
        minutes=0.4,
    ),
    Draft(
        code='df = pd.read_csv("data/sales.csv")\ndf.head(3)',
        result="$table",
        mistakes=(
            (
                'df = pd.read_csv("sales.csv")\ndf.head(3)',
                "FileNotFoundError: [Errno 2] No such file or directory: 'sales.csv'",
            ),
            (
                'df = pd.read_cvs("data/sales.csv")\ndf.head(3)',
                "AttributeError: module 'pandas' has no attribute 'read_cvs'",
            ),
            ('df = read_csv("data/sales.csv")\ndf.head(3)', "NameError: name 'read_csv' is not defined"),
        ),
        difficulty=0.5,
        minutes=1.5,
    ),
    Draft(
        code='df["sales"] = df["price"] * df["count"]\ndf["sales"].sum()',
        result="np.int64(11110)",
        mistakes=(
            ('df["sales"] = df["Price"] * df["count"]\ndf["sales"].sum()', "KeyError: 'Price'"),
            (
                'df["sales"] = df["price"] * df.count\ndf["sales"].sum()',
                "TypeError: unsupported operand type(s) for *: 'int' and 'method'",
            ),
        ),
        difficulty=0.6,
        minutes=1.8,
    ),
    Draft(
        code='df.groupby("shop")["sales"].mean()',
        result="$means",
        mistakes=(
            ('df.groupby("Shop")["sales"].mean()', "KeyError: 'Shop'"),
            (
                'df.groupby("shop")["sales"].averge()',
                "AttributeError: 'SeriesGroupBy' object has no attribute 'averge'",
            ),
        ),
        difficulty=0.7,
        minutes=2.2,
    ),
    Draft(
        code='df[df["sales"] > 3500]["item"].tolist()',
        result="['$apple', '$apple']",
        mistakes=(
            (
                'if df["sales"] > 3500:\n    print(df["item"])',
                "ValueError: The truth value of a Series is ambiguous. Use a.empty, a.item(), a.any() or a.all().",
            ),
            ('df[df["sales"] > "3500"]["item"]', "TypeError: Invalid comparison between dtype=int64 and str"),
            ('df["sales" > 3500]["item"]', "TypeError: '>' not supported between instances of 'str' and 'int'"),
        ),
        difficulty=0.8,
        minutes=2.5,
    ),
)
