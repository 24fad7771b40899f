"""Which verdicts flip when a layer changes: exactly the area whose answer differs, checked against two full answers."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from worlds import BELOW_80, CORE, KM2, SAND, TODAY, Feature, World, at, build_world, frame, layer, square

from dgdo_geo import store
from dgdo_geo.cli import app
from dgdo_geo.decide.layerdiff import LayerDiff, Version, layer_diff
from dgdo_geo.intake import freshness
from dgdo_geo.intake.flips import Flip, FlipPlace, Flips
from dgdo_geo.model import Layer
from dgdo_geo.query import Explorer
from dgdo_geo.report.fetched import flip_lines
from dgdo_geo.texts import text

Words = tuple[str, str, float, str, str, str, str]


def version_of(explorer: Explorer, layer_id: str) -> Version:
    """A layer as this explorer sees it."""
    found = explorer.layer(layer_id)
    return found.state, found.to_gdf() if found.state.status == "available" else None


def replaced(world: World, declared: Layer, features: Iterable[Feature]) -> tuple[Explorer, Explorer, LayerDiff]:
    """Replace one layer: the explorer before, the one after, and the difference."""
    before = world.open()
    store.write_layer(before.workspace, declared, frame(features))
    after = world.open()
    return before, after, layer_diff(after, {declared.id: version_of(before, declared.id)}, TODAY)


def by_words(diff: LayerDiff) -> dict[Words, float]:
    """Square metres per municipality, activity, depth, and the two outcomes and potentials."""
    found: dict[Words, float] = defaultdict(float)
    for row in diff.flips.to_dict("records"):
        sides = (row["before"], row["potential_before"], row["after"], row["potential_after"])
        found[(row["code"], row["activity"], row["top_m"], *sides)] += row["area_m2"]
    return dict(found)


def by_maps(before: Explorer, after: Explorer) -> dict[Words, float]:
    """The same from the maps of both sides, laid over each other by GEOS."""
    found: dict[Words, float] = defaultdict(float)
    for code in before.regions.municipalities.index:
        for activity in before.knowledge.activities.values():
            for number, band in enumerate(activity.bands):
                old, new = (side.verdict_map(code, activity.id, TODAY, band=number) for side in (before, after))
                for _, a in old.iterrows():
                    for _, b in new.iterrows():
                        same = ("outcome", "verdict", "indication", "conclusive", "potential")
                        area = shapely.intersection(a.geometry, b.geometry).area
                        if area > 0 and any(a[name] != b[name] for name in same):
                            words = (a["outcome"], a["potential"], b["outcome"], b["potential"])
                            found[(str(code), activity.id, band.top_m, *words)] += area
    return dict(found)


def assert_same(got: dict[Words, float], expected: dict[Words, float]) -> None:
    # GEOS leaves slivers of a rounding error along edges that both sides share.
    large = {key: area for key, area in expected.items() if area > 1e-3}
    assert {key for key, area in got.items() if area > 1e-3} == large.keys()
    for key, area in large.items():
        assert math.isclose(got[key], area, rel_tol=1e-9, abs_tol=1e-3), key


def totals(explorer: Explorer) -> dict[tuple[str, str, float, str, str], float]:
    """Area per municipality, activity, depth and answer, of one explorer on its own."""
    country = explorer.assess_country(TODAY).to_frame()
    by = ["code", "activity", "top_m", "outcome", "potential"]
    return {tuple(key): float(area) for key, area in country.groupby(by)["area_m2"].sum().items()}


def assert_adds_up(diff: LayerDiff, before: Explorer, after: Explorer) -> None:
    """What flipped away and what flipped to a word is the difference of two full recomputations."""
    net: dict[tuple[str, str, float, str, str], float] = defaultdict(float)
    for (code, activity, top, old, old_potential, new, new_potential), area in by_words(diff).items():
        net[(code, activity, top, old, old_potential)] -= area
        net[(code, activity, top, new, new_potential)] += area
    old_totals, new_totals = totals(before), totals(after)
    for key in {*net, *old_totals, *new_totals}:
        change = new_totals.get(key, 0.0) - old_totals.get(key, 0.0)
        assert math.isclose(net.get(key, 0.0), change, rel_tol=1e-9, abs_tol=1e-2), key


ZONES = layer("zones", ["zone", "kern"])


def test_a_zone_that_moves_east_flips_a_strip_on_both_sides(tiny_world: World) -> None:
    """Zone A goes from x = 2..6 to x = 3..7: 4 km2 is freed and 4 km2 closed. A net sum would say nothing changed."""
    moved = [
        Feature(square(3, 2, 7, 6), "zone", BELOW_80),
        Feature(square(8, 0, 12, 2), "zone", (0.0, math.nan, math.inf, math.inf)),
        Feature(CORE, "kern"),
    ]
    before, after, diff = replaced(tiny_world, ZONES, moved)
    assert (diff.layers, diff.left_out, diff.on) == (("zones",), (), TODAY)
    warm = diff.flips[(diff.flips["activity"] == "warmte") & (diff.flips["top_m"] == 500)]
    closed, freed = warm[warm["verdict_after"] == "excluded"], warm[warm["verdict_before"] == "excluded"]
    assert closed["area_m2"].sum() == pytest.approx(4 * KM2)
    assert freed["area_m2"].sum() == pytest.approx(4 * KM2)
    assert set(warm["code"]) == {"GM9001"}
    assert_same(by_words(diff), by_maps(before, after))
    assert_adds_up(diff, before, after)


def test_a_layer_that_was_not_there_turns_unknown_into_an_answer(tiny_world: World) -> None:
    """Without the layer, attention for nature cannot be answered; with a complete one it can, wherever it matters.

    In Oostdorp and in the core (1 km2) another rule is stricter, so there nothing flips.
    """
    declared = layer("natuur", ["natuur"], family="nature")
    before, after, diff = replaced(tiny_world, declared, [Feature(square(12, 0, 14, 10), "natuur")])
    assert before.states["natuur"].status == "not_loaded"
    salt = diff.flips[diff.flips["activity"] == "zout"]
    assert salt["area_m2"].sum() == pytest.approx(99 * KM2)
    assert set(diff.flips["activity"]) == {"zout"}
    assert_same(by_words(diff), by_maps(before, after))
    assert_adds_up(diff, before, after)


def test_another_potential_is_a_flip_of_its_own(tiny_world: World) -> None:
    declared = layer("potentie_zand", {"kansrijk": "promising", "geen": "none"}, family="potential", absence="unknown")
    whole = [Feature(square(0, 0, 10, 10), "kansrijk", SAND)]
    before, after, diff = replaced(tiny_world, declared, whole)
    rows = [row for row in diff.summary() if row["kind"] == "potential" and row["activity"] == "warmte"]
    # At 500 to 1250 m there is no sand, so a layer that no longer says "none" in the north says nothing there.
    found = {(row["before"], row["after"], row["top_m"]): row for row in rows}
    assert found.keys() == {("none", "promising", 1250.0), ("none", "unknown", 500.0)}
    for row in found.values():
        assert row["area_m2"] == pytest.approx(50 * KM2)
        assert [place["name"] for place in row["places"]] == ["Westdorp"]
    assert_same(by_words(diff), by_maps(before, after))


def test_a_line_that_moves_counts_with_its_distance(tiny_world: World) -> None:
    declared = layer("breuk", ["breuk"], family="faults", geometry="line")
    moved = [Feature(shapely.LineString([at(1, 8.5), at(5, 8.5)]), "breuk")]
    before, after, diff = replaced(tiny_world, declared, moved)
    assert set(diff.flips["activity"]) == {"warmte"}
    # Two rounded strips of 500 m on each side; moved by as much as that, a band of 500 x 4000 m stays.
    assert_same(by_words(diff), by_maps(before, after))
    assert_adds_up(diff, before, after)


def test_another_accuracy_of_the_same_polygons_flips_too(tiny_world: World) -> None:
    same = [Feature(square(2, 2, 6, 6), "zone", BELOW_80), Feature(CORE, "kern")]
    _, _, first = replaced(tiny_world, ZONES, same)
    assert len(first.flips)
    before, after, diff = replaced(tiny_world, layer("zones", ["zone", "kern"], accuracy_m=100.0), same)
    assert len(diff.flips)
    assert_same(by_words(diff), by_maps(before, after))


def test_the_same_version_flips_nothing(tiny_world: World) -> None:
    explorer = tiny_world.open()
    everything = {i: version_of(explorer, i) for i in explorer.states}
    diff = layer_diff(explorer, everything, TODAY)
    assert diff.flips.empty
    assert diff.summary() == []
    assert diff.left_out == ("gemeenten", "provincies", "waterschappen")


def test_two_layers_that_change_together_are_compared_together(tiny_world: World) -> None:
    """The fault disappears and the reserve with it: the new answer depends on both."""
    before = tiny_world.open()
    far = Feature(shapely.LineString([at(15, 9), at(16, 9)]), "breuk")
    store.write_layer(before.workspace, layer("breuk", ["breuk"], family="faults", geometry="line"), frame([far]))
    store.write_layer(before.workspace, ZONES, frame([Feature(square(0, 8, 6, 10), "zone", BELOW_80)]))
    after = tiny_world.open()
    diff = layer_diff(after, {i: version_of(before, i) for i in ("zones", "breuk")}, TODAY)
    assert diff.layers == ("breuk", "zones")
    assert_same(by_words(diff), by_maps(before, after))
    assert_adds_up(diff, before, after)


def test_the_summary_adds_up_to_the_flips(tiny_world: World) -> None:
    moved = [Feature(square(5, 4, 15, 9), "zone", BELOW_80), Feature(CORE, "kern")]
    _, _, diff = replaced(tiny_world, ZONES, moved)
    rows = diff.summary()
    assert {"outcome", "detail"} >= {row["kind"] for row in rows} != set()
    shown = sum(row["area_m2"] for row in rows if row["kind"] in ("outcome", "detail"))
    assert shown == pytest.approx(diff.flips["area_m2"].sum())
    assert [row["area_m2"] for row in rows] == sorted((row["area_m2"] for row in rows), reverse=True)
    first = rows[0]
    assert first["municipalities"] == 2
    assert [place["area_m2"] for place in first["places"]] == sorted(
        (place["area_m2"] for place in first["places"]), reverse=True
    )


whole_number = st.integers(min_value=0, max_value=9)
box = st.tuples(whole_number, whole_number, st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(old=st.lists(box, min_size=1, max_size=3), new=st.lists(box, min_size=1, max_size=3))
def test_any_two_sets_of_squares_flip_what_the_maps_say(
    tmp_path_factory: pytest.TempPathFactory, old: list[tuple[int, ...]], new: list[tuple[int, ...]]
) -> None:
    world = build_world(tmp_path_factory.mktemp("world"))

    def drawn(boxes: list[tuple[int, ...]]) -> list[Feature]:
        shapes = [square(2 * x, y, min(20, 2 * x + w), min(10, y + h)) for x, y, w, h in boxes]
        return [Feature(shape, "zone" if i % 2 else "kern", BELOW_80) for i, shape in enumerate(shapes)]

    start = world.open()
    store.write_layer(start.workspace, ZONES, frame(drawn(old)))
    before, after, diff = replaced(world, ZONES, drawn(new))
    assert_same(by_words(diff), by_maps(before, after))
    assert_adds_up(diff, before, after)


def test_a_changed_layer_of_the_start_set_adds_up_in_the_whole_country(tmp_path: Path) -> None:
    from dgdo_geo.query import open_explorer

    before = open_explorer(tmp_path, create=True)
    state, old = version_of(before, "boringsvrije_zones")
    new: gpd.GeoDataFrame = old.iloc[: len(old) // 2].copy()
    new.geometry = new.geometry.translate(2500.0, -1500.0)
    store.write_layer(before.workspace, state.layer, new)
    after = open_explorer(tmp_path)
    diff = layer_diff(after, {"boringsvrije_zones": (state, old)}, TODAY)
    assert diff.flips["area_m2"].sum() > KM2
    assert set(diff.flips["activity"]) <= set(before.knowledge.activities)
    assert_adds_up(diff, before, after)


# Told and kept -----------------------------------------------------------------------------


def add(world: World, *extra: str, shape: shapely.Geometry) -> str:
    """Load a square of nature with the real command; gives what it says."""
    path = world.workspace.parent / "natuur.gpkg"
    path.unlink(missing_ok=True)
    gpd.GeoDataFrame({"naam": ["Gebied"]}, geometry=[shape], crs=28992).to_file(path)
    arguments = ["add", str(path), "--laag", "natuur", "--klasse", "natuur", "--bron", "Test", "--licentie", "CC0"]
    arguments += ["--datum", "2026-01-01", "--kwaliteit", "official", "--nauwkeurigheid", "0", "--volledig"]
    done = CliRunner().invoke(
        app, [*arguments, "--workspace", str(world.workspace), *extra], catch_exceptions=False, env={"COLUMNS": "300"}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def world(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The tiny world, which the commands find as what ships."""
    monkeypatch.setattr("dgdo_geo.store.shipped_layers_dir", lambda: tiny_world.shipped)
    monkeypatch.setattr("dgdo_geo.query.opening.read_knowledge", tiny_world.read_knowledge)
    tiny_world.open()
    return tiny_world


def test_loading_a_file_tells_which_answers_change_and_keeps_it(world: World) -> None:
    dry = add(world, shape=square(1, 1, 2, 2))
    assert "antwoorden" not in dry
    assert freshness.read(world.workspace) == {}
    told = add(world, "--opslaan", shape=square(1, 1, 2, 2))
    assert "98,0 km² ging van ‘onbekend’ naar ‘geen bekende beperking’ voor zout, 300 tot 1.000 m diep" in told
    item = freshness.read(world.workspace)["natuur"]
    assert (item.status, item.source_layer, item.changes.added) == ("added", "natuur.gpkg", 1)

    moved = json.loads(add(world, "--opslaan", "--json", shape=square(1, 1.5, 2, 2.5)))
    rows = {(row["before"], row["after"]): row["area_m2"] for row in moved["flips"]["rows"]}
    assert rows == {
        ("attention", "no_known_constraint"): pytest.approx(0.5 * KM2),
        ("no_known_constraint", "attention"): pytest.approx(0.5 * KM2),
    }
    item = freshness.read(world.workspace)["natuur"]
    assert len(item.history) == 2
    assert (item.changes.added_m2, item.changes.gone_m2) == pytest.approx((0.5 * KM2, 0.5 * KM2))
    assert item.flips is not None
    assert {(row.before, row.after): row.area_m2 for row in item.flips.rows} == rows


def test_a_comparison_that_is_skipped_is_said_to_be(world: World) -> None:
    told = add(world, "--opslaan", "--zonder-vergelijking", shape=square(1, 1, 2, 2))
    assert "omdat u dat niet wilde" in told
    item = freshness.read(world.workspace)["natuur"]
    assert item.flips == Flips("skipped", text("flips", "skipped"))


def lines(*rows: Flip, **changes: Any) -> list[str]:
    data: dict[str, Any] = {"on": "2026-11-24", "layers": ("natura2000",), "rows": rows, **changes}
    return list(flip_lines(Flips("compared", **data), most=1))


ROW = Flip(
    "outcome", "geothermie", "Geothermie", 500.0, 1250.0, "conditional", "no_unless", 12.34e6, 5,
    (FlipPlace("GM0193", "Zwolle", 8e6), FlipPlace("GM0148", "Dalfsen", 2e6)),
)  # fmt: skip


def test_what_flipped_is_told_in_words() -> None:
    told = lines(ROW, replace(ROW, area_m2=1e6), replace(ROW, kind="detail", before="", after=""))
    assert told[0] == "Wat er in de antwoorden verandert (peildatum 2026-11-24; natura2000):"
    assert told[1].strip() == (
        "12,3 km² ging van ‘ja, mits’ naar ‘nee, tenzij’ voor geothermie, 500 tot 1.250 m diep; "
        "het meest in Zwolle, Dalfsen."
    )
    assert "nog 1 kleinere" in told[2]
    assert "Bij 1 combinaties" in told[3]
    assert "alleen in Zwolle" in lines(replace(ROW, municipalities=2))[1]
    assert "potentie ‘kansrijk’ naar ‘onbekend’" in "".join(
        lines(replace(ROW, kind="potential", before="promising", after="unknown"))
    )


def test_what_could_not_be_compared_is_told_too() -> None:
    assert lines() == ["De antwoorden veranderen nergens (peildatum 2026-11-24; natura2000)."]
    assert "gemeenten" in lines(layers=(), left_out=("gemeenten",))[0]
    assert "nieuwe grenzen" in lines(ROW, left_out=("gemeenten",))[-1]
    assert "De laag is nieuw" in lines(layers=())[0]
