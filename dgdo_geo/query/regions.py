"""Finding a place by name, code or coordinate, and saying clearly when that fails."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import shapely

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import LAND_BOUNDS, LayerState, LayerStatus, Region, RegionKind
from dgdo_geo.query.borders import Borders
from dgdo_geo.texts import section, text

MUNICIPALITIES = "gemeenten"
PROVINCES = "provincies"
WATER_BOARDS = "waterschappen"
DGDO_REGIONS = ("Noord", "Oost", "Zuid", "West")

COVERED_TOLERANCE = 0.1
"""Municipalities and provinces may come from sources with another coast line; more than this is a gap."""

LONLAT_BOUNDS = (3.2, 50.7, 7.3, 53.6)
"""Outer limits of the land of the Netherlands in longitude and latitude."""


def letters(name: str) -> str:
    """A name without case, accents and punctuation.

    >>> letters("Bergen (NH.)"), letters("'s-Gravenhage"), letters("Súdwest-Fryslân")
    ('bergen nh', 's gravenhage', 'sudwest fryslan')
    """
    split = unicodedata.normalize("NFKD", name)
    bare = "".join(c for c in split if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())


def plain(name: str) -> str:
    """The same, and without the province in brackets.

    >>> plain("Bergen (NH.)")
    'bergen'
    """
    return letters(re.sub(r"\(.*?\)", " ", name))


@dataclass(frozen=True)
class RegionIndex:
    """Municipalities and provinces, to search by name and by place.

    Attributes
    ----------
    municipalities, provinces : GeoDataFrame
        Products of the layers ``gemeenten`` and ``provincies``, indexed by code.
    accuracy_m, province_accuracy_m : float
        Accuracy of the municipal and of the provincial boundaries.
    """

    municipalities: gpd.GeoDataFrame
    provinces: gpd.GeoDataFrame
    accuracy_m: float
    province_accuracy_m: float

    @cached_property
    def incomplete(self) -> tuple[str, ...]:
        """Provinces of which more than a tenth is covered by no municipality: their totals would be wrong."""
        covered = self.municipalities.geometry.area.groupby(self.municipalities["province"]).sum()
        share = covered.reindex(self.provinces.index, fill_value=0.0) / self.provinces.geometry.area
        return tuple(str(code) for code in self.provinces.index[share < 1 - COVERED_TOLERANCE])

    @classmethod
    def build(cls, states: Mapping[str, LayerState], products: dict[str, gpd.GeoDataFrame]) -> RegionIndex:
        """Build from the layers of a workspace.

        Raises
        ------
        DataError
            If the municipalities or provinces could not be read: without them nothing can be answered.
        """
        for layer_id in (MUNICIPALITIES, PROVINCES):
            state = states.get(layer_id)
            if state is None or state.status is not LayerStatus.AVAILABLE:
                raise DataError("boundaries_missing", layer=layer_id, detail=state.detail_nl if state else "")
        strange = sorted(set(products[MUNICIPALITIES]["province"]) - set(products[PROVINCES]["feature_id"]))
        if strange:
            detail = text("notes", "strange_provinces", codes=", ".join(strange[:5]))
            raise DataError("boundaries_missing", layer=MUNICIPALITIES, detail=detail)
        return cls(
            products[MUNICIPALITIES].set_index("feature_id", drop=False),
            products[PROVINCES].set_index("feature_id", drop=False),
            states[MUNICIPALITIES].layer.accuracy_m,
            states[PROVINCES].layer.accuracy_m,
        )

    def find(self, kind: RegionKind, wanted: str) -> Region:
        """Find a municipality, province or DGDO region by code or name.

        Raises
        ------
        InputError
            If the name is unknown (with the nearest names) or fits more than one place.
        """
        if kind is RegionKind.COUNTRY:
            return self._region(kind, "NL", "Nederland", list(self.provinces.index))
        if kind is RegionKind.DGDO_REGION:
            name = _pick(wanted, {n: n for n in DGDO_REGIONS}, kind)
            codes = list(self.provinces.index[self.provinces["dgdo_region"] == name])
            return self._region(kind, name, name, codes)
        frame = self.municipalities if kind is RegionKind.MUNICIPALITY else self.provinces
        code = _pick(wanted, dict(zip(frame.index, frame["name"], strict=True)), kind)
        provinces = [frame.loc[code, "province"]] if kind is RegionKind.MUNICIPALITY else [code]
        return self._region(kind, code, str(frame.loc[code, "name"]), provinces)

    def _region(self, kind: RegionKind, code: str, name: str, provinces: Sequence[str]) -> Region:
        gaps = [code for code in provinces if code in self.incomplete]
        if gaps and kind is not RegionKind.MUNICIPALITY:
            names = ", ".join(str(self.provinces.loc[gap, "name"]) for gap in gaps)
            raise DataError("boundaries_incomplete", provinces=names)
        region = Region(kind, code, name, None, tuple(provinces), self.dgdo_regions(provinces))
        codes = self.municipality_codes(region)
        area = math.fsum(self.municipalities.geometry[codes].area)
        return replace(region, area_m2=area, municipalities=tuple(codes))

    def point(self, x: float, y: float, code: str) -> Region:
        """A point in a municipality, as a region without an area."""
        name, province = self.facts[code]
        where = f"{round(x, 3)!r},{round(y, 3)!r}"
        return Region(RegionKind.POINT, where, name, None, (province,), self.dgdo_regions([province]), (code,))

    def dgdo_regions(self, provinces: Sequence[str]) -> tuple[str, ...]:
        """DGDO regions of the given provinces, in the order of the programme."""
        found = {self._dgdo_region[province] for province in provinces}
        return tuple(name for name in DGDO_REGIONS if name in found)

    @cached_property
    def _dgdo_region(self) -> dict[str, str]:
        return {str(code): str(region) for code, region in self.provinces["dgdo_region"].items()}

    @cached_property
    def facts(self) -> dict[str, tuple[str, str]]:
        """Name and province of every municipality, by code."""
        frame = self.municipalities
        return {
            str(code): (str(name), str(province))
            for code, name, province in zip(frame.index, frame["name"], frame["province"], strict=True)
        }

    @cached_property
    def codes(self) -> frozenset[str]:
        """Codes of all municipalities, provinces and DGDO regions."""
        return frozenset({*self.municipalities.index, *self.provinces.index, *DGDO_REGIONS})

    def municipality_codes(self, region: Region) -> list[str]:
        """Codes of the municipalities that make up a region, sorted."""
        if region.kind is RegionKind.MUNICIPALITY:
            return [region.code]
        is_in = self.municipalities["province"].isin(region.provinces)
        return sorted(self.municipalities.index[is_in])

    def parents(self, kind: RegionKind) -> dict[str, str]:
        """Code of the province, DGDO region or country that each municipality lies in."""
        province = self.municipalities["province"]
        if kind is RegionKind.PROVINCE:
            above = {code: code for code in self.provinces.index}
        elif kind is RegionKind.DGDO_REGION:
            above = dict(self.provinces["dgdo_region"])
        elif kind is RegionKind.COUNTRY:
            above = dict.fromkeys(self.provinces.index, "NL")
        else:
            raise ValueError(f"municipalities do not add up to a {kind.value}")
        return {str(code): str(above[of]) for code, of in province.items()}

    def geometry(self, region: Region) -> shapely.Geometry:
        """Polygon of a region: that of its municipalities, EPSG:28992."""
        codes = self.municipality_codes(region)
        return shapely.union_all(self.municipalities.geometry[codes].to_numpy())

    def municipality_at(self, x: float, y: float) -> str:
        """Code of the municipality at a point.

        Raises
        ------
        InputError
            If the point lies outside the Netherlands; says what may have gone wrong.
        """
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError("point_not_a_number", x=x, y=y)
        code = self._containing(x, y)
        if code is not None:
            return code
        if self._containing(y, x) is not None:
            raise InputError("point_swapped", x=f"{x:g}", y=f"{y:g}")
        if _inside((x, y), LONLAT_BOUNDS) or _inside((y, x), LONLAT_BOUNDS):
            raise InputError("point_is_lonlat", x=f"{x:g}", y=f"{y:g}")
        if not _inside((x, y), LAND_BOUNDS):
            raise InputError("point_far_outside", x=f"{x:g}", y=f"{y:g}")
        if len(self.provinces.sindex.query(shapely.Point(x, y), predicate="intersects")) and self.incomplete:
            raise DataError("municipality_not_loaded", x=f"{x:g}", y=f"{y:g}")
        distance = self.municipalities.geometry.distance(shapely.Point(x, y))
        nearest = distance.idxmin()
        raise InputError(
            "point_outside",
            x=f"{x:g}",
            y=f"{y:g}",
            name=self.municipalities.loc[nearest, "name"],
            km=_km(distance[nearest]),
        )

    def _containing(self, x: float, y: float) -> str | None:
        hits = self._municipality_borders.holding(x, y)
        return hits[0] if hits else None

    def provinces_within_accuracy(self, x: float, y: float, home: str) -> tuple[str, ...]:
        """Codes of other provinces closer to the point than the accuracy of their borders."""
        near = self._province_borders.within(x, y, self.province_accuracy_m)
        return tuple(sorted(code for code in near if code != home))

    def neighbours_within_accuracy(self, x: float, y: float, code: str) -> list[str]:
        """Names of other municipalities closer to the point than the accuracy of the boundaries."""
        near = self._municipality_borders.within(x, y, self.accuracy_m)
        return [self.facts[other][0] for other in near if other != code]

    @cached_property
    def _municipality_borders(self) -> Borders:
        return Borders(self.municipalities.geometry)

    @cached_property
    def _province_borders(self) -> Borders:
        return Borders(self.provinces.geometry)


def _inside(point: tuple[float, float], bounds: tuple[float, float, float, float]) -> bool:
    return bounds[0] <= point[0] <= bounds[2] and bounds[1] <= point[1] <= bounds[3]


def _km(metres: float) -> str:
    return f"{metres / 1000:.1f}".replace(".", ",")


def _pick(wanted: str, names: dict[str, str], kind: RegionKind) -> str:
    """The code that a user means by a code or a name."""
    asked = wanted.strip()
    if asked.upper() in names:
        return asked.upper()
    known_as = section("aliases")
    asked = known_as.get(plain(asked).replace(" ", "_"), asked)
    exact = [code for code, name in names.items() if name.casefold() == asked.casefold()]
    full = exact or [code for code, name in names.items() if letters(name) == letters(asked)]
    if len(full) == 1:
        return full[0]
    same = [code for code, name in names.items() if plain(name) == plain(asked)]
    if len(same) == 1:
        return same[0]
    if len(same) > 1:
        choice = " of ".join(f"{names[code]} ({code})" for code in sorted(same))
        raise InputError("region_ambiguous", kind=kind.value, name=asked, choice=choice)
    by_plain = {plain(name): name for name in names.values()}
    close = difflib.get_close_matches(plain(asked), by_plain, n=3, cutoff=0.6)
    starts = [p for p in by_plain if plain(asked) and p.startswith(plain(asked)) and p not in close]
    found = [by_plain[p] for p in [*starts, *close]][:4]
    if not found:
        raise InputError("region_unknown", kind=kind.value, name=asked)
    raise InputError("region_unknown_suggest", kind=kind.value, name=asked, suggestions=", ".join(found))


def find_water_board(frame: gpd.GeoDataFrame, wanted: str) -> tuple[str, str, shapely.Geometry]:
    """Code, name and polygon of a water board.

    Raises
    ------
    InputError
        If no such water board is loaded.
    """
    match = frame[(frame["feature_id"] == wanted) | (frame["name"].str.casefold() == wanted.casefold())]
    if match.empty:
        raise InputError("region_unknown_suggest", kind="waterschap", name=wanted, suggestions=", ".join(frame["name"]))
    return str(match["feature_id"].iloc[0]), str(match["name"].iloc[0]), match.geometry.iloc[0]


def guess_kind(wanted: str) -> RegionKind:
    """Kind of a region from its code; a plain name is taken for a municipality.

    >>> guess_kind("PV23").value, guess_kind("Noord").value, guess_kind("Zwolle").value
    ('provincie', 'regio', 'gemeente')
    """
    code = wanted.strip().upper()
    if code == "NL":
        return RegionKind.COUNTRY
    if code.startswith("PV") and code[2:].isdigit():
        return RegionKind.PROVINCE
    if code in ("NOORD", "OOST", "ZUID", "WEST"):
        return RegionKind.DGDO_REGION
    return RegionKind.MUNICIPALITY
