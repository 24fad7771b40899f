"""The web app as a reader meets it: a real server, a real browser, and no other address than our own."""

from __future__ import annotations

import gzip
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from browsing import FRAME, Server, get, start

from dgdo_geo.query import open_explorer

# Without a browser ------------------------------------------------------------------------


def test_health_counts_the_layers(server: Server) -> None:
    status, _, body = get(f"{server.url}/gezond")
    answer = json.loads(body)
    assert (status, answer["status"]) == (200, "ok")
    assert answer["layers"]["available"] > 2
    assert answer["layers"]["unreadable"] == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", answer["version"])


def test_polygons_are_compressed_and_known_by_their_tag(server: Server) -> None:
    url = f"{server.url}/geo/gemeente/GM0050/geothermie/0.geojson"
    status, headers, body = get(url, **{"Accept-Encoding": "gzip"})
    assert (status, headers["content-type"], headers["content-encoding"]) == (200, "application/geo+json", "gzip")
    plain = get(url)[2]
    assert gzip.decompress(body) == plain
    outcomes = {feature["properties"]["outcome"] for feature in json.loads(plain)["features"]}
    assert {"excluded", "unknown", "outline"} <= outcomes
    longitude, latitude = json.loads(plain)["features"][0]["geometry"]["coordinates"][0][0][:2]
    while isinstance(longitude, list):
        longitude, latitude = longitude
    assert 3 < longitude < 7.3 and 50.7 < latitude < 53.6
    assert get(url, **{"If-None-Match": headers["etag"]})[0] == 304


def test_outline_of_the_country_has_all_municipalities(server: Server) -> None:
    status, headers, body = get(f"{server.url}/geo/gemeenten.geojson", **{"Accept-Encoding": "gzip"})
    assert status == 200
    assert len(json.loads(gzip.decompress(body))["features"]) == 342
    assert len(body) < 300_000
    assert headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/geo/gemeente/GM9999/geothermie/0.geojson",
        "/geo/gemeente/GM0193/goud/0.geojson",
        "/geo/gemeente/GM0193/geothermie/9.geojson",
        "/geo/gemeente/GM0193/geothermie/x.geojson",
        "/geo/gemeente/GM0193/geothermie/0.geojson?op=1999-01-01",
        "/geo/anders",
    ],
)
def test_unknown_polygons_are_not_found_and_not_a_page(server: Server, path: str) -> None:
    status, headers, body = get(server.url + path)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body)["error"]


@pytest.mark.parametrize("path", ["/geo/gemeente/..%2F..%2Fetc/passwd/0.geojson", "/vendor/..%2F..%2Fmain.py"])
def test_no_way_out_of_the_folders(server: Server, path: str) -> None:
    assert get(server.url + path)[0] in (400, 404)


def test_browser_files_come_with_their_licence(server: Server) -> None:
    for path in ("leaflet/leaflet.js", "leaflet/leaflet.css", "leaflet/LICENSE", "dgdo-map.js", "dgdo-map.css"):
        assert get(f"{server.url}/vendor/{path}")[0] == 200, path
    assert b"BSD 2-Clause" in get(f"{server.url}/vendor/leaflet/LICENSE")[2]


def test_page_says_that_it_is_dutch(server: Server) -> None:
    assert b'<html lang="nl"' in get(f"{server.url}/")[2]


def test_interrupt_stops_the_server(tmp_path: Path) -> None:
    open_explorer(tmp_path, create=True)
    running = start(tmp_path)
    running.process.send_signal(signal.SIGINT)
    out, err = running.process.communicate(timeout=20)
    assert running.process.returncode == 0
    assert out == ""
    assert running.url.rsplit(":", 1)[1] in err
    assert "Traceback" not in err
    assert "Gestopt." in err


# With a browser ---------------------------------------------------------------------------


def map_of(page: Any) -> Any:
    """The map, once the page has one frame: a page that changes may show the old one beside the new."""
    for _ in range(120):
        if page.locator(FRAME).count() == 1:
            break
        page.wait_for_timeout(250)
    assert page.locator(FRAME).count() == 1
    return page.frame_locator(FRAME)


def wait_for_answer(page: Any, heading: str) -> None:
    page.get_by_role("heading", name=heading).wait_for()


@pytest.mark.browser
def test_from_a_name_to_a_reason(page: Any, browser: Any, server: Server, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    box = page.get_by_role("combobox", name="Gemeente")
    box.click()
    box.press_sequentially("zeewol")
    page.keyboard.press("Enter")
    wait_for_answer(page, "Antwoord voor Zeewolde")
    assert page.locator("html").get_attribute("lang") == "nl"

    polygon = map_of(page).locator("path.dgdo-excluded").first
    polygon.wait_for()
    assert polygon.get_attribute("fill") == "url(#dgdo-verdict-excluded)"
    assert map_of(page).locator("#dgdo-patterns pattern#dgdo-verdict-excluded").count() == 1
    assert map_of(page).locator(".dgdo-watermark").is_visible()
    assert "Schematisch" in map_of(page).locator(".dgdo-watermark-label").inner_text()
    assert any(address.endswith("/vendor/leaflet/leaflet.js") for address in asked)
    page.locator("iframe[title=Kaart]").wait_for()

    map_of(page).locator("#map_div").click(position={"x": 300, "y": 250})
    wait_for_answer(page, "Antwoord voor punt")
    page.get_by_text("De strengste regel die we vonden zegt ‘nee’").wait_for()
    map_of(page).locator(".dgdo-point").wait_for()
    assert "punt=" in page.url
    page.screenshot(path=tmp_path / "punt.png")

    heading = page.get_by_role("heading", name="Antwoord voor punt").inner_text()
    # By its caption: the page builds up piece by piece, so "the first table" is not always the same one.
    overview = "table:has(caption:has-text('Alle activiteiten'))"
    table = page.locator(overview).text_content()
    again = browser.new_context()
    other = again.new_page()
    other.goto(page.url)
    other.get_by_role("heading", name=heading).wait_for()
    assert other.locator(overview).text_content() == table
    again.close()


@pytest.mark.browser
def test_map_follows_the_choices(page: Any, server: Server) -> None:
    """The polygons of another activity or kind must replace the old ones; the frame and its zoom stay."""
    page.goto(f"{server.url}/?gemeente=GM0050&activiteit=geothermie")
    map_of(page).locator("path.dgdo-excluded").first.wait_for()
    map_of(page).locator("#map_div").evaluate("box => { box.dataset.same = 'yes' }")
    page.get_by_text("Wat de geologie biedt", exact=True).first.click()
    map_of(page).locator("path.dgdo-possible").first.wait_for()
    assert map_of(page).locator("path.dgdo-excluded").count() == 0
    page.get_by_text("Het oordeel", exact=True).click()
    map_of(page).locator("path.dgdo-excluded").first.wait_for()
    box = page.get_by_role("combobox", name="Activiteit")
    box.click()
    box.press_sequentially("schalie")
    page.keyboard.press("Enter")
    page.wait_for_url("**activiteit=schaliegas**")
    map_of(page).locator("[data-dgdo-loaded*='/schaliegas/0.geojson']").wait_for()
    assert map_of(page).locator("path.dgdo-unknown").count() == 0
    # The no holds everywhere, but sketches also had something to say here: the map still says so, as the JSON does.
    assert map_of(page).locator(".dgdo-watermark").count() == 1
    assert map_of(page).locator("#map_div").get_attribute("data-same") == "yes"


@pytest.mark.browser
def test_coordinates_by_keyboard(page: Any, server: Server, tmp_path: Path) -> None:
    page.goto(f"{server.url}/?gemeente=GM0050")
    wait_for_answer(page, "Antwoord voor Zeewolde")
    page.get_by_text("Kies een punt met RD-coördinaten").click()
    page.get_by_label("X (oost)").fill("203.000")
    page.get_by_label("Y (noord)").fill("503 000")
    page.keyboard.press("Enter")
    wait_for_answer(page, "Antwoord voor punt X 203000, Y 503000 in Zwolle")
    map_of(page).locator(".dgdo-point").wait_for()
    page.screenshot(path=tmp_path / "zwolle.png")
    page.get_by_label("X (oost)").fill("503000")
    page.get_by_label("Y (noord)").fill("203000")
    page.get_by_role("button", name="Toon dit punt").click()
    page.get_by_text("Hebt u ze verwisseld?").wait_for()
    page.go_back()
    page.wait_for_url("**gemeente=GM0050**")
    wait_for_answer(page, "Antwoord voor Zeewolde")


@pytest.mark.browser
def test_failed_polygons_are_said_on_the_map(page: Any, server: Server) -> None:
    page.route("**/geo/gemeente/**", lambda route: route.fulfill(status=200, content_type="text/html", body="x"))
    page.goto(f"{server.url}/?gemeente=GM0050")
    message = map_of(page).locator(".dgdo-message")
    message.wait_for()
    assert "konden niet worden geladen" in message.inner_text()


@pytest.mark.browser
def test_who_reads_is_chosen_and_kept(page: Any, browser: Any, server: Server) -> None:
    page.goto(f"{server.url}/?gemeente=GM0050&activiteit=geothermie&weergave=volledig")
    cards = page.locator(".dgdo-cards > li")
    cards.first.wait_for()
    assert 0 < cards.count() <= 8
    before = page.locator(".dgdo-cards").text_content()
    page.get_by_role("radiogroup", name="Ik lees dit als").get_by_text("Waterschap", exact=True).click()
    page.wait_for_url("**lezer=waterschap**")
    page.get_by_text("Rol van het waterschap").first.wait_for()
    assert page.locator(".dgdo-cards").text_content() != before
    assert cards.count() <= 8

    more = page.locator(".dgdo-concerns details")
    other = more.locator("li").first
    assert not other.is_visible()
    more.locator("summary").click()
    assert other.is_visible()

    again = browser.new_context()
    second = again.new_page()
    second.goto(page.url)
    second.locator(".dgdo-cards > li").first.wait_for()
    assert second.locator(".dgdo-cards").text_content() == page.locator(".dgdo-cards").text_content()
    again.close()


@pytest.mark.browser
def test_word_leads_to_its_meaning_and_back(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/?gemeente=GM0050&activiteit=geothermie")
    page.locator("#woorden").wait_for()
    link = page.locator("#regels a.dgdo-term").first
    target = str(link.get_attribute("href"))
    meaning = page.locator(target)
    address = page.url
    link.scroll_into_view_if_needed()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith(target))
    assert meaning.bounding_box()["y"] < 900
    assert page.url.startswith(address), "the view stays in the address"
    page.go_back()
    page.wait_for_url(lambda url: "#" not in url)
    assert page.get_by_role("heading", name="Antwoord voor Zeewolde").count() == 1
    assert link.bounding_box() is not None
    # A word in a part that is folded away opens that part.
    folded = page.locator("#woorden details dt").first
    page.evaluate("id => { location.hash = id }", folded.get_attribute("id"))
    folded.wait_for(state="visible")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_card_with_everything_open_fits_and_is_well_formed(page: Any, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.url}/?activiteit=geothermie&punt=156500,485500")
    page.locator("#woorden").wait_for()
    page.evaluate("document.querySelectorAll('.dgdo details').forEach(part => { part.open = true })")
    # The map is wider for a moment, until it knows its frame.
    page.wait_for_function("w => document.querySelector('[data-testid=stMain]').scrollWidth <= w", arg=width)
    outside = page.evaluate(
        """() => [...document.querySelectorAll('.dgdo *')]
            .filter(e => !e.closest('.dgdo-wide') && !e.closest('.dgdo-hidden') && e.offsetParent)
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
            .map(e => e.tagName + ': ' + e.textContent.slice(0, 40))"""
    )
    assert outside == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = page.evaluate("""[...document.querySelectorAll('.dgdo a[href^="#"]')].map(a => a.hash.slice(1))""")
    assert targets and set(targets) <= set(ids)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False)), "no level of heading is skipped"
    # A table that is wider than the screen must be reachable with the keyboard.
    loose = page.evaluate(
        """[...document.querySelectorAll('.dgdo table')].filter(t => t.scrollWidth > t.parentElement.clientWidth + 1)
            .filter(t => !t.closest('[tabindex="0"][role=region][aria-label]')).length"""
    )
    assert loose == 0
