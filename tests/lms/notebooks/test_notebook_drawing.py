"""A notebook becomes HTML that can do nothing, in a process that can do little."""

import base64
import json
import re
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser
from tempfile import TemporaryFile

import pytest

from lms.api.notebook_content import receipt
from lms.notebooks import render_process, render_worker
from tests.lms.notebooks.builders import ALERT, HOSTILE, HOSTILE_HTML, PIXEL, code, markdown, notebook, prints, shows
from tests.lms.notebooks.drawing import clean, draw, left_out

# nbconvert says so about every notebook: IPython's own lexer is not here.
pytestmark = pytest.mark.filterwarnings("ignore:IPython3 lexer unavailable")

FORBIDDEN = {"script", "iframe", "object", "embed", "form", "input", "button", "style", "link", "base", "meta", "svg"}
FORBIDDEN |= {"math", "video", "audio", "a", "noscript", "template", "source", "select", "textarea", "frame"}


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def check_harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag not in FORBIDDEN, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"style", "srcset", "srcdoc", "href", "background", "action", "id", "name"}, (tag, name)
            if name == "src":
                assert re.match(r"data:image/(png|jpeg|gif|webp);base64,", value), value


@pytest.fixture(scope="module")
def hostile() -> str:
    return draw(HOSTILE)


def test_nothing_of_a_hostile_notebook_survives(hostile):
    check_harmless(hostile)
    assert "evil.example/" not in re.sub(r">[^<]*<", "><", hostile), "addresses may stand in texts only"


@pytest.mark.parametrize("html", HOSTILE_HTML)
def test_what_is_cleaned_stays_clean(html):
    check_harmless(clean(html))
    assert clean(clean(html)) == clean(html)


def test_what_was_left_out_is_said(hostile):
    assert hostile.count(left_out()) >= len(HOSTILE_HTML) - 5
    for one in (
        shows(application_javascript=ALERT),
        shows(image_svg__xml="<svg/>"),
        shows(**{"application_vnd.jupyter.widget-view__json": {}, "text_plain": "IntSlider()"}),
        shows(text_html="<script>1</script>"),
    ):
        assert draw(notebook(code("x", one))).count(left_out()) == 1
    assert left_out() not in draw(notebook(code("x", shows(text_html="<b>1</b>"), prints("1"))))


def test_markup_of_one_cell_ends_in_it():
    html = draw(notebook(markdown("</div></div></div><p>a"), code("b", shows(text_html="</div></div><table><td>c"))))
    assert html.count("<div") == html.count("</div")
    assert re.search(r"</p>\s*</div>\s*</div>\s*</div>\s*<div class=\"cell", html)


def test_what_is_worth_seeing_is_there():
    html = draw(
        notebook(
            markdown("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n**bold** ![p](attachment:p.png)",
                     attachments={"p.png": {"image/png": PIXEL}}),
            code("for i in 日本:\n    pass", prints("\x1b[31mred\x1b[0m <b>"), execution_count=7),
            code("df", shows(text_html='<table class="dataframe"><tr><th>x</th></tr></table>', text_plain="x")),
            code("plot", shows(image_png=[PIXEL[:20] + "\n", PIXEL[20:]], text_plain="<Figure>")),
            code("", shows(application_json={"a": 1})),
        )
    )  # fmt: skip
    for part in (
        "<h1>Title</h1>",
        "<td>1</td>",
        "<strong>bold</strong>",
        '<span class="k">for</span>',
        "日本",
        '<span class="ansi-red-fg">red</span> &lt;b&gt;',
        '<table class="dataframe">',
        "In&nbsp;[7]:",
        '"a": 1',
    ):
        assert part in html, part
    assert html.count(f"data:image/png;base64,{PIXEL}") == 2


def test_metadata_hides_nothing():
    hidden = code("secret = 1", metadata={"tags": ["remove_cell"], "jupyter": {"source_hidden": True}})
    assert "secret" in draw(notebook(hidden, jupytext={"x": 1}))


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        "text",
        {"cells": None},
        {"cells": [None, 1, {}, {"cell_type": 3, "source": {}}]},
        {"cells": [{"cell_type": "code", "source": 1, "outputs": [1, {}, {"output_type": "error"}, {"data": 5}]}]},
        {"cells": [{"cell_type": "code", "outputs": [{"data": {"image/png": {}, "text/html": [1]}}]}]},
        {"cells": [{"cell_type": "markdown", "source": "x", "attachments": {"a": 1, "b": {"image/png": 1}}}]},
        {"metadata": {"language_info": {"name": "../../etc/passwd"}}, "cells": [{"cell_type": "code", "source": "1"}]},
        {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "heading", "level": 99, "source": ["a"]}]}, 4]},
    ],
)
def test_what_is_no_notebook_is_drawn_as_far_as_it_goes(content):
    check_harmless(draw(content))


def test_an_old_notebook_is_drawn():
    cell = {"cell_type": "code", "input": "1+1", "prompt_number": 3, "outputs": [{"output_type": "pyout", "text": "2"}]}
    html = draw({"nbformat": 3, "worksheets": [{"cells": [cell]}]})
    assert "In&nbsp;[3]:" in html
    assert re.search(r">\s*2\s*<", html)


# --- Attached pictures ----------------------------------------------------------------------------------------------

SCREENSHOT = "スクリーンショット 2024-01-01.png"
NFC = "がぞう.png"
NFD = unicodedata.normalize("NFD", NFC)
VECTOR = '<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"><rect width="3" height="3"/></svg>'
OTHER_PIXEL = PIXEL.replace("jWpD", "jWpE")


def sources(html: str) -> list[str | None]:
    return [attributes.get("src") for tag, attributes in Elements(html).found if tag == "img"]


def attached(source, **pictures) -> str:
    return draw(notebook(markdown(source, attachments=pictures)))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("![x](attachment:my%20image.png)", "my image.png"),
        ("![x](attachment:my%20image.png)", "my%20image.png"),
        ("![x](attachment:my image.png)", "my image.png"),
        ("![x](<attachment:my image.png>)", "my image.png"),
        ("![x](attachment:<my image.png>)", "my image.png"),
        (f"![{SCREENSHOT}](attachment:{SCREENSHOT})", SCREENSHOT),
        ("![x](attachment:%E5%9B%B3.png)", "図.png"),
        ("![x](attachment:image (1).png)", "image (1).png"),
        ("![x](attachment:image%20%281%29.png)", "image (1).png"),
        ("![x](attachment:a\\(1.png)", "a(1.png"),
        ("![a[1].png](attachment:a[1].png)", "a[1].png"),
        ("![x](attachment:a&b.png)", "a&b.png"),
        ("![x](attachment:100%.png)", "100%.png"),
        ('![x](attachment:x.png "t")', "x.png"),
        ('![x](attachment:my x.png "t (2)")', "my x.png"),
        (f"![x](attachment:{NFC})", NFD),
        (f"![x](attachment:{NFD})", NFC),
        ("![x](attachment:10.00\u202fAM.png)", "10.00 AM.png"),
        ("![x](attachment:X.PNG)", "X.PNG"),
        ("![x](attachment:X.PNG)", "X.png"),
        ("![a][ref]\n\n[ref]: attachment:x.png", "x.png"),
        ("![a][ref]\n\n[ref]: <attachment:my x.png>", "my x.png"),
        (f"![a][ref]\n\n[ref]: attachment:{NFC}", NFC),
        ('<img src="attachment:my x.png" width="30">', "my x.png"),
        ("text <img width=3 src='attachment:my%20x.png'> text", "my x.png"),
        ("<img src=attachment:x.png>", "x.png"),
        ('<div>\n<img\nsrc="attachment:a&amp;b.png">\n</div>', "a&b.png"),
        ("[![x](attachment:a b.png)](https://evil.example/)", "a b.png"),
        ("| a |\n|---|\n| **![x](attachment:a b.png)** |", "a b.png"),
    ],
    ids=ascii,
)
def test_an_attached_picture_is_found_under_its_name(source, name):
    html = attached(source, **{name: {"image/png": PIXEL}, "another.png": {"image/png": OTHER_PIXEL}})
    assert sources(html) == [f"data:image/png;base64,{PIXEL}"]
    assert "no-picture" not in html


def test_of_names_that_are_alike_the_very_one_counts():
    pictures = {"a.png": {"image/png": PIXEL}, "A.png": {"image/png": OTHER_PIXEL}}
    html = attached("![](attachment:A.png) ![](attachment:a.png)", **pictures)
    assert sources(html) == [f"data:image/png;base64,{each}" for each in (OTHER_PIXEL, PIXEL)]


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_attached_pictures_of_every_kind_are_drawn(kind):
    assert sources(attached("![](attachment:a b)", **{"a b": {kind: PIXEL}})) == [f"data:{kind};base64,{PIXEL}"]


@pytest.mark.parametrize(
    "said",
    [
        VECTOR,
        base64.b64encode(VECTOR.encode()).decode(),
        base64.b64encode(VECTOR.encode()).decode().rstrip("="),
        [VECTOR[:30], VECTOR[30:]],
    ],
    ids=["text", "base64", "without padding", "list"],
)
def test_an_attached_drawing_is_cleaned_as_one_of_an_output_is(said):
    assert len(base64.b64encode(VECTOR.encode()).decode().rstrip("=")) % 4, "nothing to leave out"
    html = attached("![x](attachment:a b.svg)", **{"a b.svg": {"image/svg+xml": said}})
    assert sources(html) == sources(draw(notebook(code("x", shows(image_svg__xml=VECTOR)))))
    assert "no-picture" not in html


@pytest.mark.parametrize(
    "picture", [PIXEL.rstrip("="), [PIXEL[:20] + "\n", PIXEL[20:]], f"{PIXEL[:20]}\r\n {PIXEL[20:]}"]
)
def test_base64_may_lack_its_padding_and_have_line_breaks(picture):
    html = attached("![](attachment:a.png)", **{"a.png": {"image/png": picture}})
    assert [src.rstrip("=") for src in sources(html)] == [f"data:image/png;base64,{PIXEL.rstrip('=')}"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("![x](attachment:no.png)", "no.png"),
        ("![x](attachment:no such (1).png)", "no such (1).png"),
        ("![x](attachment:%E5%9B%B3.png)", "図.png"),
        ("![x][r]\n\n[r]: attachment:no.png", "no.png"),
        ('<img src="attachment:&lt;b&gt;no.png" onerror="x">', "&lt;b&gt;no.png"),
        ("![x](attachment:script.svg)", "script.svg"),
        ("![x](attachment:paper.pdf)", "paper.pdf"),
    ],
)
def test_instead_of_a_picture_that_is_not_there_its_name_is_shown(source, name):
    pictures = {"script.svg": {"image/svg+xml": f"<svg onload={ALERT}>"}, "paper.pdf": {"application/pdf": PIXEL}}
    html = attached(f"# Title\n\n{source}", **pictures)
    assert f'<span class="no-picture">{name}</span>' in html
    assert "<h1>Title</h1>" in html, "the rest of the cell is drawn"
    assert sources(html) == []


def test_text_that_speaks_of_attachments_stays_as_it_is():
    html = attached("`![x](attachment:a b.png)` and attachment:c.png", **{"a b.png": {"image/png": PIXEL}})
    assert "<code>![x](attachment:a b.png)</code> and attachment:c.png" in html
    assert sources(html) == []


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_pictures_of_every_kind_are_drawn_as_outputs(kind):
    output = {"output_type": "display_data", "data": {kind: PIXEL, "text/plain": "<Image>"}, "metadata": {}}
    html = draw(notebook(code("x", output)))
    assert sources(html) == [f"data:{kind};base64,{PIXEL}"]
    assert left_out() not in html


# --- The process ----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _from_nothing(monkeypatch):
    """As the product starts it (tests/drawing_process.py)."""
    monkeypatch.setattr(render_process, "subprocess", subprocess)


def test_it_is_drawn_once(drawn, monkeypatch):
    content = notebook(markdown("# Once"))
    first = render_process.html_of(content, sha256=receipt(content))
    assert "<h1>Once</h1>" in first
    monkeypatch.setattr(render_process, "_run", lambda *_: pytest.fail("drawn again"))
    assert render_process.html_of(content, sha256=receipt(content)) == first


def test_a_web_process_never_imports_the_heavy_libraries():
    script = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE']='config.settings'; django.setup()\n"
        "import config.urls; print([m for m in ('nbconvert', 'nbdime', 'nh3') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_the_process_knows_no_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x")
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DATA_DIR"} & set(render_process._environment())


@pytest.mark.parametrize(
    "limit", [{"MEMORY": 60 * 1024**2}, {"SECONDS": 0}, {"OUTPUT": 10}], ids=["memory", "time", "output"]
)
def test_what_exceeds_a_limit_is_not_drawn(limit):
    [(name, most)] = limit.items()
    script = f"import sys; from lms.notebooks import render_worker as w; w.{name} = {most}; sys.exit(w.main())"
    with TemporaryFile() as said:
        asked = json.dumps(HOSTILE).encode()
        command = [sys.executable, "-c", script, "html"]
        done = subprocess.run(command, input=asked, stdout=said, stderr=subprocess.DEVNULL, timeout=30, check=False)
    assert done.returncode != 0


def test_a_notebook_that_takes_too_long_is_none_and_says_nothing_of_it(drawn, monkeypatch, caplog):
    monkeypatch.setattr(render_process, "TIMEOUT", 0.01)
    assert render_process.html_of(notebook(code("secret")), sha256="long") is None
    assert "took too long" in caplog.text
    assert "secret" not in caplog.text


def test_a_big_notebook_is_drawn(drawn):
    picture = PIXEL * 10_000
    big = notebook(*(code("x", shows(image_png=picture.replace("=", "A")), prints("y" * 200_000)) for _ in range(4)))
    html = render_process.html_of(big, sha256="big")
    assert len(json.dumps(big)) > 4_000_000
    assert "y…" not in html
    assert html.count("data:image/png") == 4


def test_limits_are_what_they_say():
    assert render_worker.SECONDS < render_process.TIMEOUT
