"""Our own zonal statistics; a module of its own, because what it imports takes memory."""

from __future__ import annotations

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks.inputs import RASTERS, read_municipalities
from benchmarks.task import Inputs, Task
from dgdo_geo.overlay import zonal


def zonal_means(inputs: Inputs, *, weights_kept: bool) -> Task:
    """Mean of every raster in every municipality, with or without making the weights first.

    The program computes smallest and largest values beside the mean; that is in the time.
    """
    regions = read_municipalities(inputs.workload).geometry.to_numpy()
    with rasterio.open(inputs.workload / RASTERS) as source:
        values = source.read(masked=True).filled(np.nan)
        grid = zonal.Grid.of(source.transform, source.height, source.width)
    kept = zonal.weights(regions, grid) if weights_kept else None

    def run() -> NDArray[np.float64]:
        weights = kept or zonal.weights(regions, grid)
        return np.stack([zonal.statistics(weights, band, ()).mean for band in values], axis=1)

    return Task(run, lambda means: {"mean": means})
