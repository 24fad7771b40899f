"""Layers that a visitor loads for their own session: a copy of the workspace in a temporary folder, with its own explorer.

A session is known by a random name in a cookie, so that a link within the app,
which draws a new page, does not lose the layers. What the map fetches names
another random key, in the place of the version of all layers. Both are worth
nothing once the session is gone. There are a few sessions at a time, a few
layers in each, and one that was not used for a while makes place.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dgdo_geo import intake, store
from dgdo_geo.errors import DataError, DgdoGeoError, InputError
from dgdo_geo.intake import Intake, Recipe
from dgdo_geo.intake.versions import record_added, versions
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.web import opened
from dgdo_geo.web.online import may_save

MOST_SESSIONS = 4
MOST_LAYERS = 5
"""Of one session."""
IDLE_S = 2 * 3600.0
"""A session that was not used for so long is over."""
BUSY_S = 15 * 60.0
"""A session that was used since then is not put aside for another one."""
COPIED = ("layers", "concerns")
"""Folders of a workspace that a session needs."""


@dataclass(frozen=True, slots=True)
class Session:
    """The own layers of one visitor.

    Attributes
    ----------
    folder : TemporaryDirectory
        The workspace; removed when nobody holds it any more.
    layers : dict of layer id to name of the file
    """

    folder: tempfile.TemporaryDirectory[str]
    explorer: Explorer
    layers: dict[str, str] = field(default_factory=dict)
    used: float = 0.0


_sessions: dict[str, Session] = {}
_lock = threading.Lock()
_watching = threading.Event()
_log = logging.getLogger(__name__)


def new_token() -> str:
    """A name for a session that nobody can guess."""
    return secrets.token_urlsafe(24)


def session(token: str) -> Session | None:
    """The session of a name, if it is not over."""
    with _lock:
        _end_idle()
        found = _sessions.get(token)
        if found is not None:
            found = _sessions[token] = replace(found, used=time.monotonic())
        return found


def check(recipe: Recipe, workspace: Path) -> list[Intake]:
    """The dry run: everything but the saving.

    Raises
    ------
    InputError, DataError
        At the first thing that is wrong.
    """
    return intake.run(recipe, workspace)


def add(token: str, recipe: Recipe, base: Explorer) -> Session:
    """Load the layers of a recipe for one session.

    Parameters
    ----------
    token : str
        Name of the session; see :func:`new_token`.
    recipe : Recipe
    base : Explorer
        The workspace of the server, for a session that has none yet.

    Raises
    ------
    InputError
        If something in the file or the recipe is wrong, or there are too many layers or sessions; nothing has changed.
    DataError
        If the temporary folder cannot be written.
    """
    now = session(token)
    names = {item.layer: item.file for item in recipe.layers}
    layers = {**(now.layers if now else {}), **names}
    if len(layers) > MOST_LAYERS:
        raise InputError("own_layers_too_many", most=MOST_LAYERS)
    if now is None:
        _make_place()
    folder = now.folder if now else _copied(base)
    intake.run(recipe, Path(folder.name), save=True)
    explorer = open_explorer(folder.name)
    opened.hide(explorer, secrets.token_urlsafe(16), layers, folder)
    made = Session(folder, explorer, layers, time.monotonic())
    with _lock:
        _sessions[token] = made
    _watch()
    # A first "nee" looks for places that are open in the whole country: that takes a few seconds.
    threading.Thread(target=_warm, args=(explorer,), name="own-layers").start()
    return made


def _warm(explorer: Explorer) -> None:
    try:
        explorer.build_overlay()
    except DgdoGeoError as error:
        _log.warning("overlay of own layers: %s", error.key)
    except RuntimeError:
        # The server stops, and starts no further threads for it.
        _log.info("overlay of own layers: not finished")


def remove(token: str) -> None:
    """End a session: its layers are gone."""
    with _lock:
        _sessions.pop(token, None)


def hidden(version: str) -> Explorer | None:
    """The explorer of a session by the version that its addresses name."""
    with _lock:
        _end_idle()
        found = [one.explorer for one in _sessions.values()]
    for explorer in found:
        if secrets.compare_digest(opened.version(explorer).encode(), version.encode()):
            return explorer
    return None


def save(recipe: Recipe, workspace: Path) -> list[Intake]:
    """Load the layers of a recipe into the workspace of the server, as ``dgdo-geo add --opslaan`` does.

    Raises
    ------
    InputError
        If the operator does not allow it, or something is wrong; nothing has changed.
    DataError
        If the workspace cannot be written.
    """
    if not may_save():
        raise InputError("saving_is_off")
    before = store.open_workspace(workspace, create=True)
    known = versions(before, [item.layer for item in recipe.layers])
    results = intake.run(recipe, workspace, save=True)
    for result in results:
        record_added(before, result.layer.id, result.report.file, result.frame, known.get(result.layer.id))
    return results


def _watch() -> None:
    """End what is over, also when nobody comes by any more."""
    with _lock:
        _end_idle()
        if not _sessions or _watching.is_set():
            return
        _watching.set()
    timer = threading.Timer(IDLE_S / 8, _look_again)
    timer.daemon = True
    timer.start()


def _look_again() -> None:
    _watching.clear()
    _watch()


def _end_idle() -> None:
    over = time.monotonic() - IDLE_S
    for token in [token for token, one in _sessions.items() if one.used < over]:
        del _sessions[token]


def _make_place() -> None:
    """Put aside the session that was not used for the longest, when there are too many."""
    with _lock:
        _end_idle()
        if len(_sessions) < MOST_SESSIONS:
            return
        token, oldest = min(_sessions.items(), key=lambda item: item[1].used)
        if oldest.used > time.monotonic() - BUSY_S:
            raise InputError("own_layers_busy")
        del _sessions[token]


def _copied(base: Explorer) -> tempfile.TemporaryDirectory[str]:
    """A workspace of its own with the same layers: hard links where the disk can, so that it costs no room.

    Nothing in a workspace is written in place: a file is replaced, so the other one stays as it is.
    """
    folder = tempfile.TemporaryDirectory(prefix="dgdo-geo-sessie-", ignore_cleanup_errors=True)
    source, target = base.workspace.path, Path(folder.name)
    try:
        store.open_workspace(target, create=True)
        for name in COPIED:
            if (source / name).is_dir():
                shutil.copytree(source / name, target / name, copy_function=_link_or_copy())
    except (OSError, shutil.Error) as error:
        folder.cleanup()
        raise DataError("workspace_not_writable", path="(tijdelijk)", reason=error) from error
    return folder


def _link_or_copy() -> Callable[[str, str], object]:
    def one(source: str, target: str) -> object:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return target

    return one
