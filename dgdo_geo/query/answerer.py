"""Answers questions at points and in areas, with everything that can be prepared prepared once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Answer, EvidenceKey, EvidenceTable, LayerState
from dgdo_geo.query.answers import PointAnswers, area_answers
from dgdo_geo.query.asked import KEPT, Asked, Questions
from dgdo_geo.query.nearby import FeatureFinder, FeatureIndex


class Answerer:
    """Answers for one rule base and one set of layers; safe to share between threads.

    Parameters
    ----------
    knowledge : KnowledgeBase
    states : mapping of layer id to LayerState
    products : mapping of layer id to GeoDataFrame
        Features of the layers that can be consulted.
    keys : sequence of EvidenceKey
        Keys of the evidence that will be given.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        states: Mapping[str, LayerState],
        products: Mapping[str, gpd.GeoDataFrame],
        keys: Sequence[EvidenceKey],
    ) -> None:
        self._knowledge = knowledge
        self._states = states
        self.questions = Questions(knowledge, states, keys)
        self.features = FeatureIndex(states, products, knowledge.distances())
        self._at_points = lru_cache(KEPT)(self._point_answers)

    def at_point(
        self,
        x: float,
        y: float,
        presence: NDArray[np.int8],
        province: str,
        near_provinces: tuple[str, ...],
        on: date,
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
    ) -> tuple[Answer, ...]:
        """Every asked activity and band at a point; see :meth:`PointAnswers.at` and :meth:`Questions.ask`."""
        asked = self.questions.ask(on, activities, depth)
        return self._at_points(asked).at(x, y, presence, province, near_provinces)

    def in_area(
        self,
        place: shapely.Geometry,
        evidence: EvidenceTable,
        on: date,
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
    ) -> tuple[Answer, ...]:
        """Every asked activity and band in an area, from its evidence; see :meth:`Questions.ask`."""
        asked = self.questions.ask(on, activities, depth)
        finder = FeatureFinder.around(place, self.features)
        return area_answers(asked, evidence, finder, self._states, self._knowledge)

    def _point_answers(self, asked: Asked) -> PointAnswers:
        return PointAnswers(asked, self.features, self._states, self._knowledge)
