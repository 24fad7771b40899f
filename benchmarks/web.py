"""How long a visitor of the web app waits, with server and browser together on one machine.

    python -m benchmarks.web [--json] [--users 20] [--seconds 120]

A real Chromium (of the system) opens pages, clicks and chooses; then so many
visitors without a browser, speaking the protocol of the pages, each click on
the map every five seconds. Exit code 0 when all was measured and answered, 1
when an answer was wrong or missing, 2 for a wrong argument, 3 when the server or
the browser did not start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks import machine, results, tables
from benchmarks.queries import random_places
from benchmarks.visitors import Visitor, whole_metres
from dgdo_geo.query import Explorer, open_explorer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FRAME = "iframe[data-testid=stCustomComponentV1]"
START_S = 120.0
"""Seconds that the server may take to start; the first time ever the engine is compiled."""
OPENED = {
    "municipality": "gemeente={code}&activiteit=geothermie",
    "province": "provincie=PV{number}&activiteit=geothermie",
    "country": "land=NL&activiteit=hto",
}
PAGES = 5
CLICKS = 15
ACTIVITIES = ("hto", "gaswinning", "wko", "schaliegas", "drinkwater", "zoutwinning", "geothermie")
SEED = 5
FIRST, FIRST_S = 4, 12.0
"""Visitors that come before those whose memory is measured, and for how many seconds."""
LIMITS = {"first_map_s": 3.5, "click_s": 0.6, "activity_s": 1.0, "users_s": 2.0, "session_mb": 2.0}
"""What issue E asks of two cores."""
Figures = dict[str, Any]


def measure(users: int, seconds: float, every_s: float) -> Figures:
    """Start a server on a workspace of its own and measure everything."""
    with tempfile.TemporaryDirectory(prefix="dgdo-geo-benchmark-") as folder:
        explorer = open_explorer(folder, create=True)
        with serving(Path(folder)) as (url, process, start_s):
            # First, so that memory that the browser's pages left free does not hide what the visitors take.
            _say(f"{users} visitors, {seconds:.0f} s")
            crowd = with_visitors(url, process, explorer, users, seconds, every_s)
            _say("browser")
            with sync_playwright() as playwright:
                path = next((there for name in BROWSERS if (there := shutil.which(name))), None)
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                found = with_browser(browser, url, explorer)
                browser.close()
            return {"start_s": start_s, **found, **crowd}


@contextlib.contextmanager
def serving(workspace: Path) -> Iterator[tuple[str, int, float]]:
    """A running web app that is ready for questions: address, process id, seconds until it answered a tile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    call = "import sys; from pathlib import Path; from dgdo_geo.web.server import serve; "
    call += f"sys.exit(serve({port}, '127.0.0.1', Path(sys.argv[1])))"
    began = time.monotonic()
    with (workspace / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, "-c", call, str(workspace)], stdout=log, stderr=log)
        try:
            while True:
                if process.poll() is not None or time.monotonic() - began > START_S:
                    raise OSError(f"the server did not start: {(workspace / 'server.log').read_text()[-500:]}")
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{url}/tiles/verdict/geothermie/0/8/131/84.png", timeout=START_S).close()
                    break
                time.sleep(0.1)
            start_s = time.monotonic() - began
            time.sleep(3)  # what the server prepares in the background is not part of what a visitor waits for
            yield url, process.pid, start_s
        finally:
            process.terminate()
            process.wait(30)


# Chromium ---------------------------------------------------------------------------------


def with_browser(browser: Browser, url: str, explorer: Explorer) -> Figures:
    """Seconds to the first map of a cold page, from a click to the card, and from a choice to the map."""
    codes = sorted(explorer.regions.facts)
    shown: dict[str, list[float]] = {}
    for kind, query in OPENED.items():
        for i in range(PAGES):
            asked = query.format(code=codes[(i + 1) * 37], number=20 + i)
            shown.setdefault(kind, []).append(first_map(browser, f"{url}/?{asked}"))
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="nl-NL")
    page.goto(f"{url}/?gemeente=GM0050&activiteit=geothermie")
    ready(page)
    clicks = [click(page, 250 + 12 * i, 180 + 9 * i) for i in range(CLICKS)]
    choices = [choose(page, explorer.knowledge.activity(name).name_nl, name) for name in ACTIVITIES]
    page.close()
    return {
        "first_map": {kind: spread(s) for kind, s in shown.items()},
        "click": spread(clicks),
        "activity": spread(choices),
    }


def first_map(browser: Browser, address: str) -> float:
    """Seconds until all layers of the map are there, in a browser that never saw the app."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="nl-NL")
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    ready(page)
    seconds = time.perf_counter() - began
    context.close()
    return seconds


def ready(page: Page) -> None:
    """Wait until all layers of the map are there."""
    page.frame_locator(FRAME).locator("[data-dgdo-ready]").wait_for(timeout=60_000)


def click(page: Page, x: int, y: int) -> float:
    """Seconds from a click on the map to the heading of the card that names the clicked point."""
    before = _heading(page)
    box = page.frame_locator(FRAME).locator("#map_div")
    began = time.perf_counter()
    box.click(position={"x": x, "y": y})
    page.evaluate(
        """before => new Promise(done => { const look = () => {
            const found = [...document.querySelectorAll('h2')].map(h => h.textContent).find(t => t.startsWith('Antwoord voor punt'));
            if (found && found !== before) done(); else setTimeout(look, 10); }; look(); })""",
        before,
    )
    seconds = time.perf_counter() - began
    page.wait_for_timeout(700)
    return seconds


def _heading(page: Page) -> str:
    found = page.locator("h2", has_text=re.compile("^Antwoord voor"))
    return str(found.first.text_content())


def choose(page: Page, name: str, activity: str) -> float:
    """Seconds from the choice of an activity to its map."""
    box = page.get_by_role("combobox", name="Activiteit")
    box.click()
    box.fill(name)
    page.wait_for_timeout(300)
    began = time.perf_counter()
    page.keyboard.press("Enter")
    page.frame_locator(FRAME).locator(f"[data-dgdo-ready][data-dgdo-loaded*='/{activity}/0.']").wait_for(timeout=60_000)
    seconds = time.perf_counter() - began
    page.wait_for_timeout(700)
    return seconds


# Visitors ---------------------------------------------------------------------------------


def with_visitors(url: str, process: int, explorer: Explorer, users: int, seconds: float, every_s: float) -> Figures:
    """Many visitors at once, each clicking somewhere in his own municipality.

    The memory that they take is the largest rise from an earlier low, so that what the server gives back meanwhile hides
    nothing. A few others come first: what is loaded once, at the first page, is not of a visitor.
    """
    rng = np.random.default_rng(SEED)
    codes = rng.choice(sorted(explorer.regions.facts), users + FIRST, replace=False)
    number = int(seconds / every_s * 1.5) + 2
    everybody = [Visitor(f"gemeente={code}&activiteit=geothermie", _places(explorer, code, number)) for code in codes]
    first, visitors = everybody[:FIRST], everybody[FIRST:]
    wait_until_idle(process)
    asyncio.run(_all_of(first, url, 1.0, time.monotonic() + FIRST_S))
    sizes: list[float] = []

    async def weigh() -> None:
        while (now := memory_mb(process)) is not None:
            sizes.append(now)
            await asyncio.sleep(0.5)

    async def all_of_them() -> None:
        weighing = asyncio.create_task(weigh())
        await _all_of(visitors, url, every_s, time.monotonic() + seconds)
        weighing.cancel()

    asyncio.run(all_of_them())
    waited = [s for visitor in visitors for s in visitor.seconds]
    problems = [problem for visitor in everybody for problem in visitor.problems]
    if not waited:
        problems.append("nobody clicked")
    rises = [now - low for now, low in zip(sizes, accumulate(sizes, min), strict=True)]
    return {
        "users": users,
        "seconds": seconds,
        "visitors": spread(waited or [0.0]),
        "problems": problems,
        "memory_before_mb": sizes[0] if sizes else None,
        "session_mb": max(rises) / users if rises else None,
    }


async def _all_of(visitors: list[Visitor], url: str, every_s: float, until: float) -> None:
    """Visitors that come one after the other and then click until a moment of ``time.monotonic``."""
    waits = np.linspace(0, every_s, len(visitors), endpoint=False)
    await asyncio.gather(*(v.visit(url, float(w), every_s, until) for v, w in zip(visitors, waits, strict=True)))


def wait_until_idle(process: int) -> None:
    """Wait until the server has nothing to do for two seconds: it gets ready in the background after its first answer."""
    spent, quiet, deadline = _ticks(process), 0, time.monotonic() + START_S
    while quiet < 2 and time.monotonic() < deadline:
        time.sleep(1)
        now = _ticks(process)
        spent, quiet = now, quiet + 1 if now - spent < 10 else 0


def _ticks(process: int) -> int:
    """Processor time of a process in hundredths of a second; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _places(explorer: Explorer, code: str, number: int) -> list[tuple[float, float]]:
    shape = explorer.regions.municipalities.geometry[code]
    # Well inside: a click that crosses a border is another question.
    inside = shape.buffer(-300) if shape.buffer(-300).area else shape
    found, _ = random_places(np.array([inside], object), number)
    return [whole_metres(x, y) for x, y in found if shapely.contains_xy(inside, x, y)]


def memory_mb(process: int) -> float | None:
    """Memory in use by a process, in MB of 10^6 bytes; None where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return None if found is None else int(found[1]) * 1024 / 1e6


# Report -----------------------------------------------------------------------------------


def spread(seconds: Sequence[float]) -> Figures:
    """Number, median, largest in seconds."""
    return {"count": len(seconds), "median_s": float(np.median(seconds)), "max_s": float(max(seconds))}


def table(result: Figures) -> str:
    """The figures as Markdown."""

    def row(title: str, found: Figures, limit: str) -> tuple[str, ...]:
        return title, str(found["count"]), f"{found['median_s']:.2f}", f"{found['max_s']:.2f}", f"{LIMITS[limit]:g}"

    rows = [row(f"cold page to first map, {kind}", f, "first_map_s") for kind, f in result["first_map"].items()]
    rows += [
        row("click on the map to the card", result["click"], "click_s"),
        row("change of activity to its map", result["activity"], "activity_s"),
        row(f"{result['users']} visitors at once: click to the whole page", result["visitors"], "users_s"),
    ]
    grown = "not known" if result["session_mb"] is None else f"{result['session_mb']:.2f} MB"
    parts = [
        "## Web app",
        tables.machine(result["machine"]),
        "Server and browser (Chromium, drawing in software) share the machine.",
        tables.markdown(("what", "times", "median s", "largest s", "limit s"), rows),
        f"Start of the server to its first tile: {result['start_s']:.1f} s. Clicks without their answer: {len(result['problems'])}. "
        f"Growth of memory per visitor, at its largest, and after the first four: {grown} (limit {LIMITS['session_mb']:g} MB).",
    ]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description="How long a visitor waits.")
    parser.add_argument("--json", action="store_true", help="only JSON on standard output")
    parser.add_argument("--users", type=int, default=20, help="visitors at the same time")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long they stay")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two clicks of one visitor")
    parser.add_argument("--write-results", action="store_true", help="put the tables in RESULTS.md")
    given = parser.parse_args(arguments)
    if given.users < 1 or not (given.seconds > 0 and given.every > 0):
        parser.error("needs 1 or more visitors, and more than 0 seconds")
    about = machine.describe()
    try:
        result = {**measure(given.users, given.seconds, given.every), "limits": LIMITS, "machine": about}
    except (OSError, BrowserError) as error:
        _say(str(error))
        return 3
    print(json.dumps(result, allow_nan=False) if given.json else table(result))
    if result["problems"]:
        _say(f"not answered: {result['problems'][:5]}")
        return 1
    if given.write_results:
        results.write("web", table(result))
    return 0


def _say(message: str) -> None:
    print(f"web: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
