"""Make a country to measure on: municipalities, twelve constraint layers, eight rasters.

    python -m benchmarks.workload [FOLDER] [--scale 1] [--seed 7] [--municipalities 342]

Made up, because data of this size and kind may not be redistributed; the
numbers of polygons and vertices, their sizes, the overlaps inside a layer and
the ragged edges are those of the real layers. EPSG:28992, metres. The same
scale, seed and generator version give the same country.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_origin

from benchmarks.inputs import (
    FILES,
    GENERATOR,
    LAYERS,
    MANIFEST,
    MUNICIPALITIES,
    RASTERS,
    WORKLOADS,
    Spec,
    Workload,
    WorkloadError,
    default_folder,
    file_hash,
    open_workload,
    read_manifest,
)

RD = 28992
ORIGIN = (10_000.0, 300_000.0)
WHOLE_COUNTRY = 342
# Roughly the Netherlands, km in EPSG:28992.
OUTLINE_KM = (
    (15, 370), (25, 395), (45, 420), (65, 445), (80, 465), (95, 490), (105, 520), (110, 550), (135, 572), (170, 600),
    (210, 612), (250, 610), (275, 580), (276, 550), (268, 530), (262, 500), (268, 480), (255, 465), (245, 445),
    (222, 435), (205, 420), (210, 395), (205, 365), (195, 345), (200, 325), (190, 308), (177, 310), (180, 335),
    (175, 355), (150, 365), (130, 370), (110, 375), (90, 380), (75, 385), (60, 370), (40, 358), (25, 360),
)  # fmt: skip
# Wave length and amplitude in metres of the bends in a municipal boundary.
BENDS_M = ((9000, 700), (2500, 160), (700, 35), (220, 9))
BOUNDARY_STEP_M = 60.0
RASTER_CELL_M, RASTER_COUNT, RASTER_NODATA, NODATA_SHARE = 250, 8, -9999.0, 0.07
HOLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """Shape of the polygons of one layer: ranges are (smallest, largest)."""

    name: str
    polygons: int
    radius_km: tuple[float, float]
    roughness: float
    stretch: tuple[float, float]
    vertices: tuple[int, int]


LAYER_SPECS = (
    LayerSpec("drinking_water", 300, (0.5, 4), 0.5, (1, 2), (300, 3000)),
    LayerSpec("drilling_free", 250, (1, 8), 0.5, (1, 2), (300, 5000)),
    LayerSpec("groundwater", 400, (0.5, 5), 0.6, (1, 2), (300, 4000)),
    LayerSpec("natura2000", 400, (0.5, 8), 0.9, (1, 3), (400, 5000)),
    LayerSpec("licences", 500, (2, 9), 0.3, (1, 2), (200, 400)),
    LayerSpec("fault_buffers", 1500, (0.5, 2.5), 0.2, (5, 12), (200, 800)),
    LayerSpec("archaeology", 2000, (0.2, 1.5), 0.6, (1, 2), (200, 1000)),
    LayerSpec("urban", 2500, (0.2, 2.5), 0.8, (1, 2), (200, 2000)),
    LayerSpec("wells", 1200, (0.1, 0.5), 0.0, (1, 1), (200, 260)),
    LayerSpec("salt_domes", 60, (2, 6), 0.4, (1, 2), (300, 2000)),
    LayerSpec("ates", 1000, (0.1, 0.6), 0.2, (1, 2), (200, 400)),
    LayerSpec("infrastructure", 900, (0.3, 2), 0.2, (6, 15), (200, 900)),
)


def ensure(folder: Path, spec: Spec) -> Workload:
    """Open the workload in a folder, or make it when it is not there or not whole."""
    try:
        return open_workload(folder, spec)
    except WorkloadError as error:
        _say(f"making the workload, because: {error}")
        return generate(folder, spec)


def generate(folder: Path, spec: Spec) -> Workload:
    """Make a workload and write it; the manifest comes last, so that half a workload is none.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    spec : Spec

    Returns
    -------
    Workload
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    factor = math.sqrt(spec.municipalities / WHOLE_COUNTRY)
    land = shapely.Polygon((np.array(OUTLINE_KM) * 1000 - ORIGIN) * factor + ORIGIN)
    # A stream of its own for each part: another scale leaves the municipalities and rasters as they are.
    for_municipalities, for_layers, for_rasters = np.random.default_rng(spec.seed).spawn(3)
    areas = municipalities(for_municipalities, land, spec.municipalities)
    west, south, east, north = areas.total_bounds
    # Whole kilometres, so that cells of 25, 100 and 250 m fit.
    bounds = (*np.floor(np.divide((west, south), 1000)) * 1000, *np.ceil(np.divide((east, north), 1000)) * 1000)
    _say(f"{len(areas)} municipalities")
    polygons = layers(for_layers, land, spec.scale * spec.municipalities / WHOLE_COUNTRY, spec.scale)
    _say(f"{len(polygons)} polygons in {len(LAYER_SPECS)} layers")
    for name, frame in ((MUNICIPALITIES, areas), (LAYERS, polygons)):
        with renamed(folder / name) as path:
            frame.to_parquet(path)
    with renamed(folder / RASTERS) as path:
        write_rasters(path, for_rasters, bounds)
    _say(f"{RASTER_COUNT} rasters")
    about = {
        "generator": GENERATOR,
        **asdict(spec),
        "layers": [layer.name for layer in LAYER_SPECS],
        "polygons": len(polygons),
        "vertices": int(shapely.get_num_coordinates(polygons.geometry.to_numpy()).sum()),
        "municipality_vertices": int(shapely.get_num_coordinates(areas.geometry.to_numpy()).sum()),
        "bounds": bounds,
        "sha256": {name: file_hash(folder / name) for name in FILES},
    }
    with renamed(folder / MANIFEST) as path:
        path.write_text(json.dumps(about, indent=1), encoding="utf-8")
    return read_manifest(folder)


def municipalities(rng: np.random.Generator, land: shapely.Polygon, count: int) -> gpd.GeoDataFrame:
    """A coverage of municipalities with ragged, shared boundaries.

    Voronoi cells of evened-out points; their edges are bent as lines, before
    polygons are made of them, so that neighbours keep sharing every vertex.
    """
    centres = random_points(rng, land, count)
    for _ in range(2):  # Lloyd's relaxation: cells of about one size
        cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(centres), ordered=True))
        cells = shapely.intersection(cells, land)
        centres = shapely.get_coordinates(shapely.centroid(cells))
    edges = shapely.union_all(shapely.boundary(np.append(cells, land)), grid_size=0.01)
    edges = shapely.segmentize(shapely.line_merge(edges), BOUNDARY_STEP_M)
    phase = rng.uniform(0, 2 * np.pi, (len(BENDS_M), 4))
    edges = shapely.transform(edges, lambda xy: bent(xy, phase))
    found = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    found = found[np.argsort(-shapely.area(found))][:count]
    if len(found) != count or not shapely.is_valid(found).all() or not shapely.coverage_is_valid(found):
        raise RuntimeError(f"{len(found)} municipalities of {count}, or they are no valid coverage; take another seed")
    series = gpd.GeoSeries(found, crs=RD)
    series = series.iloc[np.argsort(series.hilbert_distance(), kind="stable")]
    codes = [f"GM{i + 1:04d}" for i in range(count)]
    return gpd.GeoDataFrame({"id": np.arange(count), "code": codes}, geometry=series.to_numpy(), crs=RD)


def random_points(rng: np.random.Generator, land: shapely.Polygon, count: int) -> NDArray[np.float64]:
    """Coordinates of random points on land, shape (count, 2)."""
    west, south, east, north = land.bounds
    points = np.empty((0, 2))
    while len(points) < count:
        drawn = rng.uniform((west, south), (east, north), (4 * count, 2))
        points = np.vstack([points, drawn[shapely.contains_xy(land, drawn)]])
    return points[:count]


def bent(xy: NDArray[np.float64], phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move coordinates by a few waves: bends at every scale, the same for neighbours. Whole millimetres."""
    x, y = xy.T
    moved = xy.copy()
    for (length, amplitude), (a, b, c, d) in zip(BENDS_M, phase, strict=True):
        k = 2 * np.pi / length
        moved[:, 0] += amplitude * np.sin(k * y + a) * np.cos(k / 1.7 * x + b)
        moved[:, 1] += amplitude * np.sin(k * x + c) * np.cos(k / 1.3 * y + d)
    return np.round(moved, 3)


def layers(rng: np.random.Generator, land: shapely.Polygon, share: float, density: float) -> gpd.GeoDataFrame:
    """Raw polygons of all layers; many overlap inside a layer.

    Parameters
    ----------
    share : float
        Number of polygons, relative to the specifications.
    density : float
        Polygons per area, relative to the specifications; radii shrink with its root, so that
        the covered share of the country stays the same.
    """
    numbers: list[int] = []
    shapes: list[shapely.Polygon] = []
    for number, spec in enumerate(LAYER_SPECS):
        count = max(1, round(spec.polygons * share))
        centres = random_points(rng, land, count)
        smallest, largest = np.log(np.array(spec.radius_km) * 1000)
        radii = np.exp(rng.uniform(smallest, largest, count))
        vertices = np.clip(spec.vertices[0] * radii / radii_m(spec)[0], *spec.vertices).astype(int)
        for centre, radius, corners in zip(centres, radii / math.sqrt(density), vertices, strict=True):
            shapes.append(blob(rng, centre, radius, spec, int(corners)))
        numbers += [number] * count
    geometry = np.array(shapes, dtype=object)
    is_bad = ~shapely.is_valid(geometry)
    geometry[is_bad] = shapely.make_valid(geometry[is_bad], method="structure", keep_collapsed=False)
    if not (shapely.is_valid(geometry) & np.isin(shapely.get_type_id(geometry), (3, 6))).all():
        raise RuntimeError("a polygon could not be made valid; take another seed")
    return gpd.GeoDataFrame({"layer": numbers}, geometry=geometry, crs=RD)


def radii_m(spec: LayerSpec) -> tuple[float, float]:
    """Smallest and largest radius in metres."""
    return spec.radius_km[0] * 1000, spec.radius_km[1] * 1000


def blob(
    rng: np.random.Generator, centre: NDArray[np.float64], radius_m: float, spec: LayerSpec, corners: int
) -> shapely.Polygon:
    """A ragged polygon around a point, sometimes with a hole. Whole millimetres."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    waves = np.arange(2, min(40, corners // 8))
    amplitude = rng.normal(size=len(waves)) * spec.roughness * 0.45 / waves**1.15
    phase = rng.uniform(0, 2 * np.pi, len(waves))
    ragged = 1 + amplitude @ np.cos(waves[:, None] * angle + phase[:, None])
    distance = radius_m * np.maximum(ragged, 0.12)
    stretch, turn = math.sqrt(rng.uniform(*spec.stretch)), rng.uniform(0, np.pi)
    x, y = distance * np.cos(angle) * stretch, distance * np.sin(angle) / stretch
    cos, sin = math.cos(turn), math.sin(turn)
    ring = centre + np.column_stack([x * cos - y * sin, x * sin + y * cos])
    holes = [np.round(centre + (ring[::-2] - centre) * 0.3, 3)] if rng.random() < HOLE_SHARE else []
    return shapely.Polygon(np.round(ring, 3), holes)


def write_rasters(path: Path, rng: np.random.Generator, bounds: tuple[float, float, float, float]) -> None:
    """Write smooth rasters of 250 m, float32, with 7 % nodata; one band each."""
    west, south, east, north = bounds
    columns, rows = int((east - west) / RASTER_CELL_M), int((north - south) / RASTER_CELL_M)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    profile = {
        "driver": "GTiff", "width": columns, "height": rows, "count": RASTER_COUNT, "dtype": "float32",
        "crs": f"EPSG:{RD}", "transform": from_origin(west, north, RASTER_CELL_M, RASTER_CELL_M),
        "nodata": RASTER_NODATA, "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for band in range(1, RASTER_COUNT + 1):
            field = np.zeros((rows, columns), np.float32)
            for k in range(1, 9):
                (length_x, length_y), (a, b) = rng.uniform(90, 200, 2), rng.uniform(0, 6, 2)
                field += np.float32(rng.normal() / k) * np.sin(x * k / length_x + a) * np.cos(y * k / length_y + b)
            field[field < np.quantile(field, NODATA_SHARE)] = RASTER_NODATA
            target.write(field, band)


@contextmanager
def renamed(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; the file gets its own name when it is whole."""
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workload", description="Make a country to measure on.")
    parser.add_argument("folder", nargs="?", type=Path, help="where to write it; below the user's cache by default")
    parser.add_argument("--scale", type=float, default=1.0, help="number of polygons, relative to 11,010")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--municipalities", type=int, default=WHOLE_COUNTRY, help="fewer make a smaller country")
    given = parser.parse_args(arguments)
    if not given.scale > 0 or not 4 <= given.municipalities <= WHOLE_COUNTRY or given.seed < 0:
        parser.error(f"needs a scale above 0, a seed of 0 or more, and 4 to {WHOLE_COUNTRY} municipalities")
    spec = Spec(given.scale, given.seed, given.municipalities)
    names = {known: name for name, known in WORKLOADS.items()}
    folder = given.folder or default_folder(names.get(spec, f"x{spec.scale:g}-seed{spec.seed}-{spec.municipalities}"))
    try:
        workload = ensure(folder.resolve(), spec)
    except OSError as error:
        _say(f"cannot write the workload: {error}")
        return 3
    _say(f"{workload.polygons} polygons, {workload.vertices} vertices")
    print(workload.folder)
    return 0


def _say(message: str) -> None:
    print(f"workload: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
