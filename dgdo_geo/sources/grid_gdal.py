"""Grids that GDAL reads: GeoTIFF here, and what ``grid_netcdf`` shares with it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from dgdo_geo.errors import InputError
from dgdo_geo.sources.grid_texts import RawGrid, check_size

# Auxiliary files beside a raster may name other files, and GDAL writes them.
SAFE = {"GDAL_PAM_ENABLED": "NO", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}", "GDAL_NETCDF_BOTTOMUP": "NO"}


def read_tiff(path: Path, band: int) -> RawGrid:
    """One band of a GeoTIFF.

    Raises
    ------
    InputError
        If it is none, has no such band, or is rotated.
    """
    with opened(path, path.resolve().as_posix(), "GTiff") as file:
        if not 1 <= band <= file.count:
            raise InputError("raster_band", file=path.name, count=file.count, band=band)
        check_size(path, file.height, file.width)
        transform = file.transform
        if transform.is_identity:
            raise InputError("raster_no_place", file=path.name)
        if transform.b != 0 or transform.d != 0:
            raise InputError("raster_rotated", file=path.name)
        with as_input_error(path):
            (values,) = with_nan(file, [band])
            crs = pyproj.CRS.from_user_input(file.crs) if file.crs else None
        unit = (file.units[band - 1] or "").strip()
        return RawGrid(values, transform.c, transform.f, transform.a, -transform.e, crs, (band, file.count), unit)


def with_nan(file: rasterio.DatasetReader, bands: Sequence[int], window: Window | None = None) -> NDArray[np.floating]:
    """Values with scale and offset applied; whole numbers become float64, float32 stays.

    Parameters
    ----------
    bands : sequence of int
        Of one variable: they have the same scale and offset.

    Returns
    -------
    numpy.ndarray, shape (bands, rows, columns)
    """
    read = file.read(list(bands), masked=True, window=window)
    values = read.data.astype(np.float32 if read.dtype == np.float32 else np.float64)
    scale, offset = file.scales[bands[0] - 1], file.offsets[bands[0] - 1]
    if (scale, offset) != (1.0, 0.0):
        values = values * values.dtype.type(scale) + values.dtype.type(offset)
    values[np.ma.getmaskarray(read)] = np.nan
    return values


@contextmanager
def as_input_error(path: Path) -> Iterator[None]:
    """What GDAL raises on a broken file, as a message."""
    try:
        yield
    except (rasterio.errors.RasterioError, rasterio.errors.CRSError, pyproj.exceptions.CRSError, ValueError) as error:
        raise InputError("raster_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error


@contextmanager
def opened(path: Path, address: str, driver: str) -> Iterator[rasterio.DatasetReader]:
    """A file opened by GDAL, without auxiliary files and without a network."""
    with rasterio.Env(**SAFE), warnings.catch_warnings():
        # A file that does not say where it lies is told with a message of ours.
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with as_input_error(path):
            file = rasterio.open(address, driver=driver)
        with file:
            yield file
