"""Start the web server, from a checkout and from an installed package alike."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import tomllib
from functools import partialmethod
from pathlib import Path

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.store import WORKSPACE_VARIABLE
from dgdo_geo.texts import text
from dgdo_geo.web.online import ONLINE_VARIABLE, SAVE_VARIABLE

SETTINGS = Path(__file__).with_name("streamlit.toml")
"""Settings of Streamlit; ``.streamlit/config.toml`` holds the same for ``streamlit run app.py``."""
BASE_PATH_VARIABLE = "STREAMLIT_SERVER_BASE_URL_PATH"
"""The variable that ``streamlit run`` reads as well."""
FIRST_PORT = 8501
PORTS_TRIED = 20


LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this computer reaches."""


def serve(
    port: int | None, host: str, workspace: Path | None, *, online: bool = False, may_save: bool | None = None
) -> int:
    """Serve the web app until it is interrupted.

    Parameters
    ----------
    port : int or None
        None takes the first free port from 8501.
    host : str
        Address to listen on.
    workspace : Path or None
        The default workspace when None.
    online : bool
        Whether the national base map and the search for addresses may be asked.
    may_save : bool, optional
        Whether visitors may save a layer into the workspace. When None the environment variable ``DGDO_LADEN`` decides,
        and without it: on an address that only this computer reaches.

    Returns
    -------
    int
        Exit code: 0.

    Raises
    ------
    InputError
        If the workspace does not exist, or the base path cannot be one.
    DataError
        If the port cannot be used.
    """
    if workspace is not None:
        if not workspace.exists():
            raise InputError("workspace_missing", path=workspace)
        os.environ[WORKSPACE_VARIABLE] = str(workspace.resolve())
    if online:
        os.environ[ONLINE_VARIABLE] = "1"
    if may_save is not None:
        os.environ[SAVE_VARIABLE] = "1" if may_save else "0"
    elif SAVE_VARIABLE not in os.environ and host in LOOPBACK:
        os.environ[SAVE_VARIABLE] = "1"
    chosen = _free_port(host, port)
    import streamlit as st
    import uvicorn

    from dgdo_geo.web.asgi import parts

    base = base_path()
    app = st.App(**parts(base))
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    address = "/".join(filter(None, (f"http://{shown}:{chosen}", base)))
    sys.stderr.write(text("web", "serving", address=address) + "\n")
    sys.stderr.flush()
    # The server names itself in every answer; Streamlit passes no setting for it on.
    uvicorn.Config.__init__ = partialmethod(uvicorn.Config.__init__, server_header=False)  # type: ignore[assignment, method-assign]
    with contextlib.suppress(KeyboardInterrupt):
        about = {
            "server.port": chosen,
            "server.address": host,
            "browser.serverAddress": shown,
            "server.baseUrlPath": base,
        }
        app.run(config={**settings(), **about})
    sys.stderr.write(text("web", "stopped") + "\n")
    return 0


def base_path() -> str:
    """The path below which the app is served behind a proxy, without slashes around it; "" for none.

    Raises
    ------
    InputError
        If the variable holds what cannot be a path.
    """
    value = os.environ.get(BASE_PATH_VARIABLE, "").strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_~-]*(/[A-Za-z0-9_~-]+)*", value):
        raise InputError("base_path_wrong", variable=BASE_PATH_VARIABLE, value=value)
    return value


def settings() -> dict[str, object]:
    """Settings of Streamlit as dotted names."""
    with SETTINGS.open("rb") as file:
        return _dotted(tomllib.load(file))


def _dotted(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            result |= _dotted(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    return result


def _free_port(host: str, wanted: int | None) -> int:
    tried = [wanted] if wanted is not None else list(range(FIRST_PORT, FIRST_PORT + PORTS_TRIED))
    reason = ""
    for port in tried:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                return port
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise DataError("port_in_use", port=tried[0], host=host, reason=reason)
