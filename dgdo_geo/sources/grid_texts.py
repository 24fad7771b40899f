"""Grids written as text: ESRI ASCII, ZMAP+ and points on a regular grid.

Strict: a value that is no number, or one too few, stops the reading. GDAL
reads such a value as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.tables import numbers, read_table

MAX_CELLS = 25_000_000


@dataclass(slots=True)
class RawGrid:
    """A grid before it has been looked at; row 0 is in the north, unless ``height`` is negative.

    Attributes
    ----------
    values : numpy.ndarray of float, shape (rows, columns)
    west, north : float
        Outer corner of the first cell of row 0.
    width, height : float
        Of a cell.
    crs : pyproj.CRS or None
    bands : tuple of int
        The band that was read, and how many there are.
    unit : str
        Of the values, as the file says; "" when it does not.
    notes : dict
        Keys of ``[grid_notes]`` and their text.
    """

    values: NDArray[np.floating]
    west: float
    north: float
    width: float
    height: float
    crs: pyproj.CRS | None = None
    bands: tuple[int, int] = (1, 1)
    unit: str = ""
    notes: dict[str, str] = field(default_factory=dict)


def check_size(path: Path, rows: int, columns: int, *, smallest: int = 0) -> None:
    """Refuse a size that does not fit the memory, or not the file: before room is made for it.

    Raises
    ------
    InputError
    """
    if rows < 1 or columns < 1:
        raise InputError("raster_empty", file=path.name)
    if rows * columns > MAX_CELLS:
        raise InputError("raster_too_large", file=path.name, cells=rows * columns, limit=MAX_CELLS)
    if rows * columns * smallest > path.stat().st_size + smallest:
        most = path.stat().st_size // smallest
        raise InputError("raster_count", file=path.name, found=f"< {most + 1}", expected=rows * columns)


# Text ------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a line longer than the largest grid is wide stops it."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        number = 0
        while line := file.readline(64 * 1024**2):
            number += 1
            yield number, line.rstrip("\r\n")


def _floats(path: Path, line: int, tokens: list[str]) -> NDArray[np.float64]:
    try:
        return np.array(tokens, np.float64)
    except ValueError as error:
        wrong = next((t for t in tokens if not _is_number(t)), "?")
        raise InputError("raster_number", file=path.name, line=line, value=archives.shown(wrong)) from error


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _header_number(path: Path, fields: list[str], place: int, name: str) -> float:
    try:
        value = float(fields[place])
    except (ValueError, IndexError) as error:
        raise InputError("raster_header", file=path.name, what=name) from error
    if not np.isfinite(value):
        raise InputError("raster_header", file=path.name, what=name)
    return value


def _without_null(values: NDArray[np.float64], null: float | None) -> NDArray[np.float64]:
    if null is not None:
        # A very large null value is often written with fewer digits than it has.
        same = np.isclose(values, null, rtol=1e-6, atol=0) if abs(null) > 1e20 else values == null
        values[same] = np.nan
    return values


def read_ascii(path: Path) -> RawGrid:
    """ESRI ASCII: a header of names and numbers, then the rows from north to south.

    Raises
    ------
    InputError
    """
    head: dict[str, float] = {}
    found: list[NDArray[np.float64]] = []
    count = expected = 0
    for number, line in _lines(path):
        fields = line.split()
        if fields and not found and fields[0][:1].isalpha() and fields[0].casefold() not in ("nan", "inf"):
            head[fields[0].casefold()] = _header_number(path, fields, 1, fields[0][:30])
            continue
        if not fields:
            continue
        if not found:
            for name in ("ncols", "nrows"):
                if head.get(name, -1.0) != int(head.get(name, -1.0)) or name not in head:
                    raise InputError("raster_header", file=path.name, what=name)
            check_size(path, int(head["nrows"]), int(head["ncols"]), smallest=2)
            expected = int(head["nrows"] * head["ncols"])
        found.append(_floats(path, number, fields))
        count += len(fields)
        if count > expected:
            break
    if count != expected or not expected:
        raise InputError("raster_count", file=path.name, found=count, expected=expected)
    width, height = head.get("cellsize", head.get("dx")), head.get("cellsize", head.get("dy"))
    if width is None or height is None:
        raise InputError("raster_header", file=path.name, what="cellsize")
    rows, columns = int(head["nrows"]), int(head["ncols"])
    corner = []
    for axis, size in (("x", width), ("y", height)):
        if f"{axis}llcorner" not in head and f"{axis}llcenter" not in head:
            raise InputError("raster_header", file=path.name, what=f"{axis}llcorner")
        corner.append(head.get(f"{axis}llcorner", head.get(f"{axis}llcenter", 0.0) - size / 2))
    values = _without_null(np.concatenate(found).reshape(rows, columns), head.get("nodata_value"))
    return RawGrid(values, corner[0], corner[1] + rows * height, width, height, _crs_beside(path))


def _crs_beside(path: Path) -> pyproj.CRS | None:
    beside = path.with_suffix(".prj")
    if not beside.is_file() or beside.stat().st_size > 65_536:
        return None
    try:
        return pyproj.CRS.from_wkt(beside.read_text(encoding="utf-8", errors="replace"))
    except pyproj.exceptions.CRSError:
        return None


def read_zmap(path: Path) -> RawGrid:
    """ZMAP+: a header between lines with ``@``, then columns of numbers of a fixed width.

    Every column runs from north to south and begins on a new line; columns go
    from west to east. The bounds are those of the nodes, so cells reach half a
    cell further (GDAL reads them as the bounds of the cells instead).

    Raises
    ------
    InputError
    """
    lines = ((number, line) for number, line in _lines(path) if not line.startswith("!"))
    head: list[list[str]] = []
    for _, line in lines:
        if line.startswith("@") and head:
            break
        if len(head) > 4 or (not head and not line.startswith("@")):
            raise InputError("raster_header", file=path.name, what="@")
        head.append([field.strip() for field in line.split(",")])
    if len(head) < 3 or len(head[0]) < 3 or head[0][1].upper() != "GRID":
        raise InputError("raster_header", file=path.name, what="GRID")
    per_line, width = (int(_header_number(path, *f)) for f in ((head[0], 2, "nodes per line"), (head[1], 0, "width")))
    named = head[1][1] or (head[1][2] if len(head[1]) > 2 else "")
    null = _header_number(path, [named], 0, "null") if named else None
    start = int(_header_number(path, head[1], 4, "start column")) - 1 if len(head[1]) > 4 and head[1][4] else 0
    places = ("rows", "columns", "xmin", "xmax", "ymin", "ymax")
    rows, columns, xmin, xmax, ymin, ymax = (_header_number(path, head[2], i, name) for i, name in enumerate(places))
    if not 1 <= width <= 100 or per_line < 1 or start < 0 or rows < 2 or columns < 2 or xmax <= xmin or ymax <= ymin:
        raise InputError("raster_header", file=path.name, what=", ".join(head[2])[:60])
    size = (int(columns), int(rows))
    check_size(path, size[1], size[0], smallest=2)
    values = np.empty(size, np.float64)
    column = row = 0
    for number, line in lines:
        if not line.strip() or column >= size[0]:
            if line.strip():
                raise InputError("raster_count", file=path.name, found=f"> {values.size}", expected=values.size)
            continue
        count = min(per_line, size[1] - row)
        body = line[start:].rstrip()
        if len(body) > count * width:
            raise InputError("raster_number", file=path.name, line=number, value=archives.shown(body[count * width :]))
        fields = [body[i * width : (i + 1) * width].strip() for i in range(count)]
        values[column, row : row + count] = _floats(path, number, fields)
        row += count
        if row == size[1]:
            column, row = column + 1, 0
    if column != size[0]:
        raise InputError("raster_count", file=path.name, found=column * size[1] + row, expected=values.size)
    cell_x, cell_y = (xmax - xmin) / (columns - 1), (ymax - ymin) / (rows - 1)
    grid = np.ascontiguousarray(_without_null(values, null).T)
    return RawGrid(grid, xmin - cell_x / 2, ymax + cell_y / 2, cell_x, cell_y)


# Points ----------------------------------------------------------------------------------


def read_points(path: Path, columns: tuple[str, str, str] | None) -> RawGrid:
    """Points on a regular grid, in any order; where there is none, there are no data.

    Raises
    ------
    InputError
    """
    if path.suffix.casefold() == ".xyz" and columns is None:
        split = ((i, re.split(r"[\s,;|]+", line.strip())) for i, line in _lines(path) if line.strip())
        rows = [(i, fields) for i, fields in split if not fields[0].startswith(("#", "!"))]
        # A header is told by its first word.
        rows = rows[1:] if rows and not _is_number(rows[0][1][0]) else rows
        table = np.empty((len(rows), 3))
        for place, (line, fields) in enumerate(rows):
            if len(fields) < 3:
                raise InputError("raster_number", file=path.name, line=line, value=archives.shown(" ".join(fields)))
            table[place] = _floats(path, line, fields[:3])
        x, y, value = table.T
    else:
        frame = read_table(path, wanted=columns or ())
        if columns is None and len(frame.columns) < 3:
            raise InputError("csv_no_columns", file=path.name)
        names = columns or tuple(map(str, frame.columns[:3]))
        if missing := [name for name in names if name not in frame.columns]:
            known = ", ".join(map(str, list(frame.columns)[:20]))
            raise InputError("column_missing", file=path.name, column=missing[0], known=known)
        x, y = numbers(frame[names[0]], path), numbers(frame[names[1]], path)
        filled = frame[names[2]].astype(str).str.strip() != ""
        value = np.full(len(frame), np.nan)
        value[filled.to_numpy()] = numbers(frame.loc[filled, names[2]], path)
    return _gridded(path, x, y, value)


def _gridded(path: Path, x: NDArray[np.float64], y: NDArray[np.float64], value: NDArray[np.float64]) -> RawGrid:
    if len(x) == 0:
        raise InputError("raster_empty", file=path.name)
    step, places, sizes = [], [], []
    for axis in (x, y):
        known = np.unique(axis)
        if len(known) < 2:
            raise InputError("raster_not_regular", file=path.name)
        gap = np.diff(known)
        # Coordinates of one node may differ in their last digit: that is no step.
        cell = float(gap[gap > 1e-6 * gap.max()].min())
        number = (axis - known[0]) / cell
        if np.abs(number - np.round(number)).max() > 1e-3:
            raise InputError("raster_not_regular", file=path.name)
        step.append(cell)
        places.append(np.round(number).astype(np.int64))
        sizes.append(int(places[-1].max()) + 1)
    check_size(path, sizes[1], sizes[0])
    flat = places[1] * sizes[0] + places[0]
    double = pd.Series(flat).duplicated().to_numpy()
    if double.any():
        at = int(np.flatnonzero(double)[0])
        raise InputError("raster_twice", file=path.name, x=f"{x[at]:g}", y=f"{y[at]:g}")
    values = np.full(sizes[0] * sizes[1], np.nan)
    values[flat] = value
    north = float(y.min()) + (sizes[1] - 0.5) * step[1]
    return RawGrid(
        values.reshape(sizes[1], sizes[0])[::-1].copy(), float(x.min()) - step[0] / 2, north, step[0], step[1]
    )
