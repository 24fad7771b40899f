"""From the rows of a table to places: points, segments, lines, polygons and WKT; and a second table beside the first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.read_options import ALL, ReadOptions
from dgdo_geo.sources.tables import PARQUET_SUFFIXES, read_table
from dgdo_geo.sources.values import coordinate_lists, numbers, without_srid


def beside(folder: Path, name: str) -> Path:
    """A file named in a recipe: in a folder or below it, never outside.

    Raises
    ------
    InputError
        If the name is an absolute path, or climbs out of the folder.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    is_inside = name and not (posix.is_absolute() or windows.anchor or "\\" in name or ".." in posix.parts)
    if not is_inside or re.match(r"[a-z][a-z0-9+.-]+:", name, re.IGNORECASE):
        raise InputError("recipe_path", file=archives.shown(name))
    return folder / name


def from_table(path: Path, options: ReadOptions) -> gpd.GeoDataFrame:
    """Read a table and make places of its rows.

    Raises
    ------
    InputError
        If no columns are named, one is not there, or a value is no coordinate.
    """
    has_place = options.wkt is not None or (options.x is not None and options.y is not None)
    if path.suffix.casefold() not in PARQUET_SUFFIXES and not has_place:
        raise InputError("csv_no_columns", file=path.name)
    table = read_table(
        path,
        separator=options.separator,
        encoding=options.encoding,
        sheet=options.wanted_sheet,
        columns=options.columns,
        transposed=options.transposed,
        # Of a join the columns may stand in the other table.
        wanted=[] if options.join else [*_named(options), *options.where, *options.without, *options.contains],
    )
    how = dict(table.attrs)
    how["read"] = {**how.get("read", {}), "rows_in_file": len(table)}
    table = select(joined(table, options, path), options, path)
    if table.empty:
        raise InputError("file_no_features", file=path.name)
    placed = table if isinstance(table, gpd.GeoDataFrame) and not has_place else _place(table, options, path)
    placed.attrs.update(how)
    return placed


def _named(options: ReadOptions) -> list[str]:
    names = (options.x, options.y, options.x2, options.y2, options.wkt, options.group_by)
    return [name for name in names if name is not None and name != ALL]


def _place(table: pd.DataFrame, options: ReadOptions, path: Path) -> gpd.GeoDataFrame:
    """Make geometry of the columns that the options name."""
    table = pd.DataFrame(table)
    if options.wkt is None and (options.x is None or options.y is None):
        raise InputError("csv_no_columns", file=path.name)
    _require(table, _named(options), path)
    if options.wkt is not None:
        texts, crs = without_srid(table[options.wkt].fillna("").astype(str).tolist(), path)
        return gpd.GeoDataFrame(table, geometry=shapely.from_wkt(texts, on_invalid="ignore"), crs=crs)
    x, y = table[options.x], table[options.y]
    if len(x) and x.astype(str).str.lstrip().str.startswith("[").any():
        return gpd.GeoDataFrame(table, geometry=coordinate_lists(x, y, path))
    points = np.column_stack([numbers(x, path), numbers(y, path)])
    if options.x2 is not None:
        ends = np.column_stack([numbers(table[options.x2], path), numbers(table[options.y2], path)])
        return gpd.GeoDataFrame(table, geometry=shapely.linestrings(np.stack([points, ends], axis=1)))
    if options.group_by is None:
        return gpd.GeoDataFrame(table, geometry=shapely.points(points))
    return _shapes(table, points, options)


def _shapes(table: pd.DataFrame, points: NDArray[np.float64], options: ReadOptions) -> gpd.GeoDataFrame:
    """One line or polygon per value of a column, through its points in the order of the file."""
    column = "group" if options.group_by == ALL else str(options.group_by)
    values = np.zeros(len(table), np.int64) if options.group_by == ALL else table[column].to_numpy()
    least = 3 if options.geometry == "polygon" else 2
    rows = []
    for value, order in pd.Series(np.arange(len(table))).groupby(values, sort=False):
        if len(order) >= least:
            xy = points[order.to_numpy()]
            rows.append({column: value, "geometry": shapely.polygons(xy) if least == 3 else shapely.linestrings(xy)})
    return gpd.GeoDataFrame(rows, columns=[column, "geometry"], geometry="geometry")


def _require(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Refuse a frame without one of the columns."""
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(map(str, list(frame.columns)[:20]))
            raise InputError("column_missing", file=path.name, column=column, known=known)


def select(frame: pd.DataFrame, options: ReadOptions, path: Path) -> pd.DataFrame:
    """Keep the rows that the options ask for; blanks around a value do not count.

    Raises
    ------
    InputError
        If a column is not there.
    """
    _require(frame, [*options.where, *options.without, *options.contains], path)
    keep = np.ones(len(frame), np.bool_)
    for column, values in options.where.items():
        keep &= _is_one_of(frame[column], values)
    for column, values in options.without.items():
        keep &= ~_is_one_of(frame[column], values)
    for column, wanted in options.contains.items():
        keep &= frame[column].astype(str).str.contains(wanted, regex=False).to_numpy()
    return frame if keep.all() else frame[keep]


def _is_one_of(column: pd.Series, values: Sequence[str]) -> NDArray[np.bool_]:
    return column.astype(str).str.strip().isin([value.strip() for value in values]).to_numpy(np.bool_)


def joined(frame: pd.DataFrame, options: ReadOptions, path: Path) -> pd.DataFrame:
    """Put the columns of a second table beside those of the first; every row of the first must find one row.

    Raises
    ------
    InputError
        If a column is not there, a value is not in the second table, or stands there twice.
    """
    join = options.join
    if join is None:
        return frame
    other = beside(path.parent, join.file)
    second = read_table(
        other,
        separator=join.separator,
        encoding=join.encoding,
        sheet=join.wanted_sheet,
        columns=join.columns,
        transposed=join.transposed,
        wanted=[join.to],
    )
    _require(frame, [join.on], path)
    _require(second, [join.to], other)
    keys, known = frame[join.on].astype(str).str.strip(), second[join.to].astype(str).str.strip()
    names = {"file": path.name, "column": join.on, "other": other.name, "to": join.to}
    twice = known[known.duplicated() & known.isin(keys)].unique()
    if len(twice):
        raise InputError("join_twice", **names, values=_listed(twice))
    lost = keys[~keys.isin(known)].unique()
    if len(lost):
        raise InputError("join_missing", **names, values=_listed(lost))
    apart = [c for c in second.columns if c not in (join.to, "geometry")]
    row_of = pd.Series(np.arange(len(second)), index=known)[lambda rows: ~rows.index.duplicated()]
    found = pd.DataFrame(second[apart]).iloc[row_of[keys].to_numpy()]
    found.index = frame.index
    return frame.assign(**_free_names(found, list(frame.columns)))


def _listed(values: NDArray[np.object_]) -> str:
    return ", ".join(f"‘{archives.shown(str(v))}’" for v in values[:8])


def _free_names(found: pd.DataFrame, taken: Sequence[str]) -> Mapping[str, pd.Series]:
    """The columns by name, with a number behind a name that the first table has already."""
    named: dict[str, pd.Series] = {}
    for column in found.columns:
        name, number = str(column), 2
        while name in taken or name in named:
            name, number = f"{column}_{number}", number + 1
        named[name] = found[column]
    return named
