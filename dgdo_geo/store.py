"""The workspace on disk: products of layers, stored overlay results, hashes. All writes are atomic.

A workspace is a folder::

    workspace.json                       format number
    layers/<family>/<id>/layer.toml      layers that replace or extend those shipped with the program
    layers/<family>/<id>/product-….parquet
    overlay/<hash>/*.parquet             the overlay table, kept per hash of all inputs
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import platformdirs
import pyarrow
import shapely
import tomli_w
from pyarrow import parquet

from dgdo_geo.catalogue import CatalogueEntry, read_catalogue, shipped_layers_dir
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import NO_DATA, RD_NEW, Layer, LayerState, LayerStatus
from dgdo_geo.toml_files import short_name

FORMAT = 1
WORKSPACE_VARIABLE = "DGDO_WORKSPACE"

TEXT_COLUMNS = ("feature_id", "name", "class", "source", "note")
NUMBER_COLUMNS = ("top_min_m", "top_max_m", "base_min_m", "base_max_m", "accuracy_m")
BOUNDARY_COLUMNS = {"gemeenten": "province", "provincies": "dgdo_region"}
"""The column that the boundaries cannot do without."""
_DIMENSION = {"point": 0, "line": 1, "polygon": 2}


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace: where it is and which layers it knows."""

    path: Path
    entries: Mapping[str, CatalogueEntry]


def default_workspace() -> Path:
    """The folder of the environment variable ``DGDO_WORKSPACE``, else that of the user's data."""
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("dgdo-geo", appauthor=False))


def open_workspace(
    path: Path | None = None,
    *,
    create: bool = False,
    missing_ok: bool = False,
    shipped: Path | None = None,
) -> Workspace:
    """Open a workspace, together with the layers shipped with the program.

    Parameters
    ----------
    path : Path, optional
        When None that of ``DGDO_WORKSPACE``, else the default of the user, which need not exist yet.
    create : bool
        Make the folder when it is not there.
    missing_ok : bool
        A named folder need not exist; nothing is made.
    shipped : Path, optional
        Another folder of shipped layers, for tests.

    Raises
    ------
    InputError
        If a named folder does not exist and may not be made.
    DataError
        If the folder is not a workspace, or one of a newer program, or damaged.
    DeclarationError
        If a declaration in it is wrong.
    """
    folder = path or default_workspace()
    is_named = path is not None or WORKSPACE_VARIABLE in os.environ
    try:
        is_there = folder.exists()
        if is_there:
            _check_format(folder)
    except OSError as error:
        raise DataError("workspace_unreadable", path=folder, reason=error.strerror) from error
    if not is_there and is_named and not (create or missing_ok):
        raise InputError("workspace_missing", path=folder)
    if create:
        _create(folder)
    return Workspace(folder, read_catalogue([shipped or shipped_layers_dir(), folder / "layers"]))


def _check_format(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError("workspace_not_a_folder", path=folder)
    if not any(folder.iterdir()):
        return
    try:
        found = json.loads((folder / "workspace.json").read_text(encoding="utf-8"))["format"]
    except FileNotFoundError:
        raise DataError("workspace_foreign", path=folder) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("workspace_corrupt", path=folder, file="workspace.json") from error
    if found != FORMAT:
        raise DataError("workspace_format", path=folder, found=found, expected=FORMAT)


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "workspace.json").exists():
            write_atomic(folder / "workspace.json", json.dumps({"format": FORMAT}).encode())
    except OSError as error:
        raise DataError("workspace_not_writable", path=folder, reason=error.strerror or error) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_layers(workspace: Workspace) -> tuple[dict[str, LayerState], dict[str, gpd.GeoDataFrame]]:
    """Read every layer; one that cannot be read gets a status, it stops nothing.

    Returns
    -------
    states : dict of layer id to LayerState
        Every declared layer.
    products : dict of layer id to GeoDataFrame
        Those that are available.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        read = list(pool.map(_read_state, workspace.entries.values()))
    states = {state.layer.id: state for state, _ in read}
    products = {state.layer.id: frame for state, frame in read if frame is not None}
    return states, products


def _read_state(entry: CatalogueEntry) -> tuple[LayerState, gpd.GeoDataFrame | None]:
    layer = entry.layer
    if entry.product_path is None:
        return LayerState(layer, LayerStatus.NOT_LOADED, layer.how_to_get_nl), None
    try:
        frame = read_product(entry)
    except DataError as error:
        return LayerState(layer, LayerStatus.UNREADABLE, error.message_nl), None
    return LayerState(layer, LayerStatus.AVAILABLE, "", len(frame), str(layer.sha256)), frame


def read_product(entry: CatalogueEntry) -> gpd.GeoDataFrame:
    """Read the product of one layer and check it against the schema.

    Raises
    ------
    DataError
        If the file is missing, is not the one declared, cannot be read, or breaks the schema.
    """
    layer, path = entry.layer, entry.product_path
    if path is None:
        raise DataError("layer_not_loaded", layer=layer.id, how=layer.how_to_get_nl)
    if not path.is_file():
        raise DataError("product_missing", layer=layer.id, file=short_name(path))
    if file_hash(path) != layer.sha256:
        raise DataError("product_changed", layer=layer.id, file=short_name(path))
    try:
        frame = gpd.read_parquet(path)
    except (OSError, ValueError, KeyError, TypeError, pyarrow.ArrowException, shapely.errors.GEOSException) as error:
        raise DataError("product_unreadable", layer=layer.id, file=short_name(path), reason=error) from error
    problems = schema_problems(frame, layer)
    if problems:
        raise DataError("product_schema", layer=layer.id, problems="; ".join(problems))
    return frame


def schema_problems(frame: gpd.GeoDataFrame, layer: Layer) -> list[str]:
    """What is wrong with a product, in English; empty when it is right. See ``docs/layer-files.md``."""
    missing = [c for c in (*TEXT_COLUMNS, *NUMBER_COLUMNS) if c not in frame.columns]
    if missing:
        return [f"missing columns: {', '.join(missing)}"]
    wanted = [c for c in ("feature_id", "name", "class", BOUNDARY_COLUMNS.get(layer.id)) if c is not None]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        return [f"missing columns: {', '.join(missing)}"]
    no_text = [c for c in wanted if not _is_text(frame[c])]
    if no_text:
        return [f"values missing or not text in: {', '.join(no_text)}"]
    problems = []
    if frame.crs is None or frame.crs.to_epsg() != RD_NEW:
        problems.append(f"CRS is {frame.crs}, expected EPSG:{RD_NEW}")
    if frame.empty:
        problems.append("no features")
    doubles = frame["feature_id"][frame["feature_id"].duplicated()]
    if len(doubles):
        problems.append(f"feature_id not unique: {', '.join(map(str, doubles.unique()[:5]))}")
    strange = sorted(set(frame["class"].unique()) - {c.id for c in layer.classes} - {NO_DATA})
    if strange:
        problems.append(f"undeclared classes: {', '.join(map(str, strange[:5]))}")
    for column in NUMBER_COLUMNS:
        if not pd.api.types.is_float_dtype(frame[column]):
            problems.append(f"column {column} is not a float")
            return problems
    if (frame["accuracy_m"] < 0).any() or np.isinf(frame["accuracy_m"]).any():
        problems.append("accuracy_m is negative or infinite")
    contradicts = (
        (frame["top_min_m"] > frame["top_max_m"])
        | (frame["base_min_m"] > frame["base_max_m"])
        | (frame["top_min_m"] >= frame["base_max_m"])
    )
    if contradicts.any():
        bad = frame["feature_id"][contradicts]
        problems.append(f"depths contradict each other: {', '.join(map(str, bad[:5]))}")
    geometry = frame.geometry.to_numpy()
    if shapely.is_missing(geometry).any() or shapely.is_empty(geometry).any():
        problems.append("features without geometry")
    elif (shapely.get_dimensions(geometry) != _DIMENSION[layer.geometry]).any():
        problems.append(f"geometry is not {layer.geometry}")
    elif not shapely.is_valid(geometry).all():
        bad = frame["feature_id"][~shapely.is_valid(geometry)]
        problems.append(f"invalid geometry: {', '.join(map(str, bad[:5]))}")
    return problems


def _is_text(column: pd.Series) -> bool:
    """Whether every value is a text; none may be missing. A call for each of a million values would take seconds."""
    if isinstance(column.dtype, pd.StringDtype):
        return not column.hasnans
    if isinstance(column.dtype, pd.CategoricalDtype):
        return not column.hasnans and _is_text(pd.Series(column.cat.categories, dtype=object))
    return column.empty or pd.api.types.infer_dtype(column, skipna=False) == "string"


def write_layer(workspace: Workspace, layer: Layer, frame: gpd.GeoDataFrame) -> Layer:
    """Put a layer in the workspace; it replaces one of the same id. See :func:`write_layers`."""
    return write_layers(workspace, [(layer, frame)])[0]


def write_layers(workspace: Workspace, layers: Sequence[tuple[Layer, gpd.GeoDataFrame]]) -> list[Layer]:
    """Put layers in the workspace; they replace those of the same id.

    All products go first, under names of their own; only when every one is
    written, the declarations that point to them follow, one rename each.
    Interrupted before that, every old layer is still whole.

    Returns
    -------
    list of Layer
        With product and hash filled in.

    Raises
    ------
    DataError
        If a frame breaks the schema or cannot be written; then no layer has changed.
    """
    for layer, frame in layers:
        problems = schema_problems(frame, layer)
        if problems:
            raise DataError("product_schema", layer=layer.id, problems="; ".join(problems))
    try:
        stored = [_stage_product(workspace, layer, frame) for layer, frame in layers]
        for layer in stored:
            folder = _layer_folder(workspace, layer)
            write_atomic(folder / "layer.toml", layer_toml(layer).encode())
            for old in folder.glob("product-*.parquet"):
                if old.name != layer.product:
                    old.unlink()
    except OSError as error:
        raise DataError("workspace_not_writable", path=workspace.path, reason=error.strerror or error) from error
    return stored


def _layer_folder(workspace: Workspace, layer: Layer) -> Path:
    return workspace.path / "layers" / layer.family.value / layer.id


def _stage_product(workspace: Workspace, layer: Layer, frame: gpd.GeoDataFrame) -> Layer:
    """Write a product beside the one in use; nothing points to it yet."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=workspace.path) as temporary:
        draft = Path(temporary) / "product.parquet"
        try:
            frame.to_parquet(draft, index=False, compression="zstd")
        except (ValueError, TypeError, pyarrow.ArrowException) as error:
            raise DataError("product_schema", layer=layer.id, problems=str(error).splitlines()[0]) from error
        digest = file_hash(draft)
        folder = _layer_folder(workspace, layer)
        folder.mkdir(parents=True, exist_ok=True)
        product = folder / f"product-{digest[:12]}.parquet"
        shutil.move(draft, product)
    return layer.model_copy(update={"product": product.name, "sha256": digest})


def layer_toml(layer: Layer) -> str:
    """The text of a ``layer.toml``."""
    data = layer.model_dump(mode="python", exclude_none=True)
    data["family"], data["quality"], data["absence"] = layer.family.value, layer.quality.value, layer.absence.value
    return tomli_w.dumps({key: list(value) if isinstance(value, tuple) else value for key, value in data.items()})


def read_tables(workspace: Workspace, key: str) -> dict[str, pyarrow.Table] | None:
    """The tables of a stored overlay, or None when there are none that can be read (they are then made anew)."""
    folder = workspace.path / "overlay" / key
    try:
        files = sorted(folder.glob("*.parquet"))
        return {f.stem: parquet.read_table(f, page_checksum_verification=True) for f in files} or None
    except (OSError, ValueError, pyarrow.ArrowException):
        return None


def write_tables(workspace: Workspace, key: str, tables: Mapping[str, pyarrow.Table], *, keep: int = 4) -> None:
    """Store the tables of an overlay as one folder and drop the oldest ones beyond ``keep``.

    Raises
    ------
    DataError
        If the folder cannot be written.
    """
    try:
        _create(workspace.path)
        overlays = workspace.path / "overlay"
        overlays.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=overlays) as temporary:
            draft = Path(temporary) / key
            draft.mkdir()
            for name, table in tables.items():
                parquet.write_table(table, draft / f"{name}.parquet", compression="zstd", write_page_checksum=True)
            if (overlays / key).exists():
                (overlays / key).rename(Path(temporary) / "replaced")
            draft.rename(overlays / key)
        stored = sorted(overlays.glob("[!.]*"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in [p for p in stored if p.is_file()] + [p for p in stored if p.is_dir()][keep:]:
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError("workspace_not_writable", path=workspace.path, reason=error) from error
