"""When a layer was last looked at and last changed, and what changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo import store

FOLDER = "fetch"


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two versions of a layer.

    Attributes
    ----------
    added, gone : int
        Features with an id that only one of them has.
    moved : int
        Features with another geometry.
    reclassified : int
        Features with another class.
    altered : int
        Features with another name or depth, or another value in a further column.
    added_m2, gone_m2 : float
        Area that only one of them covers; 0 for points and lines.
    """

    added: int = 0
    gone: int = 0
    moved: int = 0
    reclassified: int = 0
    altered: int = 0
    added_m2: float = 0.0
    gone_m2: float = 0.0

    @property
    def is_none(self) -> bool:
        """True when nothing differs."""
        return self == Changes()


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of the last fetches of a layer.

    Attributes
    ----------
    layer : str
    checked : str
        Moment of the last try, ISO 8601 with time zone.
    status : {"new", "changed", "unchanged", "failed"}
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


def now() -> str:
    """This moment, with the time zone of the computer."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def write(workspace: store.Workspace, item: Freshness) -> None:
    """Keep what is known of a layer; replaces what was known before."""
    path = workspace.path / FOLDER / f"{item.layer}.json"
    store.write_atomic(path, json.dumps(asdict(item), ensure_ascii=False, indent=1).encode())


def read(workspace: Path) -> dict[str, Freshness]:
    """What is known of every layer that was ever fetched; a file that cannot be read counts as unknown."""
    found = {}
    for path in sorted((workspace / FOLDER).glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            found[path.stem] = Freshness(**{**data, "changes": Changes(**data["changes"])})
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return found


def compare(old: gpd.GeoDataFrame | None, new: gpd.GeoDataFrame) -> Changes:
    """What differs between two versions of a layer, both in our schema and EPSG:28992.

    Without an older version every feature is added.
    """
    if old is None:
        return Changes(added=len(new), added_m2=float(new.geometry.area.sum()))
    before, after = old.set_index("feature_id"), new.set_index("feature_id")
    shared = before.index.intersection(after.index)
    first, second = before.geometry[shared].to_numpy(), after.geometry[shared].to_numpy()
    same = shapely.equals_identical(shapely.normalize(first), shapely.normalize(second))
    found = Changes(
        added=len(after.index.difference(before.index)),
        gone=len(before.index.difference(after.index)),
        moved=int((~same).sum()),
        reclassified=int(np.sum(before["class"][shared].to_numpy() != after["class"][shared].to_numpy())),
        altered=_altered(before.loc[shared], after.loc[shared]),
    )
    if not (found.added or found.gone or found.moved):
        return found  # the same polygons: a union of a million of them would tell nothing
    union_old, union_new = shapely.union_all(old.geometry.to_numpy()), shapely.union_all(new.geometry.to_numpy())
    return replace(
        found,
        added_m2=float(shapely.difference(union_new, union_old).area),
        gone_m2=float(shapely.difference(union_old, union_new).area),
    )


def _altered(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> int:
    """How many of the same features differ in something else than geometry and class."""
    # The source names its version, which may change although nothing in the data does.
    apart = ["geometry", "class", "source"]
    old, new = _as_stored(before.drop(columns=apart)), _as_stored(after.drop(columns=apart))
    differs = np.zeros(len(old), dtype=bool)
    for column in sorted(set(old.columns) | set(new.columns)):
        if column not in old.columns or column not in new.columns:
            differs[:] = True
        else:
            differs |= old[column].map(str).to_numpy() != new[column].map(str).to_numpy()
    return int(differs.sum())


def _as_stored(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """The types that a column gets in a file: whole numbers with a gap come back as fractions, lists as arrays."""
    buffer = BytesIO()
    pd.DataFrame(frame).to_parquet(buffer)
    return pd.read_parquet(buffer)
