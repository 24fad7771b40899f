"""Joint areas per municipality: computed once, kept in memory and in the workspace."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgdo_geo import store
from dgdo_geo.errors import DataError
from dgdo_geo.model import EvidenceTable, LayerState, LayerStatus
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding

Progress = Callable[[int, int], None]
_Joint = dict[str, tuple[NDArray[np.int8], NDArray[np.float64]]]


class JointAreas:
    """The sparse table (municipality, combination of layer classes, m2).

    Parameters
    ----------
    workspace : store.Workspace
        Results of more than one municipality are kept here, under the hash of all inputs.
    key : str
        That hash; see :func:`overlay_hash`.
    municipalities : GeoDataFrame
        Indexed by code, with a column ``province``.
    """

    def __init__(self, workspace: store.Workspace, key: str, municipalities: gpd.GeoDataFrame) -> None:
        self._workspace = workspace
        self._key = key
        self._municipalities = municipalities
        self._lock = threading.RLock()
        self._known: _Joint = {}

    def evidence(self, codes: Sequence[str], encoding: Encoding, on_progress: Progress | None = None) -> EvidenceTable:
        """Combinations with their areas for the given municipalities, in that order."""
        with self._lock:
            self._fill(codes, encoding, on_progress)
            parts = [self._known[code] for code in codes]
        province = self._municipalities["province"]
        return EvidenceTable(
            encoding.keys,
            np.concatenate([presence for presence, _ in parts]),
            tuple(str(province[code]) for code, (_, area) in zip(codes, parts, strict=True) for _ in area),
            np.concatenate([area for _, area in parts]),
        )

    def _fill(self, codes: Sequence[str], encoding: Encoding, on_progress: Progress | None) -> None:
        if len(codes) > 1 and any(code not in self._known for code in codes):
            stored = store.read_table(self._workspace, self._key)
            if stored is not None:
                self._known = {**_from_frame(stored, len(encoding.keys)), **self._known}
        missing = [code for code in codes if code not in self._known]
        if not missing:
            return
        polygons = [self._municipalities.geometry[code] for code in missing]
        report = (lambda done: on_progress(done, len(missing))) if on_progress else None
        joint = geos.joint_areas(polygons, encoding, on_progress=report)
        for i, code in enumerate(missing):
            rows = joint.region == i
            self._known[code] = (joint.presence[rows], joint.area_m2[rows])
        if len(missing) > 1:
            # Storing only saves time later: a workspace that cannot be written still answers.
            with contextlib.suppress(DataError):
                store.write_table(self._workspace, self._key, _to_frame(self._known))


def overlay_hash(states: Mapping[str, LayerState], distances: Mapping[str, Sequence[float]]) -> str:
    """Hash of everything that the joint areas depend on: engine, layers, distances."""
    digest = hashlib.sha256(geos.ENGINE.encode())
    for layer_id, state in sorted(states.items()):
        if state.status is LayerStatus.AVAILABLE:
            layer = state.layer
            reach = distances.get(layer_id, ())
            digest.update(f"{layer_id}|{state.hash}|{layer.accuracy_m}|{layer.geometry}|{reach}\n".encode())
    return digest.hexdigest()[:32]


def _to_frame(joint: _Joint) -> pd.DataFrame:
    rows = [
        (code, area, presence.tobytes()) for code in sorted(joint) for presence, area in zip(*joint[code], strict=True)
    ]
    return pd.DataFrame(rows, columns=["code", "area_m2", "presence"])


def _from_frame(frame: pd.DataFrame, keys: int) -> _Joint:
    if not {"code", "area_m2", "presence"} <= set(frame.columns):
        return {}
    if not pd.api.types.is_float_dtype(frame["area_m2"]):
        return {}
    result: _Joint = {}
    for code, rows in frame.groupby("code"):
        if not all(isinstance(value, bytes) for value in rows["presence"]):
            return {}
        flat = np.frombuffer(b"".join(rows["presence"]), np.int8)
        if len(flat) != len(rows) * keys:
            return {}
        result[str(code)] = (flat.reshape(len(rows), keys), rows["area_m2"].to_numpy())
    return result
