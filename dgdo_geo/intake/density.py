"""Networks as layers: what a recipe says about length of lines per square kilometre on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from dgdo_geo.model import Declared
from dgdo_geo.sources.read_options import ReadOptions

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Depth = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LineOptions(Declared):
    """What one file with lines holds.

    Attributes
    ----------
    kind : str, optional
        Column with the kind of network; every kind gets a column of its own with its length per area.
    kinds : table of value -> kind
        Translates the values of that column; all must be in it.
    kind_fixed : str, optional
        The kind of all lines of the file, in place of a column.
    mask : str, optional
        File with the area that the owner of the lines published. Outside it nothing is known. Needed unless
        ``covers_country``.
    mask_crs : str, optional
        Overrules what that file says; needed when it says nothing.
    mask_read : ReadOptions
        Which rows of it.
    """

    kind: str | None = None
    kinds: Mapping[str, str] = {}
    kind_fixed: Annotated[str | None, Field(min_length=1)] = None
    mask: str | None = None
    mask_crs: str | None = None
    mask_read: ReadOptions = ReadOptions()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.kind is not None and self.kind_fixed is not None:
            raise ValueError("density: either `kind` or `kind_fixed`")
        if self.kinds and self.kind is None:
            raise ValueError("density: `kinds` needs `kind`")
        if self.mask is None and (self.mask_crs is not None or self.mask_read != ReadOptions()):
            raise ValueError("density: `mask_crs` and `mask_read` need `mask`")
        return self

    @property
    def has_kind(self) -> bool:
        """True when the kind of the lines is told."""
        return self.kind is not None or self.kind_fixed is not None


class MoreLines(LineOptions):
    """A further file with lines, of another owner or of another kind.

    Attributes
    ----------
    file : str
        Beside that of the layer.
    crs, why_crs_nl, read
        As in the layer.
    """

    file: str
    crs: str | None = None
    why_crs_nl: str = ""
    read: ReadOptions = ReadOptions()


class DensityOptions(LineOptions):
    """The ``[layer.density]`` table: how lines become cells with a length per area.

    The keys of :class:`LineOptions` are about the file of the layer itself.

    Attributes
    ----------
    cell_m : float
        Width and height of a cell.
    thresholds : sequence of float
        km per km2, rising, above 0; a value on a threshold belongs to the class above it.
    classes : sequence of str
        One more than ``thresholds``, from low to high.
    covers_country : bool
        The lines are all there are in the whole country: a cell without a line has none.
    dedupe : bool
        Count lines of one kind with the same geometry once.
    base_m : two of float, optional
        How deep the network reaches, lowest and highest estimate, in metres below ground level. The whole
        column when left out.
    more : sequence of MoreLines
        Further files that count in the same cells.
    """

    cell_m: Annotated[float, Field(ge=100, le=10_000)] = 1000.0
    thresholds: tuple[Threshold, ...]
    classes: tuple[str, ...]
    covers_country: bool = False
    dedupe: bool = False
    base_m: tuple[Depth, Depth] | None = None
    more: tuple[MoreLines, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.classes) != len(self.thresholds) + 1:
            raise ValueError("density: one class more than thresholds")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("density: thresholds must rise")
        every: tuple[LineOptions, ...] = (self, *self.more)
        if any(one.mask is None for one in every) and not self.covers_country:
            raise ValueError("density: every file needs a `mask`, unless `covers_country`")
        if any(one.mask is not None for one in every) and self.covers_country:
            raise ValueError("density: either `mask` or `covers_country`")
        if len({one.has_kind for one in every}) > 1:
            raise ValueError("density: `kind` or `kind_fixed` for every file, or for none")
        if self.base_m is not None and not 0 < self.base_m[0] <= self.base_m[1]:
            raise ValueError("density: base_m must lie below ground level, the lowest estimate first")
        return self
