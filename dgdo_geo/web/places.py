"""The places that can be chosen: municipalities, provinces, water boards, DGDO regions and the country."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import geopandas as gpd
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import LayerStatus, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import WATER_BOARDS, find_water_board, guess_kind
from dgdo_geo.texts import section, text
from dgdo_geo.web import formats, own_area

PLACE_KINDS = (
    RegionKind.MUNICIPALITY,
    RegionKind.PROVINCE,
    RegionKind.WATER_BOARD,
    RegionKind.DGDO_REGION,
    RegionKind.COUNTRY,
)
"""Kinds of region that can be chosen, in the order in which they are offered; the value is the key in the address."""

ADJACENT_M = 50.0
"""Regions closer to each other than this share a border: outlines from different sources leave slits."""


@dataclass(frozen=True, slots=True)
class Place:
    """A region that was chosen.

    Attributes
    ----------
    kind : RegionKind
        One of :data:`PLACE_KINDS`, or a polygon of the visitor's own.
    code : str
        ``GM0193``, ``PV23``, the id of a water board, ``Oost``, ``NL``, or a code of :mod:`dgdo_geo.web.own_area`.
    """

    kind: RegionKind
    code: str


def find(explorer: Explorer, kind: RegionKind, wanted: str) -> Place:
    """A place by its kind and its code or name.

    Raises
    ------
    InputError
        If there is no such place; names the nearest ones.
    DataError
        If the boundaries of that kind are not loaded, or not complete.
    """
    if kind is RegionKind.COUNTRY and wanted.strip().upper() not in ("NL", "NEDERLAND"):
        raise InputError("region_unknown_suggest", kind=kind.value, name=wanted, suggestions="NL")
    if kind is RegionKind.POLYGON:
        return Place(kind, own_area.check_code(explorer, wanted))
    if kind is RegionKind.WATER_BOARD:
        return Place(kind, find_water_board(_water_boards(explorer), wanted)[0])
    return Place(kind, explorer.regions.find(kind, wanted).code)


def kind_of(code: str) -> RegionKind:
    """Kind of a place from its code; what is no code of CBS, no DGDO region and not NL is a water board.

    >>> kind_of("GM0193").value, kind_of("PV23").value, kind_of("Oost").value, kind_of("NL").value, kind_of("wdod").value
    ('gemeente', 'provincie', 'regio', 'land', 'waterschap')
    """
    guess = guess_kind(code)
    is_code = code[:2].upper() == "GM" and code[2:].isdigit()
    return RegionKind.WATER_BOARD if guess is RegionKind.MUNICIPALITY and not is_code else guess


def name_of(explorer: Explorer, place: Place) -> str:
    """Name of a place, without its kind."""
    regions = explorer.regions
    if place.kind is RegionKind.POLYGON:
        return text("own_area", "name")
    if place.kind is RegionKind.MUNICIPALITY:
        return regions.facts[place.code][0]
    if place.kind is RegionKind.PROVINCE:
        return str(regions.provinces.loc[place.code, "name"])
    if place.kind is RegionKind.WATER_BOARD:
        return find_water_board(_water_boards(explorer), place.code)[1]
    return text("web_place", "country") if place.kind is RegionKind.COUNTRY else place.code


def label(explorer: Explorer, place: Place) -> str:
    """Name of a place as the list shows it: with its kind, and with other ways to type the name."""
    name = name_of(explorer, place)
    if place.kind is RegionKind.COUNTRY:
        return text("web_place", "country_label")
    if place.kind is RegionKind.POLYGON:
        return text("own_area", "label", area=formats.area(geometry(explorer, place).area))
    shown = text("web_place", f"label_{place.kind.name.lower()}", name=name)
    also = other_names(name)
    return text("web_place", "also", label=shown, names=", ".join(also)) if also else shown


def other_names(name: str) -> list[str]:
    """Everyday names of a place, and its name without accents: the search field compares letter by letter.

    >>> other_names("'s-Gravenhage"), other_names("Súdwest-Fryslân"), other_names("Zwolle")
    (['Den Haag'], ['Sudwest-Fryslan'], [])
    """
    everyday = [key.replace("_", " ").title() for key, official in section("aliases").items() if official == name]
    split = unicodedata.normalize("NFKD", name)
    bare = "".join(c for c in split if not unicodedata.combining(c))
    return [*everyday, bare] if bare != name else everyday


def all_places(explorer: Explorer) -> list[Place]:
    """Every place that can be chosen: per kind in the order of the alphabet, without accents."""
    regions = explorer.regions
    codes = {
        RegionKind.MUNICIPALITY: list(regions.facts),
        RegionKind.PROVINCE: [str(code) for code in regions.provinces.index],
        RegionKind.WATER_BOARD: water_board_codes(explorer),
        RegionKind.DGDO_REGION: list(dict.fromkeys(regions.provinces["dgdo_region"])),
        RegionKind.COUNTRY: ["NL"],
    }
    listed = [Place(kind, code) for kind in PLACE_KINDS for code in codes[kind]]
    order = {place: formats.sorting(name_of(explorer, place)) for place in listed}
    return sorted(listed, key=lambda place: (PLACE_KINDS.index(place.kind), order[place]))


def water_board_codes(explorer: Explorer) -> list[str]:
    """Ids of the water boards; empty while their boundaries are not loaded."""
    state = explorer.states.get(WATER_BOARDS)
    if state is None or state.status is not LayerStatus.AVAILABLE:
        return []
    return [str(code) for code in _water_boards(explorer)["feature_id"]]


def geometry(explorer: Explorer, place: Place) -> shapely.Geometry:
    """Polygon of a place, EPSG:28992."""
    if place.kind is RegionKind.POLYGON:
        return own_area.area_of(place.code).geometry
    if place.kind is RegionKind.WATER_BOARD:
        return find_water_board(_water_boards(explorer), place.code)[2]
    return explorer.regions.geometry(explorer.regions.find(place.kind, place.code))


def neighbours(explorer: Explorer, place: Place) -> list[Place]:
    """Places of the same kind that border on a place, by name; the country and an area of one's own have none."""
    if place.kind in (RegionKind.COUNTRY, RegionKind.POLYGON):
        return []
    if place.kind is RegionKind.WATER_BOARD:
        frame = _water_boards(explorer).set_index("feature_id")
        near = frame.sindex.query(frame.geometry[place.code], predicate="dwithin", distance=ADJACENT_M)
        codes = {str(code) for code in frame.index[near]}
    else:
        borders = explorer.regions.municipalities.geometry
        if place.kind is RegionKind.MUNICIPALITY:
            above = {str(code): str(code) for code in borders.index}
        else:
            above = explorer.regions.parents(place.kind)
        own = borders[[code for code in borders.index if above[str(code)] == place.code]]
        _, near = borders.sindex.query(own.to_numpy(), predicate="dwithin", distance=ADJACENT_M)
        codes = {above[str(code)] for code in borders.index[near]}
    found = [Place(place.kind, code) for code in codes if code != place.code]
    return sorted(found, key=lambda item: formats.sorting(name_of(explorer, item)))


def holding(explorer: Explorer, place: Place | None, x: float, y: float) -> Place:
    """The place itself where it holds a point (EPSG:28992); else the municipality of the point.

    Raises
    ------
    InputError
        If the point lies outside the Netherlands.
    """
    regions = explorer.regions
    code = regions.municipality_at(x, y)
    if place is not None and place.kind is not RegionKind.MUNICIPALITY:
        if place.kind in (RegionKind.WATER_BOARD, RegionKind.POLYGON):
            is_inside = bool(shapely.intersects_xy(geometry(explorer, place), x, y))
        else:
            is_inside = regions.parents(place.kind)[code] == place.code
        if is_inside:
            return place
    return Place(RegionKind.MUNICIPALITY, code)


def _water_boards(explorer: Explorer) -> gpd.GeoDataFrame:
    return explorer.layer(WATER_BOARDS).to_gdf()
