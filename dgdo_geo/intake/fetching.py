"""``dgdo-geo fetch``: official open data into the workspace, layer by layer.

A layer can be fetched when a ``fetch.toml`` stands beside its declaration.
One that fails leaves its last good product and a dated status; the others go
on.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue

from dgdo_geo import store
from dgdo_geo.errors import DataError, DgdoGeoError, InputError
from dgdo_geo.intake import freshness
from dgdo_geo.intake.fetch_file import FetchFile, fetch_files
from dgdo_geo.intake.freshness import Changes, Event, Freshness
from dgdo_geo.intake.grid_loading import bring_in_grid
from dgdo_geo.intake.loading import Intake, bring_in, take_in
from dgdo_geo.intake.meter import Meter, Network, Stopped
from dgdo_geo.intake.rasters import GridChoice, GridOptions
from dgdo_geo.intake.versions import Version, is_own, version
from dgdo_geo.model import Layer
from dgdo_geo.sources.grids import GridFile
from dgdo_geo.sources.http import Client, Limits, Validators
from dgdo_geo.sources.service_types import (
    FEATURES,
    FILES,
    GRIDS,
    Fetched,
    FetchedFile,
    FetchedGrids,
    NotChanged,
    Wanted,
)
from dgdo_geo.sources.services import fetch_source

__all__ = ["FetchFile", "Run", "Step", "fetch", "fetch_files"]

WORKERS = 3
"""Layers that are fetched at the same time."""
PATIENCE_S = 3.0
"""How long layers that are being stored may go on after somebody asked to stop."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is.

    Attributes
    ----------
    layer : str
        Of which something came.
    unit : {"features", "cells", "bytes"}
        What is counted.
    done, total : int
        Of this layer; the total is None when nobody knows it.
    bytes : int
        Received of this layer.
    """

    layer: str
    unit: str
    done: int
    total: int | None
    bytes: int


@dataclass(frozen=True)
class Run:
    """What a run did.

    Attributes
    ----------
    items : tuple of Freshness
        Layers that were tried, in the order of their ids.
    not_done : tuple of str
        Layers that were not, because somebody asked to stop.
    before : mapping of layer id to Version
        What the layers that changed were before.
    """

    items: tuple[Freshness, ...]
    not_done: tuple[str, ...]
    before: Mapping[str, Version]


def fetch(
    layers: Sequence[str] = (),
    workspace: Path | None = None,
    *,
    client: Client | None = None,
    files: Mapping[str, FetchFile] | None = None,
    on_progress: Callable[[Step], None] | None = None,
    on_done: Callable[[Freshness], None] | None = None,
    keep_before: bool = False,
) -> Run:
    """Fetch some layers, or all that can be fetched, into the workspace.

    Ctrl-C ends it: layers that are done stay done, and the result says which are not.

    Parameters
    ----------
    layers : sequence of str
        Ids; all layers with a ``fetch.toml`` when empty.
    client : Client, optional
        For tests; the default one when None.
    files : mapping, optional
        Other fetch files than the shipped ones.
    on_progress, on_done : callable, optional
        Called from several threads with what came, and with what became of a layer.
    keep_before : bool
        Keep what the changed layers were before, to compare answers.

    Raises
    ------
    InputError
        If a layer does not exist or cannot be fetched; nothing is fetched then.
    """
    known = fetch_files() if files is None else files
    opened = store.open_workspace(workspace, create=True)
    for layer_id in layers:
        if layer_id not in opened.entries:
            raise InputError("layer_unknown", id=layer_id, known=", ".join(opened.entries))
        if layer_id not in known:
            raise InputError("fetch_unknown", layer=layer_id, known=", ".join(known))
    wanted = sorted(set(layers or known))
    network = Network(client or Client(), client or Client(Limits(tries=1)))
    status = freshness.read(opened.path)
    items: dict[str, Freshness] = {}
    before: dict[str, Version] = {}

    def one(layer_id: str) -> None:
        job = _Job(layer_id, known[layer_id], opened, network, status.get(layer_id), on_progress)
        item, replaced = job.run()
        freshness.write(opened, item)
        if replaced is not None and keep_before:
            before[layer_id] = replaced
        items[layer_id] = item
        if on_done is not None:
            on_done(item)

    errors = _side_by_side(wanted, one, network)
    if errors:
        raise errors[0]
    if missing := [layer_id for layer_id in wanted if layer_id not in items and not network.stop.is_set()]:
        raise RuntimeError(f"the work on {', '.join(missing)} broke off; see the error above")
    done = [layer_id for layer_id in wanted if layer_id in items]
    not_done = tuple(layer_id for layer_id in wanted if layer_id not in items)
    return Run(tuple(items[layer_id] for layer_id in done), not_done, before)


def _side_by_side(wanted: Sequence[str], one: Callable[[str], None], network: Network) -> list[DgdoGeoError]:
    """Do the work in a few threads; Ctrl-C stops them, but for what is being stored at that moment.

    The threads are no part of a pool: the program would wait for those at its end, whatever they are waiting for.
    """
    queue: SimpleQueue[str] = SimpleQueue()
    for layer_id in wanted:
        queue.put(layer_id)
    errors: list[DgdoGeoError] = []

    def work() -> None:
        while not network.stop.is_set():
            try:
                one(queue.get_nowait())
            except (Empty, Stopped):
                return
            except DgdoGeoError as error:  # a status that cannot be written: the others cannot be either
                errors.append(error)
                network.stop.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, len(wanted)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        network.stop.set()
        end = time.monotonic() + PATIENCE_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
    return errors


class _Job:
    """The work on one layer."""

    def __init__(
        self,
        layer_id: str,
        file: FetchFile,
        workspace: store.Workspace,
        network: Network,
        last: Freshness | None,
        on_progress: Callable[[Step], None] | None,
    ) -> None:
        self.layer_id, self.file, self.workspace, self.network = layer_id, file, workspace, network
        self.last = last or Freshness(layer_id, "", "")
        self.on_progress = on_progress
        self.folder = workspace.path / freshness.FOLDER / layer_id
        unit = next(u for u, names in _UNITS.items() if file.service.protocol in names)
        self.step = Step(layer_id, unit, 0, None, 0)
        self.meter = Meter(network, self._on_bytes)

    def run(self) -> tuple[Freshness, Version | None]:
        """Fetch and store; gives the new status, and what the layer was before when it changed."""
        start = time.monotonic()
        try:
            try:
                item, before = self._fetched()
            finally:
                self._clean()
        except DgdoGeoError as error:
            failed = replace(self.last, checked=freshness.now(), status="failed", message_nl=error.message_nl)
            return failed, None
        seconds = round(time.monotonic() - start, 1)
        return replace(item, bytes=self.meter.bytes, seconds=seconds, asked=self.file.hash()), before

    def _fetched(self) -> tuple[Freshness, Version | None]:
        got = self._get(self._known())
        if isinstance(got, NotChanged) and got.layer != self.last.source_layer:
            got = self._get(None)  # the date of another file says nothing about ours
        if isinstance(got, NotChanged):
            return replace(self.last, checked=freshness.now(), status="unchanged", message_nl=""), None
        intake = self._bring_in(got)
        if self.network.stop.is_set():
            raise Stopped
        before = version(self.workspace, self.layer_id)
        is_new = not is_own(self.workspace, self.layer_id, before)
        changes = freshness.compare(None if is_new else before[1], intake.frame)
        if not is_new:
            changes = replace(changes, declaration=self._says_otherwise(before[0].layer, intake.layer))
        item = replace(
            self.last,
            checked=freshness.now(),
            message_nl="",
            source_layer=got.layer,
            features=len(intake.frame),
            etag=got.validators.etag if isinstance(got, FetchedFile) else "",
            modified=got.validators.modified if isinstance(got, FetchedFile) else "",
        )
        if changes.is_none and not is_new:
            return replace(item, status="unchanged", changes=Changes(), product=before[0].hash), None
        stored = store.write_layer(self.workspace, intake.layer, intake.frame)
        item = replace(item, status="new" if is_new else "changed", changed=item.checked, product=str(stored.sha256))
        history = (Event(item.checked, item.features, changes), *self.last.history)[: freshness.HISTORY]
        return replace(item, changes=changes, history=history, flips=None), before

    def _get(self, known: Validators | None) -> Fetched | FetchedGrids | FetchedFile | NotChanged:
        if self.file.service.protocol in FILES:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or error
                raise DataError("workspace_not_writable", path=self.workspace.path, reason=reason) from error
        wanted = [_wanted(choice) for choice in _choices(self.file.grid)]
        return fetch_source(
            self.file.service,
            self.meter,
            choices=wanted,
            folder=self.folder,
            known=known,
            on_page=self._on_page,
        )

    def _known(self) -> Validators | None:
        """What the server said of the version in use; None when that was fetched otherwise, or is gone."""
        last, entry = self.last, self.workspace.entries[self.layer_id]
        if not (last.etag or last.modified) or last.asked != self.file.hash() or not last.product:
            return None
        path = entry.product_path
        if path is None or entry.layer.sha256 != last.product or not path.is_relative_to(self.workspace.path):
            return None
        if not path.is_file() or store.file_hash(path) != last.product:
            return None
        return Validators(last.etag, last.modified)

    def _bring_in(self, got: Fetched | FetchedGrids | FetchedFile) -> Intake:
        """The way of all layers: fetched and added ones are treated alike."""
        if isinstance(got, FetchedFile):
            return take_in(self.file.as_recipe(self.layer_id, got.path.name), got.path.parent, self.workspace)
        item = self.file.as_recipe(self.layer_id, f"{self.file.service.url} ({got.layer})")
        if isinstance(got, Fetched):
            return bring_in(got.frame, item, self.workspace)
        grids = got.grids

        def read(choice: GridChoice) -> GridFile:
            return grids[_wanted(choice)]

        return bring_in_grid(read, item, self.workspace)

    def _says_otherwise(self, old: Layer, new: Layer) -> bool:
        apart = {"product", "sha256"}
        if self.file.declare.reference_date == date.min:
            apart.add("reference_date")
        return old.model_dump(exclude=apart) != new.model_dump(exclude=apart)

    def _on_page(self, done: int, total: int | None) -> None:
        if self.network.stop.is_set():
            raise Stopped
        self._tell(replace(self.step, done=done, total=total))

    def _on_bytes(self, size: int) -> None:
        self._tell(replace(self.step, bytes=size))

    def _tell(self, step: Step) -> None:
        self.step = step
        if self.on_progress is not None:
            self.on_progress(step)

    def _clean(self) -> None:
        """Leave nothing of a download but a part of which the rest can be asked for."""
        if not self.folder.is_dir():
            return
        parts = [path for path in self.folder.iterdir() if path.name.endswith((".part", ".part.json"))]
        if not parts or not any(path.name.endswith(".part") for path in parts):
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for path in self.folder.iterdir():
            if path not in parts:
                path.unlink(missing_ok=True)


_UNITS = {"features": FEATURES, "cells": GRIDS, "bytes": FILES}


def _choices(grid: GridOptions | None) -> list[GridChoice]:
    """Every grid that a layer is made of."""
    return [] if grid is None else [choice for choice in (grid, grid.top, grid.base) if choice is not None]


def _wanted(choice: GridChoice) -> Wanted:
    return Wanted.of(choice.variable, choice.band, choice.select)
