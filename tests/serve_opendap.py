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

from netCDF4 import Dataset
from pydap.handlers.lib import BaseHandler
from pydap.model import BaseType, DatasetType, GridType

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


def handler(path: Path) -> BaseHandler:
    """pydap's server over the variables of a file: as grids with their axes, which is how THREDDS shows a model.

    Its own handler of NetCDF (3.5.9) breaks off on a part of a variable, so the values are handed over.
    """
    dataset = DatasetType(path.stem)
    with Dataset(path) as file:
        file.set_auto_mask(False)
        for name, variable in file.variables.items():
            about = {key: variable.getncattr(key) for key in variable.ncattrs()}
            one = BaseType(name, variable[:], dims=variable.dimensions, attributes=about)
            if name in file.dimensions:
                dataset[name] = one
                continue
            dataset[name] = GridType(name, attributes=about)
            dataset[name][name] = one
            for axis in variable.dimensions:
                dataset[name][axis] = BaseType(axis, file.variables[axis][:], dims=(axis,))
    return BaseHandler(dataset)


HANDLERS = {f"/{path.name}": handler(path) for path in FOLDER.glob("*.nc")}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand a request to the data set that its path begins with."""
    for name, found in HANDLERS.items():
        if environ["PATH_INFO"].startswith(name):
            answer: Iterable[bytes] = found(environ, start_response)
            return answer
    start_response("200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found", [("Content-Type", "text/plain")])
    return [b""]


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


with make_server("127.0.0.1", PORT, application, handler_class=Quiet) as server:
    server.serve_forever()
