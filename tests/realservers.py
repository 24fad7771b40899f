"""Real servers on loopback, in an environment of their own: pygeoapi, and the OPeNDAP server of pydap.

The environment is made once, in the user's cache, and only with DGDO_TEST_ALL=1; otherwise what is there is used, and
without it a test is skipped.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmarks import environments

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements-servers.txt"
START_S = 120
"""A busy machine takes long to start a server."""


def python() -> Path:
    """The Python of the servers; skips the test without one, with DGDO_TEST_ALL=1 it fails."""
    is_all = os.environ.get("DGDO_TEST_ALL") == "1"
    try:
        return environments.python_for(REQUIREMENTS, install=is_all)
    except environments.UnavailableError as error:
        (pytest.fail if is_all else pytest.skip)(f"no pygeoapi and pydap: {error}; DGDO_TEST_ALL=1 installs them")


@contextmanager
def running(command: list[str], url: str, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server in a process of its own, once it answers at an address; ended afterwards."""
    with log.open("wb") as told:
        child = subprocess.Popen(command, stdout=told, stderr=told, env={**os.environ, **(environment or {})})
    try:
        end = time.monotonic() + START_S
        while True:
            with suppress(OSError), urllib.request.urlopen(url, timeout=20) as answer:
                assert answer.status == 200
                break
            text = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            assert child.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.1)
        yield url
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def pygeoapi(folder: Path, collections: Mapping[str, Path], most: int) -> Iterator[str]:
    """pygeoapi over GeoJSON files; gives its address.

    Parameters
    ----------
    folder : Path
        For its configuration and log.
    collections : mapping of name to GeoJSON file
    most : int
        Features on a page.
    """
    program, port = python(), free_port()
    url = f"http://127.0.0.1:{port}"
    about = {"en": "Proef"}
    contact = {"name": "Proef", "url": url}
    resources = {
        name: {
            "type": "collection",
            "title": name,
            "description": name,
            "keywords": ["proef"],
            "links": [],
            "extents": {"spatial": {"bbox": [3, 50, 8, 54], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
            "providers": [
                {
                    "type": "feature", "name": "GeoJSON", "data": str(path), "id_field": "code",
                    "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/28992"],
                    "storage_crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                }
            ],
        }
        for name, path in collections.items()
    }  # fmt: skip
    settings = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en"],
            "limits": {"default_items": 10, "max_items": most},
            "map": {"url": "https://tile.invalid/{z}/{x}/{y}.png", "attribution": "-"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": about, "description": about, "keywords": {"en": ["proef"]}, "keywords_type": "theme",
                "terms_of_service": "CC0", "url": url,
            },
            "license": {"name": "CC0", "url": url},
            "provider": contact,
            "contact": contact,
        },
        "resources": resources,
    }  # fmt: skip
    config, openapi = folder / "pygeoapi.yml", folder / "openapi.yml"
    config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML too
    openapi.write_text("openapi: 3.0.2\ninfo: {title: proef, version: '1'}\npaths: {}\n", encoding="utf-8")
    environment = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    serve = "from werkzeug.serving import run_simple; from pygeoapi.flask_app import APP; "
    serve += f"run_simple('127.0.0.1', {port}, APP, threaded=True)"
    with running([str(program), "-c", serve], f"{url}/collections?f=json", folder / "pygeoapi.log", environment):
        yield url


@contextmanager
def opendap(folder: Path, files: Path) -> Iterator[str]:
    """pydap over a folder of NetCDF files; gives its address."""
    port = free_port()
    command = [str(python()), str(HERE / "serve_opendap.py"), str(files), str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/", folder / "pydap.log"):
        yield url
