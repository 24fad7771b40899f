"""Zonal statistics: what a continuous raster says about each region, weighted by area.

The share of every cell that lies in a region is computed once and kept as a
sparse matrix of regions by cells; each further raster on the same grid is then
a product with that matrix. The shares come from exactextract, which holds them in single precision:
an area is right to about one part in ten million.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import scipy.sparse
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from dgdo_geo.overlay.raster import RD_NEW, Grid

__all__ = ["Grid", "ZonalStatistics", "ZonalWeights", "load", "save", "statistics", "weights"]

FORMAT = 1
"""Format of stored weights; another one is made anew."""
REACHED = 1e-6
"""Part of the area by which a percentile may fall short and still count as reached: the weights are no more exact."""


@dataclass(frozen=True, slots=True)
class ZonalWeights:
    """How much of every cell lies in every region.

    Attributes
    ----------
    grid : Grid
    matrix : scipy.sparse.csr_matrix of float64, shape (regions, rows * columns)
        Square metres of a cell, counted along the rows, that lie in a region.
    area_m2 : numpy.ndarray of float64, shape (regions,)
        Area of every region, also outside the grid.
    made_of : str
        Hash of the regions and the grid.
    """

    grid: Grid
    matrix: scipy.sparse.csr_matrix
    area_m2: NDArray[np.float64]
    made_of: str


@dataclass(frozen=True, slots=True)
class ZonalStatistics:
    """Statistics of one raster per region; NaN where a region has no data at all.

    Attributes
    ----------
    mean : numpy.ndarray of float64, shape (regions,)
        Weighted by area.
    percents : tuple of float, length p
    percentiles : numpy.ndarray of float64, shape (regions, p)
        See :func:`statistics`.
    minimum, maximum : numpy.ndarray of float64, shape (regions,)
        Of all cells with data that a region touches, however little.
    covered_m2 : numpy.ndarray of float64, shape (regions,)
        Area of the region with data.
    covered_share : numpy.ndarray of float64, shape (regions,)
        Part of the region with data, 0 to 1. The rest is no data or lies outside the grid.
    """

    mean: NDArray[np.float64]
    percents: tuple[float, ...]
    percentiles: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    covered_m2: NDArray[np.float64]
    covered_share: NDArray[np.float64]


def weights(regions: Sequence[shapely.Geometry], grid: Grid) -> ZonalWeights:
    """Compute how much of every cell lies in every region.

    Parameters
    ----------
    regions : sequence of shapely polygons and multipolygons
        EPSG:28992, valid. They may overlap, and lie partly or wholly outside the grid.
    grid : Grid

    Returns
    -------
    ZonalWeights

    Raises
    ------
    ValueError
        If a region is missing, empty, invalid, not a polygon, or has a coordinate that is not finite.
    """
    geometry = np.asarray(regions, object)
    _check_regions(geometry)
    cells = grid.rows * grid.columns
    frame = gpd.GeoDataFrame(geometry=geometry, crs=RD_NEW)
    # Without values: from a real raster exactextract leaves out the cells without data,
    # and these weights would be wrong for every other raster.
    everywhere = NumPyRasterSource(
        np.broadcast_to(np.ones(1, np.uint8), (grid.rows, grid.columns)),
        xmin=grid.west_m,
        ymin=grid.north_m - grid.rows * grid.cell_m,
        xmax=grid.west_m + grid.columns * grid.cell_m,
        ymax=grid.north_m,
        srs_wkt=frame.crs.to_wkt(),
    )
    found = exact_extract(everywhere, frame, ["cell_id", "coverage"], output="pandas") if len(frame) else None
    cell_ids = [] if found is None else list(found["cell_id"])
    shares = [] if found is None else list(found["coverage"])
    start = np.concatenate([[0], np.cumsum([len(ids) for ids in cell_ids])]).astype(np.int64)
    index = np.concatenate([np.empty(0, np.int64), *cell_ids]).astype(np.int32 if cells < 2**31 else np.int64)
    area = np.concatenate([np.empty(0), *shares]) * grid.cell_m**2
    matrix = scipy.sparse.csr_matrix((area, index, start), shape=(len(geometry), cells))
    return ZonalWeights(grid, matrix, shapely.area(geometry), _hash(geometry, grid))


def _check_regions(geometry: NDArray[np.object_]) -> None:
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    problems = {
        "missing": shapely.is_missing(geometry),
        "empty": shapely.is_empty(geometry),
        "not a polygon": ~np.isin(shapely.get_type_id(geometry), kinds),
        "with a coordinate that is not finite": ~np.isfinite(shapely.bounds(geometry).reshape(-1, 4)).all(axis=1),
        "invalid": ~shapely.is_valid(geometry),
    }
    for problem, is_so in problems.items():
        if is_so.any():
            raise ValueError(f"regions {problem}: positions {np.flatnonzero(is_so)[:5].tolist()}")


def _hash(geometry: NDArray[np.object_], grid: Grid) -> str:
    digest = hashlib.sha256(repr((FORMAT, astuple(grid))).encode())
    for wkb in shapely.to_wkb(geometry, output_dimension=2, byte_order=1):
        digest.update(wkb or b"")
    return digest.hexdigest()


def statistics(
    zones: ZonalWeights, values: NDArray[np.floating], percents: Sequence[float] = (10, 50, 90)
) -> ZonalStatistics:
    """Statistics of a raster in every region.

    A percentile is the smallest value for which the cells with that value or a
    lower one make up at least that percentage of the area with data: the
    inverse of the cumulative distribution of area. That is definition 1 of
    Hyndman and Fan (1996, "Sample quantiles in statistical packages", The
    American Statistician 50:361-365) with areas as weights, the same as
    ``numpy.quantile(..., method="inverted_cdf", weights=...)``. It is always a
    value of the raster, and cutting a cell in two does not change it. A
    percentage that is missed by less than a millionth of the area counts as reached.

    P90 here is the high value. In estimates of potential "P90" often means the
    value exceeded with 90 % certainty: that is a raster of its own, not this percentile.

    Parameters
    ----------
    zones : ZonalWeights
        From :func:`weights`.
    values : numpy.ndarray of float, shape (rows, columns)
        On the grid of the weights; NaN where there are no data.
    percents : sequence of float
        0 to 100.

    Returns
    -------
    ZonalStatistics

    Raises
    ------
    ValueError
        If the values have another shape or are infinite, or a percentage lies outside 0 to 100.
    """
    shape = (zones.grid.rows, zones.grid.columns)
    if values.shape != shape:
        raise ValueError(f"values of shape {values.shape} on a grid of shape {shape}")
    wanted = np.asarray(percents, np.float64)
    if not ((wanted >= 0) & (wanted <= 100)).all():
        raise ValueError(f"percentages lie between 0 and 100, got {list(percents)}")
    flat = values.ravel()
    if np.isinf(flat).any():
        raise ValueError("the raster holds infinite values; make them NaN where they mean no data")
    is_there = ~np.isnan(flat)
    total, covered = (zones.matrix @ np.stack([np.where(is_there, flat, 0.0), is_there.astype(np.float64)], axis=1)).T
    minimum, maximum, percentiles = _ordered(zones.matrix, flat, wanted)
    nothing = np.full(len(covered), np.nan)
    mean = np.divide(total, covered, out=nothing, where=covered > 0)
    return ZonalStatistics(
        mean=np.clip(mean, minimum, maximum),
        percents=tuple(float(p) for p in wanted),
        percentiles=percentiles,
        minimum=minimum,
        maximum=maximum,
        covered_m2=covered,
        covered_share=np.minimum(covered / zones.area_m2, 1.0),
    )


def _ordered(
    matrix: scipy.sparse.csr_matrix, values: NDArray[np.floating], percents: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Minimum, maximum and percentiles per region."""
    regions = matrix.shape[0]
    minimum, maximum = np.full(regions, np.nan), np.full(regions, np.nan)
    percentiles = np.full((regions, len(percents)), np.nan)
    for i in range(regions):
        part = slice(matrix.indptr[i], matrix.indptr[i + 1])
        found, area = values[matrix.indices[part]], matrix.data[part]
        is_there = ~np.isnan(found)
        if not is_there.any():
            continue
        found, area = found[is_there], area[is_there]
        minimum[i], maximum[i] = found.min(), found.max()
        if len(percents):
            order = np.argsort(found, kind="stable")
            below = np.cumsum(area[order])
            place = np.searchsorted(below, (percents / 100 - REACHED) * below[-1], side="left")
            percentiles[i] = np.where(percents == 100, maximum[i], found[order][place])
    return minimum, maximum, percentiles


def save(zones: ZonalWeights, path: Path) -> None:
    """Write weights to one file, under a temporary name that is renamed when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file,
                made_of=np.array(zones.made_of),
                data=zones.matrix.data,
                indices=zones.matrix.indices,
                indptr=zones.matrix.indptr,
            )
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def load(path: Path, regions: Sequence[shapely.Geometry], grid: Grid) -> ZonalWeights | None:
    """Read weights that were saved for these regions and this grid.

    Returns
    -------
    ZonalWeights or None
        None when there is no such file, it is damaged, or it was made for other
        regions or another grid: it is then made anew.
    """
    geometry = np.asarray(regions, object)
    made_of = _hash(geometry, grid)
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["made_of"]) != made_of:
                return None
            csr = (stored["data"], stored["indices"], stored["indptr"])
        matrix = scipy.sparse.csr_matrix(csr, shape=(len(geometry), grid.rows * grid.columns))
        matrix.check_format(full_check=True)
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None
    largest = grid.cell_m**2
    is_whole = matrix.data.dtype == np.float64 and bool(((matrix.data >= 0) & (matrix.data <= largest)).all())
    return ZonalWeights(grid, matrix, shapely.area(geometry), made_of) if is_whole else None
