"""What people come to do, from start to end, in a real browser that reaches no other computer than our server."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pypdf
import pytest
from test_web_browser import FLAGS, FRAME, Server, start

from dgdo_geo.query import Explorer, open_explorer

ZONE = (205_909, 496_395)
"""In Zwolle, on the sketch of a strategic groundwater reserve."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = tmp_path_factory.mktemp("workspace")
    open_explorer(workspace, create=True)
    running = start(workspace)
    yield running
    running.process.terminate()
    running.process.wait(60)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A page of a browser with the network cut off; every address that it asks for elsewhere fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="nl-NL", accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    foreign, errors = [], []
    ours = (server.url, server.url.replace("http", "ws", 1), "data:", "blob:")
    context.route(lambda url: not url.startswith(ours), lambda route: route.abort())
    made = context.new_page()
    made.set_default_timeout(60_000)
    made.on("request", lambda request: None if request.url.startswith(ours) else foreign.append(request.url))
    made.on("websocket", lambda socket: None if socket.url.startswith(ours) else foreign.append(socket.url))
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    context.close()
    assert (foreign, errors) == ([], [])


def settle(page: Any) -> None:
    page.locator("h1").first.wait_for()
    for _ in range(2):
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.wait_for_timeout(250)
    if page.locator(FRAME).count():
        page.frame_locator(FRAME).locator("[data-dgdo-ready]").wait_for()


def pick(page: Any, field: str, letters: str) -> None:
    box = page.get_by_role("combobox", name=field)
    box.click()
    box.press_sequentially(letters)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")


def click_map(page: Any, longitude: float, latitude: float) -> None:
    """Click on the map where a place is drawn."""
    # First into view: a click that has to scroll lands beside its place.
    page.locator(FRAME).evaluate("frame => frame.scrollIntoView({block: 'center', behavior: 'instant'})")
    inside = page.locator(FRAME).element_handle().content_frame()
    at = inside.evaluate(
        "([lat, lng]) => { const map = Object.values(window).find(v => v instanceof L.Map);"
        " const p = map.latLngToContainerPoint([lat, lng]); return {x: p.x, y: p.y}; }",
        [latitude, longitude],
    )
    page.frame_locator(FRAME).locator("#map_div").click(position=at)


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
    assert "Overijssel" in paper and "Drenthe" in paper
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
        inside = page.locator(FRAME).element_handle().content_frame()
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
