"""The display grid: which combination of layer classes holds at the centre of every cell.

For pictures only: a cell speaks for its centre, not for its area. Areas and
answers come from the exact engine; a picture carries the label that it is for display.

A centre exactly on an edge belongs to the polygon that lies east of the edge, on a
level edge to the one north of it: polygons are closed in the west and south,
open in the east and north. So of two neighbours that share an edge exactly one
has the centre. Raster cells follow the same rule.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import ClassVar, Literal

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import Affine

from dgdo_geo.model import Presence
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.planes import unique_rows
from dgdo_geo.overlay.raster import Grid, keys_at

BLOCK_ROWS = 256
"""Rows that one thread takes at a time."""
PLANE_CELLS = 1 << 25
"""Cells of all planes together that the slow engine holds at a time."""
TILE_PIXELS = 256
"""Width and height of a tile of a web map."""
MERCATOR_M = 20_037_508.342789244
"""Half the width of the world in web mercator (EPSG:3857)."""
LABEL_SHARE = 4
"""The label takes about one part in this many of the width of a picture, or more."""
LABEL_COLOURS = ((255, 255, 255, 255), (21, 32, 43, 255))
"""Letters and ground of the label: red, green, blue, opacity."""
NO_GLYPH = "VHHHHHV"
"""Drawn for a letter without a glyph."""
_LETTERS = (
    "A:EHHVHHH B:UHHUHHU C:EHGGGHE D:UHHHHHU E:VGGUGGV F:VGGUGGG G:EHGNHHF H:HHHVHHH I:E44444E J:72222IC "
    "K:HIKOKIH L:GGGGGGV M:HRLLHHH N:HHPLJHH O:EHHHHHE P:UHHUGGG Q:EHHHLID R:UHHUKIH S:FGGE11U T:V444444 "
    "U:HHHHHHE V:HHHHHA4 W:HHHLLRH X:HHA4AHH Y:HHA4444 Z:V1248GV 0:EHJLPHE 1:4C4444E 2:EH1248V 3:V2421HE "
    "4:26AIV22 5:VGU11HE 6:68GUHHE 7:V124888 8:EHHEHHE 9:EHHF12C .:00000CC ,:0000C48 -:000V000 /:01248G0 "
    "(:2488842 ):8422248 %:OP248J3"
)
GLYPHS = {" ": "0000000", **{item[0]: item[2:] for item in _LETTERS.split()}}
"""Letters of five by seven pixels: a digit in base 32 for every row."""


@dataclass(frozen=True, slots=True)
class DisplayGrid:
    """The combination of layer classes at the centre of every cell; for display only.

    Attributes
    ----------
    grid : Grid
    combination : numpy.ndarray of int32, shape (rows, columns)
        Row of ``presence``.
    presence : numpy.ndarray of int8, shape (c, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in the distinct
        combinations, in lexicographic order.
    """

    is_display_only: ClassVar[bool] = True
    label_key: ClassVar[str] = "display_only"
    """Key of the text that every picture carries."""

    grid: Grid
    combination: NDArray[np.int32]
    presence: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of cells with one combination, for a block of rows. See :func:`scanline.sweep`."""

    presence: NDArray[np.int8]
    column: NDArray[np.int64]
    number: NDArray[np.int64]
    row_start: NDArray[np.int64]


def display_grid(
    encoding: Encoding, window: Grid, *, workers: int = 2, engine: Literal["scanline", "rasterize"] | None = None
) -> DisplayGrid:
    """Which combination of layer classes holds at the centre of every cell.

    Parameters
    ----------
    encoding : Encoding
        EPSG:28992. A polygon holds a place by the even-odd rule.
    window : Grid
        The cells to look at.
    workers : int
        Threads; the result does not depend on it.
    engine : {"scanline", "rasterize"}, optional
        Numba or, slower, GDAL; by default numba where it can be imported. They
        agree but for centres within rounding of an edge.

    Returns
    -------
    DisplayGrid

    Raises
    ------
    ValueError
        If the planes are not single polygons with finite coordinates, or a key,
        presence or raster code does not exist.
    """
    _check(encoding)
    kernel = _kernel() if engine != "rasterize" else None
    if engine == "scanline" and kernel is None:
        raise ValueError("the scanline engine needs numba")
    runs_of = _scanline_runs(encoding, window, kernel) if kernel else partial(_rasterize_runs, encoding, window)
    firsts = range(0, window.rows, BLOCK_ROWS)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        each = pool.map if kernel else map  # GDAL's rasterize is not for two threads at once
        blocks = list(each(runs_of, firsts, [min(first + BLOCK_ROWS, window.rows) for first in firsts]))
        presence, numbers = _merged([block.presence for block in blocks])
        combination = np.empty((window.rows, window.columns), np.int32)

        def fill(first: int, block: _Runs, number: NDArray[np.int64]) -> None:
            out = combination[first : first + BLOCK_ROWS]
            if kernel:
                kernel.fill_cells(block.column, number[block.number], block.row_start, out)
            else:
                out[:] = _repeated(block.column, number[block.number], block.row_start, window.columns)

        list(each(fill, firsts, blocks, numbers))
    return DisplayGrid(window, combination, presence)


def _kernel() -> ModuleType | None:
    """The numba kernel; None where numba is missing, or has no folder for what it compiles."""
    try:
        from dgdo_geo.overlay import scanline
    except (ImportError, RuntimeError):
        return None
    return scanline


def _check(encoding: Encoding) -> None:
    keys = len(encoding.keys)
    if (shapely.get_type_id(encoding.polygons) != shapely.GeometryType.POLYGON).any():
        raise ValueError("every plane must be a single polygon")
    if not np.isfinite(shapely.get_coordinates(encoding.polygons)).all():
        raise ValueError("a polygon has a coordinate that is not finite")
    used = [*np.unique(encoding.polygon_key), *(k for r in encoding.rasters for k in (*r.code_keys, r.outside_key))]
    if any(not -1 <= key < keys for key in used) or (encoding.polygon_key < 0).any():
        raise ValueError(f"a plane has a key outside 0..{keys - 1}")
    if not np.isin(encoding.polygon_level, [p for p in Presence if p is not Presence.OUTSIDE]).all():
        raise ValueError("a polygon has a presence that does not exist")
    for raster in encoding.rasters:
        if raster.codes.ndim != 2 or not ((raster.codes >= 0) & (raster.codes < len(raster.code_keys))).all():
            raise ValueError("a raster has a code without a key")


def _merged(parts: Sequence[NDArray[np.int8]]) -> tuple[NDArray[np.int8], list[NDArray[np.int64]]]:
    """The distinct combinations of all blocks in lexicographic order, and the number of each in every block."""
    presence = np.ascontiguousarray(np.concatenate(parts))
    distinct, number = unique_rows(presence)
    return distinct, np.split(number, np.cumsum([len(part) for part in parts])[:-1])


# Numba ------------------------------------------------------------------------------------


def _scanline_runs(encoding: Encoding, window: Grid, kernel: ModuleType) -> Callable[[int, int], _Runs]:
    """The function that gives the runs of some rows; what does not depend on the rows is prepared here."""
    rings, ring_polygon = shapely.get_rings(encoding.polygons, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    ring_start = np.searchsorted(ring_of, np.arange(len(rings) + 1))
    west, south, east, north = shapely.bounds(rings).reshape(-1, 4).T
    # A ring wholly beside the window is crossed an even number of times on the way: it may be left out.
    is_beside = (east < window.west_m) | (west > window.west_m + window.columns * window.cell_m)
    random = np.random.default_rng(0).integers(1, 1 << 62, (len(encoding.keys), max(Presence) + 1))
    key, level = encoding.polygon_key.astype(np.int64), encoding.polygon_level.astype(np.int64)
    planes = kernel.Planes(key, level, random, int(Presence.INSIDE), len(encoding.rasters))

    def runs_of(first: int, last: int) -> _Runs:
        top, bottom = window.north_m - first * window.cell_m, window.north_m - last * window.cell_m
        near = np.flatnonzero(~is_beside & (south <= top) & (north >= bottom))
        place = (window.north_m, window.cell_m, window.columns, first, last)
        start = kernel.count_crossings(near, ring_start, xy, *place[:2], *place[3:])
        crossings = kernel.fill_crossings(near, ring_start, ring_polygon, xy, window.west_m, *place, start)
        raster = _raster_events(encoding, window, first, last)
        words, *runs = kernel.sweep(crossings, start, *raster, planes, window.columns)
        return _Runs(words.view(np.int8)[:, : len(encoding.keys)], *runs)

    return runs_of


def _raster_events(
    encoding: Encoding, window: Grid, first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where along the rows first..last a raster enters another class. See :func:`scanline.sweep`."""
    events, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    x, y = window.x_m(), window.y_m()[first:last]
    for i, plane in enumerate(encoding.rasters):
        keys = keys_at(plane, x, y)
        before = np.concatenate([np.full((len(y), 1), -1), keys[:, :-1]], axis=1)
        row, column = np.nonzero(keys != before)
        events.append((column << 32) + len(encoding.polygons) + i * (len(encoding.keys) + 1) + keys[row, column] + 1)
        rows.append(row)
    all_rows = np.concatenate(rows)
    order = np.argsort(all_rows, kind="stable")
    return np.concatenate(events)[order], np.searchsorted(all_rows[order], np.arange(len(y) + 1))


# GDAL -------------------------------------------------------------------------------------


def _rasterize_runs(encoding: Encoding, window: Grid, first: int, last: int) -> _Runs:
    """Runs of the rows first..last, by GDAL: a plane at a time."""
    bounds = shapely.bounds(encoding.polygons).reshape(-1, 4)
    top, bottom = window.north_m - first * window.cell_m, window.north_m - last * window.cell_m
    near = np.flatnonzero((bounds[:, 1] <= top) & (bounds[:, 3] >= bottom))
    keys = np.unique(
        [*encoding.polygon_key[near], *(k for r in encoding.rasters for k in (*r.code_keys, r.outside_key))]
    )
    keys = keys[keys >= 0].astype(np.intp)
    step = max(1, PLANE_CELLS // (max(1, len(keys)) * window.columns))
    parts = [_rasterized(encoding, window, near, keys, row, min(row + step, last)) for row in range(first, last, step)]
    presence, numbers = _merged([part.presence for part in parts])
    number = np.concatenate([n[part.number] for n, part in zip(numbers, parts, strict=True)])
    lengths = np.concatenate([np.diff(part.row_start) for part in parts])
    return _Runs(presence, np.concatenate([p.column for p in parts]), number, np.append(0, np.cumsum(lengths)))


def _rasterized(
    encoding: Encoding, window: Grid, near: NDArray[np.intp], keys: NDArray[np.intp], first: int, last: int
) -> _Runs:
    north = window.north_m - first * window.cell_m
    transform = Affine(window.cell_m, 0, window.west_m, 0, -window.cell_m, north)
    shape = (last - first, window.columns)
    planes = np.zeros((len(keys), *shape), np.int8)
    for plane, key in zip(planes, keys, strict=True):
        own = near[encoding.polygon_key[near] == key]
        own = own[np.argsort(encoding.polygon_level[own], kind="stable")]  # the highest is burned last
        burned = [(encoding.polygons[i], int(encoding.polygon_level[i])) for i in own]
        if burned:
            rasterio.features.rasterize(burned, out=plane, transform=transform)
    for raster in encoding.rasters:
        found = keys_at(raster, window.x_m(), window.y_m()[first:last])
        for plane, key in zip(planes, keys, strict=True):
            plane[found == key] = Presence.INSIDE
    is_new = np.ones(shape, np.bool_)
    is_new[:, 1:] = (planes[:, :, 1:] != planes[:, :, :-1]).any(axis=0)
    row, column = np.nonzero(is_new)
    presence = np.zeros((len(row), len(encoding.keys)), np.int8)
    presence[:, keys] = planes[:, row, column].T
    distinct, number = unique_rows(presence)
    return _Runs(distinct, column, number, np.searchsorted(row, np.arange(shape[0] + 1)))


def _repeated(
    column: NDArray[np.int64], number: NDArray[np.int64], row_start: NDArray[np.int64], columns: int
) -> NDArray[np.int64]:
    """The cells of runs; shape (rows, columns)."""
    begin = column + np.repeat(np.arange(len(row_start) - 1), np.diff(row_start)) * columns
    length = np.diff(begin, append=(len(row_start) - 1) * columns)
    return np.repeat(number, length).reshape(-1, columns)


# Pictures ---------------------------------------------------------------------------------


def sample(grid: DisplayGrid, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int32]:
    """The combination of the cells in which places lie; -1 outside the grid.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray of float64, the same shape
        EPSG:28992.
    """
    row, column = grid.grid.row_of(y_m), grid.grid.column_of(x_m)
    return np.where((row < 0) | (column < 0), np.int32(-1), grid.combination[row, column])


def to_png(grid: DisplayGrid, colours: NDArray[np.uint8], label: str) -> bytes:
    """The grid as a PNG picture that says that it is for display only.

    The picture covers exactly the grid. Where that is too small for the label,
    every cell is drawn as a square of several pixels.

    Parameters
    ----------
    colours : numpy.ndarray of uint8, shape (c, 4)
        Red, green, blue and opacity of every combination.
    label : str
        The text of ``DisplayGrid.label_key``; drawn in the lower left corner and written into the file.

    Raises
    ------
    ValueError
        If there is no label, or not one colour for every combination.
    """
    _check_colours(grid, colours)
    return _png(colours[grid.combination], label)


def to_tile(grid: DisplayGrid, colours: NDArray[np.uint8], label: str, zoom: int, column: int, row: int) -> bytes:
    """A tile of 256 by 256 pixels for a web map (EPSG:3857); transparent outside the grid.

    Parameters
    ----------
    colours, label
        See :func:`to_png`.
    zoom, column, row : int
        Address of the tile (z, x, y), row 0 in the north.
    """
    _check_colours(grid, colours)
    pixel_m = 2 * MERCATOR_M / TILE_PIXELS / 2**zoom
    centre = np.arange(TILE_PIXELS) + 0.5
    east, north = np.meshgrid(
        (column * TILE_PIXELS + centre) * pixel_m - MERCATOR_M, MERCATOR_M - (row * TILE_PIXELS + centre) * pixel_m
    )
    x, y = _from_mercator().transform(east, north)
    with_nothing = np.concatenate([colours, np.zeros((1, 4), np.uint8)])
    return _png(with_nothing[sample(grid, x, y)], label)


@cache
def _from_mercator() -> Transformer:
    return Transformer.from_crs(3857, 28992, always_xy=True)


def _check_colours(grid: DisplayGrid, colours: NDArray[np.uint8]) -> None:
    if colours.dtype != np.uint8 or colours.shape != (len(grid.presence), 4):
        raise ValueError(
            f"colours must be uint8 of shape ({len(grid.presence)}, 4), got {colours.dtype} {colours.shape}"
        )


def _png(pixels: NDArray[np.uint8], label: str) -> bytes:
    """A picture with a label; pixels have shape (rows, columns, 4)."""
    if not label.strip():
        raise ValueError("a picture of a display grid needs its label")
    sign = _lettered(label)
    times = max(-(-need // have) for need, have in zip(sign.shape, pixels.shape, strict=False))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    larger = max(1, min(pixels.shape[1] // (LABEL_SHARE * sign.shape[1]), pixels.shape[0] // sign.shape[0]))
    sign = sign.repeat(larger, axis=0).repeat(larger, axis=1)
    pixels[-sign.shape[0] :, : sign.shape[1]] = np.where(sign[..., None], *np.array(LABEL_COLOURS, np.uint8))
    return _png_file(pixels, label)


def _png_file(pixels: NDArray[np.uint8], description: str) -> bytes:
    """Pixels of shape (rows, columns, 4) as a PNG file (ISO/IEC 15948), every row as its difference from the row above."""
    rows, columns = pixels.shape[:2]
    lines = np.full((rows, 1 + 4 * columns), 2, np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    lines[1:, 1:] -= pixels.reshape(rows, -1)[:-1]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0),
        b"iTXt": b"Description\0\0\0\0\0" + description.encode(),
        b"IDAT": zlib.compress(lines.data),
        b"IEND": b"",
    }
    checked = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(checked)


def _lettered(text: str) -> NDArray[np.bool_]:
    """Words as pixels, with a margin of one pixel; capitals without accents."""
    plain = unicodedata.normalize("NFKD", text.strip().upper())
    rows = [GLYPHS.get(letter, NO_GLYPH) for letter in plain if not unicodedata.combining(letter)]
    bits = np.array([[int(row, 32) for row in rows_of] for rows_of in rows])
    pixels = (bits[:, :, None] >> np.arange(5, -1, -1)) & 1  # (letters, 7, 6): one empty pixel before every letter
    return np.pad(np.hstack(list(pixels)).astype(np.bool_), ((1, 1), (0, 1)))
