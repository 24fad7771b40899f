"""The explorer: ask a point, an area or a region. What screen, command line and notebook call."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import dgdo_geo
from dgdo_geo import store
from dgdo_geo.assess import BandAssessment, assess
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import (
    RD_NEW,
    Activity,
    Answer,
    AreaAssessment,
    Assessment,
    Band,
    Concern,
    EvidenceTable,
    LayerState,
    Quality,
    Receipt,
    Region,
    RegionKind,
)
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding, encode
from dgdo_geo.overlay.point import presence_at
from dgdo_geo.query.build import FeatureFinder, build_answer
from dgdo_geo.query.joint import JointAreas, overlay_hash
from dgdo_geo.query.regions import MUNICIPALITIES, PROVINCES, WATER_BOARDS, RegionIndex
from dgdo_geo.query.views import openness, outcome_polygons
from dgdo_geo.texts import text


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """A layer as the answers use it."""

    state: LayerState
    _frame: gpd.GeoDataFrame | None

    def to_gdf(self) -> gpd.GeoDataFrame:
        """A copy of the harmonised features, EPSG:28992.

        Raises
        ------
        DataError
            If the layer is not loaded or not readable.
        """
        if self._frame is None:
            raise DataError("layer_not_loaded", layer=self.state.layer.id, how=self.state.detail_nl)
        return self._frame.copy()


@dataclass(frozen=True, slots=True)
class AskedBand:
    """An activity and the depth band in which it is judged."""

    activity: Activity
    band: Band


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
        self.states: Mapping[str, LayerState] = states
        self._products = products
        self.regions = RegionIndex.build(states, products)
        self._distances = knowledge.distances()
        self._lock = threading.RLock()
        self._encoding: Encoding | None = None
        self._tree: shapely.STRtree | None = None
        self.overlay_hash = overlay_hash(states, self._distances)
        self._joint = JointAreas(workspace, self.overlay_hash, self.regions.municipalities)

    # What can be asked --------------------------------------------------------------------

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
        evidence = EvidenceTable(encoding.keys, presence_at(x, y, encoding), (province,))
        finder = FeatureFinder(shapely.Point(x, y), self.states, self._products, self._distances)
        answers = self._answers(evidence, finder, day, activities, depth)
        region = Region(
            RegionKind.POINT,
            f"{x:g},{y:g}",
            str(row["name"]),
            None,
            (province,),
            self.regions.dgdo_regions([province]),
        )
        near = self.regions.neighbours_within_accuracy(x, y, code)
        notes = self._notes(answers, day)
        if near:
            names = ", ".join(near)
            notes = (*notes, text("notes", "near_boundary", name=row["name"], names=names))
        return Assessment(region, day, answers, self._concerns(region, answers), notes, self._receipt(region))

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
        place = self.geometry(region)
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
        _check_area(geometry)
        frame = self.regions.municipalities
        hits = np.sort(frame.sindex.query(geometry, predicate="intersects"))
        pieces = shapely.intersection(frame.geometry.to_numpy()[hits], geometry)
        is_area = shapely.area(pieces) > 0
        pieces, rows = pieces[is_area], frame.iloc[hits[is_area]]
        if len(pieces) == 0:
            raise InputError("area_outside")
        encoding, _ = self._encoded(geometry)
        joint = geos.joint_areas([_polygonal(piece) for piece in pieces], encoding)
        province = tuple(rows["province"].iloc[joint.region])
        evidence = EvidenceTable(encoding.keys, joint.presence, province, joint.area_m2)
        inside = shapely.union_all(pieces)
        provinces = tuple(sorted(set(rows["province"])))
        region = Region(
            RegionKind.POLYGON,
            hashlib.sha256(shapely.to_wkb(shapely.normalize(geometry))).hexdigest()[:12],
            name,
            float(joint.area_m2.sum()),
            provinces,
            self.regions.dgdo_regions(provinces),
        )
        outside = geometry.area - inside.area
        notes: tuple[str, ...] = ()
        if outside > 1.0:
            notes = (text("notes", "partly_outside", km2=_nl(outside / 1e6, 2)),)
        return self._area_assessment(region, inside, evidence, day, activities, depth, notes)

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
        rows = []
        for code in self.regions.municipality_codes(region):
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
        found = geos.faces(self.geometry(region), encoding, tree)
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

    def geometry(self, region: Region) -> shapely.Geometry:
        """Polygon of a municipality, province, DGDO region or the country, EPSG:28992."""
        if region.kind is RegionKind.MUNICIPALITY:
            return self.regions.municipalities.geometry[region.code]
        return shapely.union_all(self.regions.provinces.geometry[list(region.provinces)].to_numpy())

    def asked_bands(self, activities: Sequence[str] = (), depth: tuple[float, float] | None = None) -> list[AskedBand]:
        """Activities and bands that a question is about.

        Raises
        ------
        InputError
            If an activity is unknown, or the depth is wrong or fits none of the activities.
        """
        chosen = [self.knowledge.activity(a) for a in activities] or list(self.knowledge.activities.values())
        if depth is None:
            return [AskedBand(activity, band) for activity in chosen for band in activity.bands]
        top, base = depth
        if not (0 <= top < base):
            raise InputError("depth_wrong", top=f"{top:g}", base=f"{base:g}")
        asked = []
        for activity in chosen:
            low, high = max(top, activity.bands[0].top_m), min(base, activity.bands[-1].base_m)
            if low < high:
                asked.append(AskedBand(activity, Band(top_m=low, base_m=high)))
        if not asked:
            raise InputError("depth_fits_none", top=f"{top:g}", base=f"{base:g}")
        return asked

    # How it is answered -------------------------------------------------------------------

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
            for asked in self.asked_bands(activities, depth)
        )

    def _area_assessment(
        self,
        region: Region,
        geometry: shapely.Geometry,
        evidence: EvidenceTable,
        on: date,
        activities: Sequence[str],
        depth: tuple[float, float] | None,
        notes: tuple[str, ...] = (),
    ) -> AreaAssessment:
        finder = FeatureFinder(geometry, self.states, self._products, self._distances)
        answers = self._answers(evidence, finder, on, activities, depth)
        notes = (*self._notes(answers, on), *notes)
        return AreaAssessment(region, on, answers, self._concerns(region, answers), notes, self._receipt(region))

    def _for_water_board(
        self, wanted: str, on: date, activities: Sequence[str], depth: tuple[float, float] | None
    ) -> AreaAssessment:
        frame = self.layer(WATER_BOARDS).to_gdf()
        match = frame[(frame["feature_id"] == wanted) | (frame["name"].str.casefold() == wanted.casefold())]
        if match.empty:
            raise InputError(
                "region_unknown_suggest", kind="waterschap", name=wanted, suggestions=", ".join(frame["name"])
            )
        name = str(match["name"].iloc[0])
        return self.in_area(match.geometry.iloc[0], on, name=name, activities=activities, depth=depth)

    def _concerns(self, region: Region, answers: Sequence[Answer]) -> tuple[Concern, ...]:
        asked = {answer.activity.id for answer in answers}
        families = set()
        for answer in answers:
            found = [*(c.layer for c in answer.constraints), *(u.layer for u in answer.unanswered)]
            families |= {layer.family for layer in found if layer is not None}
        return tuple(
            concern
            for concern in self.knowledge.concerns
            if (not concern.regions or set(concern.regions) & set(region.dgdo_regions))
            and (not concern.activities or set(concern.activities) & asked)
            and (not concern.families or set(concern.families) & families)
        )

    def _notes(self, answers: Sequence[Answer], on: date) -> tuple[str, ...]:
        notes = []
        if any(answer.quality.is_mark_needed for answer in answers):
            notes.append(text("notes", "schematic"))
        if self.states[MUNICIPALITIES].layer.quality is Quality.GENERALISED:
            notes.append(text("notes", "generalised_boundaries", metres=f"{self.regions.accuracy_m:g}"))
        if on > date.today():
            notes.append(text("notes", "future", on=nl_date(on)))
        return tuple(notes)

    def _receipt(self, region: Region) -> Receipt:
        return Receipt(
            code=f"dgdo-geo {dgdo_geo.__version__}",
            engine=geos.ENGINE,
            rules_version=self.knowledge.info.version,
            rules_hash=self.knowledge.hash,
            crs=f"EPSG:{RD_NEW}",
            input=f"{region.kind.value} {region.code}",
            layers=tuple(self.states.values()),
        )


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


def guess_kind(wanted: str) -> RegionKind:
    """Kind of a region from its code; a plain name is taken for a municipality.

    >>> guess_kind("PV23").value, guess_kind("Noord").value, guess_kind("Zwolle").value
    ('provincie', 'regio', 'gemeente')
    """
    code = wanted.strip().upper()
    if code == "NL":
        return RegionKind.COUNTRY
    if code.startswith("PV") and code[2:].isdigit():
        return RegionKind.PROVINCE
    if code in ("NOORD", "OOST", "ZUID", "WEST"):
        return RegionKind.DGDO_REGION
    return RegionKind.MUNICIPALITY


def nl_date(day: date) -> str:
    """A date as it is written in Dutch.

    >>> nl_date(date(2026, 11, 3))
    '3-11-2026'
    """
    return f"{day.day}-{day.month}-{day.year}"


def _nl(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace(",", "\0").replace(".", ",").replace("\0", ".")


def _check_area(geometry: shapely.Geometry) -> None:
    if geometry is None or geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputError("area_not_polygon", kind=getattr(geometry, "geom_type", "niets"))
    if not geometry.is_valid:
        raise InputError("area_invalid", reason=shapely.is_valid_reason(geometry))


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """Only the polygons of an intersection; shared edges leave lines and points behind."""
    parts = shapely.get_parts(geometry)
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])
