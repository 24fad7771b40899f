"""WMS 1.3.0 and 1.1.1: the shape of what a map draws, as a mask of cells.

For areas that are published as a picture only. What the picture means is lost:
there is one value, 1 where something is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import numpy as np
import pyproj
from numpy.typing import NDArray

from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.sources.http import Client
from dgdo_geo.sources.lattice import Box, Lattice, Picture, Reading, covering, read_picture
from dgdo_geo.sources.ogc_api import local, number, read_xml, refuse_exception
from dgdo_geo.sources.service_types import FetchedGrids, OnPage, Service, Wanted
from dgdo_geo.sources.services import RD, pick_layer, plain, with_query
from dgdo_geo.texts import text

TILE = 2000
PIXEL_M = 0.00028
"""Size of a pixel by which scales are reckoned (OGC 06-042, 7.2.4.6.9)."""
# A document of version 1.1.1 begins with this one document type; it declares elements only.
OLD_DOCTYPE = re.compile(
    rb"<!DOCTYPE\s+(?:WMT_MS_Capabilities|ServiceExceptionReport)\s+SYSTEM\s+[\"'][^\"'<>]*[\"']"
    rb"\s*(?:\[(?:\s|<!ELEMENT\s[^<>]*>)*\])?\s*>"
)


@dataclass(frozen=True, slots=True)
class MapLayer:
    """What a server says about a layer; what stands with the layers around it holds for it too.

    Attributes
    ----------
    name : str
    crs : frozenset of str
        Upper case.
    finest, coarsest : float
        Sizes of a cell, in metres, between which it is drawn: from ``finest`` up to, not including, ``coarsest``.
    box : tuple of four floats, optional
        West, south, east, north in EPSG:28992.
    """

    name: str = ""
    crs: frozenset[str] = frozenset()
    finest: float = 0.0
    coarsest: float = math.inf
    box: Box | None = None


def fetch(service: Service, client: Client, choices: Sequence[Wanted], on_page: OnPage | None = None) -> FetchedGrids:
    """Read a map as a mask: 1 where something is drawn, NaN elsewhere.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_source`. A map on which nothing is drawn is an error too.
    """
    cell = service.cell_m
    if cell is None:
        raise ValueError("a map needs cell_m")
    params = {"service": "WMS", "version": service.version or "1.3.0", "request": "GetCapabilities"}
    body = OLD_DOCTYPE.sub(b"", client.get(with_query(service.url, params), headers=service.headers).body, count=1)
    root = read_xml(service, body)
    if local(root.tag) not in ("WMS_Capabilities", "WMT_MS_Capabilities"):
        refuse_exception(service, body, "WMS_Capabilities")
    is_old = not root.get("version", "1.3.0").startswith("1.3")
    layers = {layer.name: layer for layer in _layers(root, MapLayer()) if layer.name}
    layer = layers[pick_layer(service, layers)]
    reading = Reading(service, layer.name)
    _check(reading, layer, cell, choices)
    lattice = covering(service.bbox or layer.box or LAND_BOUNDS, cell)
    reading.check_size(lattice.rows * lattice.columns)
    is_drawn = _read(reading, client, lattice, _largest(root), on_page, is_old=is_old)
    if not is_drawn.any():
        raise reading.fail("wms_nothing", cell=f"{cell:g}")
    reading.note(f"a picture: attributes are lost, and edges are accurate to a cell ({cell:g} m)")
    grid = reading.grid(np.where(is_drawn, np.float32(1), np.float32(np.nan)), lattice, pyproj.CRS(RD))
    told = replace(grid, notes=("picture",), notes_nl=(text("grid_notes", "picture", cell=f"{cell:g}"),))
    return FetchedGrids(dict.fromkeys(choices, told), layer.name, reading.bytes, tuple(reading.notes))


def _read(
    reading: Reading, client: Client, lattice: Lattice, side: int, on_page: OnPage | None, *, is_old: bool
) -> NDArray[np.bool_]:
    """All tiles, joined."""
    is_drawn = np.zeros((lattice.rows, lattice.columns), dtype=bool)
    is_seen_through = False
    done = 0
    for rows, columns, tile in lattice.tiles(side):
        params = {
            "service": "WMS",
            "version": "1.1.1" if is_old else "1.3.0",
            "request": "GetMap",
            "layers": reading.layer,
            "styles": "",
            "srs" if is_old else "crs": RD,  # x before y in both versions
            "bbox": ",".join(f"{v:.12g}" for v in tile.box),
            "width": tile.columns,
            "height": tile.rows,
            "format": "image/png",
            "transparent": "TRUE",
        }
        reply = client.get(with_query(reading.service.url, params), headers=reading.service.headers)
        reading.bytes += len(reply.body)
        body = OLD_DOCTYPE.sub(b"", reply.body, count=1) if reply.body.lstrip().startswith(b"<") else reply.body
        found = _drawn(read_picture(reading, body, "PNG", tile))
        is_seen_through = is_seen_through or found is not None
        is_drawn[rows, columns] = True if found is None else found
        done += tile.rows * tile.columns
        if on_page is not None:
            on_page(done, lattice.rows * lattice.columns)
    if not is_seen_through:
        raise reading.fail("wms_opaque")
    return is_drawn


def _drawn(picture: Picture) -> NDArray[np.bool_] | None:
    """Where a picture is not wholly transparent; None when it cannot be transparent anywhere.

    The soft edge of an area counts, so an area may grow by a cell and does not shrink.
    """
    values = picture.values
    if picture.colours is not None:
        seen = np.zeros(65536, dtype=bool)
        for value, colour in picture.colours.items():
            seen[value] = colour[3] > 0
        return None if seen[list(picture.colours)].all() else seen[values[0]]
    if len(values) in (2, 4):
        is_there: NDArray[np.bool_] = values[-1].astype(bool)
        return is_there
    is_masked: NDArray[np.bool_] = np.logical_and.reduce(picture.masked)
    return ~is_masked if picture.masked.any() else None


# The index of the server -----------------------------------------------------------------


def _layers(element: ElementTree.Element, around: MapLayer) -> Iterator[MapLayer]:
    """All layers below an element, from the outside to the inside."""
    for child in element:
        if local(child.tag) == "Capability":
            yield from _layers(child, around)
        elif local(child.tag) == "Layer":
            layer = _layer(child, around)
            yield layer
            yield from _layers(child, replace(layer, name=""))


def _layer(element: ElementTree.Element, around: MapLayer) -> MapLayer:
    found = around
    for child in element:
        tag, words = local(child.tag), (child.text or "").strip()
        if tag == "Name":
            found = replace(found, name=words)
        elif tag in ("CRS", "SRS"):
            found = replace(found, crs=found.crs | {word.upper() for word in words.split()})
        elif tag == "MinScaleDenominator":
            found = replace(found, finest=_number(words, 0.0) * PIXEL_M)
        elif tag == "MaxScaleDenominator":
            found = replace(found, coarsest=_number(words, math.inf) * PIXEL_M)
        elif tag == "ScaleHint":  # version 1.1.1: diagonals of a pixel, in metres
            low, high = _number(child.get("min"), 0.0), _number(child.get("max"), math.inf)
            found = replace(found, finest=low / math.sqrt(2), coarsest=(high or math.inf) / math.sqrt(2))
        elif tag == "BoundingBox" and (child.get("CRS") or child.get("SRS") or "").upper() == RD:
            found = replace(
                found, box=_box([_number(child.get(n), math.nan) for n in ("minx", "miny", "maxx", "maxy")])
            )
    return found


def _box(numbers: list[float]) -> Box | None:
    """A box within the Netherlands: servers often give that of the whole world."""
    west, south = max(numbers[0], LAND_BOUNDS[0]), max(numbers[1], LAND_BOUNDS[1])
    east, north = min(numbers[2], LAND_BOUNDS[2]), min(numbers[3], LAND_BOUNDS[3])
    return (west, south, east, north) if west < east and south < north and not any(map(math.isnan, numbers)) else None


def _number(words: str | None, otherwise: float) -> float:
    is_number = words is not None and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*", words)
    return float(words or 0) if is_number else otherwise


def _check(reading: Reading, layer: MapLayer, cell: float, choices: Sequence[Wanted]) -> None:
    """Refuse what this map cannot give, before it is asked."""
    for choice in choices:
        if choice.select:
            raise reading.fail("service_axis_unknown", axis=plain(choice.select[0][0]), known="-")
        if choice.variable:
            raise reading.fail("service_variable_unknown", variable=choice.variable, known="-")
        if choice.band != 1:
            raise reading.fail("service_band", band=choice.band, count=1)
    if RD not in layer.crs:
        raise reading.fail("wms_crs", known=plain(", ".join(sorted(layer.crs))) or "-")
    if not layer.finest <= cell < layer.coarsest:
        coarsest = "∞" if math.isinf(layer.coarsest) else f"{layer.coarsest:g}"
        raise reading.fail("wms_scale", cell=f"{cell:g}", finest=f"{layer.finest:g}", coarsest=coarsest)


def _largest(root: ElementTree.Element) -> int:
    """Cells a side that the server draws at once, as far as it says."""
    limits = [number(e.text) for e in root.iter() if local(e.tag) in ("MaxWidth", "MaxHeight")]
    return min([TILE, *(limit for limit in limits if limit)])
