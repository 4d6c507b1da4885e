"""The rules of WCAG 2.2 A and AA, as far as a program can judge them: axe-core, asked in the page."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def problems(page: Page) -> list[str]:
    """One line a rule and place. Every rule in the light theme; in the dark one what depends on colours."""
    page.emulate_media(color_scheme="light")
    found = violations(page, {"runOnly": TAGS})
    page.emulate_media(color_scheme="dark")
    return found + violations(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})


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
