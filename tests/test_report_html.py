"""Reports as a page: on its own, read by a real browser, with nothing that axe-core finds wrong."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from booklets import HOSTILE, LONG, UNSEEN, booklet
from test_accessibility import TAGS, violations

from dgdo_geo.report.html import html_of
from dgdo_geo.report.letters import plain

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Opened:
    """A page in a browser, and what it asked for."""

    def __init__(self, browser: Any, content: str, folder: Path, width: int = 1280) -> None:
        file = folder / "rapport.html"
        file.write_text(content, encoding="utf-8")
        self.page = browser.new_page(viewport={"width": width, "height": 900}, locale="nl-NL")
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.goto(file.as_uri())


class Tags(HTMLParser):
    """Counts elements, and checks that each is closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.ids: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.ids += [str(value) for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"{tag} closes {self.open[-3:]}"
        self.open.pop()


def test_the_page_is_well_formed_and_its_ids_are_unique() -> None:
    tags = Tags(html_of(booklet()))
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids)) > 5
    assert tags.count["h1"] == 1 and tags.count["h2"] == 2 and tags.count["caption"] == 1
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(tags.count)
    for reference in re.findall(r"url\(#([^)]+)\)", html_of(booklet())):
        assert reference in tags.ids, "a pattern that is drawn is also defined"


def test_equal_input_gives_equal_pages() -> None:
    assert html_of(booklet()) == html_of(booklet())


@pytest.mark.browser
def test_axe_finds_nothing_and_nothing_is_asked_elsewhere(browser: Any, tmp_path: Path) -> None:
    seen = Opened(browser, html_of(booklet()), tmp_path)
    assert violations(seen.page.main_frame) == []
    assert [url for url in seen.asked if not url.startswith("file:")] == [] and len(seen.asked) == 1
    assert TAGS
    seen.page.close()


@pytest.mark.browser
def test_hostile_text_is_text(browser: Any, tmp_path: Path) -> None:
    seen = Opened(browser, html_of(booklet((*HOSTILE, UNSEEN))), tmp_path)
    said = seen.page.evaluate("document.body.textContent")
    for words in (*HOSTILE, plain(UNSEEN)):
        assert said.count(words) >= 4, words
    assert seen.page.title() == f"Rapport {HOSTILE[0]}"
    assert seen.said == [] and seen.page.locator("script").count() == 0
    links = seen.page.locator("a[href]").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert all(link.startswith(("#", "https://")) for link in links) and "https://wetten.overheid.nl/" in links
    seen.page.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_cut_off(browser: Any, tmp_path: Path, width: int) -> None:
    seen = Opened(browser, html_of(booklet((LONG, *HOSTILE))), tmp_path, width)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    outside = seen.page.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].flatMap(svg => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll(':scope > text, :scope > g > text')].filter(t => {
            const box = t.getBoundingClientRect();
            return box.right > frame.right + 1 || box.left < frame.left - 1 || box.bottom > frame.bottom + 1;
          }).map(t => t.textContent);
        })"""
    )
    assert outside == []
    seen.page.close()


@pytest.mark.browser
def test_the_page_can_be_used_with_a_keyboard_and_printed(browser: Any, tmp_path: Path) -> None:
    seen = Opened(browser, html_of(booklet()), tmp_path)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "hoofdinhoud"
    heads = seen.page.locator("nav a").evaluate_all(
        "all => all.map(a => document.querySelector(a.getAttribute('href')).tagName)"
    )
    assert heads == ["H2", "H2", "H3"]
    assert seen.page.locator("tbody th[scope=row]").count() == seen.page.locator("tbody tr").count() > 3
    seen.page.emulate_media(media="print")
    assert not seen.page.locator("nav").is_visible() and seen.page.locator("header.mark").is_visible()
    seen.page.close()
