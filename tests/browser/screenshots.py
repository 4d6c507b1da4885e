"""Pictures of every page, for people to look at before a change is merged; nothing is compared.

    python manage.py shell --no-imports -v0 -c "from tests.browser.lesson import main; main('demo@example.com')" >cast
    python -m tests.browser.screenshots --cast cast --email demo@example.com --out /tmp/pages

The first makes a class with something of everything, beside what there is. The second takes each page of pages.py at
three widths, in both themes and both languages, and writes `index.html` beside the pictures. The password is that of
PASSWORD, or asked for; the page of everybody wants an admin's account. `--only live` takes the pages whose name begins
so.
"""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, executable
from tests.browser.pages import PLACES, Cast, Place, log_in
from tests.live import suffix_of

WIDTHS = {1440: 900, 1024: 768, 390: 844}
THEMES = ("light", "dark")
LANGUAGES = ("en", "ja")
TALLEST = 4000  # px of a page; a list of 200 is clear after the first screens
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Shot:
    place: Place
    mode: str
    width: int
    theme: str
    language: str

    @property
    def title(self) -> str:
        return f"{self.place.name}{f' ({self.mode})' if self.mode else ''}"

    @property
    def file(self) -> str:
        return f"{self.title}-{self.width}-{self.theme}-{self.language}.png".replace(" ", "_").replace(",", "")


def shots(only: str) -> Iterator[Shot]:
    for place in PLACES:
        if not place.name.startswith(only):
            continue
        for mode, width, theme, language in product(("", *place.modes), WIDTHS, THEMES, LANGUAGES):
            yield Shot(place, mode, width, theme, language)


def take(page: Page, shot: Shot, *, url: str, cast: Cast, out: Path) -> None:
    suffix = suffix_of(url)
    cookies = {f"language{suffix}": shot.language, f"display{suffix}": shot.mode}
    page.context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page.emulate_media(color_scheme=shot.theme)
    page.set_viewport_size({"width": shot.width, "height": WIDTHS[shot.width]})
    page.goto(f"{url}{shot.place.address(cast)}")
    page.wait_for_selector(shot.place.ready)
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    clip = {"x": 0, "y": 0, "width": shot.width, "height": max(height, WIDTHS[shot.width])}
    page.screenshot(path=out / shot.file, full_page=True, clip=clip, animations="disabled")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        sys.stderr.write(f"scrolls sideways: {shot.file}\n")


def contact_sheet(taken: list[Shot]) -> str:
    """One row a page, mode and width; beside each other what differs in theme and language only."""
    rows: dict[str, list[str]] = {}
    for shot in taken:
        picture = f'<a href="{escape(shot.file)}"><img loading="lazy" src="{escape(shot.file)}" alt=""></a>'
        cell = f"<figure>{picture}<figcaption>{shot.theme}, {shot.language}</figcaption></figure>"
        rows.setdefault(f"{shot.title}, {shot.width} px", []).append(cell)
    body = "".join(f"<h2>{escape(title)}</h2><div>{''.join(cells)}</div>" for title, cells in rows.items())
    style = (
        "body{font:1rem system-ui;margin:1rem} div{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem}"
        "figure{margin:0} img{width:100%;max-height:36rem;object-fit:cover;object-position:top;border:1px solid #999}"
    )
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Pages</title><style>{style}</style>{body}'


def run(browser: Browser, *, url: str, email: str, password: str, out: Path, only: str, cast: Cast) -> list[Shot]:
    context = browser.new_context()
    visitor = browser.new_context().new_page()
    page = context.new_page()
    log_in(page, url=url, email=email, password=password)
    taken = []
    for shot in shots(only):
        take(page if shot.place.signed_in else visitor, shot, url=url, cast=cast, out=out)
        taken.append(shot)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--cast", required=True, type=Path, help="what tests.browser.lesson has printed")
    parser.add_argument("--email", default="demo@example.com")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--only", default="", help="the beginning of a page's name")
    chosen = parser.parse_args()
    out = chosen.out.resolve()
    if out.is_relative_to(ROOT):
        parser.error("--out must be outside the repository: pictures are for looking, not for keeping")
    cast = Cast(**json.loads(chosen.cast.read_text().splitlines()[-1]))
    out.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(chosen.url)
    password = os.environ.get("PASSWORD") or getpass.getpass("Password: ")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        url = f"{parts.scheme}://{parts.netloc}"
        taken = run(browser, url=url, email=chosen.email, password=password, out=out, only=chosen.only, cast=cast)
        browser.close()
    (out / "index.html").write_text(contact_sheet(taken))
    sys.stdout.write(f"{len(taken)} pictures: {out / 'index.html'}\n")


if __name__ == "__main__":
    main()
