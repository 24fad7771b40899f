"""From a raw frame to our schema: RD New, valid geometry, declared classes, metres below ground level.

Nothing happens in silence: every repair, every dropped or translated value is
counted in the :class:`Report`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.transformer import TransformerGroup

from dgdo_geo.errors import InputError
from dgdo_geo.model import LAND_BOUNDS, RD_NEW
from dgdo_geo.texts import text


@dataclass(slots=True)
class Report:
    """What was read and done; the text of the dry run."""

    file: str
    layer: str
    read: int = 0
    kept: int = 0
    crs_declared: str = ""
    crs_used: str = ""
    operation: str = ""
    operation_accuracy_m: float | None = None
    repaired: int = 0
    repaired_area_m2: float = 0.0
    without_geometry: int = 0
    wrong_kind: int = 0
    duplicates: int = 0
    outside: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    notes_nl: list[str] = field(default_factory=list)


def lonlat_to_rd(lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude (ETRS89, degrees) to EPSG:28992, metres.

    Raises
    ------
    InputError
        If the place is not in or near the Netherlands.
    """
    if not (2.0 <= lon <= 8.0 and 50.0 <= lat <= 56.0):
        raise InputError("lonlat_wrong", lon=f"{lon:g}", lat=f"{lat:g}")
    x, y = pyproj.Transformer.from_crs("EPSG:4258", f"EPSG:{RD_NEW}", always_xy=True).transform(lon, lat)
    return float(x), float(y)


def parse_crs(value: str) -> pyproj.CRS:
    """A CRS from text such as ``EPSG:4326``.

    Raises
    ------
    InputError
        If PROJ does not know it.
    """
    try:
        return pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=value) from error


def to_rd(frame: gpd.GeoDataFrame, crs: str | None, report: Report) -> gpd.GeoDataFrame:
    """Transform to EPSG:28992 and note the operation and its accuracy.

    Parameters
    ----------
    frame : GeoDataFrame
        Raw.
    crs : str, optional
        Overrules what the file says; needed when it says nothing.

    Raises
    ------
    InputError
        If there is no CRS, or the coordinates cannot be those of the CRS.
    """
    report.crs_declared = "" if frame.crs is None else frame.crs.to_string()
    used = parse_crs(crs) if crs is not None else frame.crs
    if used is None:
        raise InputError("crs_missing", file=report.file, guess=guess_crs(frame))
    report.crs_used = used.to_string()
    if frame.crs is not None and crs is not None and not used.equals(frame.crs):
        report.notes_nl.append(text("intake", "crs_overruled", declared=report.crs_declared, used=report.crs_used))
    raw = frame.set_crs(used, allow_override=True)
    if used.is_geographic:
        west, south, east, north = raw.total_bounds
        if west < -180 or east > 180 or south < -90 or north > 90:
            raise InputError("crs_impossible", file=report.file, crs=report.crs_used, guess=guess_crs(frame))
    with warnings.catch_warnings():
        # PROJ warns when its most accurate grid is not there; that goes into the report instead.
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(used, RD_NEW, always_xy=True)
    best = group.transformers
    if not group.best_available:
        report.notes_nl.append(text("intake", "no_grid"))
    if used.to_epsg() == RD_NEW:
        report.operation, report.operation_accuracy_m = text("intake", "no_operation"), 0.0
    elif best:
        report.operation = best[0].description
        report.operation_accuracy_m = best[0].accuracy if best[0].accuracy >= 0 else None
    result = raw.to_crs(RD_NEW)
    if not np.isfinite(result.total_bounds).all():
        raise InputError("crs_impossible", file=report.file, crs=report.crs_used, guess=guess_crs(frame))
    return result


def guess_crs(frame: gpd.GeoDataFrame) -> str:
    """The CRS that the size of the coordinates suggests; "" when nothing fits."""
    west, south, east, north = frame.total_bounds
    if not np.isfinite([west, south, east, north]).all():
        return ""
    if _within((west, south, east, north), (2, 50, 8, 56)):
        return "EPSG:4326"
    if _meets((west, south, east, north), LAND_BOUNDS) and east < 400_000 and north < 700_000:
        return "EPSG:28992"
    if _within((west, south, east, north), (350_000, 5_500_000, 900_000, 6_200_000)):
        return "EPSG:25831"
    return ""


def _within(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]


def _meets(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def median_distance(frame: gpd.GeoDataFrame, lines: shapely.Geometry, reach_m: float) -> float:
    """Median distance in metres of vertices to known lines, over the vertices closer than ``reach_m``.

    A wrong CRS tag moves every vertex; boundaries that should coincide with
    known ones then lie beside them. ``nan`` when no vertex is near.
    """
    points = shapely.points(shapely.get_coordinates(frame.geometry.to_numpy()))
    distance = shapely.distance(points, lines)
    near = distance[distance < reach_m]
    return float(np.median(near)) if len(near) else float("nan")


def repair(frame: gpd.GeoDataFrame, kind: str, report: Report) -> gpd.GeoDataFrame:
    """Drop rows without geometry, repair invalid ones, keep the parts of the wanted kind; all counted."""
    geometry = frame.geometry.to_numpy()
    is_there = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    report.without_geometry = int((~is_there).sum())
    frame, geometry = frame[is_there], shapely.force_2d(geometry[is_there])
    broken = ~shapely.is_valid(geometry)
    report.repaired = int(broken.sum())
    mended = geometry.copy()
    mended[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    report.repaired_area_m2 = float(np.abs(shapely.area(mended[broken]) - shapely.area(geometry[broken])).sum())
    mended = _of_kind(mended, {"point": 0, "line": 1, "polygon": 2}[kind])
    fits = ~shapely.is_empty(mended)
    report.wrong_kind = int((~fits).sum())
    if not fits.any():
        kinds = ", ".join(sorted(set(frame.geom_type.astype(str)))) or "geen"
        raise InputError("geometry_kind", file=report.file, layer=report.layer, expected=kind, found=kinds)
    return frame[fits].set_geometry(mended[fits], crs=frame.crs)


def _of_kind(geometry: NDArray[np.object_], dimension: int) -> NDArray[np.object_]:
    """Only the parts of the wanted dimension; an empty geometry where there are none."""
    result = geometry.copy()
    for i in np.flatnonzero(shapely.get_type_id(geometry) == 7):
        parts = shapely.get_parts(geometry[i])
        result[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == dimension])
    result[shapely.get_dimensions(result) != dimension] = shapely.Point()
    return result


def drop_outside(frame: gpd.GeoDataFrame, report: Report) -> gpd.GeoDataFrame:
    """Leave out features that lie wholly outside the frame of the Netherlands' land; counted.

    Raises
    ------
    InputError
        If nothing is left: then the CRS is probably wrong.
    """
    inside = shapely.intersects(frame.geometry.to_numpy(), shapely.box(*LAND_BOUNDS))
    report.outside = int((~inside).sum())
    if not inside.any():
        raise InputError("file_outside", file=report.file, crs=report.crs_used)
    return frame[inside]


def map_classes(
    frame: gpd.GeoDataFrame,
    columns: Sequence[str],
    values: Mapping[str, str],
    skip: Sequence[str],
    known: Sequence[str],
    report: Report,
) -> gpd.GeoDataFrame:
    """Translate source values to declared classes.

    Parameters
    ----------
    columns : sequence of str
        Source columns; their values are joined with ``|``.
    values : mapping
        Source value -> class. A source value that is itself a class needs no entry.
    skip : sequence of str
        Source values to leave out, on purpose.
    known : sequence of str
        Declared classes.

    Raises
    ------
    InputError
        If a value has no translation, or a translation is no declared class.
    """
    for column in columns:
        if column not in frame.columns:
            raise InputError(
                "column_missing", file=report.file, column=column, known=", ".join(map(str, frame.columns))
            )
    wrong = sorted(set(values.values()) - set(known))
    if wrong:
        raise InputError("class_unknown", layer=report.layer, classes=", ".join(wrong), known=", ".join(known))
    source = frame[list(columns)].astype(str).apply(lambda row: "|".join(v.strip() for v in row), axis=1)
    table = {**{k: k for k in known}, **values}
    unmapped = sorted(set(source) - set(table) - set(skip))
    if unmapped:
        raise InputError(
            "values_unmapped",
            file=report.file,
            columns=" en ".join(columns),
            values=", ".join(f"‘{v}’" for v in unmapped[:12]),
            known=", ".join(known),
        )
    is_skipped = source.isin(skip)
    report.skipped = {str(k): int(n) for k, n in source[is_skipped].value_counts().sort_index().items()}
    kept = frame[~is_skipped]
    return kept.assign(**{"class": source[~is_skipped].map(table)})


def to_schema(
    frame: gpd.GeoDataFrame,
    report: Report,
    *,
    id_column: str | None,
    name_column: str | None,
    depth_columns: Mapping[str, str],
    accuracy_m: float | None,
    source: str,
    extra: Mapping[str, str],
) -> gpd.GeoDataFrame:
    """Give a frame the columns of the product schema (``docs/layer-files.md``); keeps the others.

    Raises
    ------
    InputError
        If a column is missing, a depth is no number, or ids are not unique.
    """
    named = [c for c in (id_column, name_column, *depth_columns.values(), *extra.values()) if c is not None]
    for column in named:
        if column not in frame.columns:
            raise InputError(
                "column_missing", file=report.file, column=column, known=", ".join(map(str, frame.columns))
            )
    result = frame.reset_index(drop=True)
    report.duplicates = int(pd.Series(shapely.to_wkb(result.geometry.to_numpy())).duplicated().sum())
    ids = result[id_column].astype(str).str.strip() if id_column else pd.Series(map(str, range(1, len(result) + 1)))
    if ids.duplicated().any():
        double = ", ".join(ids[ids.duplicated()].unique()[:5])
        raise InputError("ids_not_unique", file=report.file, column=id_column, ids=double)
    names = result[name_column].astype(str).str.strip() if name_column else ids
    columns = {"feature_id": ids, "name": names, "source": source, "note": ""}
    columns |= {ours: result[theirs].astype(str).str.strip() for ours, theirs in extra.items()}
    defaults = {"top_min_m": 0.0, "top_max_m": 0.0, "base_min_m": np.inf, "base_max_m": np.inf}
    for ours, default in defaults.items():
        theirs = depth_columns.get(ours)
        columns[ours] = default if theirs is None else _numbers(result[theirs], report.file, theirs)
    columns["accuracy_m"] = np.nan if accuracy_m is None else float(accuracy_m)
    renamed = {c: _free_name(f"source_{c}", result.columns) for c in columns if c in result.columns and c not in extra}
    result = _plain_values(result.rename(columns=renamed)).assign(**columns)
    report.kept = len(result)
    report.classes = {str(k): int(n) for k, n in result["class"].value_counts().sort_index().items()}
    return result


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, with a number behind it when a column of that name is there already."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _plain_values(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Columns with lists or objects as JSON text: a product holds plain values."""
    for column in frame.columns.drop(frame.geometry.name):
        if frame[column].map(lambda value: isinstance(value, (list, dict, tuple, np.ndarray))).any():
            words = frame[column].map(lambda value: json.dumps(value, ensure_ascii=False, default=str))
            frame = frame.assign(**{column: words})
    return frame


def look_up(
    frame: gpd.GeoDataFrame, column: str, source: str, values: Mapping[str, str], report: Report
) -> gpd.GeoDataFrame:
    """Fill a column through a table of source values.

    Raises
    ------
    InputError
        If the source column is missing, or a value is not in the table.
    """
    if source not in frame.columns:
        raise InputError("column_missing", file=report.file, column=source, known=", ".join(map(str, frame.columns)))
    found = frame[source].astype(str).str.strip()
    unmapped = sorted(set(found) - set(values))
    if unmapped:
        shown = ", ".join(f"‘{v}’" for v in unmapped[:12])
        known = ", ".join(sorted(set(values.values())))
        raise InputError("values_unmapped", file=report.file, columns=source, values=shown, known=known)
    return frame.assign(**{column: found.map(values)})


def _numbers(values: pd.Series, file: str, column: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if bad.any():
        raise InputError("column_not_number", file=file, column=column, value=str(values[bad].iloc[0]))
    return numbers.astype(float)


def clean_coverage(frame: gpd.GeoDataFrame, report: Report) -> gpd.GeoDataFrame:
    """Make administrative areas a valid coverage: no overlaps; the change in area is reported."""
    geometry = frame.geometry.to_numpy()
    if shapely.coverage_is_valid(geometry):
        return frame
    cleaned = np.asarray(shapely.coverage_clean(geometry))
    change = float(np.abs(shapely.area(cleaned) - shapely.area(geometry)).sum())
    report.notes_nl.append(text("intake", "coverage_cleaned", area=f"{change:.0f}"))
    return frame.set_geometry(cleaned, crs=frame.crs)
