"""WCAG 2.2 A and AA, as far as a program can tell: axe-core on every page and in the map, narrow screens, grey."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import shapely
from browsing import FRAME, Server, frame_of, settle

from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.web.elements import LINES
from dgdo_geo.web.own_area import encoded

AXE = Path(__file__).parent / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHOICE = "gemeente=GM0050&activiteit=geothermie"
POINT = "gemeente=GM0050&activiteit=geothermie&punt=156500,485500&lagen=breuken,drinkwaterwinningen"
VIEWS = {
    "nothing chosen": "",
    "plain": CHOICE,
    "expert": CHOICE + "&weergave=volledig",
    "a point": POINT,
    "an own area": f"activiteit=geothermie&vlak={encoded(shapely.box(202_000, 501_000, 205_000, 503_000), 'm')}",
    "a province": "provincie=PV24&activiteit=hto&kaart=potentie",
}


@pytest.fixture(scope="module")
def pages(browser: Any, server: Server) -> list[str]:
    """Paths of all pages, as the navigation shows them."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(server.url)
    page.locator("h1").first.wait_for()
    links = page.locator("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]")
    links.first.wait_for()
    found = links.evaluate_all("all => [...new Set(all.map(a => new URL(a.href).pathname))]")
    page.close()
    assert len(found) >= 2, "the navigation has pages"
    return [str(path) for path in found]


def violations(frame: Any) -> list[str]:
    """What axe-core finds wrong in one frame."""
    frame.evaluate(AXE.read_text(encoding="utf-8"))
    found = frame.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, iframes: false, resultTypes: ['violations']})",
        TAGS,
    )
    assert len(found["passes"]) > 3, "axe looked at something"
    return [f"{item['id']}: {node['html'][:160]}" for item in found["violations"] for node in item["nodes"]]


def test_axe_is_the_file_that_its_readme_names() -> None:
    readme = (AXE.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() in readme
    version = re.search(r"version (\d+\.\d+\.\d+)", readme)
    assert version and f"axe v{version[1]}" in AXE.read_text(encoding="utf-8")[:40]


@pytest.mark.browser
@pytest.mark.parametrize("view", list(VIEWS))
def test_no_violation_on_any_page_nor_in_its_map(browser: Any, server: Server, pages: list[str], view: str) -> None:
    """And every map of an answer has a table beside it with the same facts."""
    wrong: dict[str, list[str]] = {}
    maps_seen = 0
    for path in pages:
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="nl-NL")
        page.goto(f"{server.url}{path}?{VIEWS[view]}")
        settle(page)
        found = violations(page.main_frame)
        if page.locator(FRAME).count():
            maps_seen += 1
            inside = frame_of(page)
            assert view != "a point" or page.locator("table caption").count(), path
            found += [f"map: {item}" for item in violations(inside)]
            for tool in ("measure", "draw", "layers"):
                opener = inside.locator(f".dgdo-tool-{tool}")
                if opener.is_visible():
                    opener.click()
                    found += [f"map, {tool}: {item}" for item in violations(inside)]
            inside.locator(".dgdo-sources").click()
            found += [f"map, sources: {item}" for item in violations(inside)]
        if found:
            wrong[path] = found
        page.close()
    assert wrong == {}
    assert maps_seen, "a page has a map"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2)], ids=["320 px", "200 percent"])
def test_no_page_scrolls_sideways(browser: Any, server: Server, pages: list[str], width: int, scale: int) -> None:
    """At 200 % zoom a screen of 1280 px has 640 px of CSS."""
    too_wide: dict[str, object] = {}
    for path in pages:
        context = browser.new_context(viewport={"width": width, "height": 800}, device_scale_factor=scale)
        page = context.new_page()
        page.goto(f"{server.url}{path}?{CHOICE}")
        settle(page)
        # The map is wider for a moment, until it knows its frame.
        for _ in range(25):
            widest = page.evaluate(
                "Math.max(document.querySelector('[data-testid=stMain]').scrollWidth, document.body.scrollWidth)"
            )
            if widest <= width:
                break
            page.wait_for_timeout(200)
        else:
            too_wide[path] = page.evaluate(
                "w => [...document.querySelectorAll('[data-testid=stMain] *')]"
                ".filter(e => e.getBoundingClientRect().right > w + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120))",
                width,
            )
        context.close()
    assert too_wide == {}


# Grey -------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance as in WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", list(PATTERNS))
def test_every_class_is_told_apart_in_grey(kind: str) -> None:
    """By its motif, and a motif stands out from its ground; classes without a motif are told apart by tone."""
    patterns = list(PATTERNS[kind].items())
    assert len(patterns) >= 4
    for key, pattern in patterns:
        if pattern.motif.coverage().any():
            assert contrast(pattern.colour, pattern.line) >= 3, key
            assert 0.03 < pattern.motif.coverage().mean() < 0.6, key
    for i, (key, one) in enumerate(patterns):
        for other_key, other in patterns[i + 1 :]:
            differs = abs(one.motif.coverage() - other.motif.coverage()).mean()
            tones = contrast(one.colour, other.colour)
            assert differs > 0.05 or tones > 1.3, (key, other_key)


@pytest.mark.parametrize(("colour", "dashes"), LINES)
def test_lines_of_overlays_stand_out(colour: str, dashes: str) -> None:
    for pattern in PATTERNS["verdict"].values():
        assert contrast(colour, pattern.colour) >= (1.4 if pattern.colour == "#cf4a40" else 3), pattern
    assert len({line[1] for line in LINES}) == len(LINES), "also told apart by their dashes"
