"""What the marks of the tests mean; see ``[tool.pytest.ini_options]`` in pyproject.toml."""

from __future__ import annotations

import os
import shutil

import pytest

ALL = os.environ.get("DGDO_TEST_ALL") == "1"
LONG = [
    "packaging",
    "accessibility",
    "real_servers",
    "map_tools",
    "interrupted",
    "stories",
    "benchmarks",
    "web_robust",
    "report_files",
    "own_layers",
    "offline",
    "web_dutch",
    "web_browser",
    "report_batch",
    "misbehaviour",
    "rulediff",
    "real_data",
    "flips",
    "scale",
    "exact",
    "own_area",
]
"""Files that take long; first, so that no process is left with one of them at the end."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Path of the Chromium of this system."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine or this run is not meant for, and say why.

    With DGDO_TEST_ALL=1 nothing is skipped here: what is missing makes a test fail.
    """
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem.removeprefix("test_"), len(place)))
    if ALL:
        return
    no_browser = find_chromium() is None
    for item in items:
        if "packaging" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="installs into an empty environment; DGDO_TEST_ALL=1 turns it on"))
        if "browser" in item.keywords and no_browser:
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium, for tests marked `browser`."""
    path = find_chromium()
    if path is None:
        pytest.fail(f"Chromium is not installed (looked for {', '.join(BROWSERS)})")
    return path
