"""Plots that exist only as SVG are pictures, and nothing but pictures."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest

from lms.notebooks.svg import MAX_SIDE, Picture, picture_at, picture_of, with_pictures
from tests.lms.notebooks.builders import ALERT, code, markdown, notebook, shows
from tests.lms.notebooks.builders import PIXEL as PNG
from tests.lms.notebooks.drawing import clean, draw, left_out

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PIXEL = f"data:image/png;base64,{PNG}"
MATPLOTLIB = f"""<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg {NS} width="460.8pt" height="345.6pt" viewBox="0 0 460.8 345.6" version="1.1">
 <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:li>x</rdf:li></rdf:RDF></metadata>
 <defs><style type="text/css">*{{stroke-linejoin: round; stroke-linecap: butt}}</style>
  <path id="glyph" d="M 0 0 L 3.5 0"/><clipPath id="c"><rect x="1" y="1" width="9" height="9"/></clipPath></defs>
 <g id="figure_1"><path d="M 0 0 L 9 9" clip-path="url(#c)" style="fill: #ffffff"/>
  <use xlink:href="#glyph" x="4" style="fill: url(#c)"/><image xlink:href="{PIXEL}" width="5"/></g>
</svg>"""


def svg(inner: str, attributes: str = "") -> str:
    return f"<svg {NS} {attributes}>{inner}</svg>"


CIRCLE = "<circle r='5'/>"


def names(found: Picture) -> list[str]:
    return [each.tag.rpartition("}")[2] for each in ET.fromstring(found.text).iter()]


def test_a_plot_of_matplotlib_keeps_what_draws():
    found = picture_of(MATPLOTLIB)
    assert names(found) == ["svg", "defs", "style", "path", "clipPath", "rect", "g", "path", "use", "image"]
    assert found.is_whole
    for part in ('xlink:href="#glyph"', "url(#c)", PIXEL, "stroke-linejoin: round", 'width="614.4"', 'height="460.8"'):
        assert part in found.text, part
    assert "DOCTYPE" not in found.text
    assert picture_of(found.text) == found


@pytest.mark.parametrize(
    "text",
    [
        svg(f"<script>{ALERT}</script>{CIRCLE}"),
        svg(f"<g><script href='https://evil.example/x.js'/></g>{CIRCLE}"),
        svg(CIRCLE, f'onload="{ALERT}"'),
        svg(f'<circle r="5" onClick="{ALERT}"/>'),
        svg(f'{CIRCLE}<a xlink:href="javascript:{ALERT}"><text>x</text></a>'),
        svg(f"{CIRCLE}<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>x</body></foreignObject>"),
        svg(f"{CIRCLE}<h:script xmlns:h='http://www.w3.org/1999/xhtml'>{ALERT}</h:script>"),
        svg(f"{CIRCLE}<h:iframe xmlns:h='http://www.w3.org/1999/xhtml' src='https://evil.example/'/>"),
        f'<!DOCTYPE svg [<!ENTITY a "{ALERT}">]>' + svg(f"{CIRCLE}<text>&a;</text>"),
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg(f"{CIRCLE}<text>&a;</text>"),
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]>"
        + svg(f"{CIRCLE}<text>&i;</text>"),
        svg(
            CIRCLE
            + "".join(
                f"<g id='g{n + 1}'>" + f"<use href='#g{n}'/>" * 10 + "</g>" if n else f"<g id='g1'>{CIRCLE}</g>"
                for n in range(9)
            )
            + "<use href='#g9'/>"
        ),
        svg("<g id='a'><use href='#a'/></g>"),
        svg("<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>"),
        svg("<g>" * 200 + CIRCLE + "</g>" * 200),
        svg("".join("<circle/>" for _ in range(60_000))),
        svg(""),
        svg("<title>nothing to see</title>"),
        "<svg/>",
        "<svg><circle></svg>",
        "no drawing",
        "",
        "x" * 5_000_000,
    ],
    ids=lambda text: text[-60:].replace("\n", "")[:50],
)
def test_what_does_more_than_draw_or_draws_nothing_is_no_picture(text):
    assert picture_of(text) is None
    html = draw(notebook(code("plot", shows(image_svg__xml=text))))
    assert "data:image/svg" not in html
    assert left_out() in html or not text


@pytest.mark.parametrize(
    ("inner", "is_whole"),
    [
        ('<image href="https://evil.example/p.png"/>', False),
        ('<image xlink:href="//evil.example/p.png"/>', False),
        ('<image href="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="/>', False),
        ('<image href="data:text/html,x"/>', False),
        ('<use href="https://evil.example/x.svg#a"/>', True),
        ('<a href="https://evil.example/"><text>x</text></a>', True),
        ("<style>@import 'https://evil.example/c.css';</style>", True),
        ("<style>* { fill: url(https://evil.example/f) }</style>", True),
        ("<style>* { fill: u\\72l(https://evil.example/f) }</style>", True),
        ('<rect fill="url(https://evil.example/f#a)"/>', True),
        ("<rect style=\"fill: url('https://evil.example/f')\"/>", True),
        ('<rect filter="url(#f)"/><filter id="f"><feImage href="https://evil.example/i"/></filter>', True),
        ('<animate attributeName="href" to="https://evil.example/"/><set attributeName="x"/>', True),
        ('<rect xml:base="https://evil.example/"/>', True),
        ('<g xmlns:h="http://www.w3.org/1999/xhtml"><h:img src="https://evil.example/i"/></g>', True),
    ],
)
def test_nothing_of_it_lies_elsewhere(inner, is_whole):
    found = picture_of(svg(CIRCLE + inner))
    assert "evil" not in found.text
    assert "circle" in names(found)
    assert found.is_whole is is_whole
    html = draw(notebook(code("plot", shows(image_svg__xml=svg(CIRCLE + inner)))))
    assert "data:image/svg+xml;base64," in html
    assert (left_out() in html) is not is_whole


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="100" height="50"', ("100", "50")),
        ('width="1in" height="72pt"', ("96", "96")),
        ('viewBox="0 0 300 150"', ("300", "150")),
        ('width="100%" height="100%" viewBox="0,0,300,150"', ("300", "150")),
        ('width="600" viewBox="0 0 300 150"', ("600", "300")),
        ('width="4000" height="1000"', (str(MAX_SIDE), "500")),
        ('width="100000000" height="1"', (str(MAX_SIDE), "1")),
        ('viewBox="0 0 1e9 1"', (str(MAX_SIDE), "1")),
        ('viewBox="0 0 1e300 1"', (None, None)),
        ("", (None, None)),
        ('width="-5" height="NaN"', (None, None)),
    ],
)
def test_it_has_a_size_that_a_page_can_hold(attributes, size):
    root = ET.fromstring(picture_of(svg(CIRCLE, attributes)).text)
    assert (root.get("width"), root.get("height")) == size
    assert root.get("viewBox") or not root.get("width")


def test_its_title_is_its_alternative_text():
    html = draw(notebook(code("plot", shows(image_svg__xml=svg(f'<title>Rain "A" &lt; B</title>{CIRCLE}')))))
    assert 'alt="Rain &quot;A&quot; ' in html
    assert 'alt="No description' in draw(notebook(code("plot", shows(image_svg__xml=svg(CIRCLE)))))


def test_raster_pictures_come_first_and_nothing_is_missed():
    html = draw(notebook(code("plot", shows(image_svg__xml=svg(CIRCLE), image_png=PNG))))
    assert "image/png" in html
    assert "svg" not in html
    assert left_out() not in html


def test_html_with_a_drawing_in_it():
    plot = svg(CIRCLE, 'width="20" height="10"')
    address = "data:image/svg+xml;base64," + base64.b64encode(plot.encode()).decode()
    spelled = "data:image/svg+xml;utf8," + plot.replace('"', "%22").replace("#", "%23").replace(" ", "%20")
    for html in (f"<div>{plot}</div>", f'<img src="{address}">', f'<img src="{spelled}">'):
        found = draw(notebook(code("plot", shows(text_html=html))))
        assert "data:image/svg+xml;base64," in found, html
        assert left_out() not in found
        assert "<svg" not in found
    drawn = draw(notebook(markdown("![a](attachment:a.svg)", attachments={"a.svg": {"image/svg+xml": plot}})))
    assert "data:image/svg+xml;base64," in drawn


def test_html_with_an_active_drawing_is_left_out():
    found = draw(notebook(code("plot", shows(text_html=f"<p>a</p>{svg(CIRCLE + '<script>1</script>')}"))))
    assert left_out() in found
    assert "svg" not in found
    hidden = f'<img src="data:image/svg+xml,{svg(CIRCLE, "onload=%22x%22").replace(chr(34), "%22")}">'
    assert "svg" not in clean(hidden)


@pytest.mark.parametrize("html", ["<svg>", "</svg>", "<svg/><svg>", "<svg><svg></svg>", "<svg " * 9_000, "<SVG></SVG>"])
def test_drawings_that_do_not_end_are_no_pictures(html):
    assert with_pictures(html) == html


def test_addresses_of_other_kinds_are_none():
    for address in ("", "data:,x", "data:image/svg+xml", "data:image/svg+xml;base64,%%%", "https://a/x.svg", PIXEL):
        assert picture_at(address) is None


def test_what_is_drawn_stays_when_it_is_cleaned_again():
    html = draw(notebook(code("plot", shows(image_svg__xml=MATPLOTLIB))))
    assert clean(html) == html
    [address] = re.findall(r'src="([^"]*)"', html)
    assert picture_at(address).address == address
