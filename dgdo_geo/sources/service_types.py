"""What a layer declares about its service, what is asked of it, and what can come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import geopandas as gpd
from pydantic import Field, model_validator

from dgdo_geo.model import Declared
from dgdo_geo.sources.grids import GridFile
from dgdo_geo.sources.http import Validators

OnPage = Callable[[int, int | None], None]
"""Called with what came so far and the total, None when that is not known: features, cells of a grid, or bytes."""

FEATURES = ("ogc_api_features", "wfs", "arcgis", "fdsn_event")
GRIDS = ("wcs", "wms", "opendap")
FILES = ("file", "atom")
VERSIONS: Mapping[str, tuple[str, ...]] = {"wfs": ("2.0.0", "1.1.0"), "wms": ("1.3.0", "1.1.1")}
# A key that a protocol does nothing with would be a promise that is not kept.
ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "tile_m": ("wfs",),
    "where": FEATURES,
    "id_property": FEATURES,
    "page_size": FEATURES,
    "max_features": FEATURES,
    "bbox": (*FEATURES, *GRIDS),
    "headers": (*FEATURES, *GRIDS),
    "cell_m": ("wcs", "wms"),
    "corners": ("opendap",),
    "crs": ("opendap",),
    "layer": (*FEATURES, "wcs", "wms", "atom"),
}


class Service(Declared):
    """The ``[service]`` table of a layer: where its data come from and how to ask for them.

    Attributes
    ----------
    protocol : str
        Features: ``ogc_api_features``, ``wfs``, ``arcgis`` or ``fdsn_event``. Grids: ``wcs``, ``wms`` (a picture, of
        which only the shape of what is drawn is kept) or ``opendap``. A file: ``file`` (its address) or ``atom`` (a
        feed with the address).
    url : str
        Address of the service, without the layer. For ``opendap`` that of the data set, for ``file`` that of the file.
    layer : str
        Collection, type name, coverage, entry of a feed, or number or name of an ArcGIS layer. Upper and lower case do
        not matter. With a ``*`` it is a pattern: the last name in sorted order is taken. Not for ``opendap``, where
        the variable is chosen with the grid, nor for ``file``.
    version : str
        Of WFS: 2.0.0 or 1.1.0; of WMS: 1.3.0 or 1.1.1; "" is the first of them.
    page_size : int
        Features to ask for at once; a server may send fewer.
    bbox : tuple of four floats, optional
        West, south, east, north in EPSG:28992.
    where : table of column -> value
        Only features with these values.
    headers : table of name -> value
        Extra request headers, such as ``Referer``; not for files.
    tile_m : float, optional
        WFS only: read in squares of this size in metres, for servers that cannot page.
    id_property : str
        Property with a unique value: to sort by (WFS) and to recognise a feature by.
    max_features : int
        A layer with more features is refused.
    cell_m : float, optional
        WCS and WMS only: size of a cell to ask for, in metres. Needed for ``wms``; for ``wcs`` that of the service
        when left out.
    crs : str, optional
        OPeNDAP only: coordinate system of the axes, when the service does not tell or tells it wrongly.
    corners : bool
        OPeNDAP only: the axes hold the south-west corners of the cells (GeoTOP), not their centres.
    """

    protocol: Literal["ogc_api_features", "wfs", "arcgis", "fdsn_event", "wcs", "wms", "opendap", "file", "atom"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")]
    layer: str = ""
    version: Literal["", "2.0.0", "1.1.0", "1.3.0", "1.1.1"] = ""
    page_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    bbox: tuple[float, float, float, float] | None = None
    where: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    tile_m: Annotated[float | None, Field(gt=0)] = None
    id_property: str = ""
    max_features: Annotated[int, Field(ge=1)] = 2_000_000
    cell_m: Annotated[float | None, Field(gt=0)] = None
    crs: str | None = None
    corners: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bbox is not None and not (self.bbox[0] < self.bbox[2] and self.bbox[1] < self.bbox[3]):
            raise ValueError("bbox: west < east and south < north")
        for name, protocols in ONLY_FOR.items():
            if getattr(self, name) != type(self).model_fields[name].default and self.protocol not in protocols:
                raise ValueError(f"{name}: for protocol {', '.join(protocols)} only")
        if self.version and self.version not in VERSIONS.get(self.protocol, ()):
            known = "; ".join(f"{protocol}: {', '.join(versions)}" for protocol, versions in VERSIONS.items())
            raise ValueError(f"version: {known}")
        if self.protocol == "wms" and self.cell_m is None:
            raise ValueError("cell_m: needed for protocol wms, the size of a cell in metres")
        if self.protocol == "file" and "*" in self.url:
            raise ValueError("url: the full address of the file, without *; for a changing name use protocol atom")
        return self


@dataclass(frozen=True, slots=True)
class Wanted:
    """One grid of a source; make it with :meth:`of`.

    Attributes
    ----------
    variable : str
        Of an OPeNDAP data set, or field of a coverage; "" for the only one.
    band : int
        Of a coverage, counted from 1; used when ``variable`` is "".
    select : tuple of (axis, value)
        Position along the axes other than x and y, in the order of the names of the axes.
    """

    variable: str = ""
    band: int = 1
    select: tuple[tuple[str, str | float], ...] = ()

    @classmethod
    def of(cls, variable: str | None = None, band: int = 1, select: Mapping[str, str | float] | None = None) -> Wanted:
        """From the keys of a ``[grid]`` table.

        >>> Wanted.of("top", select={"layer": "KIz1"})
        Wanted(variable='top', band=1, select=(('layer', 'KIz1'),))
        """
        return cls(variable or "", band, tuple(sorted((select or {}).items())))


@dataclass(frozen=True, slots=True)
class Fetched:
    """All features of a layer, as the service sent them.

    Attributes
    ----------
    frame : geopandas.GeoDataFrame
        Raw; ``crs`` is what the service says it sent.
    layer : str
        The name in the service's own index.
    pages, bytes : int
        What was received.
    expected : int or None
        How many features the service says there are; None when it does not say.
    notes : tuple of str
        What is worth a line in the log; English.
    """

    frame: gpd.GeoDataFrame
    layer: str
    pages: int
    bytes: int
    expected: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FetchedGrids:
    """Grids as the service sent them.

    Attributes
    ----------
    grids : mapping of Wanted -> GridFile
        One for every choice that was asked; ``grids[Wanted.of(variable, band, select)]``.
    layer : str
        Coverage, WMS layer or address of the data set, in the service's own words.
    bytes : int
        What was received.
    notes : tuple of str
        What is worth a line in the log; English.
    """

    grids: Mapping[Wanted, GridFile]
    layer: str
    bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file that was downloaded whole.

    Attributes
    ----------
    path : Path
        In the folder that was given, under a safe name with a suffix of a kind that we read.
    layer : str
        Name of the file as the service gives it.
    bytes : int
        Size of the file.
    validators : Validators
        To ask next time whether it changed; empty texts when the server gives none.
    notes : tuple of str
        What is worth a line in the log; English.
    """

    path: Path
    layer: str
    bytes: int
    validators: Validators
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotChanged:
    """The server says that the file is still the one of the validators.

    Attributes
    ----------
    layer : str
        Name of the file as the service gives it.
    validators : Validators
        To ask the next time.
    """

    layer: str
    validators: Validators
