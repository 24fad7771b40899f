"""The country as cells, for pictures: what each cell means for an activity, judged as the answers are.

A cell speaks for its centre. Areas and answers come from the exact engine; whoever shows these cells
says that they are for display only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio import Affine

from dgdo_geo.assess import CountryAssessor, PatternTable
from dgdo_geo.assess.country import Parts
from dgdo_geo.assess.patterns import numbered
from dgdo_geo.errors import InputError
from dgdo_geo.model import LAND_BOUNDS, EvidenceKey, Potential, Verdict, outcome_of
from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.overlay.grid import display_grid
from dgdo_geo.overlay.raster import Grid
from dgdo_geo.query.asked import Questions
from dgdo_geo.query.explorer import Explorer

CELL_M = 100.0
"""Width and height of a cell. The whole country at this size takes some tenths of a second and 42 MB."""

_OUTCOME_NUMBER = {key: i for i, key in enumerate(PATTERNS["verdict"])}
_OUTCOMES = np.array(
    [[_OUTCOME_NUMBER[outcome_of(verdict, conclusive)] for conclusive in (False, True)] for verdict in Verdict],
    np.uint8,
)
_FOUND = np.array([_OUTCOME_NUMBER[verdict.key] for verdict in Verdict], np.uint8)
_POTENTIALS = np.array([list(PATTERNS["potential"]).index(potential.key) for potential in Potential], np.uint8)


@dataclass(frozen=True, eq=False)
class Displayed:
    """The cells of the country, ready to be judged; safe to share between threads.

    Attributes
    ----------
    grid : Grid
        EPSG:28992.
    row : numpy.ndarray of int32, shape (rows, columns)
        Which of the distinct pairs (province, combination of layer classes) holds at the centre of
        every cell; -1 outside all municipalities.
    keys : tuple of EvidenceKey, length k
    presence : numpy.ndarray of int8, shape (d, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in every distinct pair.
    """

    grid: Grid
    row: NDArray[np.int32]
    keys: tuple[EvidenceKey, ...]
    presence: NDArray[np.int8]
    _questions: Questions = field(repr=False)
    _assessor: CountryAssessor = field(repr=False)

    def parts(self, activity: str, band: int, on: date, depth: tuple[float, float] | None = None) -> Parts:
        """Verdict and potential of every distinct pair, for one activity in one depth band.

        Parameters
        ----------
        activity : str
            Id.
        band : int
            Position of the depth band in the activity; 0 with a depth of the user's own.
        depth : (top, base), optional
            Own target in metres below ground level, in place of the declared bands.

        Raises
        ------
        InputError, NotInForceError
            If the activity, band or depth is wrong, or the date lies before the rule base begins.
        """
        asked = self._questions.ask(on, (activity,), depth)
        if not 0 <= band < len(asked.bands):
            raise InputError("band_unknown", activity=asked.bands[0].activity.name_nl, count=len(asked.bands))
        return self._assessor.assess(asked.question)[band].distinct

    def presence_of(self, layer_id: str) -> NDArray[np.int8]:
        """Strongest presence of any class of a layer in every distinct pair, shape (d,).

        Raises
        ------
        InputError
            If the layer is no evidence for any rule or potential, so that the cells do not hold it.
        """
        columns = [i for i, key in enumerate(self.keys) if key.layer == layer_id and key.within_m == 0]
        if not columns:
            raise InputError("layer_unknown", id=layer_id, known=", ".join(sorted({key.layer for key in self.keys})))
        return np.asarray(self.presence[:, columns].max(axis=1), np.int8)


def displayed(
    explorer: Explorer, cell_m: float = CELL_M, bounds: tuple[float, float, float, float] = LAND_BOUNDS
) -> Displayed:
    """Lay all layers over each other at the centres of the cells of the country, or of a part of it.

    Parameters
    ----------
    explorer : Explorer
    cell_m : float
        Width and height of a cell in metres.
    bounds : (west, south, east, north)
        EPSG:28992; where to look.
    """
    window = Grid.covering(*bounds, cell_m)
    encoding, _ = explorer.encoded.of(None if bounds == LAND_BOUNDS else shapely.box(*bounds))
    grid = display_grid(encoding, window)
    codes, province = _provinces(explorer, window)
    inside = province >= 0
    # One number for every pair that occurs; the table then judges each pair once.
    pair, first = numbered(
        grid.combination[inside].astype(np.intp) * len(codes) + province[inside], len(grid.presence) * len(codes)
    )
    combination, region = grid.combination[inside][first], province[inside][first]
    area = np.bincount(pair, minlength=len(first)).astype(np.float64) * cell_m**2
    table = PatternTable(encoding.keys, grid.presence, combination, region, area, codes)
    row = np.full(grid.combination.shape, -1, np.int32)
    row[inside] = table.distinct.astype(np.int32)[pair]
    presence = grid.presence[table.distinct_combination]
    questions = Questions(explorer.knowledge, explorer.states, encoding.keys)
    return Displayed(window, row, encoding.keys, presence, questions, CountryAssessor(table))


def _provinces(explorer: Explorer, window: Grid) -> tuple[list[str], NDArray[np.int16]]:
    """Codes of the provinces, and the position of the one in whose municipalities every cell lies; -1 for none."""
    every = explorer.regions.municipalities
    codes = sorted(set(every["province"]))
    south, east = window.north_m - window.rows * window.cell_m, window.west_m + window.columns * window.cell_m
    seen = shapely.box(window.west_m, south, east, window.north_m)
    frame = every.iloc[np.sort(every.sindex.query(seen, predicate="intersects"))]
    numbers = [codes.index(code) for code in frame["province"]]
    burned = rasterio.features.rasterize(
        list(zip(frame.geometry, numbers, strict=True)),
        out=np.full((window.rows, window.columns), -1, np.int16),
        transform=Affine(window.cell_m, 0, window.west_m, 0, -window.cell_m, window.north_m),
    )
    return codes, np.asarray(burned, np.int16)


def class_of(kind: str, parts: Parts) -> NDArray[np.uint8]:
    """Position in ``PATTERNS[kind]`` of every distinct pair; the same words as on the polygons of a municipality.

    Parameters
    ----------
    kind : {"verdict", "found", "potential"}
    parts : Parts
        See :meth:`Displayed.parts`.
    """
    conclusive = parts.conclusive.astype(np.intp)
    if kind == "verdict":
        return np.asarray(_OUTCOMES[parts.verdict, conclusive])
    if kind == "potential":
        return np.asarray(_POTENTIALS[parts.potential])
    is_found = parts.conclusive | (parts.indication > Verdict.NO_KNOWN_CONSTRAINT)
    return np.where(is_found, _FOUND[parts.indication], np.uint8(_OUTCOME_NUMBER["unknown"]))
