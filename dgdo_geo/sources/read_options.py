"""How to read an analyst's file: the ``[layer.read]`` table of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dgdo_geo.model import Declared

ALL = "*"
"""All sheets of a workbook; all rows of a table as one line or polygon."""


class TableOptions(Declared):
    """How to read a table.

    Attributes
    ----------
    separator : str
        Column separator of a CSV; found out when left out.
    encoding : str
        Of a CSV (UTF-8 when left out) or Shapefile (what the file says when left out).
    sheet : str
        Sheet of an XLSX with several.
    sheets : str
        ``*`` joins all sheets of an XLSX one below the other; the column ``sheet`` holds their names.
    columns : sequence of str
        Names for the columns of a CSV or XLSX without a header.
    transposed : bool
        The names stand in the first column and the values beside them: a sheet is one row.
    """

    separator: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    encoding: str | None = None
    sheet: str | None = None
    sheets: Literal["*"] | None = None
    columns: tuple[str, ...] = ()
    transposed: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.sheet is not None and self.sheets is not None:
            raise ValueError("either `sheet` or `sheets`")
        if self.transposed and self.columns:
            raise ValueError("either `transposed` or `columns`")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("`columns`: a name stands there twice")
        return self

    @property
    def wanted_sheet(self) -> str | None:
        """Name of the sheet, ``*`` for all, or None when there should be one."""
        return self.sheets or self.sheet


class JoinOptions(TableOptions):
    """A second table whose columns come beside those of the file.

    Attributes
    ----------
    file : str
        The table, beside the file.
    on, to : str
        Column of the file, and the column of the table that holds the same values, each once.
    """

    file: str
    on: str
    to: str


class ReadOptions(TableOptions):
    """How to read a file.

    Attributes
    ----------
    x, y : str
        Columns of a table with coordinates, or with lists of them (then every row is a line).
    x2, y2 : str
        Columns with the other end: then every row is a line of two points.
    wkt : str
        Column of a table with geometry as WKT; with an SRID before it, that is the coordinate system.
    group_by : str
        Join the points of one value into a line, or into a polygon when ``geometry`` says so; ``*`` joins all rows.
    unit_m : float
        Length of the unit of the coordinates in metres: 1000 when they are in kilometres.
    layer : str
        Layer of a file with several, or file of a zip with several.
    where : table of column -> list of values
        Keep rows with one of the values.
    without : table of column -> list of values
        Leave out rows with one of the values.
    contains : table of column -> text
        Keep rows in which the text occurs.
    geometry : str
        Keep only rows of this kind: point, line or polygon.
    join : table
        A second table; the coordinates may stand in either.
    """

    x: str | None = None
    y: str | None = None
    x2: str | None = None
    y2: str | None = None
    wkt: str | None = None
    group_by: str | None = None
    unit_m: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 1.0
    layer: str | None = None
    where: Mapping[str, tuple[str, ...]] = {}
    without: Mapping[str, tuple[str, ...]] = {}
    contains: Mapping[str, str] = {}
    geometry: Annotated[str | None, Field(pattern="^(point|line|polygon)$")] = None
    join: JoinOptions | None = None

    @model_validator(mode="after")
    def _both_ends(self) -> Self:
        ends = [name for name in ("x2", "y2") if getattr(self, name) is not None]
        if ends and (len(ends) == 1 or self.x is None or self.y is None):
            raise ValueError("a segment needs x, y, x2 and y2")
        return self
