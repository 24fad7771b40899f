"""What people come to do, from start to end, in a real browser that reaches no other computer than our server."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pypdf
import pytest
from browsing import FRAME, Server, click_map, frame_of, pick, settle

from dgdo_geo.query import Explorer

ZONE = (205_909, 496_395)
"""In Zwolle, on the sketch of a strategic groundwater reserve."""


def shown(page: Any) -> list[str]:
    """What the reader sees of a view: headings, the answer, tables."""
    found = page.locator("h1, h2, .dgdo-headline, .dgdo table, .dgdo-constraint").all_text_contents()
    return [re.sub(r"\s+", " ", item).strip() for item in found]


def copied_link(page: Any) -> str:
    page.get_by_role("button", name="Kopieer de link naar dit beeld").click()
    page.get_by_role("status").get_by_text("Gekopieerd").wait_for()
    return str(page.evaluate("navigator.clipboard.readText()"))


def same_in_another_browser(page: Any, browser: Any, link: str) -> None:
    settle(page)
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="nl-NL")
    other = context.new_page()
    other.goto(link)
    settle(other)
    expected = shown(page)
    for _ in range(40):  # a page builds up piece by piece
        if shown(other) == expected:
            break
        other.wait_for_timeout(250)
    assert shown(other) == expected
    assert other.url == page.url
    context.close()


@pytest.mark.browser
def test_officer_from_a_few_letters_to_a_reason_and_a_procedure(page: Any, browser: Any, server: Server) -> None:
    page.goto(server.url)
    pick(page, "Plaats", "Zwo")
    page.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    pick(page, "Activiteit", "ultradiep")
    page.wait_for_url("**activiteit=udg**")
    pick(page, "Activiteit", "geothermie")
    page.get_by_role("heading", name="Kaart: Diepe aardwarmte in Zwolle").wait_for()
    page.frame_locator(FRAME).locator("path.dgdo-unknown").first.wait_for()
    settle(page)

    click_map(page, 6.1361281, 52.4529486)
    page.get_by_role("heading", name="Antwoord voor punt").wait_for()
    x, y = map(int, re.findall(r"punt=(\d+),(\d+)", unquote(page.url))[0])
    assert abs(x - ZONE[0]) < 200 and abs(y - ZONE[1]) < 200, "the click is where the map drew the place"
    rule = page.locator(".dgdo-constraint", has_text="Aardwarmte in een strategische grondwatervoorraad").first
    rule.wait_for()
    words = rule.inner_text()
    assert "nee, tenzij" in words
    assert "Voorwaarde:" in words and "Tenzij de regels" in words
    assert "Verkenning robuuste drinkwatervoorziening 2040" in words
    assert rule.get_by_role("link", name="naar de bron").get_attribute("href").startswith("https://")

    page.get_by_role("link", name="Wie beslist, en uw rol").click()
    procedure = page.locator("#wie-beslist")
    phase = procedure.locator("summary", has_text="Fase 3: boren")
    assert phase.locator("xpath=..").get_attribute("open") is None
    phase.click()
    steps = phase.locator("xpath=..").locator("ol, dl").first.inner_text()
    assert "Wie beslist" in steps and "Rol van de gemeente" in steps
    same_in_another_browser(page, browser, copied_link(page))


@pytest.mark.browser
def test_adviser_compares_two_provinces_and_takes_the_figures_along(
    page: Any, browser: Any, server: Server, explorer: Explorer, tmp_path: Path
) -> None:
    page.goto(f"{server.url}/gebied")
    pick(page, "Plaats", "Overijssel")
    page.get_by_role("heading", name="Oordeel en ondergrond in Overijssel").wait_for()
    pick(page, "Vergelijk met", "Drenthe (prov")
    table = page.locator("table:has(caption:has-text('Het oordeel naast elkaar'))")
    table.wait_for()
    heads = table.locator("thead").inner_text()
    assert "Overijssel" in heads and "Drenthe" in heads
    page.wait_for_url("**vergelijk=PV22**")
    page.keyboard.press("Escape")
    settle(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download de cijfers (CSV)").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name.startswith("dgdo-geo-gebied-PV23-")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    key = next(column for column in rows[0] if {row[column] for row in rows} >= {"Overijssel", "Drenthe"})
    assert {row[key] for row in rows} == {"Overijssel", "Drenthe"}
    same_in_another_browser(page, browser, copied_link(page))

    pick(page, "Welke activiteiten", "Diepe aardw")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Maak het rapport").click()
    found = page.get_by_role("button", name=re.compile(r"^Haal pv23-.*\.(pdf|xlsx) op$"))
    found.nth(1).wait_for(timeout=120_000)
    names = []
    for number in range(found.count()):
        with page.expect_download() as waiting:
            found.nth(number).click()
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        names.append(waiting.value.suggested_filename)
    pdf, xlsx = sorted(names)
    paper = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / pdf).pages)
    assert "Overijssel" in paper and "Drenthe" in paper and "Zoutwinning" not in paper
    book = openpyxl.load_workbook(tmp_path / xlsx, read_only=True)
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {"Overijssel", "Drenthe"} <= cells

    page.goto(f"{server.url}/?provincie=PV23&activiteit=geothermie")
    settle(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download dit antwoord (JSON)").click()
    waiting.value.save_as(tmp_path / "antwoord.json")
    taken = json.loads((tmp_path / "antwoord.json").read_text(encoding="utf-8"))
    assert taken["region"]["name"] == "Overijssel"
    assert taken["answers"] == json.loads(json.dumps(explorer.for_region("PV23").to_dict()["answers"]))


def tab_to(page: Any, wanted: str, most: int = 60) -> None:
    """Press Tab until the element with the focus answers to a test in the browser."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"() => {{ const e = document.activeElement; return Boolean(e && ({wanted})); }}"):
            return
    raise AssertionError(f"not reached with {most} tabs: {wanted}")


@pytest.mark.browser
def test_officer_needs_no_mouse(page: Any, browser: Any, server: Server) -> None:
    page.goto(server.url)
    settle(page)
    tab_to(page, "e.getAttribute('role') === 'combobox' && e.getAttribute('aria-label').startsWith('Plaats')")
    page.keyboard.type("Zwo", delay=30)
    page.get_by_role("option", name="Zwolle (gemeente)").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    settle(page)
    tab_to(page, "e.getAttribute('aria-label') === 'Activiteit'", 6)
    page.keyboard.type("ondiepe", delay=30)
    page.get_by_role("option", name="Ondiepe aardwarmte").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**activiteit=ondiepe_geothermie**")
    settle(page)

    tab_to(page, "e.tagName === 'IFRAME'")
    for _ in range(12):
        inside = frame_of(page)
        if inside.evaluate("document.activeElement.id") == "map_div":
            break
        page.keyboard.press("Tab")
    assert page.frame_locator(FRAME).locator(".dgdo-cross").is_visible()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Antwoord voor punt").wait_for()
    settle(page)

    tab_to(page, "e.matches('a[href=\"#wie-beslist\"]')", 60)
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash === '#wie-beslist'")
    tab_to(page, "e.tagName === 'SUMMARY'", 40)
    is_open = "() => document.activeElement.parentElement.open"
    before = page.evaluate(is_open)
    page.keyboard.press("Enter")
    assert page.evaluate(is_open) != before

    page.goto(page.url.split("#")[0])
    settle(page)
    tab_to(page, "e.classList.contains('dgdo-copy')", 20)
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Gekopieerd").wait_for()
    same_in_another_browser(page, browser, str(page.evaluate("navigator.clipboard.readText()")))


@pytest.mark.browser
def test_link_can_be_copied_by_hand_where_the_browser_forbids_it(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/?gemeente=GM0193")
    settle(page)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Kopieer de link naar dit beeld").click()
    field = page.get_by_label("Link naar dit beeld", exact=True)
    assert field.input_value() == page.url
    assert field.evaluate("f => f === document.activeElement && f.selectionEnd === f.value.length")
