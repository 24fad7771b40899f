"""WCS 2.0.1: a coverage as GeoTIFF, in tiles, in its own coordinate system.

The method is that of the standard (OGC 09-110r4 and 12-100r1, with the scaling
extension 12-039). Servers cap the size of an answer, so tiles of at most
``TILE`` cells are asked and joined; nlmod does the same for the AHN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree

import numpy as np
import pyproj
from numpy.typing import NDArray

from dgdo_geo.sources.http import Client, Reply
from dgdo_geo.sources.lattice import NEAR, Lattice, Picture, Reading, floats, read_picture
from dgdo_geo.sources.ogc_api import local, parse_crs, read_xml, refuse_exception
from dgdo_geo.sources.service_types import FetchedGrids, OnPage, Service, Wanted
from dgdo_geo.sources.services import Pages, pick_layer, plain, with_query

TILE = 2000
EASTWARD = re.compile(r"(x|e|east.*|lon.*|x\(e\))$", re.IGNORECASE)
NORTHWARD = re.compile(r"(y|n|north.*|lat.*|y\(n\))$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a server says about a coverage.

    Attributes
    ----------
    lattice : Lattice
        Its own cells.
    crs : pyproj.CRS
    x, y : str
        Labels of the axes, as they are asked for.
    fields : tuple of str
        Names of the bands.
    nil : tuple of tuple of float
        Values of each band that mean that there is none.
    """

    lattice: Lattice
    crs: pyproj.CRS
    x: str
    y: str
    fields: tuple[str, ...]
    nil: tuple[tuple[float, ...], ...]


def fetch(service: Service, client: Client, choices: Sequence[Wanted], on_page: OnPage | None = None) -> FetchedGrids:
    """Read bands of a coverage.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_source`.
    """
    root = _xml(service, client, "WCS_Capabilities|Capabilities", {"request": "GetCapabilities"})
    names = [t for e in root.iter() if local(e.tag) == "CoverageSummary" and (t := _text(e, "CoverageId"))]
    reading = Reading(service, pick_layer(service, names))
    params = {"request": "DescribeCoverage", "coverageId": reading.layer}
    described = _xml(service, client, "CoverageDescriptions", params)
    coverage = read_description(reading, described)
    bands = {choice: _band(reading, coverage, choice) for choice in choices}
    lattice = reading.wanted(coverage.lattice, coverage.crs)
    if service.cell_m is not None:
        lattice = _resampled(reading, coverage, lattice, service.cell_m / _metres(coverage.crs))
    wanted = sorted(set(bands.values()))
    reading.check_size(lattice.rows * lattice.columns * len(wanted))
    form = _format([e.text or "" for e in root.iter() if local(e.tag) == "formatSupported"])
    planes = _read(_Questions(reading, client, coverage, form), lattice, wanted, on_page)
    grids = {choice: reading.grid(planes[band], lattice, coverage.crs) for choice, band in bands.items()}
    return FetchedGrids(grids, reading.layer, reading.bytes, tuple(reading.notes))


@dataclass(frozen=True, slots=True)
class _Questions:
    """Asks for pieces of one coverage."""

    reading: Reading
    client: Client
    coverage: Coverage
    form: str

    def tile(self, tile: Lattice) -> Picture:
        """The cells of a tile."""
        reading, coverage = self.reading, self.coverage
        west, south, east, north = tile.box
        subset = f"{coverage.x}({west:.12g},{east:.12g})", f"{coverage.y}({south:.12g},{north:.12g})"
        params = {"request": "GetCoverage", "coverageId": reading.layer, "format": self.form}
        if reading.service.cell_m is not None:
            params["scaleSize"] = f"{coverage.x}({tile.columns}),{coverage.y}({tile.rows})"
        reply = _get(reading.service, self.client, params, subset)
        reading.bytes += len(reply.body)
        picture = read_picture(reading, reply.body, "GTiff", tile)
        _check_place(reading, coverage, picture, tile)
        return picture


def _read(
    questions: _Questions, lattice: Lattice, bands: Sequence[int], on_page: OnPage | None
) -> dict[int, NDArray[np.floating]]:
    """All tiles of some bands, joined; NaN where a cell sticks out of the coverage."""
    coverage = questions.coverage
    _, south, east, _ = coverage.lattice.box
    rows, columns = ((lattice.north - south) / lattice.cell + NEAR, (east - lattice.west) / lattice.cell + NEAR)
    inside = lattice.part(0, 0, min(lattice.rows, math.floor(rows)), min(lattice.columns, math.floor(columns)))
    planes: dict[int, NDArray[np.floating]] = {}
    done = 0
    for tile_rows, tile_columns, tile in inside.tiles(TILE):
        picture = questions.tile(tile)
        for band in bands:
            values = _values(picture, band, coverage.nil[band])
            if band not in planes:
                planes[band] = np.full((lattice.rows, lattice.columns), np.nan, values.dtype)
            planes[band][tile_rows, tile_columns] = values
        done += tile.rows * tile.columns
        if on_page is not None:
            on_page(done, inside.rows * inside.columns)
    return planes


def _values(picture: Picture, band: int, nil: tuple[float, ...]) -> NDArray[np.floating]:
    stored = picture.values[band]
    values = floats(stored)
    if (picture.scales[band], picture.offsets[band]) != (1.0, 0.0):
        values = values * values.dtype.type(picture.scales[band]) + values.dtype.type(picture.offsets[band])
    values[picture.masked[band]] = np.nan
    for value in nil:
        values[stored == value] = np.nan
    return values


# Questions -------------------------------------------------------------------------------


def _get(service: Service, client: Client, params: Mapping[str, object], subset: Sequence[str] = ()) -> Reply:
    url = with_query(service.url, {"service": "WCS", "version": "2.0.1", **params})
    axes = urlencode([("subset", axis) for axis in subset], safe="(),")  # one name for every axis
    return client.get(f"{url}&{axes}" if axes else url, headers=service.headers)


def _xml(service: Service, client: Client, expected: str, params: Mapping[str, object]) -> ElementTree.Element:
    reply = _get(service, client, params)
    root = read_xml(service, reply.body)
    if not re.fullmatch(expected, local(root.tag)):
        refuse_exception(service, reply.body, expected.split("|")[0])
    return root


def _format(offered: list[str]) -> str:
    """The word for GeoTIFF: most servers say ``image/tiff``, some only ``GeoTIFF``."""
    found = [word.strip() for word in offered if "tif" in word.casefold()]
    return found[0] if found and "image/tiff" not in found else "image/tiff"


def _resampled(reading: Reading, coverage: Coverage, lattice: Lattice, cell: float) -> Lattice:
    """Cells of another size over the same area, from its north-west corner."""
    west, south, east, north = lattice.box
    columns, rows = (math.ceil((b - a) / cell - NEAR) for a, b in ((west, east), (south, north)))
    found = Lattice(west, north, cell, rows, columns)
    own = coverage.lattice
    if cell > min(own.box[2] - west, north - own.box[1]) + NEAR * cell:
        raise reading.fail("service_grid_cell", cell=f"{cell:g}", own=f"{own.cell:g}")
    reading.note(f"the server resampled cells of {own.cell:g} to {cell:g} (units of the CRS), by its own method")
    if found.box[2] > own.box[2] + NEAR * cell or found.box[1] < own.box[1] - NEAR * cell:
        reading.note("cells that stick out of the coverage in the east or the south have no value")
    return found


def _metres(crs: pyproj.CRS) -> float:
    return crs.axis_info[0].unit_conversion_factor


def _band(reading: Reading, coverage: Coverage, choice: Wanted) -> int:
    """Index of the band of a choice."""
    if choice.select:
        raise reading.fail("service_axis_unknown", axis=plain(choice.select[0][0]), known="-")
    if choice.variable:
        if choice.variable not in coverage.fields:
            known = plain(", ".join(coverage.fields))
            raise reading.fail("service_variable_unknown", variable=choice.variable, known=known)
        return coverage.fields.index(choice.variable)
    if choice.band > len(coverage.fields):
        raise reading.fail("service_band", band=choice.band, count=len(coverage.fields))
    return choice.band - 1


# Answers ---------------------------------------------------------------------------------


def read_description(reading: Reading, root: ElementTree.Element) -> Coverage:
    """The cells, the axes and the bands of a coverage.

    Raises
    ------
    DataError
        If it is no grid of squares along the axes of a projected CRS.
    """
    envelope = next(_all(root, "Envelope", "EnvelopeWithTimePeriod"), None)
    grid = next(_all(root, "RectifiedGrid"), None)
    if envelope is None or grid is None:
        raise reading.fail("service_grid_irregular", found=_kind(root))
    crs = parse_crs(Pages(reading.service, reading.layer, None), envelope.get("srsName", ""))
    reading.projected(crs)
    labels = (envelope.get("axisLabels") or _text(grid, "axisLabels")).split()
    corners = np.array([_numbers(_text(envelope, name)) for name in ("lowerCorner", "upperCorner")], dtype=object)
    vectors = [_numbers(e.text or "") for e in _all(grid, "offsetVector")]
    sizes = [b - a + 1 for a, b in zip(*(_numbers(_text(grid, n, deep=True)) for n in ("low", "high")), strict=False)]
    if corners.shape != (2, 2) or len(labels) != 2 or len(sizes) != 2 or [len(v) for v in vectors] != [2, 2]:
        raise reading.fail("service_grid_irregular", found=f"{len(labels)} axes: {plain(' '.join(labels))}")
    east = _eastward(labels, crs)
    lattice = _lattice(reading, corners.astype(float), vectors, sizes, east)
    fields = list(_all(root, "field"))
    return Coverage(
        lattice=lattice,
        crs=crs,
        x=labels[east],
        y=labels[1 - east],
        fields=tuple(f.get("name", "") for f in fields) or ("",),
        nil=tuple(_nil(f) for f in fields) or ((),),
    )


def _eastward(labels: list[str], crs: pyproj.CRS) -> int:
    """Which of the two axes grows to the east: by its label, else by the definition of the CRS."""
    for i in (0, 1):
        if EASTWARD.match(labels[i]) and NORTHWARD.match(labels[1 - i]):
            return i
    return 0 if crs.axis_info[0].direction == "east" else 1


def _lattice(
    reading: Reading, corners: NDArray[np.float64], vectors: list[list[float]], sizes: list[float], east: int
) -> Lattice:
    """Cells from the envelope, checked against the vectors between cell centres."""
    along = [0 if abs(v[0]) > abs(v[1]) else 1 for v in vectors]
    if sorted(along) != [0, 1] or any(abs(v[1 - a]) > NEAR * abs(v[a]) for v, a in zip(vectors, along, strict=True)):
        raise reading.fail("service_grid_irregular", found=f"vectors {vectors}")
    step, count = [0.0, 0.0], [0, 0]
    for vector, axis, size in zip(vectors, along, sizes, strict=True):
        step[axis], count[axis] = abs(vector[axis]), int(size)
    cell = step[east]
    if abs(step[0] - step[1]) > NEAR * cell or min(step) <= 0 or min(count) < 1:
        raise reading.fail("service_grid_irregular", found=f"{step[east]:g} × {step[1 - east]:g}")
    low, high = corners.copy()
    if not np.isfinite([*low, *high, *step]).all():
        raise reading.fail("service_grid_irregular", found="infinite numbers")
    for axis in (0, 1):
        excess = (high[axis] - low[axis]) / step[axis] - count[axis]
        # Outer edges, or (some servers) the centres of the outer cells.
        if abs(excess + 1) < 1e-3:
            low[axis], high[axis] = low[axis] - step[axis] / 2, high[axis] + step[axis] / 2
        elif abs(excess) > 1e-3:
            raise reading.fail("service_grid_irregular", found=f"{count[axis]} × {step[axis]:g}, {excess:+g}")
    return Lattice(low[east], high[1 - east], cell, count[1 - east], count[east])


def _check_place(reading: Reading, coverage: Coverage, picture: Picture, tile: Lattice) -> None:
    """Refuse a tile that lies elsewhere than asked, or in another CRS; a picture of the right size could."""
    if len(picture.values) != len(coverage.fields):
        raise reading.fail("service_grid_other", asked=f"{len(coverage.fields)} bands", got=f"{len(picture.values)}")
    found, asked = picture.transform, (tile.cell, 0.0, tile.west, 0.0, -tile.cell, tile.north)
    if any(abs(a - b) > 0.01 * tile.cell for a, b in zip(found, asked, strict=True)):
        got = ", ".join(f"{v:.10g}" for v in found)
        raise reading.fail("service_grid_other", asked=", ".join(f"{v:.10g}" for v in asked), got=got)
    if picture.crs is None or not picture.crs.equals(coverage.crs, ignore_axis_order=True):
        if picture.crs is not None and picture.crs.to_epsg() == coverage.crs.to_epsg() is not None:
            return
        got = "-" if picture.crs is None else plain(picture.crs.to_string())
        raise reading.fail("service_crs_changed", first=coverage.crs.to_string(), later=got)


def _all(root: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    return (e for e in root.iter() if local(e.tag) in names)


def _text(element: ElementTree.Element, name: str, *, deep: bool = False) -> str:
    inside = element.iter() if deep else iter(element)
    return next(((e.text or "").strip() for e in inside if local(e.tag) == name), "")


def _numbers(text: str) -> list[float]:
    """Numbers of a list; none at all when one of them is no number."""
    words = text.split()
    return (
        [float(w) for w in words]
        if all(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", w) for w in words)
        else []
    )


def _nil(field: ElementTree.Element) -> tuple[float, ...]:
    values = (e.text or "" for e in field.iter() if local(e.tag) == "nilValue")
    return tuple(v for text in values for v in _numbers(text))


def _kind(root: ElementTree.Element) -> str:
    return plain(next((e.text or "" for e in _all(root, "CoverageSubtype")), "-"))
