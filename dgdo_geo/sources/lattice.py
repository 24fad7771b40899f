"""Cells of a grid that a service sends: which ones are wanted, in which pieces to ask, and the pieces joined."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray

from dgdo_geo.errors import DataError
from dgdo_geo.sources.grid_texts import MAX_CELLS
from dgdo_geo.sources.grids import SAFE, GridFile
from dgdo_geo.sources.http import shown
from dgdo_geo.sources.ogc_api import refuse_exception
from dgdo_geo.sources.service_types import Service
from dgdo_geo.sources.services import RD, plain

Box = tuple[float, float, float, float]

NEAR = 1e-6
"""Part of a cell within which two places are the same: services write coordinates as text."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Square cells in rows and columns; row 0 in the north.

    Attributes
    ----------
    west, north : float
        North-west corner of the north-west cell, in the unit of the CRS.
    cell : float
        Width and height of a cell.
    rows, columns : int
    """

    west: float
    north: float
    cell: float
    rows: int
    columns: int

    @property
    def box(self) -> Box:
        """West, south, east, north of the outer edges."""
        return self.west, self.north - self.rows * self.cell, self.west + self.columns * self.cell, self.north

    def part(self, row: int, column: int, rows: int, columns: int) -> Lattice:
        """Some of the cells."""
        return Lattice(self.west + column * self.cell, self.north - row * self.cell, self.cell, rows, columns)

    def touching(self, box: Box) -> tuple[slice, slice] | None:
        """Rows and columns of the cells that a box covers, also those it covers in part; None when there are none.

        >>> Lattice(0, 100, 10, 10, 10).touching((15, 70, 30, 200))
        (slice(0, 3, None), slice(1, 3, None))
        """
        first = max(0, math.floor((box[0] - self.west) / self.cell + NEAR))
        last = min(self.columns, math.ceil((box[2] - self.west) / self.cell - NEAR))
        top = max(0, math.floor((self.north - box[3]) / self.cell + NEAR))
        bottom = min(self.rows, math.ceil((self.north - box[1]) / self.cell - NEAR))
        return (slice(top, bottom), slice(first, last)) if first < last and top < bottom else None

    def window(self, box: Box) -> Lattice | None:
        """The cells that a box covers, also in part."""
        found = self.touching(box)
        if found is None:
            return None
        rows, columns = found
        return self.part(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)

    def tiles(self, side: int) -> Iterator[tuple[slice, slice, Lattice]]:
        """Pieces of at most ``side`` cells a side: rows, columns, and the piece."""
        for top in range(0, self.rows, side):
            for left in range(0, self.columns, side):
                rows, columns = min(side, self.rows - top), min(side, self.columns - left)
                yield slice(top, top + rows), slice(left, left + columns), self.part(top, left, rows, columns)


def covering(box: Box, cell: float) -> Lattice:
    """Cells whose edges are multiples of their size, around a box: the same ones for every box that overlaps it.

    >>> covering((5, 12, 31, 20), 10)
    Lattice(west=0, north=20, cell=10, rows=1, columns=4)
    """
    left, right = math.floor(box[0] / cell + NEAR), math.ceil(box[2] / cell - NEAR)
    low, high = math.floor(box[1] / cell + NEAR), math.ceil(box[3] / cell - NEAR)
    return Lattice(left * cell, high * cell, cell, high - low, right - left)


class Reading:
    """What all readers of grids share: the size that is allowed, errors that name the layer, and the last checks."""

    def __init__(self, service: Service, layer: str) -> None:
        self.service, self.layer = service, layer
        self.bytes = 0
        self.notes: list[str] = []

    def fail(self, key: str, **values: object) -> DataError:
        """An error that names the service and the layer."""
        return DataError(key, service=shown(self.service.url), layer=plain(self.layer), **values)

    def note(self, text: str) -> None:
        """Something for the log, once."""
        if text not in self.notes:
            self.notes.append(text)

    def projected(self, crs: pyproj.CRS) -> pyproj.CRS:
        """Refuse a CRS whose cells are no squares on the ground."""
        if not crs.is_projected:
            raise self.fail("service_grid_degrees", crs=plain(crs.name))
        return crs

    def wanted(self, lattice: Lattice, crs: pyproj.CRS) -> Lattice:
        """The cells to ask for: those that the box of the declaration covers, also in part.

        Raises
        ------
        DataError
            If the box lies elsewhere.
        """
        box = self.service.bbox
        found = lattice if box is None else lattice.window(box_between(box, pyproj.CRS(RD), crs))
        if found is None:
            extent = ", ".join(f"{v:.0f}" for v in box_between(lattice.box, crs, pyproj.CRS(RD)))
            raise self.fail("service_grid_outside", extent=extent)
        return found

    def check_size(self, cells: int) -> None:
        """Refuse more cells than fit the memory."""
        if cells > MAX_CELLS:
            raise self.fail("service_grid_large", cells=cells, max=MAX_CELLS)

    def grid(self, values: NDArray[np.floating], lattice: Lattice, crs: pyproj.CRS) -> GridFile:
        """The values as a grid, when there is something in them."""
        if np.isinf(values).any():
            raise self.fail("service_grid_infinite")
        if np.isnan(values).all():
            raise self.fail("service_grid_empty")
        return GridFile(values, float(lattice.west), float(lattice.north), float(lattice.cell), short_name(crs))


def box_between(box: Box, crs: pyproj.CRS, other: pyproj.CRS) -> Box:
    """The box in another CRS around a box: its edges are curved there, so it becomes larger."""
    if crs == other:
        return box
    transformer = pyproj.Transformer.from_crs(crs, other, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*box, densify_pts=51)
    return west, south, east, north


def short_name(crs: pyproj.CRS) -> str:
    """A CRS by its number when it has one, else in full.

    >>> short_name(pyproj.CRS(28992))
    'EPSG:28992'
    """
    code = crs.to_epsg()
    return crs.to_string() if code is None else f"EPSG:{code}"


def floats(values: NDArray[np.generic]) -> NDArray[np.floating]:
    """Room for NaN: float32 stays, all else becomes float64."""
    return values.astype(np.float32 if values.dtype == np.float32 else np.float64)


# Pictures --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picture:
    """What an image file holds.

    Attributes
    ----------
    values : numpy.ndarray, shape (bands, rows, columns)
        As they stand in the file.
    masked : numpy.ndarray of bool, same shape
        Where the file says that there are no data.
    scales, offsets : tuple of float
        Of each band.
    transform : tuple of six floats
        Width, shear, west, shear, minus height, north; see ``rasterio.Affine``.
    crs : pyproj.CRS or None
    colours : mapping of value -> red, green, blue, alpha, or None
        Of the first band.
    """

    values: NDArray[np.generic]
    masked: NDArray[np.bool_]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    transform: tuple[float, ...]
    crs: pyproj.CRS | None
    colours: dict[int, tuple[int, int, int, int]] | None


STARTS = {"GTiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "PNG": (b"\x89PNG\r\n\x1a\n",)}
KINDS = {"GTiff": "GeoTIFF", "PNG": "PNG"}


def read_picture(reading: Reading, body: bytes, driver: str, asked: Lattice) -> Picture:
    """An answer as an image of the size that was asked.

    Parameters
    ----------
    driver : {"GTiff", "PNG"}
        The only one that may open it.

    Raises
    ------
    DataError
        If it is an exception report, something else, broken, or of another size.
    """
    if not body.startswith(STARTS[driver]):
        if body.lstrip().startswith(b"<"):
            refuse_exception(reading.service, body, KINDS[driver])
        found = plain(body[:100].decode("utf-8", "replace"))
        raise DataError("service_answer", service=shown(reading.service.url), expected=KINDS[driver], found=found)
    try:
        with (
            warnings.catch_warnings(),
            rasterio.Env(**SAFE),
            rasterio.MemoryFile(body) as memory,
            _opened(memory, driver) as file,
        ):
            # Before anything is read: a small file can say that it is very large.
            if (file.height, file.width) != (asked.rows, asked.columns):
                got = f"{file.width} × {file.height}"
                raise reading.fail("service_grid_other", asked=f"{asked.columns} × {asked.rows}", got=got)
            reading.check_size(file.count * file.height * file.width)
            read = file.read(masked=True)
            return Picture(
                values=read.data,
                masked=np.ma.getmaskarray(read),
                scales=file.scales,
                offsets=file.offsets,
                transform=tuple(file.transform)[:6],
                crs=pyproj.CRS.from_user_input(file.crs) if file.crs else None,
                colours=file.colormap(1) if file.colorinterp[0] == rasterio.enums.ColorInterp.palette else None,
            )
    except (rasterio.errors.RasterioError, rasterio.errors.CRSError, pyproj.exceptions.CRSError) as error:
        raise reading.fail("service_grid_broken", reason=plain(str(error))) from error


def _opened(memory: rasterio.MemoryFile, driver: str) -> rasterio.DatasetReader:
    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # a PNG never says where it lies
    return memory.open(driver=driver)
