"""Peers that rasterise: area by counting cells, sampled at their centres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import DISSOLVED, Workload, read_layers, read_manifest, read_municipalities
from benchmarks.task import Inputs, JointRows, Task, joint_rows, sampled

ROWS_AT_ONCE = 256
"""Rows of the grid that are counted together; their keys stay in the cache."""


def rasterio_count(inputs: Inputs, *, cell_m: int) -> Task:
    """``rasterio.features.rasterize`` (GDAL) per layer, then ``numpy.bincount``."""
    from rasterio.features import rasterize
    from rasterio.transform import from_origin

    workload = read_manifest(inputs.workload)
    shape = grid_shape(workload, cell_m)
    transform = from_origin(workload.bounds[0], workload.bounds[3], cell_m, cell_m)

    def burn(frame: gpd.GeoDataFrame, values: NDArray[np.uint16]) -> NDArray[np.uint16]:
        pairs = zip(frame.geometry, values, strict=True)
        return rasterize(pairs, shape, transform=transform, dtype="uint16")

    return counted(inputs, workload, cell_m, burn)


def rusterize_count(inputs: Inputs, *, cell_m: int) -> Task:
    """``rusterize`` (Rust) per layer, then ``numpy.bincount``."""
    from rusterize import rusterize

    workload = read_manifest(inputs.workload)
    shape = grid_shape(workload, cell_m)

    def burn(frame: gpd.GeoDataFrame, values: NDArray[np.uint16]) -> NDArray[np.uint16]:
        grid = rusterize(
            frame[["geometry"]].assign(value=values),
            res=(cell_m, cell_m),
            extent=workload.bounds,
            field="value",
            fun="last",
            background=0,
            dtype="uint16",
            encoding="numpy",
        )
        return np.asarray(grid).reshape(shape)

    return counted(inputs, workload, cell_m, burn)


def counted(
    inputs: Inputs,
    workload: Workload,
    cell_m: int,
    burn: Callable[[gpd.GeoDataFrame, NDArray[np.uint16]], NDArray[np.uint16]],
) -> Task:
    """Burn municipalities and layers, then count cells per combination."""
    areas = read_municipalities(inputs.workload)
    polygons = read_layers(inputs.scratch / DISSOLVED)
    layers = [(int(n), group) for n, group in polygons.groupby("layer")]
    shape = grid_shape(workload, cell_m)

    def run() -> JointRows:
        # 0 is outside every municipality
        label = burn(areas, (areas["id"] + 1).to_numpy().astype(np.uint16))
        mask = np.zeros(shape, np.uint16)
        for number, layer in layers:
            mask |= burn(layer, np.full(len(layer), 1 << number, np.uint16))
        return count(label, mask, len(areas), len(workload.layers), float(cell_m) ** 2)

    return Task(run, JointRows.arrays)


def count(label: NDArray[np.uint16], mask: NDArray[np.uint16], regions: int, layers: int, cell_m2: float) -> JointRows:
    """Area of every combination in every municipality, from two grids.

    >>> rows = count(np.array([[0, 1], [2, 2]], "u2"), np.array([[1, 1], [0, 0]], "u2"), 2, 1, 100.0)
    >>> rows.region.tolist(), rows.mask.tolist(), rows.area_m2.tolist()
    ([0, 1], [1, 0], [100.0, 200.0])
    """
    cells: NDArray[np.int64] = np.zeros((regions + 1) << layers, np.int64)
    for first in range(0, len(label), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        key = label[rows].astype(np.int32).ravel()
        key <<= layers
        key |= mask[rows].ravel()
        cells += np.bincount(key, minlength=len(cells))
    found = np.flatnonzero(cells[1 << layers :])
    return joint_rows(found >> layers, found & ((1 << layers) - 1), cells[1 << layers :][found] * cell_m2)


def grid_shape(workload: Workload, cell_m: int) -> tuple[int, int]:
    """Rows and columns of the grid over the whole workload."""
    west, south, east, north = workload.bounds
    return int((north - south) // cell_m), int((east - west) // cell_m)


def atlite_availability(inputs: Inputs, *, cell_m: int = 100, layers: int = 4, sample: int = 20) -> Task:
    """``atlite.ExclusionContainer``: what one activity leaves open; no combinations, a sample of municipalities."""
    from atlite.gis import ExclusionContainer, shape_availability

    areas = read_municipalities(inputs.workload)
    polygons = read_layers(inputs.scratch / DISSOLVED)
    chosen = sampled(len(areas), sample)
    shapes = [polygons.geometry[polygons["layer"] == n].reset_index(drop=True) for n in range(layers)]

    def run() -> NDArray[np.float64]:
        excluder = ExclusionContainer(crs=28992, res=cell_m)
        for shape in shapes:
            excluder.add_geometry(shape)
        excluder.open_files()
        cells = [shape_availability(areas.geometry.iloc[[i]], excluder)[0].sum() for i in chosen]
        return np.array(cells, float) * cell_m**2

    def keep(open_m2: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        return {"open_m2": open_m2}

    return Task(run, keep, {"sample": chosen.tolist(), "of": len(areas), "excluded_layers": layers})
