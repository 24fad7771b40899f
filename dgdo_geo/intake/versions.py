"""Layers as they are in use now, to compare with what replaces them."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd

from dgdo_geo import store
from dgdo_geo.intake import freshness
from dgdo_geo.intake.freshness import Event, Freshness
from dgdo_geo.model import LayerState, LayerStatus

Version = tuple[LayerState, gpd.GeoDataFrame | None]
"""A layer's state, and its features when it is available."""


def version(workspace: store.Workspace, layer_id: str) -> Version:
    """A layer as the next answer would use it: from the workspace, else as it ships."""
    states, products = store.read_layers(store.Workspace(workspace.path, {layer_id: workspace.entries[layer_id]}))
    return states[layer_id], products.get(layer_id)


def versions(workspace: store.Workspace, layers: Iterable[str]) -> dict[str, Version]:
    """Some layers as the next answer would use them; one that is not declared is left out."""
    return {layer_id: version(workspace, layer_id) for layer_id in layers if layer_id in workspace.entries}


def is_own(workspace: store.Workspace, layer_id: str, found: Version) -> bool:
    """Whether the layer is in use and comes from the workspace: what ships is no older version of official data."""
    path = workspace.entries[layer_id].product_path
    return found[0].status is LayerStatus.AVAILABLE and path is not None and path.is_relative_to(workspace.path)


def record_added(
    workspace: store.Workspace, layer_id: str, file: str, frame: gpd.GeoDataFrame, before: Version | None
) -> Freshness:
    """Write the status of a layer that somebody loaded from a file, so that it does not look fetched.

    Parameters
    ----------
    workspace : Workspace
        As it was opened before the layer was saved.
    file : str
        Name of the file.
    frame : GeoDataFrame
        What was saved, in our schema.
    before : Version, optional
        What the layer was before; see :func:`versions`. None for a layer that was not declared.

    Raises
    ------
    DataError
        If the workspace cannot be written.
    """
    last = freshness.read(workspace.path).get(layer_id)
    old = before[1] if before is not None and is_own(workspace, layer_id, before) else None
    changes = freshness.compare(old, frame)
    when = freshness.now()
    history = (Event(when, len(frame), changes), *(last.history if last else ()))[: freshness.HISTORY]
    item = Freshness(
        layer_id,
        when,
        "added",
        changed=when,
        source_layer=file,
        features=len(frame),
        changes=changes,
        history=history,
    )
    freshness.write(workspace, item)
    return item
