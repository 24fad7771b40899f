"""The classes of the rasters: part of the task, the same for our engine and for the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks.inputs import RASTERS

THRESHOLDS = (-0.3, 0.0, 0.3)
"""Limits between the classes of a raster."""
RASTER_CLASSES = len(THRESHOLDS) + 2
"""The classes and "no data", which is a class of its own."""


def raster_codes(folder: Path) -> tuple[NDArray[np.int16], tuple[float, float], float]:
    """Class of every cell of every raster, (west, north) and cell size in metres; "no data" is the last class."""
    with rasterio.open(folder / RASTERS) as source:
        values = source.read(masked=True)
        transform = source.transform
    codes = np.digitize(values.filled(0.0), THRESHOLDS).astype(np.int16)
    codes[np.ma.getmaskarray(values)] = RASTER_CLASSES - 1
    return codes, (transform.c, transform.f), transform.a
