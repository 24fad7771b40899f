"""Grids as layers: cells cut into classes, and the outlines of equal cells as features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dgdo_geo.model import NO_DATA, Declared


class GridChoice(Declared):
    """Which grid of a source.

    Attributes
    ----------
    file : str, optional
        Another file than that of the layer: beside it, or in the same zip; a ``*`` in it stands for any text.
    variable : str, optional
        Of a NetCDF or an OPeNDAP service with several.
    band : int
        Counted from 1.
    select : table of axis -> value
        Position along the axes other than x and y: ``{layer = "KIz1"}``, ``{z = -20.25}``.
    columns : three of str, optional
        Columns of x, y and the value, of a table of points.
    """

    file: str | None = None
    variable: str | None = None
    band: Annotated[int, Field(ge=1)] = 1
    select: Mapping[str, str | float] = {}
    columns: tuple[str, str, str] | None = None


class GridOptions(GridChoice):
    """The ``[layer.grid]`` table: how the values of a grid become classes, and which grids hold the depths.

    Attributes
    ----------
    thresholds : sequence of float
        Rising; a value on a threshold belongs to the class above it.
    classes : sequence of str
        One more than ``thresholds``, from low to high.
    values : table of value -> class
        For a grid of codes, in place of ``thresholds`` and ``classes``.
    no_data : str
        Class of the cells without a value; :data:`~dgdo_geo.model.NO_DATA` when left out, "" to leave them out.
    top, base : GridChoice, optional
        Grids with the depth of the top and the base; for cells of the class they hold.
    datum : {"ground", "nap"}
        What the depths are measured from; with ``nap`` the ground level must be given.
    positive : {"down", "up"}
        Which way the depths grow.
    ground_level_m : two of float, optional
        Lowest and highest ground level there, m NAP.
    depth_step_m : float
        Depths are rounded outwards to steps of this size, so that neighbouring cells become one feature.
    """

    thresholds: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    values: Mapping[str, str] = {}
    no_data: str = NO_DATA
    top: GridChoice | None = None
    base: GridChoice | None = None
    datum: Literal["ground", "nap"] = "ground"
    positive: Literal["down", "up"] = "down"
    ground_level_m: tuple[float, float] | None = None
    depth_step_m: Annotated[float, Field(gt=0)] = 50.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.values) == bool(self.classes):
            raise ValueError("grid: either `values`, or `thresholds` and `classes`")
        if self.classes and len(self.classes) != len(self.thresholds) + 1:
            raise ValueError("grid: one class more than thresholds")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("grid: thresholds must rise")
        if self.datum == "nap" and self.ground_level_m is None:
            raise ValueError("grid: depths against NAP need ground_level_m")
        return self
