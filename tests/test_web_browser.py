"""The web app as a reader meets it: a real server, a real browser, and no other address than our own."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dgdo_geo.query import open_explorer

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FRAME = "iframe[data-testid=stCustomComponentV1]"
COLD_S = 60
"""Seconds that a first start may take on a slow machine."""


@dataclass(frozen=True)
class Server:
    """A running web app."""

    url: str
    process: subprocess.Popen[str]


def start(workspace: Path, health: str = "/gezond", port: int | None = None) -> Server:
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from dgdo_geo.cli import main; main()"]
    command += ["serve", "--port", str(port), "--workspace", str(workspace)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=workspace)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + COLD_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}{health}", timeout=5).close()
            return Server(url, process)
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise AssertionError(f"the server did not start: {process.communicate()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = tmp_path_factory.mktemp("workspace")
    open_explorer(workspace, create=True)
    running = start(workspace)
    yield running
    running.process.terminate()
    running.process.wait(20)


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


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


@dataclass
class Visitor:
    """A browser window that notes every address it asks for, and lets no other through than ours."""

    page: Any
    asked: list[str]
    errors: list[str]
    server: Server

    @property
    def map(self) -> Any:
        self.page.wait_for_function(f"document.querySelectorAll('{FRAME}').length === 1", timeout=30_000)
        return self.page.frame_locator(FRAME)

    def foreign(self) -> list[str]:
        ours = (self.server.url, self.server.url.replace("http", "ws", 1), "data:", "blob:")
        return [address for address in self.asked if not address.startswith(ours)]

    def wait_for_answer(self, heading: str) -> None:
        self.page.get_by_role("heading", name=heading).wait_for(timeout=30_000)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api") if os.environ.get("DGDO_TEST_ALL") != "1" else None
    if sync_api is None:
        from playwright import sync_api
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def visitor(browser: Any, server: Server) -> Iterator[Visitor]:
    # `wait_for_function` evaluates text, which our policy forbids; test_map_tools.py looks at the policy itself.
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="nl-NL", bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    one = Visitor(page, [], [], server)
    page.on("request", lambda request: one.asked.append(request.url))
    page.on("websocket", lambda socket: one.asked.append(socket.url))
    page.on("pageerror", lambda error: one.errors.append(str(error)))
    context.route(lambda url: not url.startswith((server.url, "data:", "blob:")), lambda route: route.abort())
    yield one
    context.close()


@pytest.mark.browser
def test_from_a_name_to_a_reason(visitor: Visitor, browser: Any, server: Server, tmp_path: Path) -> None:
    page = visitor.page
    page.goto(server.url)
    box = page.get_by_role("combobox", name="Gemeente")
    box.click()
    box.press_sequentially("zeewol")
    page.keyboard.press("Enter")
    visitor.wait_for_answer("Antwoord voor Zeewolde")
    assert page.locator("html").get_attribute("lang") == "nl"

    polygon = visitor.map.locator("path.dgdo-excluded").first
    polygon.wait_for()
    assert polygon.get_attribute("fill") == "url(#dgdo-verdict-excluded)"
    assert visitor.map.locator("#dgdo-patterns pattern#dgdo-verdict-excluded").count() == 1
    assert visitor.map.locator(".dgdo-watermark").is_visible()
    assert "Schematisch" in visitor.map.locator(".dgdo-watermark-label").inner_text()
    assert any(address.endswith("/vendor/leaflet/leaflet.js") for address in visitor.asked)
    page.locator("iframe[title=Kaart]").wait_for()

    visitor.map.locator("#map_div").click(position={"x": 300, "y": 250})
    visitor.wait_for_answer("Antwoord voor punt")
    page.get_by_text("De strengste regel die we vonden zegt ‘nee’").wait_for()
    visitor.map.locator(".dgdo-point").wait_for()
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
    assert visitor.foreign() == []
    assert visitor.errors == []


@pytest.mark.browser
def test_map_follows_the_choices(visitor: Visitor, server: Server) -> None:
    """The polygons of another activity or kind must replace the old ones; the frame and its zoom stay."""
    page = visitor.page
    page.goto(f"{server.url}/?gemeente=GM0050&activiteit=geothermie")
    visitor.map.locator("path.dgdo-excluded").first.wait_for()
    visitor.map.locator("#map_div").evaluate("box => { box.dataset.same = 'yes' }")
    page.get_by_text("Wat de geologie biedt", exact=True).first.click()
    visitor.map.locator("path.dgdo-possible").first.wait_for()
    assert visitor.map.locator("path.dgdo-excluded").count() == 0
    page.get_by_text("Het oordeel", exact=True).click()
    visitor.map.locator("path.dgdo-excluded").first.wait_for()
    box = page.get_by_role("combobox", name="Activiteit")
    box.click()
    box.press_sequentially("schalie")
    page.keyboard.press("Enter")
    page.wait_for_url("**activiteit=schaliegas**")
    visitor.map.locator("[data-dgdo-loaded*='/schaliegas/0.geojson']").wait_for()
    assert visitor.map.locator("path.dgdo-unknown").count() == 0
    # The no holds everywhere, but sketches also had something to say here: the map still says so, as the JSON does.
    assert visitor.map.locator(".dgdo-watermark").count() == 1
    assert visitor.map.locator("#map_div").get_attribute("data-same") == "yes"
    assert visitor.foreign() == []


@pytest.mark.browser
def test_coordinates_by_keyboard(visitor: Visitor, server: Server, tmp_path: Path) -> None:
    page = visitor.page
    page.goto(f"{server.url}/?gemeente=GM0050")
    visitor.wait_for_answer("Antwoord voor Zeewolde")
    page.get_by_text("Kies een punt met RD-coördinaten").click()
    page.get_by_label("X (oost)").fill("203.000")
    page.get_by_label("Y (noord)").fill("503 000")
    page.keyboard.press("Enter")
    visitor.wait_for_answer("Antwoord voor punt X 203000, Y 503000 in Zwolle")
    visitor.map.locator(".dgdo-point").wait_for()
    page.screenshot(path=tmp_path / "zwolle.png")
    page.get_by_label("X (oost)").fill("503000")
    page.get_by_label("Y (noord)").fill("203000")
    page.get_by_role("button", name="Toon dit punt").click()
    page.get_by_text("Hebt u ze verwisseld?").wait_for()
    page.go_back()
    page.wait_for_url("**gemeente=GM0050**")
    visitor.wait_for_answer("Antwoord voor Zeewolde")
    assert visitor.foreign() == []


@pytest.mark.browser
def test_failed_polygons_are_said_on_the_map(visitor: Visitor, server: Server) -> None:
    visitor.page.route(
        "**/geo/gemeente/**", lambda route: route.fulfill(status=200, content_type="text/html", body="x")
    )
    visitor.page.goto(f"{server.url}/?gemeente=GM0050")
    message = visitor.map.locator(".dgdo-message")
    message.wait_for()
    assert "konden niet worden geladen" in message.inner_text()


@pytest.mark.browser
def test_who_reads_is_chosen_and_kept(visitor: Visitor, browser: Any, server: Server) -> None:
    page = visitor.page
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
    assert visitor.foreign() == []
    assert visitor.errors == []


@pytest.mark.browser
def test_word_leads_to_its_meaning_and_back(visitor: Visitor, server: Server) -> None:
    page = visitor.page
    page.goto(f"{server.url}/?gemeente=GM0050&activiteit=geothermie")
    page.locator("#woorden").wait_for()
    link = page.locator("#regels a.dgdo-term").first
    meaning = page.locator(str(link.get_attribute("href")))
    address = page.url
    link.scroll_into_view_if_needed()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("id => location.hash === id", arg=link.get_attribute("href"))
    assert meaning.bounding_box()["y"] < 900
    assert page.url.startswith(address), "the view stays in the address"
    page.go_back()
    page.wait_for_function("location.hash === ''")
    assert page.get_by_role("heading", name="Antwoord voor Zeewolde").count() == 1
    assert link.bounding_box() is not None
    # A word in a part that is folded away opens that part.
    folded = page.locator("#woorden details dt").first
    page.evaluate("id => { location.hash = id }", folded.get_attribute("id"))
    folded.wait_for(state="visible")
    assert visitor.errors == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_card_with_everything_open_fits_and_is_well_formed(visitor: Visitor, server: Server, width: int) -> None:
    page = visitor.page
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
