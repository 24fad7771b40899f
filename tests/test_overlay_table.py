"""The sparse table: chosen rows, sums to larger regions, and what is read back from disk."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from engines import encoding_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyarrow import parquet
from worlds import square

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import DepthRange, EvidenceKey
from dgdo_geo.overlay import exact
from dgdo_geo.overlay.table import OverlayTable, RegionLevel, from_arrow, key_name, table_of, to_arrow

KEYS = (
    EvidenceKey("zones", "b", DepthRange(80, 80)),
    EvidenceKey("zones", "a"),
    EvidenceKey("breuk", "breuk", DepthRange(0, math.inf, 0, math.inf), 500.0),
)
"""Not in alphabetical order: the order of the columns is that of the keys."""


def example() -> OverlayTable:
    """Four regions of which the third has no rows; two rows lie in no water board."""
    return OverlayTable(
        KEYS,
        np.array([[0, 0, 0], [0, 3, 1], [3, 0, 2]], np.int8),
        np.array([0, 1, 2, 0, 1, 2, 2]),
        np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]),
        {
            "municipality": RegionLevel(("GM1", "GM2", "GM3", "GM4"), np.array([0, 0, 0, 1, 1, 3, 3])),
            "water_board": RegionLevel(("WS1", "WS2"), np.array([0, 0, 1, 1, -1, -1, 0])),
        },
        {"engine": "exact-1", "zones": "abc 0.0 polygon"},
    )


def same(one: OverlayTable | None, other: OverlayTable) -> bool:
    """Equal to the last bit."""
    assert one is not None
    assert (one.keys, dict(one.inputs)) == (other.keys, dict(other.inputs))
    assert list(one.levels) == list(other.levels)
    pairs = [(one.presence, other.presence), (one.combination, other.combination), (one.area_m2, other.area_m2)]
    for name, level in other.levels.items():
        assert one.levels[name].codes == level.codes
        pairs.append((one.levels[name].position, level.position))
    for a, b in pairs:
        assert (a.dtype, a.shape, a.tolist()) == (b.dtype, b.shape, b.tolist())
    return True


def through_a_file(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """As it is stored and read."""
    found = {}
    for name, table in tables.items():
        buffer = io.BytesIO()
        parquet.write_table(table, buffer, compression="zstd")
        found[name] = parquet.read_table(io.BytesIO(buffer.getvalue()))
    return found


# Rows and sums -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "codes", "rows"),
    [
        ("municipality", ["GM1"], [0, 1, 2]),
        ("municipality", ["GM4", "GM1"], [5, 6, 0, 1, 2]),
        ("municipality", ["GM3"], []),
        ("municipality", [], []),
        ("municipality", ["GM2", "GM2"], [3, 4, 3, 4]),
        ("water_board", ["WS1"], [0, 1, 6]),
        ("water_board", ["WS2", "WS1"], [2, 3, 0, 1, 6]),
    ],
)
def test_rows_come_region_by_region_in_the_order_that_was_asked(level: str, codes: list[str], rows: list[int]) -> None:
    found = example().rows(level, codes)
    assert found.tolist() == rows
    assert found.dtype == np.intp


@pytest.mark.parametrize(("level", "code"), [("municipality", "GM9"), ("province", "GM1"), ("municipality", "")])
def test_rows_of_a_region_or_level_that_is_not_there_are_refused(level: str, code: str) -> None:
    with pytest.raises(KeyError):
        example().rows(level, [code])


def test_sums_are_per_larger_region_and_combination() -> None:
    table = example().summed("municipality", "province", {"GM1": "PV2", "GM2": "PV1", "GM4": "PV2", "GM9": "PV3"})
    assert table.levels["province"].codes == ("PV1", "PV2")
    assert list(table.levels) == ["province"]
    assert table.levels["province"].position.tolist() == [0, 0, 1, 1, 1]
    assert table.combination.tolist() == [0, 1, 0, 1, 2]
    assert table.area_m2.tolist() == [8, 16, 1, 2, 100]
    assert table.rows("province", ["PV2"]).tolist() == [2, 3, 4]
    assert (table.keys, table.inputs) == (KEYS, example().inputs)


def test_a_region_without_a_larger_one_and_a_row_without_a_region_are_left_out() -> None:
    assert example().summed("municipality", "x", {"GM2": "X"}).area_m2.tolist() == [8, 16]
    assert example().summed("water_board", "x", {"WS1": "X", "WS2": "X"}).area_m2.tolist() == [9, 2, 68]
    nothing = example().summed("municipality", "x", {})
    assert (len(nothing), nothing.levels["x"].codes) == (0, ())


def codes_of(size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.text(min_size=1, max_size=4), min_size=size, max_size=size, unique=True).map(tuple)


depths = st.builds(DepthRange, *[st.sampled_from([0.0, 80.0, 0.1 + 0.2, math.inf])] * 4)
distances = st.sampled_from([0.0, 500.0, 1 / 3])
evidence_keys = st.builds(
    EvidenceKey, st.text(min_size=1, max_size=4), st.text(min_size=1, max_size=4), depths, distances
)


@st.composite
def tables(draw: st.DrawFn) -> OverlayTable:
    """Any table, also without keys, rows or regions."""
    keys = tuple(draw(st.lists(evidence_keys, max_size=4, unique=True)))
    combinations = draw(st.integers(1, 5))
    presence = draw(arrays(np.int8, (combinations, len(keys)), elements=st.integers(0, 3)))
    rows = draw(st.integers(0, 20))
    combination = draw(arrays(np.intp, rows, elements=st.integers(0, combinations - 1)))
    if not keys:
        # Without keys there is one combination, and a row that has it.
        presence, combination = presence[: min(1, rows)], np.zeros(rows, np.intp)
    area = draw(arrays(np.float64, rows, elements=st.floats(1e-3, 1e12)))
    levels = {}
    for name in draw(st.lists(st.sampled_from(["municipality", "water_board", "région"]), unique=True)):
        codes = draw(st.integers(0, 5).flatmap(codes_of))
        position = draw(arrays(np.intp, rows, elements=st.integers(-1, len(codes) - 1)))
        levels[name] = RegionLevel(codes, position)
    inputs = draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3))
    return OverlayTable(keys, presence, combination, area, levels, inputs)


@given(tables(), st.data())
def test_sums_and_rows_are_those_of_pandas(table: OverlayTable, data: st.DataObject) -> None:
    for name, level in table.levels.items():
        parent = {code: data.draw(st.sampled_from(["A", "B", "C"])) for code in level.codes if data.draw(st.booleans())}
        frame = pd.DataFrame(
            {
                "code": [None if i < 0 else level.codes[i] for i in level.position],
                "combination": table.combination,
                "area": table.area_m2,
            }
        )
        frame["above"] = frame["code"].map(parent)
        expected = frame.dropna(subset="above").groupby(["above", "combination"])["area"].sum()
        found = table.summed(name, "larger", parent)
        codes = found.levels["larger"].codes
        assert codes == tuple(sorted(set(parent.values())))
        index = [(codes[i], int(c)) for i, c in zip(found.levels["larger"].position, found.combination, strict=True)]
        assert index == sorted(expected.index)
        assert found.area_m2.tolist() == pytest.approx([expected[i] for i in index], rel=1e-12)
        for code in level.codes:
            assert table.rows(name, [code]).tolist() == frame.index[frame["code"] == code].tolist()


def test_regions_of_ones_own_and_municipalities_are_two_levels_of_one_table() -> None:
    regions, split = [square(0, 0, 10, 10), square(5, 0, 15, 10)], [square(0, 0, 8, 10), square(8, 0, 12, 10)]
    encoding = encoding_of([[square(0, 0, 20, 4)]])
    joint = exact.joint_areas(regions, encoding, split=split)
    table = table_of(joint, encoding.keys, "own", ["x", "y"], {"engine": "e"}, ("municipality", ["GM1", "GM2"]))
    assert table.levels["own"].codes == ("x", "y")
    assert set(table.levels["municipality"].position.tolist()) == {-1, 0, 1}
    assert table.area_m2[table.rows("own", ["y"])].sum() == pytest.approx(100e6)
    assert table.area_m2[table.rows("municipality", ["GM1"])].sum() == pytest.approx(110e6)
    assert same(from_arrow(through_a_file(to_arrow(table))), table)


def test_a_set_of_regions_may_not_take_the_name_of_the_second_division() -> None:
    """Else one of the two would take the place of the other without a word."""
    joint = exact.joint_areas([square(0, 0, 10, 10)], encoding_of([]), split=[square(0, 0, 5, 10)])
    with pytest.raises((ValueError, DgdoGeoError)):
        table_of(joint, (), "municipality", ["mine"], {}, ("municipality", ["GM1"]))


# Stored and read back ----------------------------------------------------------------------


def test_a_table_is_read_back_as_it_was() -> None:
    assert same(from_arrow(to_arrow(example())), example())
    assert same(from_arrow(through_a_file(to_arrow(example()))), example())


@given(tables())
def test_any_table_is_read_back_as_it_was(table: OverlayTable) -> None:
    assert same(from_arrow(through_a_file(to_arrow(table))), table)


def test_a_table_without_keys_is_read_back() -> None:
    bare = replace(example(), keys=(), presence=np.zeros((1, 0), np.int8), combination=np.zeros(7, np.intp))
    assert same(from_arrow(through_a_file(to_arrow(bare))), bare)


def test_columns_say_what_they_hold() -> None:
    stored = to_arrow(example())
    assert stored["combinations"].column_names == [
        "000 zones/b 80-80 to inf-inf m",
        "001 zones/a 0-0 to inf-inf m",
        "002 breuk/breuk 0-inf to 0-inf m, within 500 m",
    ]
    assert stored["rows"].column_names == ["municipality", "water_board", "combination", "area_m2"]
    assert stored["rows"]["water_board"].to_pylist() == ["WS1", "WS1", "WS2", "WS2", None, None, "WS1"]
    assert key_name(KEYS[0]) == "zones/b 80-80 to inf-inf m"


Damage = Callable[[dict[str, pa.Table]], None]


def column(table: str, name: str, values: Callable[[list[object]], list[object]], kind: pa.DataType) -> Damage:
    """Other values in one column; the metadata stay."""

    def damage(stored: dict[str, pa.Table]) -> None:
        old = stored[table]
        i = old.schema.get_field_index(name)
        new = old.set_column(i, name, pa.array(values(old[name].to_pylist()), kind))
        stored[table] = new.replace_schema_metadata(old.schema.metadata)

    return damage


def area(change: Callable[[list[float]], list[float]], adjust: bool = True) -> Damage:
    """Other areas, and the sum in the metadata along with them, so that only the value itself is wrong."""

    def damage(stored: dict[str, pa.Table]) -> None:
        column("rows", "area_m2", change, pa.float64())(stored)  # type: ignore[arg-type]
        if adjust:
            about(area_m2=float(stored["rows"]["area_m2"].to_numpy().sum()))(stored)

    return damage


def about(**changes: object) -> Damage:
    """Other metadata."""

    def damage(stored: dict[str, pa.Table]) -> None:
        metadata = json.loads(stored["rows"].schema.metadata[b"dgdo-geo"])
        stored["rows"] = stored["rows"].replace_schema_metadata({"dgdo-geo": json.dumps(metadata | changes)})

    return damage


def rows(change: Callable[[pa.Table], pa.Table], table: str = "rows") -> Damage:
    def damage(stored: dict[str, pa.Table]) -> None:
        metadata = stored[table].schema.metadata
        stored[table] = change(stored[table]).replace_schema_metadata(metadata)

    return damage


DAMAGE: dict[str, Damage] = {
    "no rows at all": lambda stored: stored.pop("rows") and None,
    "no combinations at all": lambda stored: stored.pop("combinations") and None,
    "no metadata": lambda stored: stored.update(rows=stored["rows"].replace_schema_metadata(None)),
    "metadata of others": lambda stored: stored.update(rows=stored["rows"].replace_schema_metadata({"a": "b"})),
    "metadata that are no JSON": lambda stored: stored.update(
        rows=stored["rows"].replace_schema_metadata({"dgdo-geo": "{"})
    ),
    "metadata that are no table": lambda stored: stored.update(
        rows=stored["rows"].replace_schema_metadata({"dgdo-geo": "[1]"})
    ),
    "an older format": about(format=0),
    "a key that is half": about(keys=[["zones"]]),
    "a key too many": about(keys=[["z", "a", [0, 0, "inf", "inf"], 0.0]] * 4),
    "keys that are null": about(keys=None),
    "levels that are a list": about(levels=[]),
    "inputs that are a list": about(inputs=[1]),
    "a level that is not there": about(levels={"province": []}),
    "a row less": rows(lambda table: table.slice(1)),
    "a sum that is not that of the areas": about(area_m2=1.0),
    "a column less": rows(lambda table: table.drop_columns("area_m2")),
    "a combination less": rows(lambda table: table.slice(1), "combinations"),
    "a key less": rows(lambda table: table.drop_columns(table.column_names[0]), "combinations"),
    "keys in another order": rows(lambda table: table.select(table.column_names[::-1]), "combinations"),
    "an unknown region": column("rows", "municipality", lambda values: ["GM9", *values[1:]], pa.string()),
    "a combination too high": column("rows", "combination", lambda values: [3, *values[1:]], pa.int32()),
    "a combination below zero": column("rows", "combination", lambda values: [-1, *values[1:]], pa.int32()),
    "a combination missing": column("rows", "combination", lambda values: [None, *values[1:]], pa.int32()),
    "half a combination": column("rows", "combination", lambda values: [0.5, *values[1:]], pa.float64()),
    "a presence too high": column("combinations", "001 zones/a 0-0 to inf-inf m", lambda values: [4, 3, 0], pa.int8()),
    "a presence below zero": column("combinations", "001 zones/a 0-0 to inf-inf m", lambda v: [-1, 3, 0], pa.int8()),
    "a presence missing": column("combinations", "001 zones/a 0-0 to inf-inf m", lambda v: [None, 3, 0], pa.int8()),
    "a negative area": area(lambda values: [-1.0, *values[1:]]),
    "no number": area(lambda values: [math.nan, *values[1:]]),
    "an area missing": area(lambda values: [None, *values[1:]], adjust=False),  # type: ignore[list-item]
    "an endless area": area(lambda values: [math.inf, *values[1:]]),
    "a negative zero": area(lambda values: [-0.0, *values[1:]]),
    "another area": area(lambda values: [values[0] + 1e-9, *values[1:]], adjust=False),
    "areas that are text": column("rows", "area_m2", lambda values: list(map(str, values)), pa.string()),
    "areas in half precision": column("rows", "area_m2", lambda values: values, pa.float32()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_a_table_that_does_not_hold_together_is_not_used(damage: Damage) -> None:
    stored = to_arrow(example())
    damage(stored)
    assert from_arrow(stored) is None


def test_nothing_is_not_a_table() -> None:
    assert from_arrow({}) is None
