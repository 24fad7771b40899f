"""The form of grids in a recipe: which grid, and how its cells become classes with depths."""

from __future__ import annotations

import math
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
    corners : bool
        The x and y of a NetCDF or a table are the south-west corners of the cells (GeoTOP), not their centres.
    unit_m : float
        Metres in one unit of x and y: 1000 for a grid in kilometres.
    """

    file: str | None = None
    variable: str | None = None
    band: Annotated[int, Field(ge=1)] = 1
    select: Mapping[str, str | float] = {}
    columns: tuple[str, str, str] | None = None
    corners: bool = False
    unit_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


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
        Grids with the depth of the top and the base, on the same cells. Without ``top`` a feature begins at ground
        level, without ``base`` it has no lower end.
    datum : {"ground", "nap"}
        What the depths are measured from; with ``nap`` the ground level must be given.
    positive : {"down", "up"}
        Which way the depths grow.
    ground_level_m : two of float, optional
        Lowest and highest ground level there, m NAP.
    depth_step_m : float
        Limits of a depth are rounded outwards to steps of this size, so that neighbouring cells become one feature.
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
    depth_step_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 50.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.values) == bool(self.classes):
            raise ValueError("grid: either `values`, or `thresholds` and `classes`")
        if self.values and self.thresholds:
            raise ValueError("grid: `thresholds` go with `classes`, not with `values`")
        if self.classes and len(self.classes) != len(self.thresholds) + 1:
            raise ValueError("grid: one class more than thresholds")
        if not all(map(math.isfinite, self.thresholds)) or list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("grid: thresholds must rise")
        if len(set(map(_code, self.values))) != len(self.values):
            raise ValueError("grid: a value stands twice in `values`")
        self._check_depths()
        return self

    def _check_depths(self) -> None:
        level = self.ground_level_m
        if (self.datum == "nap") != (level is not None):
            raise ValueError("grid: depths against NAP need ground_level_m, and only they")
        if level is not None and not -100 <= level[0] <= level[1] <= 1000:
            raise ValueError("grid: ground_level_m is the lowest and the highest ground level, in m NAP")
        if self.top is None and self.base is None and (self.datum, self.positive) != ("ground", "down"):
            raise ValueError("grid: datum and positive are for the depths of `top` and `base`")

    @property
    def codes(self) -> dict[float, str]:
        """``values`` with numbers for keys."""
        return {_code(value): class_id for value, class_id in self.values.items()}

    @property
    def named_classes(self) -> tuple[str, ...]:
        """Every class that a cell with a value can get, once."""
        return tuple(dict.fromkeys((*self.classes, *self.values.values())))


def _code(value: str) -> float:
    """A key of ``values`` as a number; TOML writes keys as text."""
    try:
        number = float(value)
    except ValueError as error:
        raise ValueError(f"grid: `values` needs numbers, got {value!r}") from error
    if not math.isfinite(number):
        raise ValueError(f"grid: `values` needs numbers, got {value!r}")
    return number
