"""Peers for zonal statistics: the mean of eight rasters in every municipality."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import RASTERS, read_municipalities
from benchmarks.task import Inputs, Task


def exactextract_means(inputs: Inputs) -> Task:
    """``exactextract``, in the order of the raster (its fastest way here); the reference of all means."""
    from exactextract import exact_extract

    areas = read_municipalities(inputs.workload)
    path = str(inputs.workload / RASTERS)

    def run() -> NDArray[np.float64]:
        frame = exact_extract(path, areas, ["mean"], output="pandas", strategy="raster-sequential")
        return frame.filter(like="mean").to_numpy()

    return Task(run, _means)


def rasterstats_means(inputs: Inputs) -> Task:
    """``rasterstats.zonal_stats``, band by band; counts whole cells."""
    import rasterio
    from rasterstats import zonal_stats

    areas = read_municipalities(inputs.workload)
    path = str(inputs.workload / RASTERS)
    with rasterio.open(path) as source:
        bands = source.count

    def run() -> NDArray[np.float64]:
        found = [zonal_stats(areas.geometry, path, band=band, stats="mean") for band in range(1, bands + 1)]
        return np.array([[zone["mean"] for zone in band] for band in found], float).T

    return Task(run, _means)


def _means(means: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    return {"mean": means}
