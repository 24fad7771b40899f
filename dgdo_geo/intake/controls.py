"""Control points of a source: places of which somebody knows what the layer says there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from dgdo_geo import harmonise
from dgdo_geo.errors import InputError
from dgdo_geo.intake.recipe import Control
from dgdo_geo.model import Layer
from dgdo_geo.texts import text

LEAST_REACH_M = 1.0
"""A point or line this close to a control point is at it, however accurate the layer says it is."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A control point and what the layer says there.

    Attributes
    ----------
    x, y : float
        EPSG:28992, metres.
    expected : str
        Class; "" for nothing.
    found : tuple of str
        Classes that are there.
    """

    x: float
    y: float
    expected: str
    found: tuple[str, ...]
    why_nl: str

    @property
    def passed(self) -> bool:
        """True when what was expected is there; nothing expected: true when nothing is."""
        return self.expected in self.found if self.expected else not self.found

    def describe_nl(self, layer: Layer) -> str:
        """One line for the dry run."""
        return text("intake", "control_ok" if self.passed else "control_wrong", **self.words(layer))

    def words(self, layer: Layer) -> dict[str, str]:
        """The values of a message."""
        nothing = text("intake", "nothing_there")
        return {
            "x": f"{self.x:.0f}",
            "y": f"{self.y:.0f}",
            "expected": layer.label(self.expected) if self.expected else nothing,
            "found": ", ".join(layer.label(c) for c in self.found) or nothing,
            "why": self.why_nl,
        }


def check_controls(controls: Sequence[Control], frame: gpd.GeoDataFrame, layer: Layer) -> tuple[Checked, ...]:
    """Look at every control point what the layer says there.

    Parameters
    ----------
    frame : GeoDataFrame
        The product, EPSG:28992. A polygon counts when the point is in it; a point or line when it lies within the
        accuracy of the layer.

    Raises
    ------
    InputError
        If a control point expects a class that the layer does not have.
    """
    known = [c.id for c in layer.classes]
    strange = [c.expected for c in controls if c.expected and c.expected not in known]
    if strange:
        raise InputError("class_unknown", layer=layer.id, classes=", ".join(strange), known=", ".join(known))
    reach = 0.0 if layer.geometry == "polygon" else max(layer.accuracy_m, LEAST_REACH_M)
    classes = frame["class"].to_numpy()
    checked = []
    for control in controls:
        x, y = _place(control)
        near = frame.sindex.query(shapely.Point(x, y), predicate="dwithin", distance=reach)
        found = tuple(sorted(map(str, np.unique(classes[near].astype(str)))))
        checked.append(Checked(x, y, control.expected, found, control.why_nl))
    return tuple(checked)


def _place(control: Control) -> tuple[float, float]:
    if control.lonlat is not None:
        return harmonise.lonlat_to_rd(*control.lonlat)
    # The form of a recipe makes sure that one of the two is there.
    return float(control.x or 0), float(control.y or 0)


def refuse_failed(checked: Sequence[Checked], layer: Layer) -> None:
    """Refuse to save a layer that says something else at a control point.

    Raises
    ------
    InputError
        Naming the first point, what was expected and what is there.
    """
    failed = [item for item in checked if not item.passed]
    if failed:
        raise InputError("control_failed", layer=layer.id, count=len(failed), **failed[0].words(layer))
