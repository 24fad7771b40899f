"""Reports as data, read back: every figure follows from the polygons, sums agree, texts stay texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import report_files as files
import shapely
from worlds import CORE, RESERVE, TODAY, ZONE_A, ZONE_B, square

from dgdo_geo.errors import InputError
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.report.making import Asked, CancelledError, Made, document_of, make

PLACES = (("GM9001",), ("NL",), ("GM9001", "GM9002"))
KM2 = 1e6
CLOSE = {"rel": 1e-6, "abs": 1e-6}
"""Relative, and one square metre."""


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def report(request: pytest.FixtureRequest, tiny: Explorer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return files.made(tiny, tmp_path_factory.mktemp("report"), *request.param, formats=files.DATA)


@pytest.fixture(scope="module")
def pieces(report: Made) -> gpd.GeoDataFrame:
    found = files.layer(files.of(report, ".gpkg"))
    found["km2"] = found.geometry.area / KM2
    return found


@pytest.fixture(scope="module")
def tables(report: Made) -> dict[str, pd.DataFrame]:
    return files.csvs(files.of(report, ".zip"))


def rows_of(tables: dict[str, pd.DataFrame], key: str) -> Iterator[dict[str, object]]:
    assert len(tables[key])
    yield from tables[key].to_dict("records")


def column_of(report: Made, row: dict[str, object]) -> str:
    """Begin of the columns about the activity and band of a row."""
    bands = files.layer(files.of(report, ".gpkg"), "banden")
    same = (bands["activiteit"] == row["activiteit"]) & (bands["top_m"] == row["top_m"])
    (name,) = bands["kolom"][same & (bands["basis_m"] == row["basis_m"])]
    return str(name)


def here(pieces: gpd.GeoDataFrame, row: dict[str, object]) -> gpd.GeoDataFrame:
    return pieces[pieces["gebied_code"] == row["gebied_code"]]


def test_the_parts_follow_from_the_polygons(report, pieces, tables):
    for row in rows_of(tables, "potentie_oordeel"):
        own, name = here(pieces, row), column_of(report, row)
        is_part = (
            (own[f"{name}_potentie"] == row["potentie"])
            & (own[f"{name}_oordeel"] == row["oordeel"])
            & (own[f"{name}_kaart"] == row["kaart_wijst_op"])
            & (own[f"{name}_potentie_zeker"] == (row["potentie_zeker"] == "ja"))
        )
        assert row["km2"] == pytest.approx(own["km2"][is_part].sum(), **CLOSE)
        assert row["deel"] == pytest.approx(own["km2"][is_part].sum() / own["km2"].sum(), **CLOSE)


def test_the_constraints_follow_from_the_polygons(report, pieces, tables):
    for row in rows_of(tables, "beperkingen"):
        own, name = here(pieces, row), column_of(report, row)
        drawn = [row["regels"] in str(said).replace("~", "").split() for said in own[f"{name}_regels"]]
        certain = [row["regels"] in str(said).split() for said in own[f"{name}_regels"]]
        assert row["km2"] == pytest.approx(own["km2"][drawn].sum(), **CLOSE)
        assert row["km2_zeker"] == pytest.approx(own["km2"][certain].sum(), **CLOSE)
        assert row["deel"] == pytest.approx(own["km2"][drawn].sum() / own["km2"].sum(), **CLOSE)


def test_what_alone_decides_follows_from_the_polygons(report, pieces, tables):
    alone = files.layer(files.of(report, ".gpkg"), "alleen").merge(pieces[["combinatie", "km2", "gebied_code"]])
    for row in rows_of(tables, "alleen_beslissend"):
        is_row = (alone["kolom"] == column_of(report, row)) & (alone["regels"] == row["regels"])
        own = alone[is_row & (alone["gebied_code"] == row["gebied_code"])]
        opens = own[own["gevolg"] == "opent"]
        assert row["km2_opent"] == pytest.approx(opens["km2"].sum(), **CLOSE)
        assert row["km2_opent_potentie"] == pytest.approx(
            opens["km2"][opens["met_potentie"].astype(bool)].sum(), **CLOSE
        )
        assert row["km2_wordt_onbekend"] == pytest.approx(own["km2"][own["gevolg"] == "onbekend"].sum(), **CLOSE)


@pytest.mark.parametrize(("table", "column"), [("overlap_lagen", "laag_id"), ("overlap_families", "familie")])
def test_the_overlaps_follow_from_the_polygons(report, pieces, tables, table, column):
    claims = files.layer(files.of(report, ".gpkg"), "kaartlagen")
    for row in rows_of(tables, table):
        own = here(pieces, row).set_index("combinatie")["km2"]
        of = {name: set(claims["combinatie"][claims[column] == row[name]]) for name in ("rij", "kolom")}
        both, first = own[own.index.isin(of["rij"] & of["kolom"])].sum(), own[own.index.isin(of["rij"])].sum()
        assert row["km2"] == pytest.approx(both, **CLOSE)
        assert row["deel"] == pytest.approx(both / own.sum(), **CLOSE)
        assert row["deel_van_rij"] == pytest.approx(both / first, **CLOSE)


def test_the_stacking_follows_from_the_polygons(report, pieces, tables):
    claims = files.layer(files.of(report, ".gpkg"), "kaartlagen")
    counted = claims[claims["is_claim"].astype(bool)].groupby("combinatie").size()
    for row in rows_of(tables, "stapeling"):
        own = here(pieces, row)
        count = own["combinatie"].map(counted).fillna(0)
        assert row["km2"] == pytest.approx(own["km2"][count == row["aantal"]].sum(), **CLOSE)


def test_the_municipalities_follow_from_the_polygons(report, pieces, tables):
    for row in rows_of(tables, "gemeenten"):
        own, name = here(pieces, row), column_of(report, row)
        own = own[own["gemeente_code"] == row["gemeente_code"]]
        is_part = (own[f"{name}_potentie"] == row["potentie"]) & (own[f"{name}_oordeel"] == row["oordeel"])
        assert row["km2"] == pytest.approx(own["km2"][is_part].sum(), **CLOSE)
        assert row["deel_gemeente"] == pytest.approx(own["km2"][is_part].sum() / own["km2"].sum(), **CLOSE)


def test_sums_agree_with_the_area_of_the_region(pieces, tables):
    keys = ["gebied_code", "activiteit", "top_m", "basis_m"]
    area = pieces.groupby("gebied_code")["km2"].sum()
    for table in ("potentie_oordeel", "gemeenten"):
        sums = tables[table].groupby(keys)["km2"].sum()
        assert len(sums)
        for (code, *_), value in sums.items():
            assert value == pytest.approx(area[code], **CLOSE)
    shares = tables["potentie_oordeel"].groupby(keys)["deel"].sum()
    assert shares.to_numpy() == pytest.approx(np.ones(len(shares)), rel=1e-9)
    summary = tables["samenvatting"]
    assert summary[["deel_nee", "deel_milder", "deel_onbekend"]].sum(axis=1).to_numpy() == pytest.approx(1.0, rel=1e-9)
    assert tables["stapeling"].groupby("gebied_code")["km2"].sum().to_dict() == pytest.approx(area.to_dict(), **CLOSE)


def test_the_polygons_do_not_overlap_and_are_valid(pieces):
    for _, own in pieces.groupby("gebied_code"):
        assert own.geometry.is_valid.all()
        assert shapely.union_all(own.geometry.to_numpy()).area == pytest.approx(own.geometry.area.sum(), rel=1e-9)


def test_the_spreadsheet_says_what_the_csv_says(report, tables):
    book = files.sheets(files.of(report, ".xlsx"))
    assert list(book) == list(tables)
    for key, table in tables.items():
        assert len(book[key]) == len(table)
        for (title, written), (column, read) in zip(book[key].items(), table.items(), strict=True):
            if column.startswith(("km2", "deel")):
                assert "km²" in title or "%" in title
                assert written.astype(float).to_numpy() == pytest.approx(read.astype(float).to_numpy(), rel=1e-15)


def test_every_percentage_names_its_whole(tables, report):
    for key, table in files.sheets(files.of(report, ".xlsx")).items():
        for title, column in zip(table.columns, tables[key].columns, strict=True):
            if column.startswith("deel"):
                assert "% van" in title


def test_the_answer_is_that_of_the_screen(tiny, report, tables):
    for code in tables["samenvatting"]["gebied_code"].unique():
        kind = files.asked(code).kind
        answer = tiny.for_region(code, TODAY, kind=kind)
        for item in answer.answers:
            own = tables["potentie_oordeel"]
            own = own[(own["gebied_code"] == code) & (own["activiteit"] == item.activity.id)]
            own = own[own["top_m"] == item.band.top_m]
            assert own["km2"].sum() == pytest.approx(sum(part.area_m2 for part in item.areas) / KM2, rel=1e-12)


def test_qgis_layers_show_the_same_polygons(report, pieces):
    path = files.of(report, ".gpkg")
    bands = files.layer(path, "banden")
    for name, view in zip(bands["kolom"], bands["laag"], strict=True):
        shown = files.layer(path, view)
        assert list(shown["oordeel"]) == list(pieces[f"{name}_oordeel"])
        assert shown.geometry.area.sum() == pytest.approx(pieces.geometry.area.sum(), rel=1e-12)
    styles = files.layer(path, "layer_styles")
    assert set(bands["laag"]) <= set(styles["f_table_name"])
    assert styles["useAsDefault"].all()


# Independent of the combinations ---------------------------------------------------------------


def test_overlap_of_layers_against_shapely(tiny):
    document = document_of(tiny, [files.asked("NL")])
    sand = square(0, 0, 10, 5)
    drawn = {"zones": shapely.union_all([ZONE_A, ZONE_B, CORE]), "schets": RESERVE, "potentie_zand": sand}
    found = {(item.row, item.column): item for item in document.layer_overlaps}
    for first, second in itertools.product(drawn, repeat=2):
        area = shapely.intersection(drawn[first], drawn[second]).area
        item = found[first, second]
        assert item.of_region.area_m2 == pytest.approx(area, rel=1e-9, abs=1e-3)
        assert item.of_region.share == pytest.approx(area / 200e6, rel=1e-9, abs=1e-12)
        assert item.of_row.share == pytest.approx(area / drawn[first].area, rel=1e-9, abs=1e-12)
    assert found["zones", "potentie_zand"].of_region.area_m2 > 0


def judged_anew(tiny: Explorer, code: str, position: int, without: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
    """For every row of the overlay table in a municipality whether it is closed, and whether the answer is certain."""
    staying = tuple(rule for rule in tiny.knowledge.rules if rule.id not in without)
    found = tiny.assess_country(TODAY, knowledge=replace(tiny.knowledge, rules=staying))
    table = tiny.overlay_table()
    province = {"GM9001": "PV23", "GM9002": "PV22"}[code]
    place = {
        (int(combination), of): i
        for i, (combination, of) in enumerate(zip(found.combination, found.province, strict=True))
    }
    rows = [place[int(table.combination[row]), province] for row in table.rows("municipality", [code])]
    said = found.outcomes[position].distinct
    return said.verdict[rows] >= 3, said.conclusive[rows]


@pytest.mark.parametrize("code", ["GM9001", "GM9002"])
def test_what_alone_decides_against_judging_everything_anew(tiny, code):
    document = document_of(tiny, [files.asked(code)])
    table = tiny.overlay_table()
    area, seen = table.area_m2[table.rows("municipality", [code])], 0
    for position, band in enumerate(document.bands):
        alone = {frozenset(rule.id for rule in item.rules): item for item in band.alone}
        is_closed, _ = judged_anew(tiny, code, position, frozenset())
        rules = [item.rule for item in band.answer.constraints]
        layers = {rule.layer for rule in rules if rule.layer}
        of_layers = [frozenset(r.id for r in tiny.knowledge.rules if r.layer == one) for one in layers]
        for gone in {*of_layers, *(frozenset({rule.id}) for rule in rules)}:
            closed_then, certain_then = judged_anew(tiny, code, position, gone)
            known = [item for ids, item in alone.items() if ids == gone or (item.is_layer and ids <= gone)]
            item = next(iter(known), None)
            opens = item.opens.area_m2 if item else 0.0
            unknown = item.becomes_unknown.area_m2 if item else 0.0
            leaves = is_closed & ~closed_then
            if len(gone) == 1 or item is not None:
                assert opens == pytest.approx(area[leaves & certain_then].sum(), rel=1e-9, abs=1e-3)
                assert unknown == pytest.approx(area[leaves & ~certain_then].sum(), rel=1e-9, abs=1e-3)
                seen += int(leaves.any())
    assert seen


# Files -----------------------------------------------------------------------------------------


def test_the_same_question_gives_the_same_bytes(tiny, tmp_path):
    first = files.made(tiny, tmp_path / "a", "GM9001")
    again = files.made(tiny, tmp_path / "b", "GM9001")
    assert [digest for _, digest in first.files] == [digest for _, digest in again.files]
    assert first.snapshot == again.snapshot
    assert {path.suffix for path, _ in first.files} == {
        ".pdf", ".html", ".docx", ".xlsx", ".zip", ".gpkg", ".tif",
    }  # fmt: skip
    other = make(tiny, replace(files.asked("GM9001"), activities=("zout",)), ["csv"], tmp_path / "c")
    assert other.snapshot != first.snapshot


def test_an_area_of_ones_own(tiny, tmp_path):
    shape = square(8, 1, 12, 4)
    found = make(tiny, Asked(RegionKind.POLYGON, "Mijn gebied", shape, TODAY), files.DATA, tmp_path)
    pieces = files.layer(files.of(found, ".gpkg"))
    assert pieces.geometry.area.sum() == pytest.approx(shape.area, rel=1e-9)
    assert set(pieces["gemeente_code"]) == {"GM9001", "GM9002"}


def test_stopping_leaves_nothing(tiny, tmp_path):
    answers = iter([False, True])
    with pytest.raises(CancelledError):
        make(tiny, files.asked("GM9001"), ["csv", "xlsx"], tmp_path, is_cancelled=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("formats", [["doc"], [""], []])
def test_an_unknown_format_is_refused(tiny, tmp_path, formats):
    with pytest.raises(InputError) as caught:
        make(tiny, files.asked("GM9001"), formats, tmp_path)
    assert "pdf" in caught.value.message_nl


def test_a_comparison_takes_two_to_four_different_regions(tiny):
    with pytest.raises(InputError):
        document_of(tiny, [files.asked("GM9001")] * 2)
    with pytest.raises(InputError):
        document_of(tiny, [files.asked(code) for code in ("GM9001", "GM9002", "PV22", "PV23", "NL")])


def test_the_grid_has_the_words_and_colours_of_the_maps(tiny, tmp_path):
    import rasterio

    found = make(tiny, replace(files.asked("GM9001"), activities=("zout",)), ["tif", "gpkg"], tmp_path)
    with rasterio.open(files.of(found, ".tif")) as grid:
        cells, words = grid.read(1), grid.tags()
        assert (grid.nodata, grid.crs.to_epsg(), grid.colormap(1)[4][:3]) == (255, 28992, (207, 74, 64))
        share = {words[f"CLASS_{i}"]: (cells == i).sum() / (cells != 255).sum() for i in range(6) if (cells == i).any()}
    pieces = files.layer(files.of(found, ".gpkg"))
    exact = pieces.geometry.area.groupby(pieces["b01_oordeel"]).sum() / pieces.geometry.area.sum()
    assert share == pytest.approx(exact.to_dict(), abs=0.01)
