"""The whole country at once: every municipality, activity and depth band from the overlay table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgdo_geo.assess import BandOutcomes, CountryAssessor, PatternTable
from dgdo_geo.model import Band, Potential, Verdict, outcome_of
from dgdo_geo.overlay.table import OverlayTable
from dgdo_geo.query.asked import Questions
from dgdo_geo.texts import text

REASONS = 3
"""Rules that are named as the reason why a place is not open."""


@dataclass(frozen=True, eq=False)
class CountryAssessment:
    """The answers for all regions of a table.

    Attributes
    ----------
    codes, names, provinces : tuple of str
        Of every region.
    bands : tuple of Band
        Band of every item of ``outcomes``.
    outcomes : tuple of BandOutcomes
        For every date the asked activities and depth bands, with the area in m2 of every part per region.
    combination : numpy.ndarray of intp, shape (d,)
        Row of the table's ``presence`` of every distinct row in ``outcomes[i].distinct``.
    province : numpy.ndarray of str, shape (d,)
        Province code of every distinct row.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    provinces: tuple[str, ...]
    bands: tuple[Band, ...]
    outcomes: tuple[BandOutcomes, ...]
    combination: NDArray[np.intp] = field(repr=False)
    province: NDArray[np.object_] = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """One row per region, date, activity, band and part that has an area.

        Returns
        -------
        pandas.DataFrame
            ``on``, ``code``, ``name``, ``province``, ``activity``, ``activity_nl``, ``top_m``, ``base_m``,
            ``band_nl``, ``potential``, ``potential_nl``, ``potential_certain``, ``verdict``, ``verdict_nl``,
            ``indication``, ``indication_nl``, ``conclusive``, ``outcome``, ``outcome_nl``, ``area_m2`` and
            ``share`` (of the region). Sorted by region, then as asked, then by area.
        """
        found = [np.nonzero(item.area_m2) for item in self.outcomes]
        asked = np.repeat(np.arange(len(found)), [len(region) for region, _ in found])
        region = np.concatenate([region for region, _ in found])
        area = np.concatenate([item.area_m2[where] for item, where in zip(self.outcomes, found, strict=True)])
        total = np.stack([item.area_m2.sum(axis=1) for item in self.outcomes])
        # The parts of all bands one after another, and the place of every row among them.
        first = np.cumsum([0, *(len(item.parts) for item in self.outcomes[:-1])])
        part = np.concatenate([part + start for (_, part), start in zip(found, first, strict=True)])
        order = np.lexsort((-area, asked, region))
        asked, region, area, part = asked[order], region[order], area[order], part[order]
        columns: dict[str, NDArray[np.generic]] = {"on": _text(item.on for item in self.outcomes)[asked]}
        for name, values in (("code", self.codes), ("name", self.names), ("province", self.provinces)):
            columns[name] = _text(values)[region]
        columns |= {name: values[asked] for name, values in self._asked().items()}
        columns |= {name: values[part] for name, values in self._parts().items()}
        return pd.DataFrame({**columns, "area_m2": area, "share": area / total[asked, region]})

    def _asked(self) -> dict[str, NDArray[np.generic]]:
        """Columns about the asked bands, one value each."""
        return {
            "activity": _text(item.activity.id for item in self.outcomes),
            "activity_nl": _text(item.activity.name_nl for item in self.outcomes),
            "top_m": np.array([band.top_m for band in self.bands], np.float64),
            "base_m": np.array([band.base_m for band in self.bands], np.float64),
            "band_nl": _text(band.label_nl for band in self.bands),
        }

    def _parts(self) -> dict[str, NDArray[np.generic]]:
        """Columns about the parts, one value for each part of each band."""

        def of(name: str) -> NDArray[np.intp]:
            return np.concatenate([getattr(item.parts, name) for item in self.outcomes]).astype(np.intp)

        potential, verdict, indication, conclusive = map(of, ("potential", "verdict", "indication", "conclusive"))
        return {
            **_words("potential", _POTENTIALS[potential]),
            "potential_certain": of("potential_certain").astype(np.bool_),
            **_words("verdict", _VERDICTS[verdict]),
            **_words("indication", _VERDICTS[indication]),
            "conclusive": conclusive.astype(np.bool_),
            **_words("outcome", _OUTCOMES[verdict, conclusive]),
        }


_VERDICTS = np.array([verdict.key for verdict in Verdict], object)
_POTENTIALS = np.array([potential.key for potential in Potential], object)
_OUTCOMES = np.array([[outcome_of(verdict, bool(c)) for c in (0, 1)] for verdict in Verdict], object)


def _text(values: Iterable[object]) -> NDArray[np.object_]:
    return np.array(list(values), object)


def _words(column: str, keys: NDArray[np.object_]) -> dict[str, NDArray[np.generic]]:
    """A column of keys, and beside it the Dutch words."""
    section = "potential" if column == "potential" else "verdict"
    return {column: keys, f"{column}_nl": _text(text(section, str(key)) for key in keys)}


class Country:
    """The overlay table of the country, ready to be asked; safe to share between threads.

    Parameters
    ----------
    table : OverlayTable
    provinces, names : mapping of code to str
        Province and name of every region of the level.
    level : str
        Which division of the table; its regions each lie in one province.
    """

    def __init__(
        self,
        table: OverlayTable,
        provinces: Mapping[str, str],
        names: Mapping[str, str],
        level: str = "municipality",
    ) -> None:
        division = table.levels[level]
        self.keys = table.keys
        self.codes = division.codes
        self.provinces = tuple(str(provinces[code]) for code in self.codes)
        self.names = tuple(str(names[code]) for code in self.codes)
        patterns = PatternTable(
            table.keys, table.presence, table.combination, division.position, table.area_m2, self.provinces
        )
        self.table = patterns
        self._assessor = CountryAssessor(patterns)

    def assess(self, questions: Questions, on: Sequence[date], activities: Sequence[str] = ()) -> CountryAssessment:
        """Every region, activity and depth band on some dates.

        Parameters
        ----------
        questions : Questions
            For the rule base and the layer states that are asked about, with the keys of the table.
        on : sequence of date
        activities : sequence of str
            Ids; all activities when empty.

        Raises
        ------
        InputError, NotInForceError
            If an activity is unknown, or a date lies before the rule base begins.
        """
        bands: list[Band] = []
        outcomes: list[BandOutcomes] = []
        for day in on:
            asked = questions.ask(day, activities)
            bands += [item.band for item in asked.bands]
            outcomes += self._assessor.assess(asked.question)
        table = self.table
        province = np.array(table.province_codes, object)[table.distinct_province]
        return CountryAssessment(
            self.codes,
            self.names,
            self.provinces,
            tuple(bands),
            tuple(outcomes),
            table.distinct_combination,
            province,
        )

    def where_possible(self, questions: Questions, activity: str, codes: Sequence[str], on: date) -> pd.DataFrame:
        """Some regions, ranked by how much of them is open to an activity; see ``Explorer.where_possible``."""
        found = self.assess(questions, [on], [activity])
        place = {code: i for i, code in enumerate(self.codes)}
        rows = np.array([place[code] for code in codes], np.intp)
        frames = []
        for asked, (band, item) in enumerate(zip(found.bands, found.outcomes, strict=True)):
            columns: dict[str, object] = {
                "code": np.array(self.codes, object)[rows],
                "name": np.array(self.names, object)[rows],
                "top_m": band.top_m,
                "base_m": band.base_m,
                **openness(item, rows),
                "reasons": reasons(item, rows),
                "asked": asked,
            }
            frames.append(pd.DataFrame(columns))
        frame = pd.concat(frames, ignore_index=True)
        order = ["open_m2", "unknown_m2", "code", "asked"]
        frame = frame.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
        return frame.drop(columns="asked")


def check_distances(asked: Mapping[str, Sequence[float]], known: Mapping[str, Sequence[float]]) -> None:
    """Refuse rules that look at a distance for which there is no evidence: they would find nothing anywhere.

    Raises
    ------
    ValueError
        Naming the layers and distances.
    """
    missing = {layer: sorted(set(found) - set(known.get(layer, ()))) for layer, found in asked.items()}
    named = [f"{layer} within {d:g} m" for layer, distances in sorted(missing.items()) for d in distances]
    if named:
        raise ValueError(f"no evidence for {', '.join(named)}; open an explorer with this knowledge base")


def openness(item: BandOutcomes, rows: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    """Square metres of some regions that are open, unknown, closed or without potential."""
    parts = item.parts
    is_none = (parts.potential == Potential.NONE) & parts.potential_certain
    is_no = ~is_none & (parts.verdict >= Verdict.NO_UNLESS)
    is_open = ~is_none & ~is_no & parts.conclusive & parts.potential_certain
    is_unknown = ~is_none & ~is_no & ~is_open
    named = {"open_m2": is_open, "unknown_m2": is_unknown, "no_m2": is_no, "none_m2": is_none}
    return {name: item.area_m2[rows][:, chosen].sum(axis=1) for name, chosen in named.items()}


def reasons(item: BandOutcomes, rows: NDArray[np.intp]) -> list[list[str]]:
    """Rules of "nee" or "nee, tenzij" that certainly hold in the largest part of some regions, largest first."""
    areas = item.rule_areas(Verdict.NO_UNLESS)
    certain, drawn = areas.certain_m2[rows], areas.drawn_m2[rows]
    ids = [rule.id for rule in areas.rules]
    by_id = np.argsort(np.argsort(np.array(ids, object)))
    strictness = np.array([rule.verdict for rule in areas.rules], np.intp)
    keys = (np.broadcast_to(by_id, certain.shape), -drawn, np.broadcast_to(-strictness, certain.shape), -certain)
    order = np.lexsort(keys, axis=1)[:, :REASONS]
    is_reason = np.take_along_axis(certain, order, axis=1) > 0
    return [
        [ids[i] for i, is_counted in zip(best, counted, strict=True) if is_counted]
        for best, counted in zip(order.tolist(), is_reason.tolist(), strict=True)
    ]
