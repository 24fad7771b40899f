"""A real MapServer behind a small CGI server on the loopback, over a GeoPackage that is written here."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

PLACES = ("/usr/bin/mapserv", "/usr/lib/cgi-bin/mapserv")
PAGE_LIMIT = 400
"""No answer of the server holds more features than this."""

MAPFILE = """
MAP
  NAME "proef"
  STATUS ON
  SIZE 100 100
  EXTENT 0 300000 300000 620000
  UNITS METERS
  PROJECTION "init=epsg:28992" END
  OUTPUTFORMAT
    NAME "geojson"
    DRIVER "OGR/GEOJSON"
    MIMETYPE "application/json; subtype=geojson"
    FORMATOPTION "STORAGE=stream"
    FORMATOPTION "FORM=simple"
  END
  OUTPUTFORMAT
    NAME "GTiff32"
    DRIVER "GDAL/GTiff"
    MIMETYPE "image/tiff"
    IMAGEMODE FLOAT32
    EXTENSION "tif"
    FORMATOPTION "NULLVALUE=-9999"
  END
  WEB
    METADATA
      "ows_title" "Proef"
      "ows_onlineresource" "{url}/wfs"
      "ows_enable_request" "*"
      "ows_srs" "EPSG:28992 EPSG:4326"
      "wfs_maxfeatures" "{limit}"
      "oga_onlineresource" "{url}/ogc"
      "oga_max_limit" "{limit}"
    END
  END
  {layers}
END
"""

LAYER = """
  LAYER
    NAME "{name}"
    TYPE POLYGON
    STATUS ON
    CONNECTIONTYPE OGR
    CONNECTION "{file}"
    DATA "SELECT * FROM {table} ORDER BY nummer"
    PROJECTION "init=epsg:{epsg}" END
    TEMPLATE "x"
    METADATA
      "ows_title" "{name}"
      "ows_include_items" "all"
      "gml_include_items" "all"
      "gml_featureid" "nummer"
      "ows_featureid" "nummer"
      "gml_types" "auto"
      "oga_featureid" "nummer"
      {formats}
    END
    CLASS
      STYLE
        COLOR 0 0 0
      END
    END
  END
"""

COVERAGE = """
  LAYER
    NAME "hoogte"
    TYPE RASTER
    STATUS ON
    DATA "{file}"
    PROJECTION "init=epsg:28992" END
    METADATA
      "ows_title" "hoogte"
      "wcs_label" "hoogte"
      "wcs_formats" "GTiff32"
      "wcs_nilvalues" "-9999"
      "wcs_rangeset_name" "hoogte"
      "wcs_rangeset_label" "hoogte"
    END
  END
"""

CONFIG = """
CONFIG
  ENV
    OGCAPI_HTML_TEMPLATE_DIRECTORY "/usr/share/mapserver/ogcapi/templates/html-plain/"
    MS_MAP_PATTERN "."
  END
  MAPS
    PROEF "{mapfile}"
  END
END
"""


def find_mapserv() -> str | None:
    """Path of the MapServer CGI of this system."""
    return next((path for path in PLACES if shutil.which(path)), None)


def require_mapserv() -> str:
    """MapServer, or skip the test; with DGDO_TEST_ALL=1 the test fails."""
    path = find_mapserv()
    if path is None:
        (pytest.fail if os.environ.get("DGDO_TEST_ALL") == "1" else pytest.skip)("MapServer (mapserv) is not installed")
    return path


def some_areas(count: int) -> gpd.GeoDataFrame:
    """Areas all over the country: squares, some with a hole, some of two parts; texts with accents and zeros."""
    number = np.arange(1, count + 1)
    x, y = 20_000.0 + (number % 50) * 4_000, 320_000.0 + (number // 50) * 4_000
    areas = shapely.box(x, y, x + 1500 + number / 7, y + 1000 + number / 3)
    hole = number % 5 == 0
    areas[hole] = shapely.difference(
        areas[hole], shapely.box(x[hole] + 300, y[hole] + 300, x[hole] + 600, y[hole] + 700)
    )
    double = number % 7 == 0
    areas[double] = shapely.union(
        areas[double], shapely.box(x[double] + 3000, y[double], x[double] + 3500, y[double] + 90)
    )
    return gpd.GeoDataFrame(
        {
            "nummer": number,
            "code": [f"{n:05d}" for n in number],
            "naam": [f"Gebied ‘{n}’ & Súdwest" for n in number],
            "diepte": number / 8,
        },
        geometry=areas,
        crs="EPSG:28992",
    )


def some_heights() -> np.ndarray:
    """Heights of 300 x 200 cells of 100 m, north first: no two alike, some without a value."""
    values = np.arange(60_000, dtype="float32").reshape(200, 300) / 8
    values[::17, ::13] = -9999
    return values


@dataclass(slots=True)
class MapServer:
    """A running server: its address, what it holds, and what it was asked."""

    url: str
    frame: gpd.GeoDataFrame
    asked: list[str] = field(default_factory=list)

    @property
    def wfs(self) -> str:
        """Address of the WFS."""
        return f"{self.url}/wfs"

    @property
    def ogc(self) -> str:
        """Address of the OGC API."""
        return f"{self.url}/ogc"


@contextmanager
def mapserver(folder: Path, count: int = 2500, limit: int = PAGE_LIMIT) -> Iterator[MapServer]:
    """Start MapServer over one GeoPackage, and a GeoTIFF with :func:`some_heights` (coverage ``hoogte``).

    Layers: ``vlakken`` and two ``rivm_*`` (GeoJSON and GML), ``Vlakken_GML`` (GML only), and ``enkel`` for the OGC
    API. That one has no areas of several parts, of which MapServer 8.0 writes every ring in every part, and is in
    ETRS89, because the OGC API of MapServer 8.0 leaves out the datum shift from RD.
    """
    program = require_mapserv()
    frame = some_areas(count)
    frame.to_file(folder / "vlakken.gpkg", layer="vlakken", driver="GPKG")
    place = rasterio.transform.from_origin(180_000, 520_000, 100, 100)
    form = {"driver": "GTiff", "width": 300, "height": 200, "count": 1, "dtype": "float32", "crs": 28992}
    with rasterio.open(folder / "hoogte.tif", "w", transform=place, nodata=-9999, **form) as file:
        file.write(some_heights(), 1)
    frame[frame["nummer"] % 7 != 0].to_crs("EPSG:25831").to_file(folder / "vlakken.gpkg", layer="enkel", driver="GPKG")
    json_too = '"wfs_getfeature_formatlist" "gml,geojson"'
    names = ("vlakken", "rivm_20220701_gwb2022", "rivm_20240401_gwb2024", "Vlakken_GML", "enkel")

    def layer(name: str) -> str:
        return LAYER.format(
            name=name,
            file=folder / "vlakken.gpkg",
            formats="" if name == "Vlakken_GML" else json_too,
            table="enkel" if name == "enkel" else "vlakken",
            epsg=25831 if name == "enkel" else 28992,
        )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append(self.path)
            parts = urlsplit(self.path)
            extra = {"MS_MAPFILE": str(folder / "proef.map")}
            if parts.path.startswith("/ogc"):
                extra = {"PATH_INFO": f"/PROEF/ogcapi{parts.path.removeprefix('/ogc')}"}
            environment = {
                "PATH": os.environ.get("PATH", ""),
                "REQUEST_METHOD": "GET",
                "QUERY_STRING": parts.query,
                "SCRIPT_NAME": "",
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": str(server.server_port),
                "HTTP_ACCEPT": self.headers.get("Accept", ""),
                "MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf"),
                **extra,
            }
            done = subprocess.run([program], env=environment, capture_output=True, timeout=20, check=False)
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = MapServer(f"http://127.0.0.1:{server.server_port}", frame)
    mapfile = MAPFILE.format(
        url=running.url,
        limit=limit,
        layers="\n".join([*map(layer, names), COVERAGE.format(file=folder / "hoogte.tif")]),
    )
    (folder / "proef.map").write_text(mapfile, encoding="utf-8")
    (folder / "mapserver.conf").write_text(CONFIG.format(mapfile=folder / "proef.map"), encoding="utf-8")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
