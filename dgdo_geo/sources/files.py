"""Read vector files: everything that GDAL reads, and CSV with coordinates or WKT.

Returns the raw frame as it stands in the file; nothing is repaired or
translated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pydantic import Field

from dgdo_geo.errors import InputError
from dgdo_geo.model import Declared

CSV_SUFFIXES = (".csv", ".txt", ".tsv")


class ReadOptions(Declared):
    """How to read a file; needed for CSV only, except ``where`` and ``contains``.

    Attributes
    ----------
    x, y : str
        Columns with coordinates.
    wkt : str
        Column with geometry as WKT.
    group_by : str
        Join consecutive points of one value into a line.
    separator : str
        Column separator of a CSV.
    where : table of column -> list of values
        Keep rows with one of the values.
    contains : table of column -> text
        Keep rows in which the text occurs.
    geometry : str
        Keep only rows of this kind: point, line or polygon.
    """

    x: str | None = None
    y: str | None = None
    wkt: str | None = None
    group_by: str | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    where: Mapping[str, tuple[str, ...]] = {}
    contains: Mapping[str, str] = {}
    geometry: Annotated[str | None, Field(pattern="^(point|line|polygon)$")] = None


def read_file(path: Path, options: ReadOptions | None = None) -> gpd.GeoDataFrame:
    """Read a vector file as it is.

    Parameters
    ----------
    path : Path
    options : ReadOptions, optional

    Returns
    -------
    geopandas.GeoDataFrame
        ``crs`` is None where the file names none. Rows without geometry are kept.

    Raises
    ------
    InputError
        If the file does not exist, cannot be read, has no features or no geometry, or lacks a column.
    """
    options = options or ReadOptions()
    if not path.is_file():
        raise InputError("file_missing", file=path.name)
    if path.stat().st_size == 0:
        raise InputError("file_empty", file=path.name)
    frame = _read_csv(path, options) if path.suffix.casefold() in CSV_SUFFIXES else _read_gdal(path)
    frame = _select(frame, options, path)
    if frame.empty:
        raise InputError("file_no_features", file=path.name)
    return frame


def _read_gdal(path: Path) -> gpd.GeoDataFrame:
    try:
        layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
        if len(layers) > 1:
            raise InputError("file_many_layers", file=path.name, layers=", ".join(layers))
        if not layers:
            raise InputError("file_no_geometry", file=path.name)
        frame = pyogrio.read_dataframe(path, layer=layers[0], on_invalid="ignore")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error
    except (ValueError, UnicodeDecodeError, shapely.errors.GEOSException) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError("file_no_geometry", file=path.name)
    return frame


def _read_csv(path: Path, options: ReadOptions) -> gpd.GeoDataFrame:
    if options.wkt is None and (options.x is None or options.y is None):
        raise InputError("csv_no_columns", file=path.name)
    try:
        table = pd.read_csv(path, sep=options.separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error
    wanted = [c for c in (options.x, options.y, options.wkt, options.group_by) if c is not None]
    _require(table, wanted, path)
    if options.wkt is not None:
        wkt = np.array([value or None for value in table[options.wkt]], dtype=object)
        geometry = shapely.from_wkt(wkt, on_invalid="ignore")
        return gpd.GeoDataFrame(table, geometry=geometry)
    x = pd.to_numeric(table[options.x], errors="coerce")
    y = pd.to_numeric(table[options.y], errors="coerce")
    bad = x.isna() | y.isna()
    if bad.any():
        raise InputError("csv_bad_number", file=path.name, row=int(np.flatnonzero(bad)[0]) + 2, count=int(bad.sum()))
    points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y))
    return points if options.group_by is None else _lines(points, options.group_by)


def _lines(points: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    """One line per value of a column, through its points in the order of the file."""
    rows = []
    for value, group in points.groupby(column, sort=False):
        if len(group) > 1:
            rows.append({column: value, "geometry": shapely.linestrings(shapely.get_coordinates(group.geometry))})
    return gpd.GeoDataFrame(rows, columns=[column, "geometry"], geometry="geometry")


def _select(frame: gpd.GeoDataFrame, options: ReadOptions, path: Path) -> gpd.GeoDataFrame:
    _require(frame, [*options.where, *options.contains], path)
    keep = np.ones(len(frame), np.bool_)
    for column, values in options.where.items():
        keep &= frame[column].astype(str).isin(values).to_numpy()
    for column, wanted in options.contains.items():
        keep &= frame[column].astype(str).str.contains(wanted, regex=False).to_numpy()
    if options.geometry is not None:
        dimension = {"point": 0, "line": 1, "polygon": 2}[options.geometry]
        keep &= shapely.get_dimensions(frame.geometry.to_numpy()) == dimension
    return frame[keep]


def _require(frame: pd.DataFrame, columns: list[str], path: Path) -> None:
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(map(str, list(frame.columns)[:20]))
            raise InputError("column_missing", file=path.name, column=column, known=known)
