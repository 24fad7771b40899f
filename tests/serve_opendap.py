"""Run by realservers.py with the Python of another environment: pydap's OPeNDAP server over a folder of NetCDF files.

    python serve_opendap.py FOLDER PORT

Serves on loopback until it is ended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from pydap.handlers.netcdf_handler import NetCDFHandler

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand a request to the data set that its path begins with."""
    for path in FOLDER.glob("*.nc"):
        if environ["PATH_INFO"].startswith(f"/{path.name}"):
            found: Iterable[bytes] = NetCDFHandler(str(path))(environ, start_response)
            return found
    start_response("200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found", [("Content-Type", "text/plain")])
    return [b""]


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


with make_server("127.0.0.1", PORT, application, handler_class=Quiet) as server:
    server.serve_forever()
