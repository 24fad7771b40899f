"""The explorer: ask a point, an area or a region. What screen, command line and notebook call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo import store
from dgdo_geo.assess import BandAssessment, assess
from dgdo_geo.errors import InputError
from dgdo_geo.knowledge import KnowledgeBase, distances_of
from dgdo_geo.model import (
    AreaAssessment,
    Assessment,
    EvidenceKey,
    EvidenceTable,
    LayerState,
    LayerStatus,
    Region,
    RegionKind,
)
from dgdo_geo.overlay import engine, geos
from dgdo_geo.overlay.table import OverlayTable
from dgdo_geo.query.answerer import Answerer
from dgdo_geo.query.area import area_evidence, check_area
from dgdo_geo.query.around import Surroundings
from dgdo_geo.query.asked import AskedBand, Questions
from dgdo_geo.query.country import Country, CountryAssessment, check_distances
from dgdo_geo.query.encoded import Encoded
from dgdo_geo.query.joint import MUNICIPALITY, Overlay, overlay_inputs
from dgdo_geo.query.loaded import LoadedLayer, without_unfit
from dgdo_geo.query.regions import (
    MUNICIPALITIES,
    PROVINCES,
    WATER_BOARDS,
    RegionIndex,
    find_water_board,
    guess_kind,
)
from dgdo_geo.query.views import outcome_polygons
from dgdo_geo.texts import number_nl, text

WARMING = 4
"""One in so many municipalities is asked to warm up."""


class Explorer:
    """A workspace and a knowledge base, opened for reading; safe to share between threads."""

    def __init__(
        self,
        workspace: store.Workspace,
        states: dict[str, LayerState],
        products: dict[str, gpd.GeoDataFrame],
        knowledge: KnowledgeBase,
        also: Sequence[KnowledgeBase] = (),
    ) -> None:
        self.workspace = workspace
        self.knowledge = knowledge
        self.states: Mapping[str, LayerState] = without_unfit(states, knowledge.rules)
        products = {i: frame for i, frame in products.items() if self.states[i].status is LayerStatus.AVAILABLE}
        self._products = products
        self.regions = RegionIndex.build(self.states, products)
        self._distances = distances_of([knowledge, *also])
        evidence = [
            (self.states[layer_id].layer, frame)
            for layer_id, frame in products.items()
            if layer_id not in (MUNICIPALITIES, PROVINCES, WATER_BOARDS)
        ]
        self._lock, self._country_lock = threading.Lock(), threading.Lock()
        self._surroundings = Surroundings(knowledge, self.states, self.states[MUNICIPALITIES])
        self._answerer: Answerer | None = None
        self._country: Country | None = None
        self.encoded = Encoded(evidence, self._distances)
        inputs = overlay_inputs(self.states, self._distances)
        self.overlay = Overlay(workspace, inputs, self.regions.municipalities, self.encoded)

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
        municipality, province = self.regions.facts[code]
        others = self.regions.provinces_within_accuracy(x, y, province)
        keys, presence = self.encoded.presence_at(x, y)
        answers = self._answering(keys).at_point(x, y, presence[0], province, others, day, activities, depth)
        region = self.regions.point(x, y, code)
        near = self.regions.neighbours_within_accuracy(x, y, code)
        remarks: tuple[str, ...] = ()
        if near:
            remarks = (text("notes", "near_boundary", name=municipality, names=", ".join(near)),)
        return Assessment(
            region,
            day,
            answers,
            *self._surroundings.of(region, answers, day, self.encoded.engine, remarks, activities, depth),
        )

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
            code, name, shape = find_water_board(self.layer(WATER_BOARDS).to_gdf(), wanted)
            return self._for_polygon(shape, kind, code, name, day, activities, depth)
        region = self.regions.find(kind, wanted)
        place = self.regions.geometry(region)
        codes = self.regions.municipality_codes(region)
        evidence = self.overlay.evidence(codes, on_progress)
        by = self.overlay.engine_of(codes)
        return self._area_assessment(region, place, evidence, by, day, activities, depth)

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
        country = self.country()
        questions = self._answering(country.keys).questions
        return country.where_possible(questions, activity, codes, on or date.today())

    def assess_country(
        self,
        on: date | Sequence[date] | None = None,
        activities: Sequence[str] = (),
        *,
        knowledge: KnowledgeBase | None = None,
    ) -> CountryAssessment:
        """Every municipality, activity and depth band at once, from the overlay table.

        Parameters
        ----------
        on : date or dates, optional
            Peildatum; today when None.
        activities : sequence of str
            Ids; all activities when empty.
        knowledge : KnowledgeBase, optional
            Another rule base: what if a rule were different? It may look at layers at the distances of the
            opened one only.

        Raises
        ------
        InputError, NotInForceError
            If an activity is unknown, or a date lies before the rule base begins.
        ValueError
            If the other rule base looks at a distance for which there is no evidence.
        """
        days = [on or date.today()] if on is None or isinstance(on, date) else list(on)
        country = self.country()
        questions = self._answering(country.keys).questions
        if knowledge is not None:
            check_distances(knowledge.distances(), self._distances)
            questions = Questions(knowledge, self.states, country.keys)
        return country.assess(questions, days, activities)

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
        encoding, tree = self.encoded.of()
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
        return len(self.overlay.table(on_progress))

    def overlay_table(self, level: RegionKind = RegionKind.MUNICIPALITY) -> OverlayTable:
        """The sparse table (region, combination of layer classes, m2) behind all areas.

        Parameters
        ----------
        level : RegionKind
            Municipality; province, DGDO region or country, which are sums of municipalities; or
            water board, where rows are kept apart by municipality as well.

        Raises
        ------
        DataError
            If the boundaries of the water boards are not loaded.
        """
        if level is RegionKind.WATER_BOARD:
            frame = self.layer(WATER_BOARDS).to_gdf()
            return self.overlay_of(dict(zip(frame["feature_id"], frame.geometry, strict=True)), "water_board")
        table = self.overlay.table()
        if level is RegionKind.MUNICIPALITY:
            return table
        return table.summed(MUNICIPALITY, level.value, self.regions.parents(level))

    def overlay_of(self, regions: Mapping[str, shapely.Geometry], name: str = "region") -> OverlayTable:
        """The table of a region set of one's own; rows are kept apart by municipality as well.

        Parameters
        ----------
        regions : mapping of code to polygon
            EPSG:28992; they may overlap each other.
        name : str
            Level of the table that holds them.

        Raises
        ------
        InputError
            If one of them is not a valid polygon.
        """
        for geometry in regions.values():
            check_area(geometry)
        return self.overlay.of_regions(regions, name)

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
        """Encode the whole country and load the kernel now, so that every later question is fast; for a server."""
        self.encoded.warm()
        # The first answers fill what later answers share.
        for place in shapely.point_on_surface(self.regions.municipalities.geometry.to_numpy()[::WARMING]):
            self.at_point(place.x, place.y)

    def _assess(self, asked: AskedBand, evidence: EvidenceTable, on: date) -> BandAssessment:
        rules = self.knowledge.applicable(asked.activity.id, on)
        return assess(asked.activity, asked.band.interval, rules, evidence, self.states, self.knowledge.value, on)

    def _answering(self, keys: tuple[EvidenceKey, ...]) -> Answerer:
        """What answers questions about evidence with these keys; made once."""
        with self._lock:
            if self._answerer is None or self._answerer.questions.keys != keys:
                self._answerer = Answerer(self.knowledge, self.states, self._products, keys)
            return self._answerer

    def questions(self, keys: tuple[EvidenceKey, ...]) -> Questions:
        """What fills in questions about evidence with these keys."""
        return self._answering(keys).questions

    def country(self) -> Country:
        """The overlay table of the country, ready to be asked; made once."""
        with self._country_lock:
            if self._country is None:
                frame = self.regions.municipalities
                self._country = Country(self.overlay.table(), dict(frame["province"]), dict(frame["name"]))
            return self._country

    def _area_assessment(
        self,
        region: Region,
        geometry: shapely.Geometry,
        evidence: EvidenceTable,
        by: str,
        on: date,
        activities: Sequence[str],
        depth: tuple[float, float] | None,
        remarks: tuple[str, ...] = (),
    ) -> AreaAssessment:
        answers = self._answering(evidence.keys).in_area(geometry, evidence, on, activities, depth)
        return AreaAssessment(
            region, on, answers, *self._surroundings.of(region, answers, on, by, remarks, activities, depth)
        )

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
        encoding, _ = self.encoded.of(geometry)
        by = engine.name_for(1)
        region, inside, evidence = area_evidence(geometry, name, self.regions, encoding, kind, code)
        outside = geometry.area - inside.area
        remarks: tuple[str, ...] = ()
        if outside > 1.0:
            remarks = (text("notes", "partly_outside", km2=number_nl(outside / 1e6, 2)),)
        return self._area_assessment(region, inside, evidence, by, on, activities, depth, remarks)
