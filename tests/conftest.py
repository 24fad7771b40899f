"""Fixtures: a world of two squares, the real start set, and real data where they are present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
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
