"""``dgdo-geo fetch``: official open data into the workspace, layer by layer.

A layer can be fetched when a ``fetch.toml`` stands beside its declaration.
One that fails leaves its last good product and a dated status; the others go
on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
from pydantic import ValidationError

from dgdo_geo import store
from dgdo_geo.catalogue import CatalogueEntry, shipped_layers_dir
from dgdo_geo.errors import DataError, DeclarationError, DgdoGeoError, InputError
from dgdo_geo.intake import freshness
from dgdo_geo.intake.density import DensityOptions
from dgdo_geo.intake.freshness import Changes, Freshness
from dgdo_geo.intake.loading import bring_in
from dgdo_geo.intake.rasters import GridOptions
from dgdo_geo.intake.recipe import ClassMapping, Columns, Declaration, RecipeLayer
from dgdo_geo.model import Declared
from dgdo_geo.sources.files import ReadOptions
from dgdo_geo.sources.http import Client
from dgdo_geo.sources.services import Fetched, Service, fetch_features
from dgdo_geo.toml_files import describe_validation, read_toml, short_name

FILE = "fetch.toml"
WORKERS = 3
"""Layers that are fetched at the same time."""

Progress = Callable[[str, int, int | None], None]
"""Called with the layer, the features so far and their number, when the server tells."""


class FetchDeclaration(Declaration):
    """As in a recipe; the date of the data is the day of the fetch when the source names none."""

    reference_date: date = date.min


class FetchFile(Declared):
    """The text of a ``fetch.toml``.

    Attributes
    ----------
    last_verified : date, optional
        Day on which somebody fetched it for real; None when the address was only seen in public sources.
    evidence_nl : str
        Where the address comes from.
    """

    last_verified: date | None = None
    evidence_nl: str
    service: Service
    crs: str | None = None
    why_crs_nl: str = ""
    read: ReadOptions = ReadOptions()
    grid: GridOptions | None = None
    density: DensityOptions | None = None
    columns: Columns = Columns()
    classes: ClassMapping = ClassMapping()
    declare: FetchDeclaration


def fetch_files(folder: Path | None = None) -> dict[str, FetchFile]:
    """Every layer that can be fetched, by id.

    Raises
    ------
    DeclarationError
        If a file is wrong; names the file and the key.
    """
    found = {}
    for path in sorted((folder or shipped_layers_dir()).glob(f"*/*/{FILE}")):
        try:
            found[path.parent.name] = FetchFile.model_validate(read_toml(path))
        except ValidationError as error:
            problems = describe_validation(error, FetchFile)
            raise DeclarationError("declaration_wrong", file=short_name(path), problems=problems) from error
    return found


def fetch(
    layers: Sequence[str] = (),
    workspace: Path | None = None,
    *,
    client: Client | None = None,
    files: dict[str, FetchFile] | None = None,
    on_progress: Progress | None = None,
) -> list[Freshness]:
    """Fetch some layers, or all that can be fetched, into the workspace.

    Parameters
    ----------
    layers : sequence of str
        Ids; all layers with a ``fetch.toml`` when empty.
    client : Client, optional
        For tests; the default one when None.
    files : dict, optional
        Other fetch files than the shipped ones.

    Returns
    -------
    list of Freshness
        What happened to each layer, in the order of their ids.

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
    wanted = sorted(layers or known)
    before = freshness.read(opened.path)
    shared = client or Client()

    def one(layer_id: str) -> Freshness:
        item = _fetch_one(layer_id, known[layer_id], opened, shared, before.get(layer_id), on_progress)
        freshness.write(opened, item)
        return item

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return list(pool.map(one, wanted))


def _fetch_one(
    layer_id: str,
    file: FetchFile,
    workspace: store.Workspace,
    client: Client,
    before: Freshness | None,
    on_progress: Progress | None,
) -> Freshness:
    start = time.monotonic()
    last = before or Freshness(layer_id, "", "")
    try:
        got = fetch_features(file.service, client, None if on_progress is None else _of(layer_id, on_progress))
        intake = bring_in(got.frame, _as_recipe(layer_id, file, got), workspace)
        old = _older(workspace.entries[layer_id], workspace)
        changes = freshness.compare(old, intake.frame)
        if old is None or not changes.is_none:
            store.write_layer(workspace, intake.layer, intake.frame)
    except DgdoGeoError as error:
        return replace(last, checked=freshness.now(), status="failed", message_nl=error.message_nl)
    status = "new" if old is None else "unchanged" if changes.is_none else "changed"
    checked = freshness.now()
    return Freshness(
        layer=layer_id,
        checked=checked,
        status=status,
        changed=last.changed if status == "unchanged" else checked,
        source_layer=got.layer,
        features=len(intake.frame),
        bytes=got.bytes,
        seconds=round(time.monotonic() - start, 1),
        changes=changes if status != "unchanged" else Changes(),
    )


def _of(layer_id: str, on_progress: Progress) -> Callable[[int, int | None], None]:
    return lambda done, total: on_progress(layer_id, done, total)


def _as_recipe(layer_id: str, file: FetchFile, got: Fetched) -> RecipeLayer:
    """The choices of a fetch file as a recipe, so that fetched and added layers take one way."""
    declared = file.declare
    if declared.reference_date == date.min:
        declared = declared.model_copy(update={"reference_date": date.today()})
    return RecipeLayer(
        layer=layer_id,
        file=f"{file.service.url} ({got.layer})",
        columns=file.columns,
        classes=file.classes,
        declare=declared,
    )


def _older(entry: CatalogueEntry, workspace: store.Workspace) -> gpd.GeoDataFrame | None:
    """The version in the workspace; what ships with the program is no older version of official data."""
    if entry.product_path is None or not entry.product_path.is_relative_to(workspace.path):
        return None
    try:
        return store.read_product(entry)
    except DataError:
        return None
