"""Networks as layers: length of lines per square kilometre on a grid, cut into classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from dgdo_geo.model import Declared


class DensityOptions(Declared):
    """The ``[layer.density]`` table: how lines become cells with a length per area.

    Attributes
    ----------
    cell_m : float
        Width and height of a cell.
    thresholds : sequence of float
        km per km2, rising; a value on a threshold belongs to the class above it.
    classes : sequence of str
        One more than ``thresholds``, from low to high.
    kind : str, optional
        Column with the kind of network; every kind gets a column of its own with its length per area.
    kinds : table of value -> kind
        Translates the values of that column; all must be in it.
    mask : str, optional
        File beside that of the layer with the areas that the owners of the lines published. Cells outside it
        get no class: nothing is known there. Needed unless ``covers_country``.
    covers_country : bool
        The lines are all there are in the whole country: a cell without a line has none.
    """

    cell_m: Annotated[float, Field(ge=100, le=10_000)] = 1000.0
    thresholds: tuple[float, ...]
    classes: tuple[str, ...]
    kind: str | None = None
    kinds: Mapping[str, str] = {}
    mask: str | None = None
    covers_country: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.classes) != len(self.thresholds) + 1:
            raise ValueError("density: one class more than thresholds")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("density: thresholds must rise")
        if self.covers_country == (self.mask is not None):
            raise ValueError("density: either `mask` or `covers_country`")
        return self
