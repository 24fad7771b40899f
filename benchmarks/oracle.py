"""The exact answer with raster classes, by GEOS alone: slow, so on a sample of municipalities.

The outlines of the raster classes are edges like those of the layers. It
shares no code with our engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes as outlines
from rasterio.transform import from_origin

from benchmarks.classes import RASTER_CLASSES, raster_codes
from benchmarks.inputs import read_manifest
from benchmarks.peers.exact import check_whole, clipped, faces, gathered, loaded
from benchmarks.task import Inputs, JointRows, Task, sampled


def with_rasters(inputs: Inputs, *, sample: int = 12) -> Task:
    """Joint areas of layers and raster classes in a sample of municipalities."""
    regions, polygons, layer = loaded(inputs)
    layers = len(read_manifest(inputs.workload).layers)
    codes, (west, north), cell_m = raster_codes(inputs.workload)
    chosen = sampled(len(regions), sample)

    def one(region: shapely.Geometry, tree: shapely.STRtree) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        hits = tree.query(region, predicate="intersects")
        nearby = clipped(polygons[hits], shapely.bounds(region))
        edges = np.append(shapely.boundary(nearby), class_edges(region, codes, west, north, cell_m))
        points, area = faces(region, edges)
        x, y = shapely.get_coordinates(points).T
        mask = np.zeros(len(points), np.int64)
        for polygon, number in zip(nearby, layer[hits], strict=True):
            shapely.prepare(polygon)
            mask |= shapely.contains_xy(polygon, x, y).astype(np.int64) << number
        row, column = ((north - y) // cell_m).astype(int), ((x - west) // cell_m).astype(int)
        for band, grid in enumerate(codes):
            mask |= np.int64(1) << (layers + band * RASTER_CLASSES + grid[row, column].astype(np.int64))
        return mask, area

    def run() -> JointRows:
        tree = shapely.STRtree(polygons)
        return gathered(one(region, tree) for region in regions[chosen])

    def keep(rows: JointRows) -> dict[str, NDArray[Any]]:
        check_whole(rows, regions[chosen])
        return dict(JointRows(chosen[rows.region], rows.mask, rows.area_m2).arrays())

    return Task(run, keep, {"sample": chosen.tolist(), "of": len(regions)})


def class_edges(
    region: shapely.Geometry, codes: NDArray[np.int16], west: float, north: float, cell_m: float
) -> NDArray[np.object_]:
    """Outlines of the classes of every raster near a region."""
    left, bottom, right, top = shapely.bounds(region)
    columns = slice(int((left - west) // cell_m), int((right - west) // cell_m) + 1)
    rows = slice(int((north - top) // cell_m), int((north - bottom) // cell_m) + 1)
    transform = from_origin(west + columns.start * cell_m, north - rows.start * cell_m, cell_m, cell_m)
    found = [
        shapely.boundary(shapely.geometry.shape(outline))
        for grid in codes
        for outline, _ in outlines(np.ascontiguousarray(grid[rows, columns]), transform=transform)
    ]
    return np.array(found, dtype=object)
