"""Mathematics reads as mathematics; money, shells and code stay what they are."""

import re
import time

import pytest

from lms.notebooks import render_worker
from lms.notebooks.math import MAX_LENGTH, mathml
from tests.lms.notebooks.builders import ALERT, code, markdown, notebook, prints, shows
from tests.lms.notebooks.drawing import draw

TAG = re.compile(r"</?([a-z]+)((?: [a-z]+=\"[^\"<>]*\")*)>")


def formulas(text):
    html = draw(notebook(markdown(text)))
    return re.findall(r'<math[^>]* alttext="([^"]*)"', html)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Energy $E=mc^2$ and $$\\int_0^1 x_1 dx_2$$", ["E=mc^2", "\\int_0^1 x_1 dx_2"]),
        ("$x$", ["x"]),
        ("$ x^2 $ apart", ["x^2"]),
        ("$n$th and $k$-means, 平均$\\mu$は", ["n", "k", "\\mu"]),
        ("$10^5$ and $5\\%$", ["10^5", "5\\%"]),
        ("\\(a_1\\) and \\\\(b_2\\\\)", ["a_1", "b_2"]),
        ("\\[ a = b \\]", ["a = b"]),
        ("\\\\[ a = b \\\\]", ["a = b"]),
        ("$$\na\n\n+ b\n$$", ["a\n\n+ b"]),
        ("\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}",
         ["\\begin{align*}\na &amp;= b \\\\\nc &amp;= d\n\\end{align*}"]),
        ("# Head $x^2$\n\n| a | b |\n|---|---|\n| $y_1$ | 2 |", ["x^2", "y_1"]),
        ("$a_1$ *and* $b_1$ _or_ $c_1$", ["a_1", "b_1", "c_1"]),
        ("**$\\bar{x}$**", ["\\bar{x}"]),
        # None of it:
        ("It costs $5 and $10.", []),
        ("between $5-$10, or US$5 and US$10 each", []),
        ("$5 for a book, 10$ for two", []),
        ("$1,000 and then some more money $", []),
        ("paid $ 5 or $ 10", []),
        ("$HOME and $PATH, $HOME/$PATH", []),
        ("\\$5 \\$x\\$", []),
        ("`$x^2$` and\n\n    $y^2$\n\n```\n$z^2$\n```", []),
        ("\\(see below\\) and \\[1\\]", []),
        ("a $ alone", []),
        ("$$", []),
        ("$$ $$", []),
    ],
)  # fmt: skip
def test_what_is_mathematics(text, found):
    assert formulas(text) == found


def test_what_is_none_is_left_as_it_was_written():
    html = draw(notebook(markdown("It costs $5 and $10, \\$3 too, in $HOME/$PATH. \\(see below\\)")))
    assert "It costs $5 and $10, $3 too, in $HOME/$PATH. (see below)" in html


def test_code_and_outputs_of_programs_are_untouched():
    html = draw(notebook(code("x = '$y^2$'", prints("$z^2$"), shows(text_plain="$a^2$"))))
    assert "<math" not in html
    assert "$z^2$" in html
    assert "$a^2$" in html


@pytest.mark.parametrize(
    "tex",
    [
        "\\frac{1}{", "x^", "a}b", "{", "\\left( x", "\\nosuchcommand x", "\\begin{align} x", "a & b", "\\ref{eq}",
        "\\newcommand{\\a}{b}\\a", "\\def\\a{\\b\\b}\\def\\b{x}\\a", "\\begin{tabular}{l}a & b\\end{tabular}",
        "{" * 500, "x" * (MAX_LENGTH + 1),
    ],
    ids=lambda tex: tex[:20],
)  # fmt: skip
def test_what_cannot_be_converted_shows_its_source(tex):
    assert mathml(tex, is_block=False) is None
    html = draw(notebook(markdown(f"before $${tex}$$ after")))
    assert "<math" not in html
    assert '<code class="tex">$$' in html
    assert "before" in html
    assert "after" in html


@pytest.mark.parametrize(
    "tex",
    [
        f"\\text{{<script>{ALERT}</script>}}", "\\href{javascript:alert(1)}{x}", "\\style{background:url(//x)}{x}",
        "\\class{x}{y}", "\\text{&lt;img src=x&gt;}", "\\text{&#x3c;b&#x3e;}", '\\color{" onload="x}{y}', "<b>x</b>",
        "a \\\" b", "\\verb|<b>|", "\\color{red}{x}", "x < y > z & w", "\\text{\\\"}",
    ],
)  # fmt: skip
def test_only_mathematics_comes_out(tex):
    found = mathml(tex, is_block=True) or ""
    assert set(TAG.sub("", found)) & set("<>") == set()
    for name, attributes in TAG.findall(found):
        assert name == "math" or name.startswith("m"), name
        assert not re.search(r" (?:href|style|class|id|on\w+)=", re.sub(r'"[^"]*"', "", attributes)), attributes
    html = draw(notebook(markdown(f"${tex}$ $${tex}$$")))
    assert not re.search(r"<(?:script|img|b)\b", html)
    assert not re.search(r"<[^>]* (?:href|style|on\w+)=", re.sub(r'"[^"]*"', "", html))


def test_a_strangers_own_mathml_does_not_pass():
    html = draw(
        notebook(markdown('<math><mtext><img src=x onerror="x"></mtext></math> <span data-tex="0">a</span> $x$'))
    )
    assert html.count("<math") == 2, "only our formula, wherever its place is named"
    assert "onerror" not in html
    assert "data-tex" not in html
    assert "data-tex" not in draw(notebook(markdown('<span data-tex="7">a</span>'))), "a place of no formula"


def test_a_formula_in_an_attribute_stays_text():
    html = draw(notebook(markdown('![of $x"y$](https://a/b.png "t $z$") [a](b "$w$")')))
    assert "<math" not in re.sub(r">[^<]*<", "><", html)
    assert html.count("<img") == 1


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        ("$\\displaystyle x^{2}$", "x^{2}"),
        ("$$x^2$$", "x^2"),
        ("\\[x^2\\]", "x^2"),
        (["\\begin{equation}", "x^2", "\\end{equation}"], "x^2"),
    ],
)
def test_outputs_of_latex(latex, shown):
    html = draw(notebook(code("expr", shows(text_latex=latex, text_plain="x**2"))))
    assert "<math" in html
    assert shown in html
    assert "x**2" not in html


def test_latex_that_is_no_formula_gives_way_to_plain_text():
    table = "\\begin{tabular}{l}a & b\\end{tabular}"
    assert "a  b" in draw(notebook(code("df", shows(text_latex=table, text_plain="a  b"))))
    assert "\\begin{tabular}" in draw(notebook(code("df", shows(text_latex=table))))
    assert '<code class="tex">$\\nosuch$' in draw(notebook(code("x", shows(text_latex="$\\nosuch$", text_plain="p"))))


def test_letters_are_the_ones_that_browsers_know():
    assert "<mi>𝐱</mi>" in mathml("\\mathbf{x y}", is_block=False).replace("𝑥", "𝐱")
    assert '<mi mathvariant="normal">d</mi>' in mathml("\\mathrm{d}x", is_block=False)
    assert "<mi>𝒙</mi>" in mathml("\\bm{x}", is_block=False)


def test_many_formulas_take_a_bounded_time(monkeypatch):
    """Of a tenth of the product's bound, which is far below what ends the process."""
    from lms.notebooks import markdown_cells

    assert markdown_cells.MATH_SECONDS < render_worker.SECONDS / 2
    bound = markdown_cells.MATH_SECONDS / 10
    monkeypatch.setattr(markdown_cells, "MATH_SECONDS", bound)
    started = time.process_time()
    html = draw(notebook(*(markdown("$$" + "x_1^2+" * 600 + "y$$") for _ in range(500))))
    assert "<math" in html
    assert '<code class="tex">$$x_1^2+' in html, "the rest shows its source"
    assert time.process_time() - started < bound + 10
