"""Pictures of the web app for the README and the user guide, taken in a real browser.

    python scripts/take_screenshots.py                 the pictures of the documentation, in docs/screenshots/
    python scripts/take_screenshots.py --every FOLDER  every page, at two widths, plain and full, to look at

Starts a server of its own on an empty workspace, so that anybody gets the same
pictures. Needs Chromium and the extra `dev`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FRAME = "iframe[data-testid=stCustomComponentV1]"
START_S = 120
LARGEST = 250_000
"""Bytes of a picture."""
WIDTHS = (1280, 390)
PAGES = ("", "hier", "gebied", "lagen", "regels", "uitleg")
DAY = "peildatum=2026-11-23"
TOWN = f"gemeente=GM0193&activiteit=geothermie&{DAY}"
POINT = f"{TOWN}&punt=203000,503000"


@dataclass(frozen=True)
class Shot:
    """One picture of the documentation.

    Attributes
    ----------
    address : str
        Path and question of the page.
    heading : str
        Scroll until this heading stands at the top; empty for the top of the page.
    height : int
        Of the picture, in CSS pixels.
    """

    name: str
    address: str
    heading: str = ""
    height: int = 900
    width: int = 1280


SHOTS = (
    Shot("wat-kan-waar", f"?{TOWN}"),
    Shot("wat-kan-waar-start", "", height=800),
    Shot("wat-kan-waar-smal", f"?{TOWN}", width=390, height=844),
    Shot("wat-kan-waar-tabel", f"?{TOWN}", heading="Wat kan in Zwolle", height=800),
    Shot(
        "wat-kan-waar-waarom", f"?gemeente=GM0050&activiteit=geothermie&{DAY}", heading="aardwarmte, 1250", height=800
    ),
    Shot("wat-kan-waar-procedure", f"?{TOWN}", heading="Wie beslist", height=800),
    Shot("hier", f"hier?{POINT}"),
    Shot("hier-twee-punten", f"hier?{POINT}&naast=165000,487000", heading="Waarom hier wel", height=900),
    Shot("gebied", f"gebied?provincie=PV23&activiteit=geothermie&{DAY}"),
    Shot("gebied-vergelijken", f"gebied?provincie=PV23&vergelijk=PV22&{DAY}", heading="Naast andere gebieden"),
    Shot("lagen", "lagen"),
    Shot("regels", "regels"),
    Shot("uitleg", "uitleg"),
)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A web app on an empty workspace; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from dgdo_geo.cli import main; main()"]
    with tempfile.TemporaryDirectory(prefix="dgdo-geo-screenshots-") as workspace:
        call = [*command, "overlay", "--workspace", workspace]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        call = [*command, "serve", "--port", str(port), "--workspace", workspace]
        process = subprocess.Popen(call, stderr=subprocess.DEVNULL, cwd=ROOT)
        try:
            wait_for(f"{url}/tiles/verdict/geothermie/0/8/131/84.png")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def wait_for(address: str) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=START_S).close()
            return
        time.sleep(0.2)
    raise SystemExit("The server did not start.")


def opened(browser: Browser, address: str, width: int, height: int) -> Page:
    """A page with everything on it."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="nl-NL")
    page.set_default_timeout(180_000)
    page.goto(address)
    page.locator("h1").first.wait_for(timeout=180_000)
    for _ in range(2):
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=180_000)
        page.wait_for_timeout(500)
    if page.locator(FRAME).count():
        page.frame_locator(FRAME).first.locator("[data-dgdo-ready]").wait_for(timeout=180_000)
    page.wait_for_timeout(500)
    return page


def whole(page: Page, width: int) -> None:
    """Make the window as high as the page, for Streamlit scrolls inside it."""
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": int(tall) + 20})
    page.wait_for_timeout(700)


def save(picture: bytes, path: Path) -> None:
    """Write a picture with as many colours as fit."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (256, 128, 64, 32):
        packed = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
        if packed.tell() < LARGEST:
            path.write_bytes(packed.getvalue())
            print(f"{path.name}: {packed.tell() / 1000:.0f} kB", flush=True)
            return
    raise SystemExit(f"{path.name} stays larger than {LARGEST} bytes.")


def documentation(browser: Browser, url: str, wanted: list[str]) -> None:
    """The pictures of the documentation."""
    for shot in SHOTS:
        if wanted and shot.name not in wanted:
            continue
        page = opened(browser, f"{url}/{shot.address}", shot.width, shot.height)
        if shot.heading:
            page.locator("h2, h3", has_text=shot.heading).first.evaluate("h => h.scrollIntoView({block: 'start'})")
            page.wait_for_timeout(500)
        save(page.screenshot(), FOLDER / f"{shot.name}.png")
        page.close()


def everything(browser: Browser, url: str, folder: Path) -> None:
    """Every page as a whole, at two widths, plain and full."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in PAGES:
        query = POINT if path == "hier" else TOWN
        for width in WIDTHS:
            for view in ("kort", "volledig"):
                page = opened(browser, f"{url}/{path}?{query}&weergave={view}", width, 900)
                whole(page, width)
                page.screenshot(path=folder / f"{path or 'wat-kan-waar'}-{width}-{view}.png")
                page.close()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Take pictures of the web app.")
    parser.add_argument("names", nargs="*", help="only these pictures of the documentation")
    parser.add_argument("--every", type=Path, help="every page, to look at, in this folder")
    given = parser.parse_args()
    path = next((there for name in BROWSERS if (there := shutil.which(name))), None)
    with serving() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        if given.every:
            everything(browser, url, given.every)
        else:
            documentation(browser, url, given.names)
        browser.close()


if __name__ == "__main__":
    main()
