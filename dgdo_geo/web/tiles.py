"""Tiles of the map of a province, a region or the country: colours and patterns from the display grid.

A tile shows what holds at the centres of the cells, judged by the code that
answers. It is for display only; the map that shows tiles says so.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from dgdo_geo import maps
from dgdo_geo.errors import InputError
from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS, Motif, Pattern
from dgdo_geo.overlay.grid import MERCATOR_M, TILE_PIXELS
from dgdo_geo.query import Explorer
from dgdo_geo.query.displayed import Displayed, class_of, displayed
from dgdo_geo.texts import text
from dgdo_geo.web import opened

ZOOMS = range(6, 17)
"""Zoom levels that there are tiles for."""
SHADES = 5
"""Shades between ground and motif, so that slanted lines are smooth."""
LATTICE = 16
"""The place of every so many pixels is transformed, those between are interpolated; off by a hundredth of a pixel."""
_EDGE = "#2b3138"
HATCH_COLOUR = "#4b2e83"
"""Of the lines that show where a layer holds."""
_HATCH = Pattern("#000000", HATCH_COLOUR, Motif(lines=((0, 3, 12, 3), (0, 9, 12, 9)), size=1.6))
_SPARSE = Pattern("#000000", HATCH_COLOUR, Motif(dots=((3, 3), (9, 9)), size=1.1))

_displayed: WeakKeyDictionary[Explorer, Displayed] = WeakKeyDictionary()
_making = threading.Lock()
_classes: opened.Bounded[NDArray[np.uint8]] = opened.Bounded(48)


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Which tile: zoom, column and row as web maps count them (EPSG:3857, row 0 in the north)."""

    zoom: int
    column: int
    row: int

    def __post_init__(self) -> None:
        if self.zoom not in ZOOMS or not (0 <= self.column < 2**self.zoom and 0 <= self.row < 2**self.zoom):
            raise InputError("tile_unknown", zoom=self.zoom, column=self.column, row=self.row)


def cells(explorer: Explorer) -> Displayed:
    """The cells of an opened workspace, made once."""
    with _making:
        if explorer not in _displayed:
            _displayed[explorer] = displayed(explorer)
        return _displayed[explorer]


def warm(explorer: Explorer) -> None:
    """Make the cells, and judge them for every activity and depth band of today, so that the first tile is fast."""
    found = cells(explorer)
    for activity in explorer.knowledge.activities.values():
        for band in range(len(activity.bands)):
            found.parts(activity.id, band, date.today())


def verdict_tile(explorer: Explorer, kind: str, activity: str, band: int, on: date, address: TileAddress) -> bytes:
    """A tile of what a map shows for one activity in one depth band; transparent outside the country.

    Parameters
    ----------
    kind : {"verdict", "found", "potential"}
    band : int
        Position of the depth band in the activity.

    Returns
    -------
    bytes
        PNG of 256 by 256 pixels; it carries in its description that it is for display only.

    Raises
    ------
    InputError, NotInForceError
        If the kind, activity or band is unknown, or the date lies before the rule base begins.
    """
    if kind not in PATTERNS:
        raise InputError("map_kind_unknown", kind=kind, known=", ".join(PATTERNS))
    found = cells(explorer)
    key = (opened.version(explorer), kind, activity, band, on)
    classes = _classes.get(key, lambda: _with_nothing(class_of(kind, found.parts(activity, band, on))))
    patterns = list(PATTERNS[kind].values())
    return _drawn(found, classes, address, [(p, True) for p in patterns])


def layer_tile(explorer: Explorer, layer_id: str, address: TileAddress) -> bytes:
    """A tile of where a layer holds: hatched, in its uncertain rim dotted; what lies below stays visible.

    Raises
    ------
    InputError
        If the layer is not part of the cells.
    """
    found = cells(explorer)
    key = (opened.version(explorer), layer_id)
    # Outside, near, rim and inside: near says that something lies close by, not here.
    numbers = np.array([255, 255, 0, 1], np.uint8)
    classes = _classes.get(key, lambda: _with_nothing(numbers[found.presence_of(layer_id)]))
    return _drawn(found, classes, address, [(_SPARSE, False), (_HATCH, False)])


def _with_nothing(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same with 255 at the end, so that -1 finds nothing."""
    return np.append(classes, np.uint8(255))


# Drawing ----------------------------------------------------------------------------------


def _drawn(
    found: Displayed, classes: NDArray[np.uint8], address: TileAddress, patterns: Sequence[tuple[Pattern, bool]]
) -> bytes:
    """The tile as PNG. Of a pattern that is not filled only the motif is drawn."""
    x, y = _places(address)
    grid = found.grid
    column = np.floor((x - grid.west_m) / grid.cell_m).astype(np.intp)
    row = np.floor((grid.north_m - y) / grid.cell_m).astype(np.intp)
    is_inside = (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
    seen = np.full(x.shape, 255, np.uint8)
    seen[is_inside] = classes[found.row[row[is_inside], column[is_inside]]]
    shown = seen[1:, 1:]
    is_edge = (shown != seen[:-1, 1:]) | (shown != seen[1:, :-1])
    palette, lookup = _palette(tuple(patterns))
    # Counted from the corner of the world, so that the patterns of neighbouring tiles join.
    down = (address.row * TILE_PIXELS + np.arange(TILE_PIXELS)) % MOTIF_PX
    across = (address.column * TILE_PIXELS + np.arange(TILE_PIXELS)) % MOTIF_PX
    pixels = lookup[np.minimum(shown, len(patterns)), down[:, None], across]
    if all(is_filled for _, is_filled in patterns):
        pixels = np.where(is_edge & (shown != 255), np.uint8(1), pixels)
    return _png(pixels, palette, text("map", "display_only"))


def _places(address: TileAddress) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """EPSG:28992 of the centres of the pixels, with one more row in the north and one more column in the west."""
    pixel_m = 2 * MERCATOR_M / TILE_PIXELS / 2**address.zoom
    knots = np.arange(0, TILE_PIXELS + 1, LATTICE, dtype=np.float64)
    east, north = np.meshgrid(
        (address.column * TILE_PIXELS + knots) * pixel_m - MERCATOR_M,
        MERCATOR_M - (address.row * TILE_PIXELS + knots) * pixel_m,
    )
    x, y = _from_mercator().transform(east, north)
    return _between(x), _between(y)


def _between(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear interpolation. Not by ``@``: for sums this small the threads of BLAS cost more than they bring."""
    weights = _weights()
    rows = np.einsum("pk,kl->pl", weights, knots)
    return np.asarray(np.einsum("pl,ql->pq", rows, weights), np.float64)


@cache
def _from_mercator() -> Transformer:
    return Transformer.from_crs(3857, 28992, always_xy=True)


@cache
def _weights() -> NDArray[np.float64]:
    """How much of every knot of the lattice is in the centre of every pixel, from pixel -1 on."""
    place = (np.arange(-1, TILE_PIXELS) + 0.5) / LATTICE
    first = np.clip(np.floor(place).astype(np.intp), 0, TILE_PIXELS // LATTICE - 1)
    weights = np.zeros((TILE_PIXELS + 1, TILE_PIXELS // LATTICE + 1))
    at = np.arange(TILE_PIXELS + 1)
    weights[at, first], weights[at, first + 1] = 1 - (place - first), place - first
    return weights


@cache
def _palette(patterns: tuple[tuple[Pattern, bool], ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours (n, 4), and the colour of every pattern at every place of its tile (patterns + 1, 12, 12)."""
    colours: list[tuple[int, int, int, int]] = [(0, 0, 0, 0), (*_rgb(_EDGE), 255)]
    lookup = np.zeros((len(patterns) + 1, MOTIF_PX, MOTIF_PX), np.uint8)
    for number, (pattern, is_filled) in enumerate(patterns):
        shade = np.rint(pattern.motif.coverage() * (SHADES - 1)).astype(np.intp)
        ground, line = np.array(_rgb(pattern.colour)), np.array(_rgb(pattern.line))
        lookup[number] = len(colours) + shade
        for part in np.linspace(0, 1, SHADES):
            mixed = ground + (line - ground) * part if is_filled else line
            red, green, blue = (int(value) for value in np.rint(mixed))
            colours.append((red, green, blue, 255 if is_filled else round(255 * float(part))))
    return np.array(colours, np.uint8), lookup


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _png(pixels: NDArray[np.uint8], palette: NDArray[np.uint8], description: str) -> bytes:
    """Pixels that are numbers of colours as a PNG file (ISO/IEC 15948)."""
    rows, columns = pixels.shape
    lines = np.zeros((rows, 1 + columns), np.uint8)
    lines[:, 1:] = pixels
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0),
        b"PLTE": palette[:, :3].tobytes(),
        b"tRNS": palette[:, 3].tobytes(),
        b"iTXt": b"Description\0\0\0\0\0" + description.encode(),
        b"IDAT": zlib.compress(lines.tobytes()),
        b"IEND": b"",
    }
    checked = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(checked)


def tile_url(kind: str, activity: str, band: int, query: str) -> str:
    """Where the browser finds the tiles, relative to the frame of the map."""
    return f"{maps.TILES}/{kind}/{activity}/{band}/{{z}}/{{x}}/{{y}}.png?{query}"
