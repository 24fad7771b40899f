"""A report as GeoPackage: the exact polygons of every combination, what is said of each, and styles for QGIS.

The polygons are made by GEOS, the figures of the report by the exact kernel: that the
areas agree is checked whenever a file is written. ``docs/reports.md`` tells how to
compute every figure anew with plain geopandas.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray

from dgdo_geo.assess import BandAssessment, Firing
from dgdo_geo.errors import DataError
from dgdo_geo.model import RD_NEW, Answer, Potential, Verdict, outcome_of
from dgdo_geo.query import Explorer
from dgdo_geo.query.combined import Pieces, pieces
from dgdo_geo.report import building_layers as layers
from dgdo_geo.report.building_alone import leaving
from dgdo_geo.report.document import BandPart, Comparison, Report, reports_of
from dgdo_geo.report.qgis import add_styles
from dgdo_geo.report.tables import DataTable, tables_of
from dgdo_geo.texts import text

COMBINATIONS = "combinaties"
LOOSE = 1e-6
"""Relative difference between the areas of the polygons and of the report that is refused."""
SMALL_M2 = 1.0
"""Difference in m2 that rounding of coordinates can make."""
RIM = "~"
"""Before a rule that fires as drawn, but too close to an edge to be certain."""
_WITH = ("alleen_beslissend", "niet_te_zeggen", "bronnen", "regels", "verantwoording")
"""Tables of the report that go along."""
_LOCK = threading.Lock()


def write_gpkg(explorer: Explorer, document: Report | Comparison, path: Path) -> None:
    """Write the GeoPackage; equal for equal input.

    Parameters
    ----------
    explorer : Explorer
        The one that gave the answers.
    document : Report or Comparison
    path : Path
        Is overwritten; nothing is left there when it fails.

    Raises
    ------
    DataError
        If the polygons do not add up to the report, or the file cannot be written.
    """
    reports = reports_of(document)
    found = [pieces(explorer, r.answer, r.shape, r.activities, r.depth) for r in reports]
    for report, piece in zip(reports, found, strict=True):
        _check(report, piece)
    first = np.cumsum([1, *(len(piece.polygons) for piece in found)]).tolist()
    pairs = list(zip(reports, found, first, strict=False))
    combinations = pd.concat([_combinations(*pair) for pair in pairs], ignore_index=True)
    others = {
        "banden": _bands(reports[0]),
        "kaartlagen": pd.concat([_layers(explorer, *pair) for pair in pairs], ignore_index=True),
        "alleen": pd.concat([_alone(*pair) for pair in pairs], ignore_index=True),
    }
    others |= {table.key: _frame(table) for table in tables_of(document) if table.key in _WITH}
    path.unlink(missing_ok=True)
    try:
        with _LOCK, _fixed_time(reports[0]):
            _write(combinations, others, document, path)
        add_styles(path, [name_of(band.answer) for band in reports[0].bands], reports[0].answer.on, COMBINATIONS)
    except (OSError, sqlite3.Error, pyogrio.errors.DataSourceError) as error:
        path.unlink(missing_ok=True)
        raise DataError("report_not_written", path=path.name, detail=str(error)) from error


def name_of(item: Answer) -> str:
    """An activity and band as part of the name of a layer.

    Depths are in metres below ground level.
    """
    return f"{item.activity.id}_{item.band.top_m:g}_{item.band.base_m:g}"


def _check(report: Report, piece: Pieces) -> None:
    area = float(piece.combined.area_m2.sum())
    if abs(area - report.area_m2) > max(SMALL_M2, LOOSE * report.area_m2):
        raise DataError("report_areas_differ", polygons=f"{area:.3f}", report=f"{report.area_m2:.3f}")


def _write(
    combinations: gpd.GeoDataFrame, others: dict[str, pd.DataFrame], document: Report | Comparison, path: Path
) -> None:
    about = {
        "IDENTIFIER": COMBINATIONS,
        "DESCRIPTION": text("report_gpkg", "description", snapshot=document.snapshot),
    }
    pyogrio.write_dataframe(
        combinations, path, layer=COMBINATIONS, driver="GPKG", geometry_type="MultiPolygon",
        dataset_options={"VERSION": "1.3"}, layer_options=about,
    )  # fmt: skip
    for name, frame in others.items():
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=False)


@contextmanager
def _fixed_time(report: Report) -> Iterator[None]:
    """The day of the report in place of now, in all that GDAL writes."""
    day = f"{report.answer.on.isoformat()}T00:00:00.000Z"
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": day})
    before = os.environ.get("OGR_CURRENT_DATE")
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _combinations(report: Report, piece: Pieces, first: int) -> gpd.GeoDataFrame:
    """One row per combination and municipality, with columns for every activity and band."""
    rows, region = len(piece.polygons), report.answer.region
    columns: dict[str, object] = {
        "combinatie": np.arange(first, first + rows, dtype=np.int64),
        "gebied_code": [region.code] * rows,
        "gebied": [region.name] * rows,
        "gemeente_code": piece.combined.municipality,
        "provincie": np.array(piece.combined.evidence.province, object),
        "opp_m2": piece.combined.area_m2,
    }
    for number, found in enumerate(piece.combined.bands, 1):
        columns |= {f"b{number:02d}_{name}": values for name, values in _said(found).items()}
    return gpd.GeoDataFrame(columns, geometry=piece.polygons, crs=RD_NEW)


_POTENTIALS = {int(one): one.key for one in Potential}


def _said(found: BandAssessment) -> dict[str, NDArray[np.generic]]:
    """The words of one band for every row."""
    outcome = [
        text("verdict", outcome_of(Verdict(v), c))
        for v, c in zip(found.verdict.tolist(), found.conclusive.tolist(), strict=True)
    ]
    fired = [(o.rule.id, o.firing) for o in found.rules if o.rule.counts and (o.firing >= Firing.RIM).any()]
    drawn = [
        ["" if f < Firing.RIM else rule_id if f == Firing.FIRES else RIM + rule_id for f in firing.tolist()]
        for rule_id, firing in fired
    ]
    rules = [" ".join(filter(None, row)) for row in zip(*drawn, strict=True)] or [""] * len(outcome)
    return {
        "oordeel": np.array(outcome, object),
        "potentie": np.array([text("potential", _POTENTIALS[p]) for p in found.potential.tolist()], object),
        "potentie_zeker": found.potential_certain,
        "kaart": np.array([text("verdict", Verdict(v).key) for v in found.indication.tolist()], object),
        "regels": np.array(rules, object),
    }


def _bands(report: Report) -> pd.DataFrame:
    """What the columns of the combinations are about."""
    rows = [
        (f"b{i:02d}", a.activity.id, a.activity.name_nl, a.band.top_m, a.band.base_m, f"oordeel_{name_of(a)}")
        for i, a in enumerate(report.answer.answers, 1)
    ]
    return pd.DataFrame(rows, columns=["kolom", "activiteit", "activiteit_naam", "top_m", "basis_m", "laag"])


def _layers(explorer: Explorer, report: Report, piece: Pieces, first: int) -> pd.DataFrame:
    """Which layers claim ground in which combination."""
    claims, where = layers.claims_of(piece.combined, explorer.states)
    row, column = np.nonzero(where)
    named: dict[str, list[object]] = {
        "laag_id": [c.layer.id for c in claims],
        "familie": [c.layer.family.value for c in claims],
        "is_claim": [c.layer.family.value != "potential" for c in claims],
    }
    values = {name: [found[i] for i in column] for name, found in named.items()}
    return pd.DataFrame({"combinatie": row.astype(np.int64) + first, **values})


def _alone(report: Report, piece: Pieces, first: int) -> pd.DataFrame:
    """Which combinations would open, or become unknown, without a rule or a layer."""
    frames = []
    for position, (band, found) in enumerate(zip(report.bands, piece.combined.bands, strict=True)):
        frames += [_alone_rows(band, found, piece, position, i, first) for i in range(len(band.alone))]
    columns = ["combinatie", "kolom", "regels", "gevolg", "met_potentie"]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return table[columns].astype({"combinatie": "int64", "met_potentie": "bool"})


def _alone_rows(
    band: BandPart, found: BandAssessment, piece: Pieces, position: int, which: int, first: int
) -> pd.DataFrame:
    item = band.alone[which]
    opens, unknown = leaving({rule.id for rule in item.rules}, found, piece.combined, position)
    row = np.flatnonzero(opens | unknown)
    return pd.DataFrame(
        {
            "combinatie": row.astype(np.int64) + first,
            "kolom": f"b{position + 1:02d}",
            "regels": "; ".join(rule.id for rule in item.rules),
            "gevolg": np.where(opens[row], "opent", "onbekend"),
            "met_potentie": found.potential[row] >= Potential.POSSIBLE,
        }
    )


def _frame(table: DataTable) -> pd.DataFrame:
    return pd.DataFrame(list(table.rows), columns=[column.key for column in table.columns])
