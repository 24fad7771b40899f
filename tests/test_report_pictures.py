"""Pictures of a report: what they show is what the answers say, and they can be read on paper, in grey and aloud."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date

import numpy as np
import pytest
import shapely
from worlds import TODAY, square

from dgdo_geo.model import AreaAssessment, RegionKind
from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.query import Explorer
from dgdo_geo.report.pictures import furniture, svg
from dgdo_geo.report.pictures.bars import Bar, share_bars
from dgdo_geo.report.pictures.ground import Frame, Ground, ground, shape_of
from dgdo_geo.report.pictures.locator import locator
from dgdo_geo.report.pictures.region_map import Caption, Panel, region_map
from dgdo_geo.texts import text

ON = date(2026, 12, 1)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("1")</script> & ]]> \u202e中 &amp;'
CAPTION = Caption("1 december 2026", "Maker A | Maker B", is_schematic=True)


def prepared(explorer: Explorer, code: str, **more: float) -> tuple[Ground, AreaAssessment]:
    answer = explorer.for_region(code, ON, activities=["geothermie"])
    return ground(explorer, answer.region, shape_of(explorer, answer.region), **more), answer


def drawn_of(one: Ground, explorer: Explorer, kind: str) -> dict[str, shapely.Geometry]:
    activity = explorer.knowledge.activities["geothermie"]
    return one.parts(kind, activity, activity.bands[0], ON)


def both(one: Ground, explorer: Explorer, caption: Caption = CAPTION, alt: str = "Twee kaarten.") -> str:
    panels = [
        Panel(text("web_map", f"kind_{kind}"), kind, one, drawn_of(one, explorer, kind))
        for kind in ("potential", "found")
    ]
    return region_map(panels, caption, alt=alt)


def texts_of(drawing: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("code", ["GM0193", "PV23", "Oost"])
def test_a_map_shows_the_shares_of_the_answer(explorer: Explorer, code: str) -> None:
    one, answer = prepared(explorer, code)
    said: dict[str, float] = {}
    outcomes: dict[str, float] = {}
    for part in answer.answers[0].areas:
        said[part.potential.key] = said.get(part.potential.key, 0.0) + part.share
        outcomes[part.outcome] = outcomes.get(part.outcome, 0.0) + part.share
    whole = one.outline.area
    for kind, shares in (("potential", said), ("verdict", outcomes)):
        drawn = drawn_of(one, explorer, kind)
        seen = {key: shapely.make_valid(shape).intersection(one.outline).area / whole for key, shape in drawn.items()}
        assert sum(seen.values()) == pytest.approx(1, abs=0.01), "no gaps and no overlaps"
        for key in {*seen, *shares}:
            assert seen.get(key, 0.0) == pytest.approx(shares.get(key, 0.0), abs=0.01), (kind, key)


def test_the_cells_of_the_drawing_on_paper_lie_where_they_were_drawn(tiny: Explorer) -> None:
    region = tiny.regions.find(RegionKind.MUNICIPALITY, "GM9001")
    one = ground(tiny, region, shape_of(tiny, region))
    activity = next(iter(tiny.knowledge.activities.values()))
    drawn = one.parts("found", activity, activity.bands[0], TODAY)
    west, east = square(0, 0, 1, 1).bounds[0], square(10, 0, 10, 1).bounds[0]
    pixel = one.frame.pixels(np.array([shapely.Point(west, 0), shapely.Point(east, 0)], object))
    assert (pixel[1].x - pixel[0].x) * one.frame.m_per_px == pytest.approx(10_000)
    assert sum(shape.intersection(one.outline).area for shape in drawn.values()) == pytest.approx(
        one.outline.area, rel=0.01
    )


@pytest.mark.parametrize("code", ["GM0193", "PV24"])
def test_a_map_has_all_that_a_map_needs(explorer: Explorer, code: str) -> None:
    one, _ = prepared(explorer, code)
    drawing = both(one, explorer)
    root = ET.fromstring(drawing)
    words = texts_of(drawing)
    assert root.get("role") == "img" and root.get("aria-label") == "Twee kaarten."
    assert words.count(text("pictures", "north")) == 2
    assert words.count(text("web_map", "watermark")) >= 8, "the mark covers both maps"
    caption = " ".join(words)
    for needed in ("1 december 2026", "EPSG:28992", "Maker A | Maker B", "alleen ter weergave"):
        assert needed in caption
    for kind, section in (("potential", "potential"), ("found", "verdict")):
        used = list(drawn_of(one, explorer, kind))
        assert len(used) >= 2
        for key in used:
            assert text(section, key) in words, "the legend names what is drawn"
            pattern = svg.pattern_id(kind, key)
            assert root.find(f".//{SVG}pattern[@id='{pattern}']") is not None
            assert drawing.count(f"url(#{pattern})") == 2, "once on the map and once in the legend"


def test_a_map_of_exact_data_has_no_mark(explorer: Explorer) -> None:
    one, _ = prepared(explorer, "GM0193")
    drawing = both(one, explorer, Caption("1 december 2026", "Maker", is_schematic=False))
    assert text("web_map", "watermark") not in texts_of(drawing)
    assert "stroke-dasharray" not in drawing


@pytest.mark.parametrize("m_per_px", [0.3, 3.7, 47.7, 294.0, 915.8])
def test_a_scale_bar_is_as_long_as_it_says(m_per_px: float) -> None:
    frame = Frame(0.0, 0.0, m_per_px, 330.0, 300.0)
    root = ET.fromstring(f'<svg xmlns="{SVG[1:-1]}">{furniture.scale_bar(frame)[0]}</svg>')
    number, unit = "".join(root.findall(f".//{SVG}text")[-1].itertext()).split()
    length_m = float(number.replace(".", "")) * {"m": 1, "km": 1000}[unit]
    drawn = float(root.findall(f".//{SVG}rect")[1].get("width", "0"))
    assert drawn * m_per_px == pytest.approx(length_m, rel=0.01)
    assert str(length_m)[0] in "125", "a round number"
    assert 20 < drawn < frame.width / 2


def test_the_scale_bar_and_the_arrow_keep_off_the_region() -> None:
    frame = Frame(0.0, 0.0, 100.0, 300.0, 300.0)
    low = shapely.box(0, 150, 150, 300)  # the south-west
    for corner in (low, shapely.box(150, 0, 300, 150), shapely.box(0, 0, 150, 150)):
        for drawn in (furniture.scale_bar, furniture.north_arrow):
            box = shapely.box(*drawn(frame, corner)[1])
            assert not box.intersects(corner) and shapely.box(0, 0, 300, 300).contains(box)


def test_regions_beside_each_other_have_one_scale(explorer: Explorer) -> None:
    small, _ = prepared(explorer, "PV24", m_per_px=400.0)
    large, _ = prepared(explorer, "PV23", m_per_px=400.0)
    ratio = small.shape.area / large.shape.area
    assert small.outline.area / large.outline.area == pytest.approx(ratio, rel=1e-6)
    for one in (small, large):
        west, north, east, south = one.outline.bounds
        assert west >= 0 and north >= 0 and east <= one.frame.width and south <= one.frame.height, "nothing cut off"


def test_equal_input_gives_equal_pictures(explorer: Explorer) -> None:
    assert both(prepared(explorer, "GM0193")[0], explorer) == both(prepared(explorer, "GM0193")[0], explorer)


def test_names_stay_inside_their_municipality_and_off_each_other() -> None:
    units = [("Westdorp", True, shapely.box(10, 60, 160, 200)), ("Oostdorp", True, shapely.box(160, 60, 320, 200)),
             ("Een veel te lange naam", True, shapely.box(100, 210, 130, 230)), ("Buiten", False, shapely.box(0, 0, 90, 50))]  # fmt: skip
    root = ET.fromstring(f'<svg xmlns="{SVG[1:-1]}">{furniture.names(units)}</svg>')
    found = {"".join(e.itertext()): e for e in root.iter(f"{SVG}text")}
    assert set(found) == {"Westdorp", "Oostdorp"}
    boxes = []
    for name, _, shape in units[:2]:
        x, y, size = (float(found[name].get(key, "0")) for key in ("x", "y", "font-size"))
        half = svg.width_of(name, size) / 2
        boxes.append(shapely.box(x - half, y - size, x + half, y))
        assert shape.contains(boxes[-1])
    assert not boxes[0].intersects(boxes[1])


def test_hostile_text_stays_text(explorer: Explorer) -> None:
    one, _ = prepared(explorer, "GM0193")
    panel = Panel(HOSTILE, "found", one, drawn_of(one, explorer, "found"))
    drawing = region_map([panel], Caption(HOSTILE, HOSTILE, is_schematic=True), alt=HOSTILE)
    root = ET.fromstring(drawing)
    assert not list(root.iter(f"{SVG}script"))
    title = texts_of(drawing)[0]
    assert title == '<script>alert("1")</script> & ]]> [U+202E][U+4E2D] &amp;'
    assert root.get("aria-label") == title
    long = region_map([panel], Caption("x" * 5000, "y " * 2500, is_schematic=True), alt="x")
    wide = float(ET.fromstring(long).get("width", "0"))
    lines = [words for words in texts_of(long) if len(words) > 20]
    assert lines and all(svg.width_of(words, 8.5) <= wide for words in lines), "no line leaves the picture"


def test_bars_are_as_long_as_their_shares() -> None:
    bars = [Bar("Aardwarmte", {"excluded": 0.25, "no_unless": 0.5, "unknown": 0.25}), Bar(HOSTILE, {"unknown": 1.0})]
    drawing = share_bars(bars, alt="Staven.", width=600.0)
    root = ET.fromstring(drawing)
    wide = [
        float(r.get("width", "0")) for r in root.iter(f"{SVG}rect")
        if r.get("fill", "").startswith("url(") and r.get("height") == "17"
    ]  # fmt: skip
    length = 600 * (1 - 0.33)
    assert wide == pytest.approx([length * s for s in (0.5, 0.25, 0.25, 1.0)], abs=0.1)
    words = texts_of(drawing)
    assert "25 %" in words and "100 %" in words
    assert [w for w in words if w in {text("verdict", k) for k in PATTERNS["verdict"]}] == [
        text("verdict", key) for key in PATTERNS["verdict"] if key in ("no_unless", "excluded", "unknown")
    ]


def test_the_small_map_shows_where_a_region_lies(explorer: Explorer) -> None:
    one = explorer.regions.find(RegionKind.MUNICIPALITY, "GM0193")
    alone = locator(explorer, [(one.name, shape_of(explorer, one))])
    root = ET.fromstring(alone)
    assert "Zwolle" in str(root.get("aria-label"))
    ring = root.find(f".//{SVG}circle")
    assert ring is not None, "a municipality is too small to see without its ring"
    provinces = [explorer.regions.find(RegionKind.PROVINCE, code) for code in ("PV23", "PV24")]
    beside = locator(explorer, [(p.name, shape_of(explorer, p)) for p in provinces])
    assert texts_of(beside) == ["1", "2"]


def test_a_path_closes_its_rings_and_keeps_its_tenths() -> None:
    ring = shapely.Polygon([(0.04, 0.04), (10.06, 0), (10, 10.12), (0, 10)], [[(2, 2), (3, 2), (3, 3)]])
    data = svg.path_data(ring)
    assert data.count("M") == data.count("z") == 2
    x, y = 0.0, 0.0
    for step in re.findall(r"[Mlhv][^Mlhvz]*", data.split("z")[0]):
        values = [float(v) for v in step[1:].split(",")]
        if step[0] == "M":
            x, y = values
        else:
            x += values[0] if step[0] in "lh" else 0
            y += values[-1] if step[0] in "lv" else 0
    assert (x, y) == pytest.approx((0, 10), abs=0.05)
    assert svg.path_data(shapely.Polygon()) == ""
