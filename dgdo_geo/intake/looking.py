"""What an analyst's file is, before anything is translated: columns, place, scale, parts and codes of areas."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.harmonise import as_text
from dgdo_geo.intake.area_codes import boundaries

FEW = 50
"""A column with at most so many values may hold classes: its values are counted."""
EXAMPLES = 3
CUT_OFF = 1000
"""Services give at most a multiple of this number of features."""
SAMPLE = 200_000
"""Rows that a guess looks at; counts are of all rows."""
CODE_NAME = re.compile(
    r"(^|[_ .-])(id|cd|code|nr|nummer|key|identificatie)([_ .-]|$)|code$|_id|objectid|fid", re.IGNORECASE
)
LEAST_PLACES = 50
"""Of fewer vertices nothing is said about rounding or scale: a few squares on round numbers may well be exact."""
ED50 = re.compile(r"ED[ _-]?50|23031|UTM", re.IGNORECASE)
UTM_Y = (5_500_000, 6_200_000)


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of a file.

    Attributes
    ----------
    kind : {"number", "number_text", "text", "date", "boolean", "list"}
        ``number_text`` is text in which every value is a number.
    distinct, empty : int
        Values that differ, and rows without one.
    examples : tuple of str
    values : mapping of value to number of rows
        Only of a column with few values.
    """

    name: str
    kind: str
    distinct: int
    empty: int
    examples: tuple[str, ...]
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """A column whose values stand in several rows, as when a row is a part of a licence."""

    column: str
    rows: int
    wholes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A file as it stands.

    Attributes
    ----------
    rows : int
        That were read; a row may hold the points of several rows of the file.
    parts : tuple of Parts
    other_coordinates : tuple of str
        Columns with coordinates in another system than the geometry.
    wrong_sheets : tuple of (sheet, column, value)
        Sheets of a workbook in which a column names another sheet.
    rows_in_file : int
        Before rows were left out or joined by the recipe.
    """

    rows: int
    driver: str
    layer: str
    encoding: str
    columns: tuple[ColumnFacts, ...]
    parts: tuple[Parts, ...]
    other_coordinates: tuple[str, ...]
    wrong_sheets: tuple[tuple[str, str, str], ...] = ()
    rows_in_file: int = 0

    @property
    def is_round(self) -> bool:
        """True for just as many rows as a service gives at most: the file may have been cut off."""
        return self.rows_in_file >= CUT_OFF and self.rows_in_file % CUT_OFF == 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies, in EPSG:28992, and how fine it is drawn.

    Attributes
    ----------
    bounds : (west, south, east, north), optional
        Metres.
    inside_share : float
        Of the features: inside the frame of the country.
    provinces : tuple of str
        That the features touch.
    vertex_m, smallest_m : float, optional
        Median distance between neighbouring vertices; root of the smallest area, or the shortest line.
    area_km2 : float, optional
        Of all polygons; overlap counts twice.
    scale : int, optional
        Of a map with a vertex every half millimetre.
    rounding_m : float, optional
        Step to which the coordinates of the source are rounded, when that is more than a centimetre and there are
        enough vertices to tell.
    detail_m : float, optional
        No accuracy better than this can be seen in the drawing.
    """

    bounds: tuple[float, float, float, float] | None = None
    inside_share: float = 1.0
    provinces: tuple[str, ...] = ()
    vertex_m: float | None = None
    smallest_m: float | None = None
    area_km2: float | None = None
    scale: int | None = None
    rounding_m: float | None = None
    detail_m: float | None = None


# The columns -----------------------------------------------------------------------------


def without_padding(frame: gpd.GeoDataFrame, report: harmonise.Report) -> gpd.GeoDataFrame:
    """The same values without blanks around them; counted per column."""
    changed = {}
    for column in frame.columns.drop(frame.geometry.name):
        values = frame[column]
        if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object):
            continue
        is_word = values.map(lambda value: isinstance(value, str)) if values.dtype == object else values.notna()
        words = values[is_word].astype("str")
        stripped = words.str.strip()
        padded = int((words != stripped).sum())
        if padded:
            report.padded[str(column)] = padded
            changed[column] = stripped if is_word.all() else values.where(~is_word, stripped.reindex(values.index))
    return frame.assign(**changed) if changed else frame


def look_at_columns(frame: gpd.GeoDataFrame) -> Facts:
    """Facts about the columns of a raw frame, as :func:`~dgdo_geo.sources.files.read_file` gives it."""
    how = frame.attrs.get("read", {})
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    columns = tuple(_column(str(name), table.iloc[:, i]) for i, name in enumerate(table.columns))
    return Facts(
        rows=len(frame),
        driver=str(how.get("driver", "")),
        layer=str(how.get("layer", "")),
        encoding=str(how.get("encoding", "")),
        columns=columns,
        parts=_parts(table, columns),
        other_coordinates=_other_coordinates(table, columns),
        wrong_sheets=_wrong_sheets(table),
        rows_in_file=int(how.get("rows_in_file", len(frame))),
    )


def _wrong_sheets(table: pd.DataFrame) -> tuple[tuple[str, str, str], ...]:
    """Sheets with the name of another one in a cell: a copy of which the head was not changed."""
    if "sheet" not in table.columns:
        return ()
    sheets, found = as_text(table["sheet"]), []
    for column in table.columns.drop("sheet"):
        values = as_text(table[column])
        if values.isin(sheets.unique()).all():
            wrong = pd.DataFrame({"sheet": sheets, "value": values})[sheets != values].drop_duplicates()
            found += [(str(s), str(column), str(v)) for s, v in zip(wrong["sheet"], wrong["value"], strict=True)]
    return tuple(found)


def _column(name: str, values: pd.Series) -> ColumnFacts:
    texts = as_text(values)
    filled = texts[texts != ""]
    unique = filled.unique()
    counts = {}
    if len(unique) <= FEW:
        counts = {str(value): int(number) for value, number in filled.value_counts().items()}
    some = tuple(str(value)[:40] for value in list(counts or unique)[:EXAMPLES])
    return ColumnFacts(name, _kind(values, unique), len(unique), len(texts) - len(filled), some, counts)


def _kind(values: pd.Series, unique: np.ndarray) -> str:
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date"
    if values.dtype == object and values.map(lambda value: isinstance(value, list | dict | tuple | np.ndarray)).any():
        return "list"
    numbers = pd.to_numeric(pd.Series(unique[:SAMPLE]), errors="coerce")
    return "number_text" if len(unique) and numbers.notna().all() else "text"


def _parts(table: pd.DataFrame, columns: Sequence[ColumnFacts]) -> tuple[Parts, ...]:
    """Columns whose code stands in several rows that share their name as well."""
    found = []
    sample = table.head(SAMPLE)
    words = [c for c in columns if c.kind == "text" and c.distinct > 4]
    for column in columns:
        is_code = column.kind in ("text", "number_text", "number") and CODE_NAME.search(column.name) is not None
        ratio = column.distinct / max(len(table), 1)
        if not is_code or column.empty or not 0.3 <= ratio <= 0.9 or len(table) < 4:
            continue
        code = as_text(sample[column.name])
        others = [as_text(sample[c.name]) for c in words if c.name != column.name and c.distinct <= column.distinct]
        # The other words must be the same in all rows of one code.
        if any(int(pd.concat([code, o], axis=1).drop_duplicates().shape[0]) == code.nunique() for o in others):
            found.append(Parts(column.name, len(table), column.distinct))
    return tuple(found)


def _other_coordinates(table: pd.DataFrame, columns: Sequence[ColumnFacts]) -> tuple[str, ...]:
    """Columns with coordinates on the old datum ED50, or in metres of UTM zone 31."""
    found = set()
    for column in columns:
        if ED50.search(column.name) or any(ED50.search(value) for value in column.values):
            found.add(column.name)
        elif column.kind in ("number", "number_text") and re.search("y|coord|noord|north", column.name, re.I):
            numbers = pd.to_numeric(table[column.name].head(SAMPLE), errors="coerce").dropna()
            # A y of UTM can be nothing else; an x of UTM may as well be a y of RD, so it needs its y.
            if len(numbers) and numbers.between(*UTM_Y).all():
                found |= {column.name, _partner(column.name)}
    return tuple(column.name for column in columns if column.name in found)


def _partner(name: str) -> str:
    """The name of the x that goes with a y."""
    for y, x in (("north", "east"), ("North", "East"), ("noord", "oost"), ("Noord", "Oost"), ("Y", "X"), ("y", "x")):
        if y in name:
            return name.replace(y, x)
    return name


# The place -------------------------------------------------------------------------------


def look_at_place(
    raw: gpd.GeoDataFrame, frame: gpd.GeoDataFrame, workspace: store.Workspace, report: harmonise.Report
) -> Place:
    """Where a file lies and how fine it is drawn.

    Parameters
    ----------
    raw : GeoDataFrame
        As it stands in the file; tells to which step the coordinates are rounded.
    frame : GeoDataFrame
        EPSG:28992, what is left of it inside the country.
    """
    geometry = frame.geometry.to_numpy()
    west, south, east, north = (float(v) for v in shapely.total_bounds(geometry))
    vertex, detail = _vertices(geometry[:SAMPLE])
    rounding = _rounding(raw)
    details = [v for v in (detail, None if rounding is None else rounding / 2) if v is not None]
    return Place(
        bounds=(west, south, east, north),
        inside_share=len(frame) / max(len(frame) + report.outside, 1),
        provinces=_provinces(geometry, workspace),
        vertex_m=vertex,
        smallest_m=_smallest(geometry),
        area_km2=float(shapely.area(geometry).sum()) / 1e6 if shapely.get_dimensions(geometry).max() == 2 else None,
        scale=None if vertex is None else _round(vertex / 0.0005),
        rounding_m=rounding,
        detail_m=max(details) if details else None,
    )


def _vertices(geometry: np.ndarray) -> tuple[float | None, float | None]:
    """Median distance between vertices, and a tenth of it for shapes with many: straight blocks tell nothing."""
    if not (shapely.get_dimensions(geometry) > 0).any():
        return None, None
    points, feature = shapely.get_coordinates(geometry, return_index=True)
    steps = np.hypot(*np.diff(points, axis=0).T)
    steps_in = (np.diff(feature) == 0) & (steps > 0)
    if int(steps_in.sum()) < LEAST_PLACES:
        return None, None
    curved = np.bincount(feature)[feature[1:]] >= 20
    detail = float(np.median(steps[steps_in & curved])) / 10 if (steps_in & curved).any() else None
    return float(np.median(steps[steps_in])), detail


def _smallest(geometry: np.ndarray) -> float | None:
    dimension = int(shapely.get_dimensions(geometry).max(initial=0))
    if dimension == 0:
        return None
    if dimension == 1:
        return float(shapely.length(geometry).min())
    return float(np.sqrt(shapely.area(geometry).min()))


def _round(scale: float) -> int:
    """A scale as people write it: one or two figures."""
    if scale <= 0:
        return 0
    step = 10 ** max(int(np.floor(np.log10(scale))) - 1, 0)
    return int(round(scale / step) * step)


def _rounding(raw: gpd.GeoDataFrame) -> float | None:
    """Step in metres to which all coordinates of the source are rounded; None when it is a centimetre or less."""
    points = shapely.get_coordinates(raw.geometry.to_numpy()[:SAMPLE])[:SAMPLE]
    if len(np.unique(points, axis=0)) < LEAST_PLACES:
        return None
    is_degrees = bool(raw.crs is not None and raw.crs.is_geographic) or bool(np.abs(points).max() <= 180)
    unit = 111_000.0 if is_degrees else 1.0
    for power in (3, 2, 1, 0, -1, -2, -3, -4, -5, -6):
        step = 10.0**power
        if step * unit <= 0.01:
            return None
        scaled = points / step
        if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-6):
            return step * unit
    return None


def _provinces(geometry: np.ndarray, workspace: store.Workspace) -> tuple[str, ...]:
    known = boundaries(workspace, "provincies")
    if known is None:
        return ()
    tree = None
    middles = shapely.get_coordinates(shapely.centroid(geometry[:SAMPLE]))
    found = []
    for name, outline in zip(known["name"], known.geometry, strict=True):
        shapely.prepare(outline)
        is_there = bool(shapely.contains_xy(outline, middles[:, 0], middles[:, 1]).any())
        if not is_there:
            tree = tree or shapely.STRtree(geometry)
            is_there = bool(len(tree.query(outline, predicate="intersects")))
        if is_there:
            found.append(str(name))
    return tuple(found)
