"""The engines that others use for the same task, one function each."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.measure import Engine

EXACT, RASTER = "benchmarks.peers.exact", "benchmarks.peers.raster"
ZONAL, DUCKDB = "benchmarks.peers.zonal", "benchmarks.peers.duckdb_spatial"

# Makes raw layers free of overlaps with themselves. The first makes what all the others read.
DISSOLVE = Engine("dissolve", "shapely: union_all per layer", f"{EXACT}:dissolve", options={"save": True})
DISSOLVE_2 = replace(DISSOLVE, name="dissolve_2_threads", threads=2, options={"threads": 2})
DISJOINT = Engine(
    "dissolve_disjoint",
    "shapely: disjoint_subset_union_all per layer",
    f"{EXACT}:dissolve",
    options={"disjoint": True},
)
DISJOINT_2 = replace(DISJOINT, name="dissolve_disjoint_2_threads", threads=2, options={"disjoint": True, "threads": 2})
DISSOLVES = (DISSOLVE, DISSOLVE_2, DISJOINT, DISJOINT_2)

# The reference of all answers.
POLYGONIZE = Engine("polygonize", "shapely: node and polygonize, dissolved layers", f"{EXACT}:polygonize")
POLYGONIZE_2 = replace(POLYGONIZE, name="polygonize_2_threads", threads=2, options={"threads": 2})
POLYGONIZE_RAW = Engine(
    "polygonize_raw", "shapely: node and polygonize, raw layers", f"{EXACT}:polygonize", options={"raw": True}
)
POLYGONIZE_RAW_2 = replace(
    POLYGONIZE_RAW, name="polygonize_raw_2_threads", threads=2, options={"raw": True, "threads": 2}
)

# All layers joined: area of every combination in every municipality; on dissolved layers, unless it says raw.
JOINT_EXACT = (
    POLYGONIZE,
    POLYGONIZE_2,
    POLYGONIZE_RAW,
    POLYGONIZE_RAW_2,
    Engine("split", "shapely: split layer by layer", f"{EXACT}:split", is_slow=True),
    Engine(
        "geopandas_overlay",
        "geopandas: chain of overlay(identity), on a sample",
        f"{EXACT}:overlay_chain",
        options={"sample": 20},
        is_slow=True,
    ),
)
# The same, sampled at cell centres.
JOINT_CELLS = (
    Engine("rasterio_25m", "rasterio: rasterize 25 m, bincount", f"{RASTER}:rasterio_count", options={"cell_m": 25}),
    Engine("rasterio_100m", "rasterio: rasterize 100 m, bincount", f"{RASTER}:rasterio_count", options={"cell_m": 100}),
    Engine(
        "rusterize_25m",
        "rusterize 25 m, bincount",
        f"{RASTER}:rusterize_count",
        options={"cell_m": 25},
        environment="peers",
        threads=2,
    ),
)
# Each layer by itself: less than the task above.
PER_LAYER = (
    Engine(
        "duckdb",
        "DuckDB spatial: municipality x layer, no combinations",
        f"{DUCKDB}:layer_areas",
        threads=2,
        options={"threads": 2},
        environment="duckdb",
    ),
)
# What one activity leaves open: far less than the task above.
ONE_ACTIVITY = (
    Engine(
        "atlite",
        "atlite: ExclusionContainer 100 m, one activity, on a sample",
        f"{RASTER}:atlite_availability",
        options={"cell_m": 100, "layers": 4, "sample": 20},
        environment="peers",
        is_slow=True,
    ),
)
# Another task: mean of eight rasters in every municipality.
EXACTEXTRACT = Engine("exactextract", "exactextract, raster-sequential", f"{ZONAL}:exactextract_means")
ZONAL_MEANS = (
    EXACTEXTRACT,
    Engine("rasterstats", "rasterstats", f"{ZONAL}:rasterstats_means", environment="peers", is_slow=True),
)
