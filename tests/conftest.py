"""Fixtures: a world of two squares, the real start set, and real data where they are present."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Server, cut_off, launched, serving
from hypothesis import settings
from worlds import World, build_world

from dgdo_geo.query import Explorer, open_explorer

ROOT = Path(__file__).resolve().parents[1]

# The same examples on every run; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture
def tiny_world(tmp_path: Path) -> World:
    """The two squares on disk, to change and break."""
    return build_world(tmp_path)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The two squares, opened; nobody changes them."""
    return build_world(tmp_path_factory.mktemp("tiny")).open()


@pytest.fixture(scope="session")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The start set and the shipped knowledge, in a workspace of its own."""
    return open_explorer(tmp_path_factory.mktemp("workspace"), create=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real data that may not be redistributed."""
    folder = Path(os.environ.get("DGDO_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; DGDO_REAL_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of `server`: the start set; nobody changes it."""
    folder = tmp_path_factory.mktemp("served")
    open_explorer(folder, create=True)
    return folder


@pytest.fixture(scope="session")
def server(served: Path) -> Iterator[Server]:
    """One web app with the start set, for all tests that do not break it."""
    with serving(served) as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    # A browser a module: while playwright runs, asyncio belongs to it in this thread, and other tests need it too.
    with launched(chromium) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A page that reaches `server` alone; what it asks elsewhere, and a script that fails, fails the test."""
    with cut_off(browser, server.url) as made:
        yield made
