"""The values of a table as numbers and places."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives

PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*")
COMMA = re.compile(r"\s*[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d{1,3})?\s*")
LIST = re.compile(r"\s*\[(.*)\]\s*")
EWKT = re.compile(r"\s*SRID\s*=\s*(\d{1,9})\s*;", re.IGNORECASE)


def numbers(column: pd.Series, path: Path) -> NDArray[np.float64]:
    """Numbers with a decimal point; or with a decimal comma, when the column has one.

    Raises
    ------
    InputError
        With the first line that holds no number; infinite is none.
    """
    if pd.api.types.is_numeric_dtype(column):
        found = column.to_numpy(np.float64, na_value=np.nan)
    else:
        texts = column.astype(str)
        pattern = COMMA if texts.str.contains(",", regex=False).any() else PLAIN
        is_right = texts.map(lambda value: pattern.fullmatch(value) is not None)
        if pattern is COMMA:
            texts = texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        found = pd.to_numeric(texts.where(is_right), errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(found)
    if bad.any():
        row = int(column.index[int(np.flatnonzero(bad)[0])]) + 2
        raise InputError("csv_bad_number", file=path.name, row=row, count=int(bad.sum()))
    return found


def coordinate_lists(x: pd.Series, y: pd.Series, path: Path) -> NDArray[np.object_]:
    """A line through the points of two lists, as ``[52.1, 52.2]`` and ``[5.1, 5.2]``; a point when there is one.

    Raises
    ------
    InputError
    """
    shapes = []
    for index, east, north in zip(x.index, x.astype(str), y.astype(str), strict=True):
        found = [LIST.fullmatch(text) for text in (east, north)]
        values = [[] if match is None else match[1].split(",") for match in found]
        if (
            len(values[0]) != len(values[1])
            or not all(PLAIN.fullmatch(v) for v in (*values[0], *values[1]))
            or not values[0]
        ):
            raise InputError("csv_list", file=path.name, row=int(index) + 2)
        points = np.array(values, np.float64).T
        shapes.append(shapely.linestrings(points) if len(points) > 1 else shapely.points(points[0]))
    return np.array(shapes, object)


def without_srid(values: list[str], path: Path) -> tuple[NDArray[np.object_], pyproj.CRS | None]:
    """WKT without the SRID before it, and the coordinate system that it names.

    Raises
    ------
    InputError
        If it names several, or an unknown one.
    """
    texts, named = [], set()
    for value in values:
        # GEOS reads collections in collections by calling itself.
        if value.upper().count("COLLECTION") > archives.MAX_DEPTH:
            raise InputError("file_nested", file=path.name, limit=archives.MAX_DEPTH)
        found = EWKT.match(value)
        text = value[found.end() :] if found else value
        texts.append(text if text.strip() else None)
        if texts[-1] is not None:
            named.add(int(found[1]) if found else 0)
    if len(named) > 1:
        listed = ", ".join(f"EPSG:{code}" if code else "-" for code in sorted(named))
        raise InputError("wkt_srid_mixed", file=path.name, found=listed)
    code = named.pop() if named else 0
    if not code:
        return np.array(texts, object), None
    try:
        return np.array(texts, object), pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=f"EPSG:{code}") from error
