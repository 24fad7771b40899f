"""Reports on the layers that come with the program, read back: plain geopandas computes every km2 anew."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from worlds import square

from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.report.making import Asked, Made, make
from dgdo_geo.texts import text

ON = date(2026, 12, 1)
ACTIVITIES = ("geothermie", "wko", "co2_opslag")
FORMATS = ("xlsx", "csv", "gpkg")
REGIONS = {
    "a municipality": (Asked(RegionKind.MUNICIPALITY, "GM0193", None, ON, ACTIVITIES),),
    "a polygon": (Asked(RegionKind.POLYGON, "=vlak", square(1.03, 1.07, 9.11, 8.13), ON, ACTIVITIES),),
    "a comparison": tuple(
        Asked(RegionKind.MUNICIPALITY, code, None, ON, ("hto", "co2_opslag")) for code in ("GM0193", "GM0166")
    ),
}
CLOSE = 1e-6
"""Largest relative difference."""


class Files:
    """The files of a report, read with nothing of ours."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.paths = {"".join(path.suffixes[-1:]).lstrip("."): path for path, _ in made.files}
        self.book = openpyxl.load_workbook(self.paths["xlsx"])
        self.combinations: gpd.GeoDataFrame = gpd.read_file(self.paths["gpkg"], layer="combinaties")
        self.combinations["km2"] = self.combinations.geometry.area / 1e6

    @cache  # noqa: B019 - a few objects, that live as long as the module
    def plain(self, layer: str) -> pd.DataFrame:
        """A table of the GeoPackage."""
        return gpd.read_file(self.paths["gpkg"], layer=layer)

    @cache  # noqa: B019
    def table(self, name: str) -> pd.DataFrame:
        """A table of the CSV files, with its texts as they are."""
        with zipfile.ZipFile(self.paths["zip"]) as archive:
            content = archive.read(f"{name}.csv").decode("utf-8-sig")
        return pd.read_csv(io.StringIO(content), keep_default_na=False)

    def of(self, activity: str, top_m: float, base_m: float) -> str:
        """Begin of the names of the columns of an activity and band."""
        bands = self.plain("banden")
        is_it = (bands.activiteit == activity) & (bands.top_m == top_m) & (bands.basis_m == base_m)
        (column,) = bands.kolom[is_it]
        return str(column)


@pytest.fixture(scope="module")
def files(explorer: Explorer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: Files(make(explorer, asked, FORMATS, folder)) for name, asked in REGIONS.items()}


@pytest.fixture(params=REGIONS)
def one(request: pytest.FixtureRequest, files: dict[str, Files]) -> Files:
    return files[request.param]


def region_of(row: Any, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The combinations of the region that a row of a table is about."""
    return frame[frame.gebied_code == row.gebied_code] if "gebied_code" in row._fields else frame


def same(value: float, expected: float) -> bool:
    return math.isclose(value, expected, rel_tol=CLOSE, abs_tol=1e-9)


def test_areas_per_potential_and_outcome(one: Files) -> None:
    rows = list(one.table("potentie_oordeel").itertuples())
    assert len(rows) >= 3
    for row in rows:
        b, frame = one.of(row.activiteit, row.top_m, row.basis_m), region_of(row, one.combinations)
        is_it = (
            (frame[f"{b}_potentie"] == row.potentie)
            & (frame[f"{b}_potentie_zeker"].map({True: "ja", False: "nee"}) == row.potentie_zeker)
            & (frame[f"{b}_oordeel"] == row.oordeel)
            & (frame[f"{b}_kaart"] == row.kaart_wijst_op)
        )
        assert same(frame.km2[is_it].sum(), row.km2), row
        assert same(row.km2 / frame.km2.sum(), row.deel), row


def test_areas_add_up_to_the_region(one: Files) -> None:
    table = one.table("potentie_oordeel")
    keys = [key for key in ("gebied_code", "activiteit", "top_m", "basis_m") if key in table]
    whole = one.combinations.km2.groupby(one.combinations.gebied_code).sum()
    for key, rows in table.groupby(keys):
        expected = whole[key[0]] if "gebied_code" in keys else whole.sum()
        assert same(rows.km2.sum(), expected) and same(rows.deel.sum(), 1.0)
    rows = one.table("samenvatting")
    assert ((rows.km2_nee + rows.km2_milder + rows.km2_onbekend) > 0).all()
    assert all(same(value, 1.0) for value in rows.deel_nee + rows.deel_milder + rows.deel_onbekend)


def test_the_polygons_do_not_overlap_and_are_the_region(files: dict[str, Files]) -> None:
    found = files["a polygon"].combinations
    asked = REGIONS["a polygon"][0].shape
    assert found.geometry.is_valid.all() and found.crs.to_epsg() == 28992
    assert same(shapely.union_all(found.geometry.to_numpy()).area, asked.area)
    assert same(found.geometry.area.sum(), asked.area)
    assert all(same(a, b) for a, b in zip(found.geometry.area, found.opp_m2, strict=True))


def test_areas_per_rule(one: Files) -> None:
    rows = list(one.table("beperkingen").itertuples())
    assert len(rows) > 5
    for row in rows:
        b, frame = one.of(row.activiteit, row.top_m, row.basis_m), region_of(row, one.combinations)
        rules = frame[f"{b}_regels"].fillna("").str.split()
        certain = frame.km2[[row.regels in found for found in rules]].sum()
        drawn = certain + frame.km2[[f"~{row.regels}" in found for found in rules]].sum()
        assert same(drawn, row.km2) and same(certain, row.km2_zeker), row


def test_areas_of_what_alone_decides(one: Files) -> None:
    rows, found = list(one.table("alleen_beslissend").itertuples()), one.plain("alleen")
    assert rows
    for row in rows:
        frame = region_of(row, one.combinations).set_index("combinatie")
        b = one.of(row.activiteit, row.top_m, row.basis_m)
        of_rules = found[(found.kolom == b) & (found.regels == row.regels) & found.combinatie.isin(frame.index)]
        opens = of_rules[of_rules.gevolg == "opent"]
        assert same(frame.km2[opens.combinatie].sum(), row.km2_opent), row
        offers = opens.combinatie[opens.met_potentie.astype(bool)]
        assert same(frame.km2[offers].sum(), row.km2_opent_potentie), row
        unknown = of_rules.combinatie[of_rules.gevolg == "onbekend"]
        assert same(frame.km2[unknown].sum(), row.km2_wordt_onbekend), row


def test_overlap_and_stacking(one: Files) -> None:
    claims, pairs = one.plain("kaartlagen"), list(one.table("overlap_lagen").itertuples())
    assert pairs
    for row in pairs:
        frame = region_of(row, one.combinations).set_index("combinatie")
        of = {name: set(claims.combinatie[claims.laag_id == name]) for name in (row.rij, row.kolom)}
        joint = frame.km2[frame.index.isin(of[row.rij] & of[row.kolom])].sum()
        assert same(joint, row.km2) and same(joint / frame.km2.sum(), row.deel), row
        assert same(joint, row.deel_van_rij * frame.km2[frame.index.isin(of[row.rij])].sum()), row
    count = claims[claims.is_claim.astype(bool)].groupby("combinatie").laag_id.nunique()
    for row in one.table("stapeling").itertuples():
        frame = region_of(row, one.combinations).set_index("combinatie")
        claimed = count.reindex(frame.index, fill_value=0)
        assert same(frame.km2[claimed == row.aantal].sum(), row.km2), row


def test_areas_per_municipality(one: Files) -> None:
    for row in one.table("gemeenten").itertuples():
        b = one.of(row.activiteit, row.top_m, row.basis_m)
        frame = one.combinations[one.combinations.gemeente_code == row.gemeente_code]
        is_it = (frame[f"{b}_potentie"] == row.potentie) & (frame[f"{b}_oordeel"] == row.oordeel)
        assert same(frame.km2[is_it].sum(), row.km2) and same(row.km2 / frame.km2.sum(), row.deel_gemeente), row


def test_the_spreadsheet_holds_the_same_as_the_csv_files(one: Files) -> None:
    for sheet in one.book:
        table = one.table(sheet.title)
        (named,) = sheet.tables.values()
        assert named.name == f"tabel_{sheet.title}"
        head, *body = list(sheet[named.ref])
        assert len(head) == len(table.columns)
        for cells, row in zip(body, table.itertuples(index=False), strict=False):
            for cell, value in zip(cells, row, strict=True):
                assert cell.data_type != "f"
                if isinstance(cell.value, int | float):
                    assert same(float(cell.value), float(value))
        assert len(body) == max(1, len(table))


def test_every_sheet_carries_the_mark_and_the_snapshot(one: Files) -> None:
    assert one.made.is_schematic
    for sheet in one.book:
        top = [str(sheet.cell(row, 1).value) for row in range(1, 6)]
        assert text("report", "mark_sentence") in top and any(one.made.snapshot in line for line in top)
        assert text("report", "mark") in sheet.oddHeader.right.text
    with zipfile.ZipFile(one.paths["zip"]) as archive:
        assert text("report", "mark_sentence") in archive.read("lees_mij.txt").decode()


def test_a_layer_that_is_missing_is_listed_with_what_cannot_be_said(files: dict[str, Files]) -> None:
    found = files["a municipality"]
    sources, gaps = found.table("bronnen"), found.table("niet_te_zeggen")
    missing = set(sources.laag_id[sources.objecten.astype(str) == "0"]) | set(
        sources.laag_id[sources.status == text("status", "not_loaded")]
    )
    listed = missing & set(gaps.laag_id)
    assert listed, "the start set has layers that are not loaded and that rules read"
    for row in gaps[gaps.laag_id.isin(listed)].itertuples():
        assert row.km2 > 0 and 0 < row.deel <= 1 and row.aantal > 0 and row.hoe and row.activiteiten


def test_no_cell_of_a_csv_file_is_a_formula(one: Files) -> None:
    with zipfile.ZipFile(one.paths["zip"]) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        cells = [
            cell
            for name in names
            for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))
            for cell in row
        ]
    assert len(cells) > 1000
    for cell in cells:
        if cell.lstrip(" ").startswith(("=", "@", "+", "-", "\t", "\r")):
            float(cell)


@pytest.mark.parametrize("kind", ["a polygon", "a comparison"])
def test_equal_input_gives_equal_bytes(explorer: Explorer, files: dict[str, Files], kind: str, tmp_path: Path) -> None:
    again = make(explorer, REGIONS[kind], FORMATS, tmp_path)
    first = files[kind].made
    assert again.snapshot == first.snapshot
    assert {p.name: digest for p, digest in again.files} == {p.name: digest for p, digest in first.files}
