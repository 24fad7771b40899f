"""The choice of the engine: what is loaded when, what happens without numba, and when areas do not add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from engines import assert_identical, assert_same, encoding_of
from typer.testing import CliRunner
from worlds import World, square

from dgdo_geo import cli
from dgdo_geo.overlay import engine, exact, geos
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.table import JointAreas
from dgdo_geo.query import Explorer

ROOT = Path(__file__).resolve().parents[1]
REGIONS = [square(0, 0, 10, 10), square(10, 0, 20, 10)]
ZONES = [[square(2, 2, 6, 6), square(8, 0, 12, 2)], [square(3, 3, 4, 4), square(13, 3, 18, 8)]]


@pytest.fixture
def encoding() -> Encoding:
    return encoding_of(ZONES)


def run(code: str, **environment: str) -> str:
    """Standard output of a process of its own."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DGDO_ENGINE", "NUMBA_DISABLE_JIT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "tests",
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


# Which engine ------------------------------------------------------------------------------


def test_the_kernel_is_used_for_many_regions_and_its_name_is_that_of_the_stored_table() -> None:
    assert engine.is_exact_available()
    assert engine.name() == engine.name_for(2) == engine.EXACT
    assert engine.EXACT != geos.ENGINE


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("DGDO_ENGINE", "geos", geos.ENGINE),
        ("DGDO_ENGINE", "GEOS", geos.ENGINE),
        ("DGDO_ENGINE", "", engine.EXACT),
        ("DGDO_ENGINE", "exact", engine.EXACT),
        ("NUMBA_DISABLE_JIT", "1", geos.ENGINE),
        ("NUMBA_DISABLE_JIT", "0", engine.EXACT),
        ("NUMBA_DISABLE_JIT", "", engine.EXACT),
    ],
)
def test_a_variable_switches_the_kernel_off(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert engine.name() == engine.name_for(2) == engine.name_for(1) == name


def test_one_region_waits_for_no_kernel(monkeypatch: pytest.MonkeyPatch, encoding: Encoding) -> None:
    """Until the kernel is in memory GEOS answers about one region; from then on the kernel does."""
    assert engine.is_exact_loaded()
    assert engine.name_for(1) == engine.EXACT
    monkeypatch.delitem(sys.modules, "dgdo_geo.overlay.exact")
    assert (engine.name_for(1), engine.name_for(2)) == (geos.ENGINE, engine.EXACT)
    asked: list[int] = []
    monkeypatch.setattr(geos, "joint_areas", lambda regions, *_, **__: asked.append(len(regions)))
    engine.joint_areas(REGIONS[:1], encoding)
    assert asked == [1]
    assert "dgdo_geo.overlay.exact" not in sys.modules


def test_the_engine_passes_everything_on(encoding: Encoding) -> None:
    split = [square(0, 0, 15, 5)]
    told: list[int] = []
    found = engine.joint_areas(REGIONS, encoding, split=split, workers=1, on_progress=told.append)
    assert_identical(found, exact.joint_areas(REGIONS, encoding, split=split))
    assert_same(found, geos.joint_areas(REGIONS, encoding, split=split))
    assert set(found.part.tolist()) == {-1, 0}
    assert told[-1] == 2


# Areas that add up -------------------------------------------------------------------------


def test_sound_areas_are_sound_and_bring_no_warning(encoding: Encoding) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = engine.joint_areas(REGIONS, encoding)
    assert engine.unsound(found, REGIONS) == []


def without_a_row(found: JointAreas) -> JointAreas:
    kept = np.arange(len(found.area_m2)) != int(np.flatnonzero(found.region == 1)[0])
    rows = {name: getattr(found, name)[kept] for name in ("region", "combination", "area_m2", "part")}
    return replace(found, **rows)


def with_a_row_twice(found: JointAreas) -> JointAreas:
    again = np.append(np.arange(len(found.area_m2)), len(found.area_m2) - 1)
    rows = {name: getattr(found, name)[again] for name in ("region", "combination", "area_m2", "part")}
    return replace(found, **rows)


def off_by(share: float, metres2: float = 0.0) -> object:
    def damaged(found: JointAreas) -> JointAreas:
        area = found.area_m2.copy()
        area[found.region == 1] *= 1 + share
        area[-1] += metres2
        return replace(found, area_m2=area)

    return damaged


def with_nothing(found: JointAreas) -> JointAreas:
    rows = {name: getattr(found, name)[:0] for name in ("region", "combination", "area_m2", "part")}
    return replace(found, **rows)


def with_no_number(found: JointAreas) -> JointAreas:
    area = found.area_m2.copy()
    area[-1] = np.nan
    return replace(found, area_m2=area)


DAMAGE = {
    "a row lost": without_a_row,
    "a row twice": with_a_row_twice,
    "too much": off_by(1e-8),
    "too little": off_by(-1e-8),
    "one square metre": off_by(0.0, 1.0),
    "not a number": with_no_number,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_areas_that_do_not_add_up_are_noticed_and_computed_anew(
    monkeypatch: pytest.MonkeyPatch, encoding: Encoding, damage: object
) -> None:
    right = exact.joint_areas(REGIONS, encoding)
    assert engine.unsound(damage(right), REGIONS) == [1]  # type: ignore[operator]
    told: list[int] = []
    monkeypatch.setattr(exact, "joint_areas", lambda *_, **__: damage(right))  # type: ignore[operator]
    with pytest.warns(RuntimeWarning, match="1 regions do not add up .*number 1.*GEOS"):
        found = engine.joint_areas(REGIONS, encoding, on_progress=told.append)
    assert_identical(found, geos.joint_areas(REGIONS, encoding))
    assert told == [1, 2]


def test_regions_without_any_row_are_noticed(encoding: Encoding) -> None:
    assert engine.unsound(with_nothing(exact.joint_areas(REGIONS, encoding)), REGIONS) == [0, 1]


def test_rows_that_are_too_small_to_keep_are_no_error() -> None:
    """Thirty layers with an edge that is off by a micrometre over 900 m: each makes a row that is too small."""
    region = square(0, 0, 1, 1)
    west, south, _, _ = region.bounds
    strips = [[shapely.box(west, south + 30 * i, west + 900, south + 30 * i + 1e-6)] for i in range(1, 31)]
    found = exact.joint_areas([region], encoding_of(strips))
    assert_same(found, geos.joint_areas([region], encoding_of(strips)))
    assert len(found.area_m2) == 1
    assert engine.unsound(found, [region]) == []


def test_a_region_that_is_no_polygon_does_not_go_unnoticed() -> None:
    """The kernel does not look whether input is valid; the lobes of a bow tie do not add up."""
    bow_tie = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 500)])
    assert not bow_tie.is_valid
    with pytest.warns(RuntimeWarning, match="do not add up"):
        engine.joint_areas([bow_tie, bow_tie], encoding_of([]))


# Without numba -----------------------------------------------------------------------------

# Python finds no numba, as where it was never installed.
HIDDEN = """
import importlib.util, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.split(".")[0] == "numba" else find(name, package)
"""

# Python finds a numba that does not want to work with this numpy.
BROKEN = """
import pathlib, sys, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "numba").mkdir()
(folder / "numba" / "__init__.py").write_text("raise ImportError('Numba needs NumPy 2.3 or less')")
sys.path.insert(0, str(folder))
"""

# Neither the home of the user nor that of the package can be written.
NOWHERE_TO_CACHE = """
import numba.core.caching as caching
def refused(self):
    raise OSError("Read-only file system")
for name in dir(caching):
    if name.endswith("CacheLocator"):
        getattr(caching, name).ensure_cache_path = refused
"""

ANSWERS = """
import json, sys
from pathlib import Path
from worlds import World
from dgdo_geo.overlay import engine
explorer = World(*(Path(p) for p in {folders!r})).open()
rows = explorer.build_overlay()
answers = [explorer.for_region(code).to_dict() for code in ("GM9001", "GM9002", "NL")]
print(json.dumps([engine.name(), "numba" in sys.modules, explorer.overlay.hash, rows, answers]))
"""


def folders_of(world: World) -> tuple[str, str, str]:
    return str(world.shipped), str(world.knowledge), str(world.workspace)


def answers_about(world: World, before: str) -> tuple[str, bool, str, int, object]:
    """In a process of its own: name of the engine, whether numba is in memory, hash and rows of the table, answers."""
    name, has_numba, overlay, rows, answers = json.loads(run(before + ANSWERS.format(folders=folders_of(world))))
    return name, has_numba, overlay, rows, answers


def answers_here(world: World) -> tuple[str, int, object]:
    """Hash and rows of the table, and answers, with the kernel in memory."""
    explorer = world.open()
    rows = explorer.build_overlay()
    answers = [explorer.for_region(code).to_dict() for code in ("GM9001", "GM9002", "NL")]
    return explorer.overlay.hash, rows, json.loads(json.dumps(answers))


def without_receipt(value: object) -> object:
    """An answer without what says how it came about."""
    if isinstance(value, dict):
        return {key: without_receipt(item) for key, item in value.items() if key != "receipt"}
    if isinstance(value, list):
        return [without_receipt(item) for item in value]
    return pytest.approx(value, rel=1e-9, abs=1e-3) if isinstance(value, float) else value


def test_where_numba_is_missing_the_answers_are_the_same(tiny_world: World) -> None:
    overlay, rows, answers = answers_here(tiny_world)
    name, has_numba, slow_overlay, slow_rows, slow_answers = answers_about(tiny_world, HIDDEN)
    assert (name, has_numba) == (geos.ENGINE, False)
    assert slow_overlay != overlay, "tables of two engines must not be taken for each other"
    assert slow_rows == rows
    assert without_receipt(slow_answers) == without_receipt(answers)


@pytest.mark.parametrize(("variable", "value"), [("NUMBA_DISABLE_JIT", "1"), ("DGDO_ENGINE", "geos")])
def test_where_the_kernel_is_switched_off_the_answers_are_the_same(
    tiny_world: World, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    overlay, rows, answers = answers_here(tiny_world)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(exact, "joint_areas", lambda *_, **__: pytest.fail("the kernel was asked"))
    slow_overlay, slow_rows, slow_answers = answers_here(tiny_world)
    assert (slow_overlay != overlay, slow_rows) == (True, rows)
    assert without_receipt(slow_answers) == without_receipt(answers)


def test_a_numba_that_cannot_be_loaded_does_not_keep_us_from_answering(tiny_world: World) -> None:
    """For example because numpy is newer than it knows."""
    name, _, _, rows, answers = answers_about(tiny_world, BROKEN)
    _, expected_rows, expected = answers_here(tiny_world)
    assert name == geos.ENGINE
    assert rows == expected_rows
    assert without_receipt(answers) == without_receipt(expected)


def test_a_disk_that_cannot_be_written_does_not_keep_the_kernel_from_being_loaded() -> None:
    code = """
import warnings; warnings.simplefilter("error")
import numpy as np
from dgdo_geo.overlay import engine
assert engine.load() is not None
from dgdo_geo.overlay import kernel
sign = np.zeros(1, np.int8)
corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
kernel.ring_signs(corners, np.array([0, 4]), np.array([True]), sign, 0, 1)
print(engine.name(), sign.tolist())
"""
    assert run(NOWHERE_TO_CACHE + code) == f"{engine.EXACT} [1]\n"


def test_a_few_municipalities_have_the_same_areas_whatever_the_engine(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = list(explorer.regions.municipalities.geometry.iloc[[3, 100, 200]])
    encoding, _ = explorer.encoded.of(shapely.union_all(regions))
    found = engine.joint_areas(regions, encoding)
    monkeypatch.setenv("DGDO_ENGINE", "geos")
    assert_same(engine.joint_areas(regions, encoding), found)


# What is loaded when -----------------------------------------------------------------------

STEPS = """
import sys
def look(step):
    print(step, [m for m in sys.modules if m.split(".")[0] in ("numba", "llvmlite") or m == "dgdo_geo.overlay.exact"])
import dgdo_geo
look("package")
from dgdo_geo.cli import main
sys.argv = ["dgdo-geo", "--help"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
look("help")
import dgdo_geo.overlay.engine, dgdo_geo.overlay.geos, dgdo_geo.query
look("query")
from pathlib import Path
from worlds import World, square
explorer = World(*(Path(p) for p in {folders!r})).open()
assert explorer.at_point(205_000, 505_000).answers
look("point")
assert explorer.for_region("GM9001").answers
look("municipality")
assert explorer.in_area(square(8, 1, 12, 3)).answers
look("area")
explorer.build_overlay()
look("country")
"""


def test_numba_is_loaded_only_when_there_is_much_to_do(tiny_world: World) -> None:
    """Not by the package, the help of the command line, or one question about one place."""
    said = run(STEPS.format(folders=folders_of(tiny_world)))
    steps = dict(line.split(" ", 1) for line in said.splitlines() if line.endswith("]") and " [" in line)
    few = {step: found for step, found in steps.items() if step != "country"}
    assert few == dict.fromkeys(["package", "help", "query", "point", "municipality", "area"], "[]")
    assert "dgdo_geo.overlay.exact" in steps["country"]


def test_the_command_says_that_it_will_take_longer_without_the_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("dgdo_geo.query.joint.Overlay.table", lambda *_: [])
    said = []
    for engine_name in ("", "geos"):
        monkeypatch.setenv("DGDO_ENGINE", engine_name)
        result = CliRunner().invoke(cli.app, ["overlay", "--workspace", str(tmp_path / "w")])
        assert result.exit_code == 0, result.output
        said.append("vele malen langer" in result.stderr)
    assert said == [False, True]
