"""Read analysts' own vector files and tables: safely, and as they are.

Returns the raw frame as it stands in the file; nothing is repaired or
translated here. A file is looked through (``archives``) before GDAL opens it,
and GDAL knows only the drivers below.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyogrio._ogr
import pyproj
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.placing import from_table, joined, select
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.sources.stop_gml import is_stop, read_stop
from dgdo_geo.sources.tables import CSV_SUFFIXES, PARQUET_SUFFIXES, known_encoding

__all__ = ["DRIVERS", "KNOWN", "TABLES", "ReadOptions", "check_content", "read_file"]

DRIVERS: Mapping[str, tuple[str, ...]] = {
    ".gpkg": ("GPKG",),
    ".geojson": ("GeoJSON", "TopoJSON"),
    ".json": ("GeoJSON", "TopoJSON"),
    ".topojson": ("TopoJSON",),
    ".gml": ("GML",),
    ".kml": ("LIBKML", "KML"),
    ".fgb": ("FlatGeobuf",),
    ".shp": ("ESRI Shapefile",),
}
"""Which driver may open what; another one that takes the file is refused."""
TABLES = (*CSV_SUFFIXES, ".xlsx", *PARQUET_SUFFIXES)
KNOWN = (*DRIVERS, ".zip", *TABLES)
MAX_FEATURES = 5_000_000
MAX_COORDINATE = 1e8
SMALLEST_VERTEX = 4
"""Bytes of the shortest vertex, as text; a file with fewer bytes than this per vertex cannot hold too many."""
SAFE = {
    "GML_DOWNLOAD_SCHEMA": "NO",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
}


def read_file(
    path: Path, options: ReadOptions | None = None, *, on_progress: Callable[[int, int], None] | None = None
) -> gpd.GeoDataFrame:
    """Read a vector file, or a table with a place in it, as it is.

    Parameters
    ----------
    path : Path
    options : ReadOptions, optional
    on_progress : callable, optional
        Called with the features looked through so far and their number, for a large file.

    Returns
    -------
    geopandas.GeoDataFrame
        ``crs`` is None where the file names none. Rows without geometry are kept. ``attrs["read"]`` tells how
        it was read: driver, rows_in_file, and where known layer, encoding and separator.

    Raises
    ------
    InputError
        If the file is not there, not safe or too large, cannot be read, has no features or no geometry,
        or lacks a column.
    """
    options = options or ReadOptions()
    archives.check_path(path)
    encoding = None if options.encoding is None else known_encoding(options.encoding)
    suffix = path.suffix.casefold()
    if suffix not in KNOWN:
        raise InputError("file_kind_refused", file=archives.shown(path.name), known=", ".join(KNOWN))
    if suffix in TABLES:
        frame = from_table(path, options)
    else:
        with _alone(path, options) as (safe, layer):
            is_regulation = safe.suffix.casefold() == ".gml" and is_stop(safe)
            frame = (
                read_stop(safe, path.name) if is_regulation else _read_gdal(safe, path, layer, encoding, on_progress)
            )
        rows = len(frame)
        frame = select(joined(frame, options, path), options, path)
        frame.attrs["read"] = {**frame.attrs.get("read", {}), "rows_in_file": rows}
    if options.geometry is not None:
        dimension = {"point": 0, "line": 1, "polygon": 2}[options.geometry]
        frame = frame[shapely.get_dimensions(frame.geometry.to_numpy()) == dimension]
    if frame.empty:
        raise InputError("file_no_features", file=path.name)
    if options.unit_m != 1:
        frame = frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda xy: xy * options.unit_m))
    _check_coordinates(frame, path)
    return frame


# GDAL ------------------------------------------------------------------------------------


def _limit_gdal() -> None:
    """Take away every driver that could open another file or a web address."""
    kept = {driver for drivers in DRIVERS.values() for driver in drivers} | {"MEM"}
    others = sorted(set(pyogrio.list_drivers()) - kept)
    # Stays set: whatever registers drivers again (listing them does) takes these away again.
    pyogrio.set_gdal_config_options({**SAFE, "GDAL_SKIP": ",".join(others)})
    # Public pyogrio has no list of allowed drivers; registering again makes GDAL look at GDAL_SKIP.
    pyogrio._ogr._register_drivers()


_limit_gdal()


@contextmanager
def _alone(path: Path, options: ReadOptions) -> Iterator[tuple[Path, str | None]]:
    """The file to open, after it has been looked through, and the layer in it."""
    suffix = path.suffix.casefold()
    if suffix not in (".zip", ".gml"):
        check_content(path, options.layer)
        yield path, options.layer
        return
    with tempfile.TemporaryDirectory(prefix="dgdo-geo-") as name:
        if suffix == ".gml":
            check_content(path, options.layer)
            yield archives.copy_alone(path, Path(name)), options.layer
        else:
            found = archives.unpack_map(path, Path(name), tuple(DRIVERS), options.layer)
            check_content(found, options.layer)
            layers = _layers(found, path)
            # In a zip the option names the file, unless it is a layer of that file.
            yield found, options.layer if options.layer in layers else None


def check_content(path: Path, layer: str | None = None) -> None:
    """Look through a file before GDAL opens it.

    Raises
    ------
    InputError
        If it is not what its name says, refers to other files, or is made to fill the memory.
    """
    suffix = path.suffix.casefold()
    with path.open("rb") as file:
        head = file.read(28)
    if suffix == ".gpkg":
        views = archives.check_sqlite(path)
        if layer in views:
            raise InputError("file_view", file=path.name, layer=layer)
    elif suffix == ".gml":
        archives.check_xml(path, "opengis.net/gml")
    elif suffix == ".kml":
        archives.check_xml(path, "<kml")
    elif suffix in (".fgb", ".shp"):
        if not head.startswith(b"fgb" if suffix == ".fgb" else b"\0\0\x27\x0a"):
            raise InputError("file_unreadable", file=path.name, reason=f"no {suffix}")
        # GDAL gives the features beyond the end of a shapefile that was cut off no geometry, without a word.
        if suffix == ".shp" and 2 * int.from_bytes(head[24:28], "big") > path.stat().st_size:
            raise InputError("file_unreadable", file=path.name, reason="cut off")
    else:
        archives.check_json(path)
        _check_topology(path)


def _check_topology(path: Path) -> None:
    """Count the vertices of a TopoJSON: one arc may be used a million times."""
    text = path.read_bytes()
    if not re.search(rb'"type"\s*:\s*"Topology"', text):
        return
    try:
        data = json.loads(text)
        lengths = [len(arc) for arc in data.get("arcs", [])]
        count, waiting = 0, [data.get("objects", {})]
        while waiting and count <= archives.MAX_VERTICES:
            item = waiting.pop()
            if isinstance(item, dict):
                waiting += [v for k, v in item.items() if k != "properties"]
            elif isinstance(item, list):
                arcs = [i for i in item if type(i) is int]
                count += sum(lengths[i if i >= 0 else ~i] for i in arcs)
                waiting += [v for v in item if isinstance(v, list | dict)]
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise InputError("file_unreadable", file=path.name, reason=error) from error
    if count > archives.MAX_VERTICES:
        raise InputError("too_many_vertices", file=path.name, count=count, limit=archives.MAX_VERTICES)


@contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    """What GDAL and GEOS raise on a broken file, as a message."""
    try:
        yield
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.GeometryError,
        pyproj.exceptions.CRSError,
        shapely.errors.GEOSException,
        ValueError,
        OverflowError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError("file_unreadable", file=path.name, reason=reason) from error


def _layers(safe: Path, path: Path) -> list[str]:
    with _as_input_error(path):
        return [str(name) for name, kind in pyogrio.list_layers(safe.resolve()) if kind is not None]


def _read_gdal(
    safe: Path,
    path: Path,
    layer: str | None,
    encoding: str | None,
    on_progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    layers = _layers(safe, path)
    if layer is None and len(layers) > 1:
        raise InputError("file_many_layers", file=path.name, layers=", ".join(map(archives.shown, layers)))
    if not layers:
        raise InputError("file_no_geometry", file=path.name)
    if layer is not None and layer not in layers:
        known = ", ".join(map(archives.shown, layers))
        raise InputError("layer_not_in_file", file=path.name, layer=layer, known=known)
    used = layers[0] if layer is None else layer
    suffix = safe.suffix.casefold()
    if suffix == ".gpkg" and used in archives.check_sqlite(safe):
        raise InputError("file_view", file=path.name, layer=used)
    # Read-only in full: without it SQLite may make helper files beside a GeoPackage.
    extra = {"IMMUTABLE": "YES"} if suffix == ".gpkg" else {}
    with _as_input_error(path):
        info = pyogrio.read_info(safe.resolve(), layer=used, encoding=encoding, **extra)
        if info["driver"] not in DRIVERS[suffix]:
            raise InputError("file_refers_elsewhere", file=path.name, what=info["driver"])
        if info["features"] > MAX_FEATURES:
            raise InputError("too_many_features", file=path.name, count=info["features"], limit=MAX_FEATURES)
        if safe.stat().st_size > SMALLEST_VERTEX * archives.MAX_VERTICES:
            _count_vertices(safe, path, used, int(info["features"]), on_progress)
        frame = pyogrio.read_dataframe(safe.resolve(), layer=used, encoding=encoding, on_invalid="ignore", **extra)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError("file_no_geometry", file=path.name)
    how = {"driver": info["driver"], "layer": used, "encoding": encoding or info["encoding"] or ""}
    frame.attrs["read"] = {key: str(value) for key, value in how.items() if value}
    return frame


def _count_vertices(
    safe: Path, path: Path, layer: str, features: int, on_progress: Callable[[int, int], None] | None
) -> None:
    """Count the vertices of a large file a thousand features at a time, before all are read."""
    count = done = 0
    with pyogrio.open_arrow(safe.resolve(), layer=layer, columns=[], batch_size=1000, use_pyarrow=True) as (
        meta,
        reader,
    ):
        name = meta["geometry_name"] or "wkb_geometry"
        for batch in reader:
            shapes = shapely.from_wkb(batch.column(name).to_pandas().to_numpy(object), on_invalid="ignore")
            count += int(shapely.get_num_coordinates(shapes).sum())
            if count > archives.MAX_VERTICES:
                raise InputError("too_many_vertices", file=path.name, count=count, limit=archives.MAX_VERTICES)
            done += len(shapes)
            if on_progress is not None and (done % 50_000 < len(shapes) or done == features):
                on_progress(done, features)


def _check_coordinates(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse too many vertices, and coordinates that are no number or beyond any map."""
    shapes = frame.geometry.to_numpy()
    count = int(shapely.get_num_coordinates(shapes).sum())
    if count > archives.MAX_VERTICES:
        raise InputError("too_many_vertices", file=path.name, count=count, limit=archives.MAX_VERTICES)
    points, feature = shapely.get_coordinates(shapes, return_index=True)
    # Not a comparison with the limit alone: NaN is not larger than anything.
    bad = ~(np.abs(points) <= MAX_COORDINATE).all(axis=1)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        value = ", ".join(f"{v:g}" for v in points[first])
        raise InputError("coordinates_absurd", file=path.name, row=int(feature[first]) + 1, value=value)
