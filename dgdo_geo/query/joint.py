"""The overlay table: computed once, kept in memory and in the workspace."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo import store
from dgdo_geo.errors import DataError
from dgdo_geo.model import EvidenceTable, LayerState, LayerStatus
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.table import OverlayTable, from_arrow, table_of, to_arrow
from dgdo_geo.query.encoded import Encoded

Progress = Callable[[int, int], None]
MUNICIPALITY = "municipality"
"""Level of the table that holds municipalities."""


class Overlay:
    """The overlay table of the municipalities, and single municipalities while that is all that was asked.

    Parameters
    ----------
    workspace : store.Workspace
        The table of the country is kept here, under the hash of all inputs.
    inputs : mapping of name to hash
        Everything that the table depends on; see :func:`overlay_inputs`.
    municipalities : GeoDataFrame
        Indexed by code, with a column ``province``.
    encoded : Encoded
        Asked only when there is no table.
    """

    def __init__(
        self,
        workspace: store.Workspace,
        inputs: Mapping[str, str],
        municipalities: gpd.GeoDataFrame,
        encoded: Encoded,
    ) -> None:
        self.workspace = workspace
        self.inputs = dict(inputs)
        self.hash = hash_of(inputs)
        self.municipalities = municipalities
        self._encoded = encoded
        self._lock = threading.RLock()
        self._table: OverlayTable | None = None
        self._single: dict[str, OverlayTable] = {}

    def evidence(self, codes: Sequence[str], on_progress: Progress | None = None) -> EvidenceTable:
        """Combinations with their areas for the given municipalities, in that order."""
        with self._lock:
            table = self._of_one(codes[0]) if len(codes) == 1 else self.table(on_progress)
        return self.evidence_of(table, table.rows(MUNICIPALITY, codes))

    def engine_of(self, codes: Sequence[str]) -> str:
        """Name and version of the engine behind :meth:`evidence` of these municipalities."""
        table = self._table or self._single.get(codes[0])
        return table.inputs["engine"] if table is not None else engine.name()

    def evidence_of(self, table: OverlayTable, rows: NDArray[np.intp]) -> EvidenceTable:
        """Some rows of a table as evidence: with the province of each."""
        level = table.levels[MUNICIPALITY]
        province = [str(self.municipalities["province"][code]) for code in level.codes]
        return EvidenceTable(
            table.keys,
            table.presence[table.combination[rows]],
            tuple(province[i] for i in level.position[rows]),
            table.area_m2[rows],
        )

    def table(self, on_progress: Progress | None = None) -> OverlayTable:
        """The table of all municipalities: from memory, from the workspace, or computed and stored."""
        with self._lock:
            if self._table is None:
                self._table = self._stored() or self._computed(on_progress)
                self._single.clear()
            return self._table

    def of_regions(self, regions: Mapping[str, shapely.Geometry], name: str) -> OverlayTable:
        """The table of another set of regions; rows are kept apart by municipality as well.

        Parameters
        ----------
        regions : mapping of code to polygon
            EPSG:28992, valid; they may overlap each other.
        name : str
            Level of the table that holds them.
        """
        encoding, _ = self._encoded.of()
        codes = list(self.municipalities.index)
        joint = engine.joint_areas(list(regions.values()), encoding, split=list(self.municipalities.geometry))
        return table_of(joint, encoding.keys, name, list(regions), self.inputs, (MUNICIPALITY, codes))

    def job(self) -> tuple[list[str], list[shapely.Geometry], Encoding]:
        """What there is to compute: codes and polygons of the municipalities, and the encoding."""
        return list(self.municipalities.index), list(self.municipalities.geometry), self._encoded.of()[0]

    def keep(self, table: OverlayTable) -> None:
        """Use a table from now on, and store it."""
        with self._lock:
            self._table = table
        # Storing only saves time later: a workspace that cannot be written still answers.
        with contextlib.suppress(DataError):
            store.write_tables(self.workspace, self.hash, to_arrow(table))

    def is_stored(self) -> bool:
        """Whether the table is there already, in memory or in the workspace."""
        with self._lock:
            self._table = self._table or self._stored()
            return self._table is not None

    def _of_one(self, code: str) -> OverlayTable:
        if self.is_stored() and self._table is not None:
            return self._table
        if code not in self._single:
            place = self.municipalities.geometry[code]
            encoding, _ = self._encoded.of(place)
            inputs = {**self.inputs, "engine": engine.name_for(1)}
            joint = engine.joint_areas([place], encoding)
            self._single[code] = table_of(joint, encoding.keys, MUNICIPALITY, [code], inputs)
        return self._single[code]

    def _computed(self, on_progress: Progress | None) -> OverlayTable:
        codes, polygons, encoding = self.job()
        report = (lambda done: on_progress(done, len(codes))) if on_progress else None
        joint = engine.joint_areas(polygons, encoding, on_progress=report)
        # The engine that was meant may have turned out not to work.
        self.inputs["engine"] = engine.name()
        self.hash = hash_of(self.inputs)
        table = table_of(joint, encoding.keys, MUNICIPALITY, codes, self.inputs)
        self.keep(table)
        return table

    def _stored(self) -> OverlayTable | None:
        tables = store.read_tables(self.workspace, self.hash)
        table = None if tables is None else from_arrow(tables)
        if table is None or dict(table.inputs) != self.inputs:
            return None
        level = table.levels.get(MUNICIPALITY)
        return table if level is not None and level.codes == tuple(self.municipalities.index) else None


def overlay_inputs(states: Mapping[str, LayerState], distances: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """Everything that the joint areas depend on: the engine, and per layer its hash, accuracy and distances."""
    inputs = {"engine": engine.name()}
    for layer_id, state in sorted(states.items()):
        if state.status is LayerStatus.AVAILABLE:
            layer = state.layer
            reach = ",".join(f"{d!r}" for d in distances.get(layer_id, ()))
            inputs[layer_id] = f"{state.hash} {layer.accuracy_m!r} {layer.geometry} {reach}".rstrip()
    return inputs


def hash_of(inputs: Mapping[str, str]) -> str:
    """One hash of all inputs; names the stored table."""
    digest = hashlib.sha256()
    for item, value in sorted(inputs.items()):
        digest.update(f"{item}|{value}\n".encode())
    return digest.hexdigest()[:32]
