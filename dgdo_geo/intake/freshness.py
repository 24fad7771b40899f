"""When a layer was last looked at and last changed, and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from dgdo_geo import store
from dgdo_geo.errors import DataError
from dgdo_geo.intake.flips import Flips

FOLDER = "fetch"
HISTORY = 20
"""Changes that are kept."""
CHANGED = ("new", "changed", "added")
"""Status of a layer after a try that put another version in the workspace."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two versions of a layer.

    Attributes
    ----------
    added, gone : int
        Features that only one of them has. They are recognised by their id; by their shape when the source gives no
        ids, and then none is called moved.
    moved : int
        Features with another geometry.
    reclassified : int
        Features with another class.
    altered : int
        Features with another name or depth, or another value in a further column.
    added_m2, gone_m2 : float
        Area that only one of them covers; 0 for points and lines.
    declaration : bool
        What is said of the layer as a whole differs: its accuracy, classes or licence.
    """

    added: int = 0
    gone: int = 0
    moved: int = 0
    reclassified: int = 0
    altered: int = 0
    added_m2: float = 0.0
    gone_m2: float = 0.0
    declaration: bool = False

    @property
    def is_none(self) -> bool:
        """True when nothing differs."""
        return self == Changes()


@dataclass(frozen=True, slots=True)
class Event:
    """One version of a layer that differed from the one before."""

    when: str
    features: int
    changes: Changes


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of the last fetches of a layer.

    Attributes
    ----------
    layer : str
    checked : str
        Moment of the last try, ISO 8601 with time zone.
    status : {"new", "changed", "unchanged", "failed", "added"}
        How the last try ended; ``added``: not fetched but loaded from a file by somebody.
    message_nl : str
        Why it failed; empty when it did not.
    changed : str
        Moment of the last version that differed; empty when there is none.
    source_layer : str
        Name of the layer in the source, as it was resolved.
    features, bytes, seconds
        Of the last try that did not fail.
    changes : Changes
        Since the version before.
    history : tuple of Event
        The last versions that differed, newest first.
    flips : Flips, optional
        What the last of them did to the answers; None when there was none.
    etag, modified : str
        What the server said about this version, to ask whether there is a newer one.
    asked : str
        Hash of how the layer is fetched; with another one the server is not asked whether there is a newer version.
    product : str
        SHA-256 of the product that was stored; the layer in use may have been replaced since.
    """

    layer: str
    checked: str
    status: str
    message_nl: str = ""
    changed: str = ""
    source_layer: str = ""
    features: int = 0
    bytes: int = 0
    seconds: float = 0.0
    changes: Changes = field(default_factory=Changes)
    history: tuple[Event, ...] = ()
    flips: Flips | None = None
    etag: str = ""
    modified: str = ""
    asked: str = ""
    product: str = ""

    def to_dict(self) -> dict[str, object]:
        """The dict of ``fetch --json``, and of the file in the workspace."""
        return asdict(self)


def now() -> str:
    """This moment, with the time zone of the computer."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def write(workspace: store.Workspace, item: Freshness) -> None:
    """Keep what is known of a layer; replaces what was known before.

    Raises
    ------
    DataError
        If the workspace cannot be written.
    """
    path = workspace.path / FOLDER / f"{item.layer}.json"
    try:
        store.write_atomic(path, json.dumps(item.to_dict(), ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise DataError("workspace_not_writable", path=workspace.path, reason=error.strerror or error) from error


def read(workspace: Path) -> dict[str, Freshness]:
    """What is known of every layer that was ever fetched; a file that cannot be read counts as unknown."""
    found = {}
    for path in sorted((workspace / FOLDER).glob("*.json")):
        try:
            found[path.stem] = _from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _from_dict(data: Mapping[str, Any]) -> Freshness:
    flips = data.get("flips")
    return Freshness(
        **{
            **data,
            "changes": Changes(**data["changes"]),
            "history": tuple(Event(e["when"], e["features"], Changes(**e["changes"])) for e in data.get("history", ())),
            "flips": None if flips is None else Flips.from_dict(flips),
        }
    )


def with_flips(workspace: store.Workspace, items: Iterable[Freshness], flips: Flips) -> tuple[Freshness, ...]:
    """Add what the changes did to the answers to the layers that changed, and keep it.

    Raises
    ------
    DataError
        If the workspace cannot be written.
    """
    found = []
    for item in items:
        if item.status in CHANGED:
            item = replace(item, flips=flips)
            write(workspace, item)
        found.append(item)
    return tuple(found)


# What changed ------------------------------------------------------------------------------


def compare(old: gpd.GeoDataFrame | None, new: gpd.GeoDataFrame) -> Changes:
    """What differs between two versions of a layer, both in our schema and EPSG:28992.

    Without an older version every feature is added. Only what changed is drawn: the area costs time for the features
    that differ and those that touch them, not for the others.
    """
    if old is None:
        return Changes(added=len(new), added_m2=float(new.geometry.area.sum()))
    before, after = _normal(old), _normal(new)
    first, second = _named(old, before), _named(new, after)
    shared = first.intersection(second, sort=False)
    here, there = first.get_indexer(shared), second.get_indexer(shared)
    same = shapely.equals_identical(before[here], after[there])
    found = Changes(
        added=len(second) - len(shared),
        gone=len(first) - len(shared),
        moved=int((~same).sum()),
        reclassified=int(np.sum(old["class"].to_numpy()[here] != new["class"].to_numpy()[there])),
        altered=_altered(old.iloc[here], new.iloc[there]),
    )
    if not (found.added or found.gone or found.moved):
        return found
    gone = np.delete(before, here[same])
    added = np.delete(after, there[same])
    # The same shape under another id covers what it covered.
    both = set(shapely.to_wkb(gone)) & set(shapely.to_wkb(added))
    stays = np.array([wkb in both for wkb in shapely.to_wkb(gone)], np.bool_)
    unchanged = np.concatenate([before[here[same]], gone[stays]])
    gone = gone[~stays]
    added = added[[wkb not in both for wkb in shapely.to_wkb(added)]]
    return replace(found, added_m2=_beyond(added, (unchanged, gone)), gone_m2=_beyond(gone, (unchanged, added)))


def _numbered(frame: gpd.GeoDataFrame) -> bool:
    """Whether the ids are the numbers of the rows: then one feature more gives all that follow another id."""
    ids = frame["feature_id"].to_numpy(dtype=object)
    return bool((ids == np.arange(1, len(ids) + 1).astype(str).astype(object)).all())


def _named(frame: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> pd.Index:
    """What every feature is recognised by: its id, or its shape when the ids are the numbers of the rows."""
    if not _numbered(frame):
        return pd.Index(frame["feature_id"].to_numpy(dtype=object))
    found = pd.Series(shapely.to_wkb(shapes), dtype=object)
    again = found.groupby(found).cumcount()
    return pd.Index([wkb + bytes(str(count), "ascii") for wkb, count in zip(found, again, strict=True)], dtype=object)


def _normal(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Geometries that are equal when they have the same points, whatever point they begin with."""
    return np.asarray(shapely.normalize(frame.geometry.to_numpy()))


def _beyond(these: NDArray[np.object_], others: tuple[NDArray[np.object_], ...]) -> float:
    """Area in m2 of the union of some polygons outside all others."""
    these = these[shapely.get_dimensions(these) == 2]
    if not len(these):
        return 0.0
    parts = shapely.get_parts(shapely.union_all(these))
    covers = np.concatenate([item[shapely.get_dimensions(item) == 2] for item in others])
    part, other = shapely.STRtree(covers).query(parts, predicate="intersects")
    total = float(shapely.area(np.delete(parts, np.unique(part))).sum())
    order = np.argsort(part, kind="stable")
    distinct, start = np.unique(part[order], return_index=True)
    members = np.split(other[order], start[1:])
    for i, touching in zip(distinct, members, strict=False):  # without any, there is one empty piece
        total += float(shapely.difference(parts[i], shapely.union_all(covers[touching])).area)
    return total


def _altered(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> int:
    """How many of the same features differ in something else than geometry and class."""
    # The source names its version, which may change although nothing in the data does.
    apart = ["geometry", "class", "source", "feature_id"]
    if all((frame["name"] == frame["feature_id"]).all() for frame in (before, after)):
        apart.append("name")  # ids again, and those may be numbers of rows
    old, new = _as_stored(before.drop(columns=apart)), _as_stored(after.drop(columns=apart))
    differs = np.zeros(len(old), dtype=bool)
    for column in sorted(set(old.columns) | set(new.columns)):
        if column not in old.columns or column not in new.columns:
            differs[:] = True
        elif not pa.Array.from_pandas(old[column]).equals(pa.Array.from_pandas(new[column])):
            differs |= old[column].map(str).to_numpy() != new[column].map(str).to_numpy()
    return int(differs.sum())


def _as_stored(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """The types that a column gets in a file: whole numbers with a gap come back as fractions, lists as arrays."""
    return pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False).to_pandas()
