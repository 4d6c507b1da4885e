"""The checks of `make lint` for style sheets."""

from pathlib import Path

import pytest

from tests import stylesheets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a { color: var(--unknown) }", "--unknown is not defined"),
        ("a { color }", "EOF reached before {} block for a qualified rule."),
        ("a {}", "a rule without declarations"),
        ("a { margin: 0; padding: 0; margin: 1px }", "margin is declared twice"),
        ("@media print { a { background: #fff } }", "a colour outside of tokens.css"),
    ],
)
def test_mistakes_are_found(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "page.css"
    file.write_text(f"/* first line */\n{text}")
    assert stylesheets.findings([file], defined=set()) == [(file, 2, message)]


def test_fallbacks_and_colour_tokens_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "tokens.css").write_text(":root { --text: #123456 }")
    (tmp_path / "page.css").write_text("a { height: 100vh; height: 100dvh; color: var(--text) }")
    files = sorted(tmp_path.glob("*.css"))
    assert stylesheets.findings(files, defined=stylesheets.custom_properties(tmp_path)) == []
