"""The furniture of the map in a real browser: measuring, opacity and order, failures, paper, a proxy, the base map."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pyproj
import pytest
from browsing import FRAME, Server, click_map, cut_off, frame_of, get, serving, start

from benchmarks import web
from benchmarks.visitors import Visitor
from dgdo_geo.model.patterns import PATTERNS

T = TypeVar("T")
TO_RD = pyproj.Transformer.from_crs(4326, 28992, always_xy=True)
PLACES = ((6.09, 52.51), (4.9, 52.37), (3.6, 51.45), (5.98, 50.89), (6.56, 53.22))


def opened_map(page: Any, address: str) -> Any:
    page.goto(address)
    page.locator(FRAME).wait_for()
    inside = page.frame_locator(FRAME)
    inside.locator("[data-dgdo-ready]").wait_for()
    return inside


# Tiles ------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_province_is_drawn_with_tiles_and_says_so(page: Any, server: Server) -> None:
    inside = opened_map(page, f"{server.url}/?provincie=PV24&activiteit=geothermie")
    assert inside.locator(".dgdo-tile img").count() > 2
    assert all("/tiles/verdict/geothermie/0/" in src for src in sources(inside))
    assert inside.locator(".dgdo-label").inner_text() == "Alleen ter weergave: vakjes van 100 m"
    assert inside.locator(".dgdo-watermark").count() == 1
    assert inside.locator("path.dgdo-outline").count() > 1
    assert inside.locator(".dgdo-status").inner_text() == ""
    page.get_by_text("Wat de geologie biedt", exact=True).first.click()
    inside.locator(".dgdo-tile img[src*='/tiles/potential/']").first.wait_for()
    inside.locator("[data-dgdo-ready]").wait_for()
    assert all("/tiles/potential/" in src for src in sources(inside))


def sources(inside: Any) -> list[str]:
    return list(inside.locator(".dgdo-tile img").evaluate_all("all => all.map(i => i.src)"))


@pytest.mark.browser
def test_a_municipality_is_drawn_exactly(page: Any, server: Server) -> None:
    inside = opened_map(page, f"{server.url}/?gemeente=GM0050&activiteit=geothermie")
    assert inside.locator(".dgdo-tile img").count() == 0
    assert inside.locator(".dgdo-label").count() == 0
    assert inside.locator("path.dgdo-excluded").count() >= 1


@pytest.mark.browser
def test_tiles_that_fail_are_said_and_tried_again(page: Any, server: Server) -> None:
    page.route("**/tiles/**", lambda route: route.abort())
    inside = opened_map(page, f"{server.url}/?provincie=PV24&activiteit=geothermie")
    message = inside.locator(".dgdo-message")
    message.wait_for()
    assert message.count() == 1
    assert "kon niet worden geladen" in message.inner_text()
    page.unroute("**/tiles/**")
    message.get_by_role("button", name="Probeer opnieuw").click()
    inside.locator("[data-dgdo-loaded*='/tiles/verdict/']").wait_for()
    assert message.count() == 0


@pytest.mark.browser
def test_a_slow_layer_shows_that_it_is_loading(page: Any, server: Server) -> None:
    held: list[Any] = []
    page.route("**/geo/gemeente/**", lambda route: held.append(route))
    page.goto(f"{server.url}/?gemeente=GM0050")
    status = page.frame_locator(FRAME).locator(".dgdo-status")
    page.frame_locator(FRAME).get_by_text("Kaart wordt geladen…").wait_for()
    assert status.get_attribute("role") == "status"
    for route in held:
        route.continue_()
    page.frame_locator(FRAME).locator("[data-dgdo-ready]").wait_for()
    assert status.inner_text() == ""


# Overlays ---------------------------------------------------------------------------------


@pytest.mark.browser
def test_overlays_have_opacity_and_order_and_a_legend(page: Any, server: Server) -> None:
    address = (
        f"{server.url}/?gemeente=GM0050&activiteit=geothermie&lagen=boringsvrije_zones,drinkwaterwinningen,natura2000"
    )
    inside = opened_map(page, address)
    inside.locator(".dgdo-tool-layers").click()
    panel = inside.get_by_role("group", name="Lagen op de kaart")
    rows = panel.locator(".dgdo-layer")
    assert rows.count() == 3
    first = rows.first.locator("label span").inner_text()
    assert "schematisch" in first
    slider = rows.first.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "80 %"
    assert inside.locator(".leaflet-dgdo-over-boringsvrije_zones-pane").evaluate("p => p.style.opacity") == "0.8"

    def heights() -> list[int]:
        names = ("boringsvrije_zones", "drinkwaterwinningen")
        panes = [inside.locator(f".leaflet-dgdo-over-{name}-pane") for name in names]
        return [int(pane.evaluate("p => p.style.zIndex")) for pane in panes]

    zones, wells = heights()
    assert zones > wells
    rows.first.get_by_role("button", name="naar beneden").click()
    zones, wells = heights()
    assert wells > zones
    assert rows.nth(1).locator("label span").inner_text() == first
    page.keyboard.press("Escape")
    legend = page.locator("ul.dgdo-legend-line[aria-label='Lagen over de kaart'] li")
    assert legend.count() == 2
    page.get_by_text("deze laag is niet geladen").wait_for()


@pytest.mark.browser
def test_names_from_a_layer_are_text(page: Any, server: Server) -> None:
    """Attributes of a layer are the input of others; here a hostile server stands in for a hostile layer."""
    name = "<img src=x onerror='window.hacked=1'><b>put</b>"
    feature = {
        "type": "Feature",
        "properties": {"name": name, "class": "x", "class_nl": name, "layer_nl": ""},
        "geometry": {"type": "Point", "coordinates": [5.45, 52.33]},
    }
    body = {"type": "FeatureCollection", "features": [feature]}
    page.route("**/geo/laag/**", lambda route: route.fulfill(json=body))
    inside = opened_map(page, f"{server.url}/?gemeente=GM0050&lagen=drinkwaterwinningen")
    inside.locator(".leaflet-dgdo-over-drinkwaterwinningen-pane path").first.hover(force=True)
    tooltip = inside.locator(".dgdo-tooltip")
    tooltip.wait_for()
    assert name in tooltip.inner_text()
    assert tooltip.locator("img, b").count() == 0
    assert frame_of(page).evaluate("window.hacked") is None


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["Polygon", "LineString"])
def test_a_click_on_a_feature_asks_its_place(page: Any, server: Server, kind: str) -> None:
    """Leaflet hands the clicked feature on, whose corners are no area that the reader has drawn."""
    corners = [[5.3, 52.2], [5.6, 52.5], [5.3, 52.5], [5.3, 52.2]]
    feature = {
        "type": "Feature",
        "properties": {"name": "Proef", "class": "x", "class_nl": "proef", "layer_nl": ""},
        "geometry": {"type": kind, "coordinates": [corners] if kind == "Polygon" else corners},
    }
    page.route("**/geo/laag/**", lambda route: route.fulfill(json={"type": "FeatureCollection", "features": [feature]}))
    inside = opened_map(page, f"{server.url}/?gemeente=GM0050&lagen=drinkwaterwinningen")
    drawn = inside.locator(".leaflet-dgdo-over-drinkwaterwinningen-pane path").first
    drawn.wait_for()
    click_map(page, 5.45, 52.35)  # halfway the first side: on the line, and on the edge of the polygon
    page.wait_for_url("**punt=**")
    page.get_by_role("heading", name="Antwoord voor punt").wait_for()
    assert "vlak=" not in page.url
    assert page.get_by_role("alert").count() == 0


@pytest.mark.browser
def test_a_frame_without_a_size_is_fitted_once_it_has_one(page: Any, server: Server) -> None:
    """A browser that is busy makes the map before its frame has a size; it must not stay empty."""
    opened_map(page, f"{server.url}/?gemeente=GM0050")
    frame = frame_of(page)
    frame.evaluate(
        "() => { const box = document.createElement('div'); box.id = 'proef'; document.body.append(box);"
        " window.proef = L.map(box, {center: [52, 5], zoom: 8, zoomSnap: 0.25});"
        " dgdo.fit(proef, [[52.2, 5.3], [52.4, 5.6]], {paddingTopLeft: [12, 44], paddingBottomRight: [12, 34]}); }"
    )
    seen = "() => [proef.getZoom(), proef.getBounds().contains([[52.2, 5.3], [52.4, 5.6]])]"
    resized = "([x, y]) => { const box = document.getElementById('proef').style; box.width = x; box.height = y; }"
    assert frame.evaluate(seen) == [8, False]
    for size, zoom in ((["300px", "300px"], 9.25), (["900px", "700px"], 10.75)):
        frame.evaluate(resized, size)
        page.wait_for_timeout(300)
        assert frame.evaluate(seen) == [pytest.approx(zoom, abs=0.5), True]
    frame.locator("#proef").dispatch_event("mousedown")
    frame.evaluate("() => proef.setView([53.5, 7], 9, {animate: false})")
    frame.evaluate(resized, ["500px", "500px"])
    page.wait_for_timeout(300)
    assert frame.evaluate(seen) == [9, False], "the reader has moved it"


# Measuring --------------------------------------------------------------------------------


@pytest.mark.browser
def test_measures_agree_with_the_projection(page: Any, server: Server) -> None:
    opened_map(page, f"{server.url}/?gemeente=GM0050")
    frame = frame_of(page)
    for longitude, latitude in PLACES:
        x, y = frame.evaluate("p => dgdo.rd(p[0], p[1])", [longitude, latitude])
        exact = TO_RD.transform(longitude, latitude)
        assert math.hypot(x - exact[0], y - exact[1]) < 1.0
    ring = [(5.4, 52.3), (5.5, 52.3), (5.5, 52.4), (5.4, 52.4)]
    size = frame.evaluate("ring => dgdo.measured(ring.map(p => L.latLng(p[1], p[0])))", [list(p) for p in ring])
    plane = [TO_RD.transform(*p) for p in ring]
    length = sum(math.dist(a, b) for a, b in zip(plane, plane[1:], strict=False))
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(plane, [*plane[1:], plane[0]], strict=True))) / 2
    assert size["length_m"] == pytest.approx(length, rel=1e-4)
    assert size["area_m2"] == pytest.approx(area, rel=1e-4)
    words = frame.evaluate(
        "[dgdo.lengthNl(873.4), dgdo.lengthNl(1234), dgdo.lengthNl(45678), dgdo.lengthNl(1234567), "
        "dgdo.areaNl(54321), dgdo.areaNl(75.3e6), dgdo.areaNl(1234.5e6)]"
    )
    assert words == ["873 m", "1,23 km", "45,7 km", "1.235 km", "5,43 ha", "75,3 km²", "1.235 km²"]


@pytest.mark.browser
def test_measuring_by_mouse_asks_nothing_of_the_server(page: Any, server: Server) -> None:
    inside = opened_map(page, f"{server.url}/?gemeente=GM0050")
    address = page.url
    inside.locator(".dgdo-tool-measure").click()
    for x, y in ((420, 230), (520, 230), (520, 330)):
        inside.locator("#map_div").click(position={"x": x, "y": y})
    panel = inside.get_by_role("group", name="Meten")
    assert re.search(r"Afstand: \d+,\d+ km\. Oppervlakte: \d+(,\d+)? (km²|ha)\.", panel.inner_text())
    page.wait_for_timeout(1200)
    assert page.url == address, "no point was asked"
    panel.get_by_role("button", name="Sluiten").click()
    inside.locator("#map_div").click(position={"x": 350, "y": 250})
    page.wait_for_url("**punt=**")


@pytest.mark.browser
def test_measuring_and_asking_by_keyboard(page: Any, server: Server) -> None:
    inside = opened_map(page, f"{server.url}/?gemeente=GM0050")
    inside.locator(".dgdo-tool-measure").focus()
    page.keyboard.press("Enter")
    panel = inside.get_by_role("group", name="Meten")
    panel.get_by_role("button", name="Punt in het midden").press("Enter")
    box = inside.locator("#map_div")
    box.focus()
    assert inside.locator(".dgdo-cross").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    page.keyboard.press("Enter")
    assert "Afstand:" in panel.inner_text()
    panel.get_by_role("button", name="Sluiten").press("Enter")
    assert not panel.is_visible()
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**punt=**")
    page.get_by_role("heading", name="Antwoord voor punt").wait_for()


# Paper ------------------------------------------------------------------------------------


@pytest.mark.browser
def test_paper_has_map_legend_scale_sources_mark_and_date(page: Any, server: Server, tmp_path: Path) -> None:
    inside = opened_map(page, f"{server.url}/?provincie=PV24&activiteit=geothermie&peildatum=2026-11-24")
    page.emulate_media(media="print")
    assert page.locator(".dgdo-on-paper").inner_text().startswith("Peildatum 24 november 2026. Kaart: Flevoland")
    for seen in (".leaflet-control-scale", ".dgdo-credits", ".dgdo-watermark", ".dgdo-label"):
        assert inside.locator(seen).first.is_visible(), seen
    for hidden in (".leaflet-control-zoom", ".dgdo-tools", ".dgdo-sources"):
        assert not inside.locator(hidden).first.is_visible(), hidden
    assert page.locator(".dgdo-legend-line").first.is_visible()
    assert not page.get_by_label("X (oost)").is_visible()
    # The page scrolls in a box of its own on screen; on paper all of it is there.
    assert page.evaluate("document.querySelector('[data-testid=stMain]').clientHeight") > 1000
    paper = tmp_path / "kaart.pdf"
    page.pdf(path=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) > 1


# Patterns ---------------------------------------------------------------------------------


@pytest.mark.browser
def test_browser_and_tile_draw_the_same_motif(page: Any) -> None:
    """The same pattern as SVG in the browser and as pixels in a tile."""
    looked = 0
    for kind, patterns in PATTERNS.items():
        for key, pattern in patterns.items():
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="12" height="12">{pattern.tile()}</svg>'
            shades = page.evaluate(
                """async svg => { const image = new Image(); image.src = 'data:image/svg+xml,' + encodeURIComponent(svg);
                await image.decode(); const canvas = document.createElement('canvas'); canvas.width = canvas.height = 12;
                const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
                return [...context.getImageData(0, 0, 12, 12).data] }""",
                svg,
            )
            ground = [int(pattern.colour[i : i + 2], 16) for i in (1, 3, 5)]
            line = [int(pattern.line[i : i + 2], 16) for i in (1, 3, 5)]
            channel = max(range(3), key=lambda i: abs(line[i] - ground[i]))
            for i, part in enumerate(pattern.motif.coverage().ravel()):
                expected = ground[channel] + (line[channel] - ground[channel]) * part
                off = abs(shades[4 * i + channel] - expected) / abs(line[channel] - ground[channel])
                assert off < 0.2, (kind, key, i)
                looked += 1
    assert looked == 16 * 144


# Online -----------------------------------------------------------------------------------


@pytest.mark.browser
def test_base_map_that_fails_changes_nothing_else(browser: Any, served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_ONLINE", "1")
    tiles = "https://service.pdok.nl/brt/achtergrondkaart/"
    asked: list[str] = []
    with serving(served) as running, cut_off(browser, running.url, beside=tiles) as page:
        page.route("**/brt/**", lambda route: (asked.append(route.request.url), route.abort()))
        inside = opened_map(page, f"{running.url}/?gemeente=GM0050&activiteit=geothermie")
        inside.locator("path.dgdo-excluded").first.wait_for()
        remark = inside.locator(".dgdo-remark")
        remark.get_by_text("De achtergrondkaart is niet bereikbaar.").wait_for()
        assert inside.locator(".dgdo-message").count() == 0
        assert asked and all(address.startswith(tiles) for address in asked)
        inside.locator("#map_div").click(position={"x": 350, "y": 250})
        page.wait_for_url("**punt=**")
        page.get_by_role("heading", name="Antwoord voor punt").wait_for()
        # When the tiles come after all, they are drawn and named.
        page.unroute("**/brt/**")
        pixel = bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
            "050001a5f645400000000049454e44ae426082"
        )
        page.route("**/brt/**", lambda route: route.fulfill(body=pixel, content_type="image/png"))
        inside = opened_map(page, f"{running.url}/?gemeente=GM0050&activiteit=hto")
        inside.locator(".dgdo-background img.leaflet-tile-loaded").first.wait_for()
        inside.locator(".dgdo-sources").click()
        assert "© Kadaster" in inside.locator(".dgdo-credits").inner_text()
        assert inside.locator(".dgdo-remark:not(:empty)").count() == 0


# Behind a proxy ---------------------------------------------------------------------------


class Proxy:
    """Passes on what lies below one path to another port, WebSocket included; refuses all else."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.target = 0
        self.refused: list[str] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(65536)
            if not more:
                client.close()
                return
            head += more
        start_line, _, rest = head.partition(b"\r\n")
        path = start_line.split(b" ")[1].decode()
        if not path.startswith(self.prefix + "/"):
            self.refused.append(path)
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        if b"upgrade: websocket" not in head.lower():
            rest = re.sub(rb"(?i)connection: [^\r]*\r\n", b"", rest)
            rest = b"Connection: close\r\n" + rest
        server = socket.create_connection(("127.0.0.1", self.target))
        server.sendall(start_line + b"\r\n" + rest)
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.mark.browser
def test_below_a_path_behind_a_proxy(browser: Any, served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "ondergrond")
    proxy = Proxy("/ondergrond")
    running = start(served, health="/ondergrond/gezond")
    proxy.target = int(running.url.rsplit(":", 1)[1])
    url = f"http://127.0.0.1:{proxy.port}/ondergrond"
    try:
        assert get(f"{url}/gezond")[0] == 200
        assert get(f"{url}/tiles/verdict/geothermie/0/8/131/84.png")[1]["content-type"] == "image/png"
        assert get(f"{url}/geo/anders")[0] == 404
        with cut_off(browser, url.removesuffix("/ondergrond")) as page:
            inside = opened_map(page, f"{url}/?provincie=PV24&activiteit=geothermie")
            assert inside.locator(".dgdo-tile img.leaflet-tile-loaded").count() > 2
            inside.locator("#map_div").click(position={"x": 420, "y": 200})
            page.wait_for_url("**/ondergrond/?**punt=**")
        assert proxy.refused == []
    finally:
        proxy.listening.close()
        running.process.terminate()
        running.process.wait(20)
    assert os.environ["STREAMLIT_SERVER_BASE_URL_PATH"] == "ondergrond"


# How fast ---------------------------------------------------------------------------------


def apart(work: Callable[[], T]) -> T:
    """Work in a thread of its own: Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.browser
def test_benchmark_measures_every_wait(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("PAGES", 1), ("CLICKS", 2), ("ACTIVITIES", ("hto",)), ("FIRST_S", 3.0)):
        monkeypatch.setattr(web, name, value)
    assert apart(lambda: web.main(["--json", "--users", "2", "--seconds", "20", "--every", "1"])) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert {kind: times["count"] for kind, times in found["first_map"].items()} == dict.fromkeys(web.OPENED, 1)
    assert (found["click"]["count"], found["activity"]["count"]) == (2, 1)
    assert found["visitors"]["count"] >= 4
    assert all(found[key]["median_s"] > 0.01 for key in ("click", "activity", "visitors"))
    assert "| 2 visitors at once" in web.table(found)


@pytest.mark.browser
def test_benchmark_sees_a_click_without_its_answer(server: Server) -> None:
    at_sea = Visitor("gemeente=GM0050", [(20_000.0, 600_000.0)])
    apart(lambda: asyncio.run(at_sea.visit(server.url, 0, 0.1, time.monotonic() + 20)))
    assert len(at_sea.seconds) == 1
    assert at_sea.problems == ["no answer for 20000, 600000"]
    gone = Visitor("gemeente=GM0050", [])
    apart(lambda: asyncio.run(gone.visit("http://127.0.0.1:9", 0, 0.1, time.monotonic() + 5)))
    assert "refused" in gone.problems[0].lower() or "connect" in gone.problems[0].lower()
