"""The explorer: ask a point, an area or a region. What screen, command line and notebook call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo import store
from dgdo_geo.assess import BandAssessment, assess
from dgdo_geo.errors import InputError
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import (
    Answer,
    AreaAssessment,
    Assessment,
    Concern,
    EvidenceTable,
    LayerState,
    LayerStatus,
    Receipt,
    Region,
    RegionKind,
)
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding, encode
from dgdo_geo.overlay.point import presence_at
from dgdo_geo.query.area import area_evidence, check_area
from dgdo_geo.query.around import fitting_concerns, notes, receipt
from dgdo_geo.query.asked import AskedBand, asked_bands
from dgdo_geo.query.build import build_answer
from dgdo_geo.query.features import FeatureFinder
from dgdo_geo.query.joint import JointAreas, overlay_hash
from dgdo_geo.query.loaded import LoadedLayer, without_unfit
from dgdo_geo.query.regions import (
    MUNICIPALITIES,
    PROVINCES,
    WATER_BOARDS,
    RegionIndex,
    guess_kind,
)
from dgdo_geo.query.views import openness, outcome_polygons
from dgdo_geo.texts import number_nl, text


class Explorer:
    """A workspace and a knowledge base, opened for reading; safe to share between threads."""

    def __init__(
        self,
        workspace: store.Workspace,
        states: dict[str, LayerState],
        products: dict[str, gpd.GeoDataFrame],
        knowledge: KnowledgeBase,
    ) -> None:
        self.workspace = workspace
        self.knowledge = knowledge
        self.states: Mapping[str, LayerState] = without_unfit(states, knowledge.rules)
        products = {i: frame for i, frame in products.items() if self.states[i].status is LayerStatus.AVAILABLE}
        self._products = products
        self.regions = RegionIndex.build(self.states, products)
        self._distances = knowledge.distances()
        self._lock = threading.RLock()
        self._encoding: Encoding | None = None
        self._tree: shapely.STRtree | None = None
        self.overlay_hash = overlay_hash(self.states, self._distances)
        self._joint = JointAreas(workspace, self.overlay_hash, self.regions.municipalities)

    def at_point(
        self,
        x: float,
        y: float,
        on: date | None = None,
        *,
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
    ) -> Assessment:
        """Every activity and depth band at one point.

        Parameters
        ----------
        x, y : float
            EPSG:28992, metres.
        on : date, optional
            Peildatum; today when None.
        activities : sequence of str
            Ids; all activities when empty.
        depth : (top, base), optional
            Own target in metres below ground level, in place of the declared bands.

        Raises
        ------
        InputError
            If the point lies outside the Netherlands, or an activity or depth is wrong.
        NotInForceError
            If the date lies before the rule base begins.
        """
        day = on or date.today()
        code = self.regions.municipality_at(x, y)
        row = self.regions.municipalities.loc[code]
        province = str(row["province"])
        encoding, _ = self._encoded(shapely.Point(x, y))
        others = self.regions.provinces_within_accuracy(x, y, province)
        evidence = EvidenceTable(encoding.keys, presence_at(x, y, encoding), (province,), near_provinces=others)
        finder = FeatureFinder(shapely.Point(x, y), self.states, self._products, self._distances)
        answers = self._answers(evidence, finder, day, activities, depth)
        region = Region(
            RegionKind.POINT,
            f"{round(x, 3)!r},{round(y, 3)!r}",
            str(row["name"]),
            None,
            (province,),
            self.regions.dgdo_regions([province]),
        )
        near = self.regions.neighbours_within_accuracy(x, y, code)
        near = self.regions.neighbours_within_accuracy(x, y, code)
        remarks: tuple[str, ...] = ()
        if near:
            remarks = (text("notes", "near_boundary", name=row["name"], names=", ".join(near)),)
        return Assessment(region, day, answers, *self._around(region, answers, day, remarks, activities, depth))

    def for_region(
        self,
        wanted: str,
        on: date | None = None,
        *,
        kind: RegionKind | None = None,
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> AreaAssessment:
        """Every activity and depth band in a municipality, province, DGDO region or the country.

        Parameters
        ----------
        wanted : str
            Code (GM0193, PV23) or name.
        kind : RegionKind, optional
            Guessed from the code when None: GM.., PV.., NL, or a DGDO region; else a municipality.
        on_progress : callable, optional
            Called with (municipalities done, municipalities to do).

        Raises
        ------
        InputError, NotInForceError
            See :meth:`at_point`.
        DataError
            If the boundaries of that kind of region are not loaded.
        """
        day = on or date.today()
        kind = kind or guess_kind(wanted)
        if kind is RegionKind.WATER_BOARD:
            return self._for_water_board(wanted, day, activities, depth)
        region = self.regions.find(kind, wanted)
        place = self.regions.geometry(region)
        encoding, _ = self._encoded(place if kind is RegionKind.MUNICIPALITY else None)
        evidence = self._joint.evidence(self.regions.municipality_codes(region), encoding, on_progress)
        return self._area_assessment(region, place, evidence, day, activities, depth)

    def in_area(
        self,
        geometry: shapely.Geometry,
        on: date | None = None,
        *,
        name: str = "eigen gebied",
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
    ) -> AreaAssessment:
        """Every activity and depth band in a polygon of your own.

        Parameters
        ----------
        geometry : shapely polygon or multipolygon
            EPSG:28992. The part outside the Netherlands is left out and named in a note.

        Raises
        ------
        InputError
            If it is not a valid polygon, or lies wholly outside the Netherlands; else as :meth:`at_point`.
        """
        day = on or date.today()
        check_area(geometry)
        return self._for_polygon(geometry, RegionKind.POLYGON, "", name, day, activities, depth)

    def where_possible(self, activity: str, within: str = "NL", on: date | None = None) -> pd.DataFrame:
        """Municipalities ranked by how much of them is open to an activity.

        Returns
        -------
        pandas.DataFrame
            One row per municipality and depth band: ``code``, ``name``, ``top_m``, ``base_m``,
            ``open_m2`` (kansrijk or mogelijk, and certainly no stricter than "ja, mits"),
            ``unknown_m2`` (nothing against it found, but not everything could be checked; or the
            potential is unknown), ``no_m2`` (nee or nee, tenzij), ``none_m2`` (geen potentie) and
            ``reasons`` (rules that cost most area). Sorted by open, then unknown area.
        """
        region = self.regions.find(guess_kind(within), within)
        codes = self.regions.municipality_codes(region)
        self._joint.evidence(codes, self._encoded()[0])
        rows = []
        for code in codes:
            answer = self.for_region(code, on, activities=[activity])
            for item in answer.answers:
                rows.append({"code": code, "name": answer.region.name, **openness(item)})
        frame = pd.DataFrame(rows)
        return frame.sort_values(["open_m2", "unknown_m2", "code"], ascending=[False, False, True], ignore_index=True)

    def verdict_map(self, wanted: str, activity: str, on: date | None = None, *, band: int = 0) -> gpd.GeoDataFrame:
        """Polygons of a municipality with the verdict and potential of one activity.

        Parameters
        ----------
        wanted : str
            Municipality code or name.
        activity : str
            Activity id.
        band : int
            Position of the depth band in the activity.

        Returns
        -------
        geopandas.GeoDataFrame
            EPSG:28992; one row per outcome with ``outcome``, ``verdict``, ``indication``, ``conclusive``,
            ``potential``, ``potential_certain``, ``area_m2`` and ``rules`` (ids that fire).
        """
        day = on or date.today()
        region = self.regions.find(RegionKind.MUNICIPALITY, wanted)
        encoding, tree = self._encoded()
        found = geos.faces(self.regions.geometry(region), encoding, tree)
        distinct, position = np.unique(found.presence, axis=0, return_inverse=True)
        evidence = EvidenceTable(encoding.keys, distinct, region.provinces * len(distinct))
        asked = self.knowledge.activity(activity)
        if not 0 <= band < len(asked.bands):
            raise InputError("band_unknown", activity=asked.name_nl, count=len(asked.bands))
        result = self._assess(AskedBand(asked, asked.bands[band]), evidence, day)
        return outcome_polygons(result, found.polygons, position.reshape(-1))

    def build_overlay(self, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Overlay all municipalities and keep the table; returns its number of rows."""
        codes = list(self.regions.municipalities.index)
        return len(self._joint.evidence(codes, self._encoded()[0], on_progress))

    def layer(self, layer_id: str) -> LoadedLayer:
        """One layer, as the answers use it.

        Raises
        ------
        InputError
            If no such layer is declared.
        """
        if layer_id not in self.states:
            raise InputError("layer_unknown", id=layer_id, known=", ".join(self.states))
        return LoadedLayer(self.states[layer_id], self._products.get(layer_id))

    def warm(self) -> None:
        """Encode the whole country now, so that every later question is fast; for a server."""
        self._encoded()

    def _encode(self, around: shapely.Geometry | None) -> Encoding:
        evidence = [
            (self.states[layer_id].layer, frame)
            for layer_id, frame in self._products.items()
            if layer_id not in (MUNICIPALITIES, PROVINCES, WATER_BOARDS)
        ]
        return encode(evidence, self._distances, around)

    def _encoded(self, around: shapely.Geometry | None = None) -> tuple[Encoding, shapely.STRtree]:
        """The encoding of the whole country, or of one place while that is all that was asked."""
        with self._lock:
            if self._encoding is None and around is not None:
                encoding = self._encode(around)
                return encoding, geos.index(encoding)
            if self._encoding is None or self._tree is None:
                self._encoding = self._encode(None)
                self._tree = geos.index(self._encoding)
            return self._encoding, self._tree

    def _assess(self, asked: AskedBand, evidence: EvidenceTable, on: date) -> BandAssessment:
        rules = self.knowledge.applicable(asked.activity.id, on)
        return assess(asked.activity, asked.band.interval, rules, evidence, self.states, self.knowledge.value, on)

    def _answers(
        self,
        evidence: EvidenceTable,
        finder: FeatureFinder,
        on: date,
        activities: Sequence[str],
        depth: tuple[float, float] | None,
    ) -> tuple[Answer, ...]:
        return tuple(
            build_answer(
                self._assess(asked, evidence, on),
                asked.band,
                evidence.area_m2,
                finder,
                self.states,
                self.knowledge,
                on,
            )
            for asked in asked_bands(self.knowledge, activities, depth)
        )

    def _area_assessment(
        self,
        region: Region,
        geometry: shapely.Geometry,
        evidence: EvidenceTable,
        on: date,
        activities: Sequence[str],
        depth: tuple[float, float] | None,
        remarks: tuple[str, ...] = (),
    ) -> AreaAssessment:
        finder = FeatureFinder(geometry, self.states, self._products, self._distances)
        answers = self._answers(evidence, finder, on, activities, depth)
        return AreaAssessment(region, on, answers, *self._around(region, answers, on, remarks, activities, depth))

    def _around(
        self,
        region: Region,
        answers: tuple[Answer, ...],
        on: date,
        remarks: tuple[str, ...],
        activities: Sequence[str],
        depth: tuple[float, float] | None,
    ) -> tuple[tuple[Concern, ...], tuple[str, ...], Receipt]:
        """Concerns, notes and receipt of an answer."""
        return (
            fitting_concerns(self.knowledge.concerns, region, answers),
            (*notes(answers, self.states[MUNICIPALITIES], on, depth), *remarks),
            receipt(region, self.knowledge, self.states, on, activities, depth),
        )

    def _for_water_board(
        self, wanted: str, on: date, activities: Sequence[str], depth: tuple[float, float] | None
    ) -> AreaAssessment:
        frame = self.layer(WATER_BOARDS).to_gdf()
        match = frame[(frame["feature_id"] == wanted) | (frame["name"].str.casefold() == wanted.casefold())]
        if match.empty:
            raise InputError(
                "region_unknown_suggest", kind="waterschap", name=wanted, suggestions=", ".join(frame["name"])
            )
        shape, code, name = match.geometry.iloc[0], str(match["feature_id"].iloc[0]), str(match["name"].iloc[0])
        return self._for_polygon(shape, RegionKind.WATER_BOARD, code, name, on, activities, depth)

    def _for_polygon(
        self,
        geometry: shapely.Geometry,
        kind: RegionKind,
        code: str,
        name: str,
        on: date,
        activities: Sequence[str],
        depth: tuple[float, float] | None,
    ) -> AreaAssessment:
        encoding, _ = self._encoded(geometry)
        region, inside, evidence = area_evidence(geometry, name, self.regions, encoding, kind, code)
        outside = geometry.area - inside.area
        remarks: tuple[str, ...] = ()
        if outside > 1.0:
            remarks = (text("notes", "partly_outside", km2=number_nl(outside / 1e6, 2)),)
        return self._area_assessment(region, inside, evidence, on, activities, depth, remarks)


def open_explorer(
    workspace: Path | str | None = None,
    *,
    create: bool = False,
    shipped: Path | None = None,
    knowledge: KnowledgeBase | None = None,
) -> Explorer:
    """Open a workspace for asking.

    Parameters
    ----------
    workspace : path, optional
        The default workspace when None (``DGDO_WORKSPACE``, else the user's data folder).
    create : bool
        Make the folder when it is not there.
    shipped : Path, optional
        Another folder of shipped layers, for tests.
    knowledge : KnowledgeBase, optional
        Another knowledge base than the shipped one.

    Raises
    ------
    InputError, DataError, DeclarationError
        If the workspace is missing, damaged or holds a wrong declaration.
    """
    opened = store.open_workspace(Path(workspace) if workspace else None, create=create, shipped=shipped)
    states, products = store.read_layers(opened)
    return Explorer(opened, states, products, knowledge or read_knowledge())
