"""Peers that work on vectors, with shapely (GEOS) and geopandas.

All but the dissolve start from layers that do not overlap themselves: where
two polygons of one layer overlap, an overlay would count the place twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.inputs import DISSOLVED, LAYERS, MUNICIPALITIES, read_layers, read_municipalities, read_shapes
from benchmarks.task import Inputs, JointRows, Task, joint_rows, sampled

Geometries = NDArray[np.object_]
MARGIN_M = 1.0
"""Polygons are clipped this far outside a municipality's box, so that the cut is not an edge in it."""


def dissolve(inputs: Inputs, *, threads: int = 1, disjoint: bool = False, save: bool = False) -> Task:
    """Make every layer free of overlaps with itself: ``union_all`` per layer, as ``geopandas.dissolve`` does.

    With ``disjoint`` ``disjoint_subset_union_all``: groups of polygons that touch are merged group by group.
    Keeps the area of every layer, and with ``save`` also the polygons, for the other peers.
    """
    shapes, layer = read_shapes(inputs.workload / LAYERS, "layer")
    numbers = np.unique(layer)
    layers = [shapes[layer == n] for n in numbers]
    # Largest first: the last thread to finish then has little to do.
    order = np.argsort([-shapely.get_num_coordinates(layer).sum() for layer in layers])
    merge = shapely.disjoint_subset_union_all if disjoint else shapely.union_all

    def run() -> list[shapely.Geometry]:
        merged: list[Any] = [None] * len(layers)
        with mapping(threads) as apply:
            for i, shape in zip(order, apply(merge, [layers[i] for i in order]), strict=True):
                merged[i] = shape
        return merged

    def keep(merged: list[shapely.Geometry]) -> dict[str, NDArray[Any]]:
        parts, position = shapely.get_parts(merged, return_index=True)
        if save:
            import geopandas as gpd

            frame = gpd.GeoDataFrame({"layer": numbers[position]}, geometry=parts, crs=28992)
            frame[shapely.get_type_id(parts) == 3].to_parquet(inputs.scratch / DISSOLVED)
        return {"area_m2": shapely.area(merged), "parts": np.bincount(position), "layer": numbers}

    return Task(run, keep)


def polygonize(inputs: Inputs, *, threads: int = 1, raw: bool = False) -> Task:
    """Node all edges in a municipality, polygonize, look up each face.

    On dissolved layers it is the reference of all answers. It also works on ``raw`` layers: a
    face may lie in many polygons of one layer.
    """
    regions, shapes, layer = loaded(inputs, raw=raw)

    def run() -> JointRows:
        tree, bounds = shapely.STRtree(shapes), shapely.bounds(regions)
        tree.query(regions[0])  # builds it, before threads do

        def one(i: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            hits = tree.query(regions[i], predicate="intersects")
            nearby = clipped(shapes[hits], bounds[i])
            points, area = faces(regions[i], shapely.boundary(nearby))
            mask = np.zeros(len(points), np.int64)
            if len(nearby):
                shapely.prepare(nearby)
                polygon, face = shapely.STRtree(points).query(nearby, predicate="contains_properly")
                np.bitwise_or.at(mask, face, 1 << layer[hits[polygon]])
            return mask, area

        with mapping(threads) as apply:
            return gathered(apply(one, range(len(regions))))

    def keep(rows: JointRows) -> dict[str, NDArray[Any]]:
        check_whole(rows, regions)
        return dict(rows.arrays())

    return Task(run, keep)


def split(inputs: Inputs) -> Task:
    """Cut the pieces of a municipality into inside and outside, layer after layer."""
    regions, shapes, layer = loaded(inputs)

    def run() -> JointRows:
        tree, bounds = shapely.STRtree(shapes), shapely.bounds(regions)

        def one(i: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            hits = tree.query(regions[i], predicate="intersects")
            nearby = clipped(shapes[hits], bounds[i])
            pieces, mask = regions[i : i + 1], np.zeros(1, np.int64)
            for number in np.unique(layer[hits]):
                parts = shapely.get_parts(nearby[layer[hits] == number])
                cover = shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])
                pieces = np.concatenate([shapely.intersection(pieces, cover), shapely.difference(pieces, cover)])
                mask = np.concatenate([mask | 1 << number, mask])
                has_area = shapely.area(pieces) > 0
                pieces, mask = pieces[has_area], mask[has_area]
            return mask, shapely.area(pieces)

        return gathered(map(one, range(len(regions))))

    return Task(run, JointRows.arrays)


def overlay_chain(inputs: Inputs, *, sample: int = 20) -> Task:
    """``geopandas.overlay(how="identity")``, layer after layer, as the manuals show it; a sample of municipalities."""
    import geopandas as gpd

    areas = read_municipalities(inputs.workload)
    polygons = read_layers(inputs.scratch / DISSOLVED)
    of = len(areas)
    chosen = sampled(len(areas), sample)
    areas = areas.iloc[chosen][["id", "geometry"]]
    hits = np.unique(polygons.sindex.query(areas.geometry, predicate="intersects")[1])
    polygons = polygons.iloc[hits]
    layers = [(n, group[["geometry"]].assign(hit=1)) for n, group in polygons.groupby("layer")]

    def run() -> JointRows:
        pieces = areas.assign(mask=0)
        for number, layer in layers:
            pieces = gpd.overlay(pieces, layer, how="identity", keep_geom_type=True)
            has_layer = pieces["hit"].fillna(0).astype(int)
            pieces["mask"] = pieces["mask"].astype(int) | has_layer * (1 << number)
            pieces = pieces.drop(columns="hit")
        return joint_rows(pieces["id"], pieces["mask"], pieces.area)

    return Task(run, JointRows.arrays, {"sample": chosen.tolist(), "of": of})


def loaded(inputs: Inputs, *, raw: bool = False) -> tuple[Geometries, Geometries, NDArray[np.int64]]:
    """Municipalities, dissolved or raw polygons, and the layer number of each polygon."""
    shapes, layer = read_shapes(inputs.workload / LAYERS if raw else inputs.scratch / DISSOLVED, "layer")
    polygons, row = shapely.get_parts(shapes, return_index=True)
    regions, _ = read_shapes(inputs.workload / MUNICIPALITIES, "id")
    return regions, polygons, layer[row]


def clipped(shapes: Geometries, bounds: NDArray[np.float64]) -> Geometries:
    """Clip to a box; takes linear time, and what follows then sees few vertices."""
    west, south, east, north = bounds + (-MARGIN_M, -MARGIN_M, MARGIN_M, MARGIN_M)
    return shapely.clip_by_rect(shapes, west, south, east, north)


def faces(region: shapely.Geometry, edges: Geometries) -> tuple[Geometries, NDArray[np.float64]]:
    """An inner point and the area in m2 of each face between all edges in a region."""
    noded = shapely.union_all(np.append(edges, shapely.boundary(region)))
    found = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    points = shapely.point_on_surface(found)
    shapely.prepare(region)
    is_inside = shapely.contains_properly(region, points)
    return points[is_inside], shapely.area(found[is_inside])


def gathered(parts: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> JointRows:
    """Rows of all municipalities from the masks and areas of each."""
    found = list(parts)
    region = np.repeat(np.arange(len(found)), [len(area) for _, area in found])
    return joint_rows(region, np.concatenate([m for m, _ in found]), np.concatenate([a for _, a in found]))


def check_whole(rows: JointRows, regions: Geometries) -> None:
    """Refuse a reference that lost or doubled a face: its rows must add up to each municipality."""
    total = np.bincount(rows.region, rows.area_m2, len(regions))
    expected = shapely.area(regions)
    if (np.abs(total - expected) > 1e-3 + 1e-9 * expected).any():
        raise RuntimeError("the faces of the reference do not add up to the municipalities")


@contextmanager
def mapping(threads: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """``map`` over threads, in order; plain ``map`` with one."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map
