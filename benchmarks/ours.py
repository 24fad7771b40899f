"""Our own engine on the same task: from arrays in memory, and from files to files."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from benchmarks.classes import RASTER_CLASSES, raster_codes
from benchmarks.inputs import LAYERS, Workload, file_hash, read_layers, read_manifest, read_municipalities
from benchmarks.task import Inputs, JointRows, Task, joint_rows
from benchmarks.workload import renamed
from dgdo_geo.model import EvidenceKey, Presence
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.table import JointAreas, table_of, to_arrow


def joint_areas(inputs: Inputs, *, workers: int, rasters: bool = False) -> Task:
    """From polygons in memory to :class:`~dgdo_geo.overlay.table.JointAreas`.

    The layers go in raw, with their overlaps. The first call in a process
    compiles or loads machine code, so a small window goes first; its time is
    in the report.
    """
    workload = read_manifest(inputs.workload)
    regions = read_municipalities(inputs.workload).geometry.to_numpy()
    encoding = encoded(workload, rasters=rasters)
    few = regions[:2]  # for one region the program does not load the kernel
    started = time.perf_counter()
    overlaid(few, window(encoding, few), workers)
    first_call_s = time.perf_counter() - started

    def run() -> JointAreas:
        return overlaid(regions, encoding, workers)

    def keep(joint: JointAreas) -> dict[str, NDArray[Any]]:
        return dict(rows_of(joint).arrays())

    return Task(run, keep, {"engine": engine.name(), "first_call_s": first_call_s})


def overlaid(regions: NDArray[np.object_], encoding: Encoding, workers: int) -> JointAreas:
    """What the program calls; its warning that GEOS had to do the work anew is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return engine.joint_areas(list(regions), encoding, workers=workers)


def from_disk(inputs: Inputs, *, workers: int) -> Task:
    """From GeoParquet to the stored table, as the program does it; nothing is loaded beforehand."""
    target = inputs.scratch / "overlay"

    def run() -> JointAreas:
        workload = read_manifest(inputs.workload)
        areas = read_municipalities(inputs.workload)
        encoding = encoded(workload, rasters=False)
        joint = overlaid(areas.geometry.to_numpy(), encoding, workers)
        hashes = {LAYERS: file_hash(inputs.workload / LAYERS)}
        table = table_of(joint, encoding.keys, "municipality", areas["code"].tolist(), hashes)
        target.mkdir(exist_ok=True)
        for name, part in to_arrow(table).items():
            with renamed(target / f"{name}.parquet") as path:
                pq.write_table(part, path)
        return joint

    def keep(joint: JointAreas) -> dict[str, NDArray[Any]]:
        stored = pq.read_table(target / "rows.parquet")
        if not np.array_equal(stored["area_m2"].to_numpy(), joint.area_m2):
            raise RuntimeError("the stored table is not the one that was computed")
        return dict(rows_of(joint).arrays())

    return Task(run, keep)


def encoded(workload: Workload, *, rasters: bool) -> Encoding:
    """All layers as one evidence key each and, if wanted, each raster class as one."""
    frame = read_layers(workload.folder / LAYERS)
    parts, row = shapely.get_parts(frame.geometry.to_numpy(), return_index=True)
    keys = [EvidenceKey(name, "present") for name in workload.layers]
    planes: list[RasterPlane] = []
    if rasters:
        codes, (west, north), cell_m = raster_codes(workload.folder)
        for band in codes:
            numbers = tuple(range(len(keys), len(keys) + RASTER_CLASSES))
            keys += [EvidenceKey(f"raster_{len(planes)}", f"class_{c}") for c in range(RASTER_CLASSES)]
            planes.append(RasterPlane(band, numbers, -1, west, north, cell_m))
    return Encoding(
        tuple(keys),
        (),
        parts,
        frame["layer"].to_numpy()[row].astype(np.intp),
        np.full(len(parts), Presence.INSIDE, np.int8),
        tuple(planes),
    )


def window(encoding: Encoding, regions: NDArray[np.object_]) -> Encoding:
    """The polygons that touch a few municipalities; the keys and rasters stay."""
    near = np.unique(shapely.STRtree(encoding.polygons).query(regions, predicate="intersects")[1])
    return Encoding(
        encoding.keys,
        encoding.shapes,
        encoding.polygons[near],
        encoding.polygon_key[near],
        encoding.polygon_level[near],
        encoding.rasters,
    )


def rows_of(joint: JointAreas) -> JointRows:
    """The rows with a bit for every key that is present."""
    bits = np.int64(1) << np.arange(joint.presence.shape[1], dtype=np.int64)
    mask = (joint.presence == Presence.INSIDE) @ bits
    return joint_rows(joint.region, mask[joint.combination], joint.area_m2)
