"""A workload on disk: where it is, whether it is whole, what is in it.

Importable without geo packages: peers with an environment of their own read
the manifest too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

GENERATOR = 1
"""Version of the generator; data of another version are made anew."""
MUNICIPALITIES = "municipalities.parquet"
LAYERS = "layers.parquet"
RASTERS = "rasters.tif"
FILES = (MUNICIPALITIES, LAYERS, RASTERS)
DISSOLVED = "dissolved.parquet"
"""Made in every run by the dissolve that is timed; never part of a workload."""
MANIFEST = "manifest.json"


class WorkloadError(Exception):
    """A workload is missing, damaged or another one than was asked for."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What the generator is asked for.

    Attributes
    ----------
    scale : float
        Number of polygons, relative to 11,010 for the whole country.
    seed : int
    municipalities : int
        With fewer than 342 the country is smaller and its municipalities keep their size.
    """

    scale: float = 1.0
    seed: int = 7
    municipalities: int = 342


WORKLOADS = {"w1": Spec(), "w4": Spec(scale=4.0), "tiny": Spec(scale=0.2, municipalities=6)}


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload on disk.

    Attributes
    ----------
    folder : Path
    spec : Spec
    layers : tuple of str
        Names of the layers; the position is the number in ``layers.parquet``.
    polygons, vertices, municipality_vertices : int
        Counts of the raw layers and of the municipalities.
    bounds : (west, south, east, north)
        Whole kilometres around everything that is counted, EPSG:28992, metres.
    """

    folder: Path
    spec: Spec
    layers: tuple[str, ...]
    polygons: int
    vertices: int
    municipality_vertices: int
    bounds: tuple[float, float, float, float]


def default_folder(name: str) -> Path:
    """Folder of a workload, or of an environment, in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("dgdo-geo") / "benchmarks" / name


def read_manifest(folder: Path) -> Workload:
    """Read what a folder says it holds.

    Raises
    ------
    WorkloadError
        If there is no manifest of this generator.
    """
    path = folder / MANIFEST
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["generator"] != GENERATOR:
            raise WorkloadError(f"{folder}: made by generator {about['generator']}, not {GENERATOR}; make it anew")
        west, south, east, north = map(float, about["bounds"])
        return Workload(
            folder,
            Spec(float(about["scale"]), int(about["seed"]), int(about["municipalities"])),
            tuple(about["layers"]),
            int(about["polygons"]),
            int(about["vertices"]),
            int(about["municipality_vertices"]),
            (west, south, east, north),
        )
    except OSError as error:
        raise WorkloadError(f"{folder}: no workload here ({MANIFEST} cannot be read)") from error
    except (KeyError, TypeError, ValueError) as error:
        raise WorkloadError(f"{path}: damaged ({error})") from error


def open_workload(folder: Path, spec: Spec) -> Workload:
    """Open a workload after looking at every byte of it.

    Raises
    ------
    WorkloadError
        If it is missing, damaged or made for something else.
    """
    workload = read_manifest(folder)
    if workload.spec != spec:
        raise WorkloadError(f"{folder}: holds {workload.spec}, not {spec}")
    hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("sha256", {})
    for name in FILES:
        try:
            found = file_hash(folder / name)
        except OSError as error:
            raise WorkloadError(f"{folder / name}: cannot be read") from error
        if found != hashes.get(name):
            raise WorkloadError(f"{folder / name}: damaged (another hash than in {MANIFEST})")
    return workload


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_shapes(path: Path, column: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Shapes of a GeoParquet file and the number of each in a column.

    Without geopandas, which takes longer to import than most of the work here.
    """
    import numpy as np
    import pyarrow.parquet as pq
    import shapely

    # read_table and to_numpy would import pandas.
    table = pq.ParquetFile(path).read(columns=[column, "geometry"])
    return shapely.from_wkb(table["geometry"].to_pylist()), np.array(table[column].to_pylist(), np.int64)


def read_municipalities(folder: Path) -> gpd.GeoDataFrame:
    """Municipalities: ``id``, ``code`` and ``geometry``, EPSG:28992; a valid coverage."""
    import geopandas as gpd

    return gpd.read_parquet(folder / MUNICIPALITIES)


def read_layers(path: Path) -> gpd.GeoDataFrame:
    """Polygons of all layers: ``layer`` (number) and ``geometry``, EPSG:28992."""
    import geopandas as gpd

    return gpd.read_parquet(path)
