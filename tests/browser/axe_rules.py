"""The rules of WCAG 2.2 A and AA, as far as a program can judge them: axe-core, asked in the page."""

from collections.abc import Sequence
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def problems(page: Page, *, themes: Sequence[Theme] = THEMES) -> list[str]:
    """One line a rule and place. Every rule in the first theme; in another one what depends on colours."""
    found: list[str] = []
    for number, theme in enumerate(themes):
        page.emulate_media(color_scheme=theme)
        found += violations(page, CONTRAST if number else {"runOnly": TAGS})
    return found


def violations(page: Page, options: dict) -> list[str]:
    """The script, half a megabyte, is compiled once a page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    asked = {"resultTypes": ["violations"], **options}
    found = page.evaluate("asked => axe.run(asked).then(results => results.violations)", asked)
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"][:5]
    ]
