"""Rasters: reading them, cutting their values into classes, and the classes as planes or outlines.

A cell belongs to the class of its value, whole. A place on the edge of two
cells belongs to the one east or north of it: cells are closed in the west and
south, open in the east and north.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.features
import shapely
import shapely.geometry
from numpy.typing import NDArray
from rasterio import Affine

from dgdo_geo.model import RD_NEW
from dgdo_geo.overlay.encode import RasterPlane

SQUARE = 1e-9
"""Largest difference between width and height of a cell, relative, of a cell that counts as square."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells, row 0 in the north.

    Attributes
    ----------
    west_m, north_m : float
        North-west corner, EPSG:28992.
    cell_m : float
        Width and height of a cell in metres.
    rows, columns : int
    """

    west_m: float
    north_m: float
    cell_m: float
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not np.isfinite([self.west_m, self.north_m, self.cell_m]).all() or self.cell_m <= 0:
            raise ValueError(f"a grid needs finite coordinates and a positive cell size, got {self}")
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"a grid needs at least one row and one column, got {self}")

    @classmethod
    def covering(cls, west_m: float, south_m: float, east_m: float, north_m: float, cell_m: float) -> Grid:
        """The smallest grid over a rectangle whose cell edges are whole multiples of the cell size.

        >>> Grid.covering(90, 110, 260, 300, 100)
        Grid(west_m=0.0, north_m=300.0, cell_m=100.0, rows=2, columns=3)
        """
        if not (west_m < east_m and south_m < north_m and cell_m > 0):
            raise ValueError(f"no rectangle or cell: {west_m}, {south_m}, {east_m}, {north_m}, cell {cell_m}")
        west, south = np.floor(np.array([west_m, south_m]) / cell_m)
        east, north = np.ceil(np.array([east_m, north_m]) / cell_m)
        corner = (float(west * cell_m), float(north * cell_m))
        return cls(*corner, float(cell_m), int(north - south), int(east - west))

    @classmethod
    def of(cls, transform: Affine, rows: int, columns: int) -> Grid:
        """The grid of a raster.

        Parameters
        ----------
        transform : affine.Affine
            From column and row to EPSG:28992, as rasterio gives it.

        Raises
        ------
        ValueError
            If the raster is rotated, does not have north up, or its cells are not square.
        """
        if transform.b != 0 or transform.d != 0:
            raise ValueError(f"the raster is rotated: {tuple(transform)[:6]}")
        if not (transform.a > 0 > transform.e):
            raise ValueError(
                f"row 0 of the raster is not in the north, or column 0 not in the west: {transform.a}, {transform.e}"
            )
        if abs(transform.a + transform.e) > SQUARE * transform.a:
            raise ValueError(f"the cells are not square: {transform.a} by {-transform.e} m")
        return cls(float(transform.c), float(transform.f), float(transform.a), rows, columns)

    def x_m(self) -> NDArray[np.float64]:
        """Eastings of the centres of the columns, shape (columns,)."""
        return np.asarray(self.west_m + (np.arange(self.columns) + 0.5) * self.cell_m, np.float64)

    def y_m(self) -> NDArray[np.float64]:
        """Northings of the centres of the rows, shape (rows,)."""
        return np.asarray(self.north_m - (np.arange(self.rows) + 0.5) * self.cell_m, np.float64)

    def column_of(self, x_m: NDArray[np.float64]) -> NDArray[np.intp]:
        """Column of eastings; -1 outside. A western edge belongs to its cell."""
        edges = self.west_m + np.arange(self.columns + 1) * self.cell_m
        found = np.searchsorted(edges, x_m, side="right") - 1
        return np.where(found < self.columns, found, -1)

    def row_of(self, y_m: NDArray[np.float64]) -> NDArray[np.intp]:
        """Row of northings; -1 outside. A southern edge belongs to its cell."""
        edges = self.north_m - np.arange(self.rows + 1) * self.cell_m
        found = np.searchsorted(-edges, -np.asarray(y_m), side="left") - 1
        return np.where(found < self.rows, found, -1)


@dataclass(frozen=True, slots=True)
class Raster:
    """One band of a raster.

    Attributes
    ----------
    values : numpy.ndarray of float32 or float64, shape (rows, columns)
        NaN where there are no data.
    grid : Grid
    """

    values: NDArray[np.floating]
    grid: Grid


def read_raster(path: Path, band: int = 1) -> Raster:
    """Read one band of a GeoTIFF.

    Parameters
    ----------
    path : Path
        EPSG:28992, north up, square cells.
    band : int
        Counted from 1.

    Returns
    -------
    Raster
        With the scale and offset of the band applied. Whole numbers become float64;
        float32 stays what it is, so that a value equals a threshold written the same way.

    Raises
    ------
    ValueError
        If the file cannot be read, has no such band, is in another coordinate
        system, is rotated, has cells that are not square, or holds an infinite value.
    """
    try:
        with rasterio.open(path) as file:
            if not 1 <= band <= file.count:
                raise ValueError(f"{path.name} has {file.count} band(s), asked for band {band}")
            epsg = file.crs.to_epsg() if file.crs else None
            if epsg != RD_NEW:
                raise ValueError(f"{path.name} must be in EPSG:{RD_NEW}, is in {file.crs or 'no known system'}")
            grid = Grid.of(file.transform, file.height, file.width)
            read = file.read(band, masked=True)
            scale, offset = file.scales[band - 1], file.offsets[band - 1]
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    values = read.data.astype(np.float32 if read.dtype == np.float32 else np.float64)
    if (scale, offset) != (1.0, 0.0):
        values = values * values.dtype.type(scale) + values.dtype.type(offset)
    values[np.ma.getmaskarray(read)] = np.nan
    if np.isinf(values).any():
        raise ValueError(f"{path.name} holds infinite values; declare them as no data")
    return Raster(values, grid)


def classify(values: NDArray[np.floating], thresholds: Sequence[float]) -> NDArray[np.int16]:
    """Cut a continuous raster into classes.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (rows, columns)
        NaN where there are no data.
    thresholds : sequence of float, length t
        Rising. A value on a threshold belongs to the class above it.

    Returns
    -------
    numpy.ndarray of int16, shape (rows, columns)
        The number of thresholds at or below the value, 0 to t; t + 1 where there are no data.

    Raises
    ------
    ValueError
        If the thresholds do not rise, or a value or threshold is infinite.

    Examples
    --------
    >>> classify(np.array([[1.0, 5.0, 7.5, np.nan]]), [5, 10]).tolist()
    [[0, 1, 1, 3]]
    """
    # In the precision of the raster: 0.7 in a file of float32 is at the threshold 0.7, not below it.
    limits = np.asarray(thresholds, values.dtype)
    if not np.isfinite(limits).all() or not (np.diff(limits) > 0).all():
        raise ValueError(f"thresholds must be finite and rise, got {list(thresholds)}")
    if np.isinf(values).any():
        raise ValueError("the raster holds infinite values; make them NaN where they mean no data")
    codes = np.searchsorted(limits, values, side="right").astype(np.int16)
    codes[np.isnan(values)] = len(limits) + 1
    return codes


def recode(values: NDArray[np.floating], classes: Sequence[float]) -> NDArray[np.int16]:
    """Number the classes of a raster that holds class numbers.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (rows, columns)
        NaN where there are no data.
    classes : sequence of float, length c
        The values that can occur.

    Returns
    -------
    numpy.ndarray of int16, shape (rows, columns)
        Position in ``classes``; c where there are no data.

    Raises
    ------
    ValueError
        If a class stands twice, or the raster holds another value.

    Examples
    --------
    >>> recode(np.array([[20.0, 10.0, np.nan]]), [10, 20]).tolist()
    [[1, 0, 2]]
    """
    known = np.asarray(classes, values.dtype)
    order = np.argsort(known)
    if len(np.unique(known)) != len(known) or np.isnan(known).any():
        raise ValueError(f"classes must be different numbers, got {list(classes)}")
    codes = np.full(values.shape, len(known), np.int16)
    is_there = ~np.isnan(values)
    place = np.searchsorted(known[order], values[is_there])
    is_known = place < len(known)
    is_known[is_known] = known[order][place[is_known]] == values[is_there][is_known]
    if not is_known.all():
        raise ValueError(f"values without a class: {np.unique(values[is_there][~is_known])[:5].tolist()}")
    codes[is_there] = order[place]
    return codes


def as_plane(codes: NDArray[np.int16], grid: Grid, code_keys: Sequence[int], outside_key: int = -1) -> RasterPlane:
    """A plane of classes for the overlay.

    Parameters
    ----------
    codes : numpy.ndarray of int16, shape (rows, columns)
        From :func:`classify` or :func:`recode`.
    code_keys : sequence of int
        Evidence key of every code, that of "no data" last.
    outside_key : int
        Evidence key of a place outside the raster; -1 when there is none.

    Raises
    ------
    ValueError
        If the codes do not fit the grid, or a code has no key.
    """
    if codes.shape != (grid.rows, grid.columns):
        raise ValueError(f"codes of shape {codes.shape} on a grid of {grid.rows} rows and {grid.columns} columns")
    if codes.min() < 0 or codes.max() >= len(code_keys):
        raise ValueError(f"codes {codes.min()} to {codes.max()} with {len(code_keys)} keys")
    keys = tuple(int(key) for key in code_keys)
    return RasterPlane(codes.astype(np.int16), keys, int(outside_key), grid.west_m, grid.north_m, grid.cell_m)


def grid_of(plane: RasterPlane) -> Grid:
    """The cells of a raster plane."""
    return Grid(plane.west_m, plane.north_m, plane.cell_m, *plane.codes.shape)


def keys_at(plane: RasterPlane, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Evidence key of a raster at every crossing of eastings and northings.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray of float64, shape (c,) and (r,)
        EPSG:28992.

    Returns
    -------
    numpy.ndarray of int64, shape (r, c)
        -1 for none.
    """
    grid = grid_of(plane)
    row, column = grid.row_of(y_m), grid.column_of(x_m)
    keys = np.array(plane.code_keys, np.int64)[plane.codes[np.ix_(row, column)]]
    keys[row < 0], keys[:, column < 0] = plane.outside_key, plane.outside_key
    return keys


def as_polygons(plane: RasterPlane) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Outlines of the classes of a raster, along the exact edges of its cells.

    For a raster whose cells do not fit those of the others, and to check the
    engines that work on cells. The place outside the raster has no outline.

    Returns
    -------
    polygons : numpy.ndarray of shapely polygons, shape (p,)
        EPSG:28992. Cells that touch in a corner only are two polygons.
    key : numpy.ndarray of int, shape (p,)
        Evidence key of every polygon. Cells without a key are left out.
    """
    keys = np.array(plane.code_keys, np.int32)[plane.codes]
    transform = Affine(plane.cell_m, 0, plane.west_m, 0, -plane.cell_m, plane.north_m)
    found = list(rasterio.features.shapes(keys, mask=keys >= 0, connectivity=4, transform=transform))
    polygons = np.array([shapely.geometry.shape(shape) for shape, _ in found], object)
    return polygons, np.array([value for _, value in found], np.intp)
