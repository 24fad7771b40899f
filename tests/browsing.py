"""A running web app and a real browser: what every test that opens a page needs.

The fixtures `server`, `browser` and `page` in conftest.py use it; a test with a server of its own calls `serving`.
"""

from __future__ import annotations

import contextlib
import os
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

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--force-prefers-reduced-motion",
)
FRAME = "iframe[data-testid=stCustomComponentV1]"
COLD_S = 60
"""Seconds that a first start may take on a slow machine."""
WAIT_MS = 60_000
"""Milliseconds that something on a page may take on a slow machine."""
DESK = {"viewport": {"width": 1280, "height": 1000}, "locale": "nl-NL"}


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


@contextlib.contextmanager
def serving(workspace: Path, port: int | None = None) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    running = start(workspace, port=port)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(60)


@contextlib.contextmanager
def launched(chromium: str) -> Iterator[Any]:
    """Chromium for as long as the block lasts; where playwright is missing the test is skipped, or fails with all on."""
    if os.environ.get("DGDO_TEST_ALL") != "1":
        pytest.importorskip("playwright.sync_api")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@contextlib.contextmanager
def cut_off(browser: Any, url: str, beside: str | None = None, **options: Any) -> Iterator[Any]:
    """A page that reaches the server at `url` alone, and what begins with `beside`.

    Raises
    ------
    AssertionError
        At the end, when the page asked anything of another host, a script failed, or our own policy (CSP) refused
        something of ours.
    """
    context = browser.new_context(**{**DESK, **options})
    context.set_default_timeout(WAIT_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    ours = (url, url.replace("http", "ws", 1), "data:", "blob:", *([beside] if beside else []))
    foreign: list[str] = []
    wrong: list[str] = []
    context.route(lambda asked: not asked.startswith(ours), lambda route: route.abort())
    page = context.new_page()
    page.on("request", lambda request: None if request.url.startswith(ours) else foreign.append(request.url))
    page.on("websocket", lambda opened: None if opened.url.startswith(ours) else foreign.append(opened.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert not foreign, f"asked of another host: {foreign}"
    assert not wrong, f"went wrong in the browser: {wrong}"


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read()


def rest(page: Any) -> None:
    """Wait until the page is drawn: what it still draws moves what is to be clicked.

    Between two runs of its script a page rests for a moment; it is drawn when nothing changed for a while.
    """
    running = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    before, quiet, deadline = "", 0, time.monotonic() + WAIT_MS / 1000
    while quiet < 3:
        page.wait_for_timeout(120)
        running.wait_for()
        now = page.locator("body").inner_text()
        before, quiet = now, quiet + 1 if now == before else 0
        assert time.monotonic() < deadline, "the page never rests"


def settle(page: Any) -> None:
    """Wait until the page is drawn and the map, if there is one, is there."""
    page.locator("h1").first.wait_for()
    rest(page)
    if page.locator(FRAME).count():
        page.frame_locator(FRAME).locator("[data-dgdo-ready]").wait_for()


def frame_of(page: Any) -> Any:
    """The frame of the map, to evaluate in."""
    return page.locator(FRAME).first.element_handle().content_frame()


def pick(page: Any, field: str, letters: str) -> None:
    """Choose from a list by typing."""
    box = page.get_by_role("combobox", name=field)
    box.click()
    box.press_sequentially(letters)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")


def click_map(page: Any, longitude: float, latitude: float) -> None:
    """Click on the map where a place is drawn."""
    # First into view: a click that has to scroll lands beside its place.
    page.locator(FRAME).evaluate("frame => frame.scrollIntoView({block: 'center', behavior: 'instant'})")
    at = frame_of(page).evaluate(
        "([lat, lng]) => { const map = Object.values(window).find(v => v instanceof L.Map);"
        " const p = map.latLngToContainerPoint([lat, lng]); return {x: p.x, y: p.y}; }",
        [latitude, longitude],
    )
    page.frame_locator(FRAME).locator("#map_div").click(position=at)
