"""What a page shows, as a value: it goes into the address, so that a link gives the same view."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

import pyproj

from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.model import RD_NEW, Reader, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import places
from dgdo_geo.web.places import PLACE_KINDS, Place

__all__ = ["MAP_KINDS", "Place", "View", "default_view", "from_params", "to_params"]

MAP_KINDS = ("verdict", "found", "potential")
_MAP_WORDS = {"verdict": "oordeel", "found": "gevonden", "potential": "potentie"}
_PLAIN, _FULL = "kort", "volledig"
MOST_COMPARED = 4
"""Regions that are set beside the one that was asked, at most."""
KEYS = (
    *(kind.value for kind in (*PLACE_KINDS, RegionKind.POLYGON)),
    "activiteit",
    "diepte",
    "punt",
    "naast",
    "peildatum",
    "kaart",
    "lezer",
    "weergave",
    "vergelijk",
    "lagen",
)
"""Every key that an address may have."""
_TO_RD = pyproj.Transformer.from_crs(4326, RD_NEW, always_xy=True)
_TO_LONLAT = pyproj.Transformer.from_crs(RD_NEW, 4326, always_xy=True)
_WORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="coordinates")

T = TypeVar("T")
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """One view of a page; all pages share it.

    Attributes
    ----------
    place : Place or None
        The region that was chosen; with a point, the region that the point lies in.
    band : int
        Position of the depth band in the activity.
    point, beside : (x, y) or None
        The asked point, and a second one to compare it with; EPSG:28992, metres.
    map_kind : {"verdict", "found", "potential"}
    reader : Reader or None
        Who reads the answer; None is the level of government that the place belongs to.
    is_full : bool
        With all detail; the numbers are the same.
    compared : tuple of Place
        Regions to set beside ``place``, at most :data:`MOST_COMPARED`.
    layers : tuple of str
        Ids of the layers that lie over the map, the upper one first.
    """

    activity: str
    on: date
    place: Place | None = None
    band: int = 0
    point: Point | None = None
    map_kind: str = "verdict"
    reader: Reader | None = None
    beside: Point | None = None
    is_full: bool = False
    compared: tuple[Place, ...] = ()
    layers: tuple[str, ...] = ()

    @property
    def municipality(self) -> str | None:
        """GM code of the place; None when it is another kind of region, or not chosen."""
        is_one = self.place is not None and self.place.kind is RegionKind.MUNICIPALITY
        return self.place.code if is_one and self.place else None


def default_view(explorer: Explorer, today: date) -> View:
    """The view of a page that is opened without any choice."""
    return View(next(iter(explorer.knowledge.activities)), today)


def to_params(view: View, explorer: Explorer) -> dict[str, str]:
    """The view as parameters of the address; a view without any choice has none."""
    if replace(view, on=date.min) == default_view(explorer, date.min) and view.on == date.today():
        return {}
    params = {} if view.place is None else {view.place.kind.value: view.place.code}
    params["activiteit"] = view.activity
    bands = explorer.knowledge.activity(view.activity).bands
    if len(bands) > 1:
        params["diepte"] = f"{bands[view.band].top_m:g}-{bands[view.band].base_m:g}"
    for key, point in (("punt", view.point), ("naast", view.beside)):
        if point is not None:
            params[key] = _written(point)
    params["peildatum"] = view.on.isoformat()
    if view.map_kind != "verdict":
        params["kaart"] = _MAP_WORDS[view.map_kind]
    if view.reader is not None:
        params["lezer"] = view.reader.value
    if view.is_full:
        params["weergave"] = _FULL
    if view.compared:
        params["vergelijk"] = ",".join(place.code for place in view.compared)
    if view.layers:
        params["lagen"] = ",".join(view.layers)
    return params


def _written(point: Point) -> str:
    return f"{point[0]:.0f},{point[1]:.0f}"


def from_params(params: Mapping[str, str], explorer: Explorer, today: date) -> tuple[View, list[str]]:
    """Read a view from the address.

    Returns
    -------
    view : View
    problems : list of str
        One Dutch sentence for every part that could not be used; that part is left out.
    """
    problems = [
        text("web", "unknown_key", word=key, known=near[0])
        for key in params
        if key not in KEYS and (near := difflib.get_close_matches(key.casefold(), KEYS, n=1, cutoff=0.75))
    ]

    def read(key: str, how: Callable[[str], T], otherwise: T) -> T:
        if not params.get(key):
            return otherwise
        try:
            return how(params[key])
        except DgdoGeoError as error:
            problems.append(error.message_nl)
            return otherwise

    view = default_view(explorer, today)
    place: Place | None = None
    for kind in (RegionKind.POLYGON, *PLACE_KINDS):
        place = place or read(kind.value, lambda wanted, kind=kind: places.find(explorer, kind, wanted), None)  # type: ignore[misc]
    activity = read("activiteit", lambda wanted: explorer.knowledge.activity(wanted).id, view.activity)
    point = read("punt", lambda written: _land_point(written, explorer), None)
    view = View(
        activity=activity,
        on=read("peildatum", read_date, today),
        place=place if point is None else places.holding(explorer, place, *point),
        band=read("diepte", lambda wanted: _band(wanted, activity, explorer), 0),
        point=point,
        map_kind=read("kaart", lambda word: _key_of(word, "kaart", _MAP_WORDS), "verdict"),
        reader=read("lezer", read_reader, None),
        beside=read("naast", lambda written: _land_point(written, explorer), None),
        is_full=read("weergave", lambda word: _key_of(word, "weergave", {"": _PLAIN, "1": _FULL}) == "1", False),
        layers=read("lagen", lambda listed: _layers(listed, explorer, problems), ()),
    )
    return replace(view, compared=_compared(params.get("vergelijk", ""), view.place, explorer, problems)), problems


def _band(wanted: str, activity: str, explorer: Explorer) -> int:
    bands = explorer.knowledge.activity(activity).bands
    names = [f"{band.top_m:g}-{band.base_m:g}" for band in bands]
    if wanted not in names:
        name = explorer.knowledge.activity(activity).name_nl
        raise InputError("band_unknown", activity=name, count=len(bands))
    return names.index(wanted)


def _key_of(word: str, name: str, words: Mapping[str, str]) -> str:
    for key, known in words.items():
        if known == word:
            return key
    raise InputError("link_word_unknown", value=word, name=name, known=", ".join(words.values()))


def _land_point(written: str, explorer: Explorer) -> Point:
    x, _, y = written.partition(",")
    point = (read_coordinate(x), read_coordinate(y))
    explorer.regions.municipality_at(*point)
    return point


def _compared(listed: str, place: Place | None, explorer: Explorer, problems: list[str]) -> tuple[Place, ...]:
    """The regions of ``vergelijk=``; one that cannot be used is named and left out."""
    found: list[Place] = []
    for code in filter(None, listed.split(",")):
        try:
            found.append(places.find(explorer, places.kind_of(code), code))
        except DgdoGeoError as error:
            problems.append(error.message_nl)
    different = [item for item in dict.fromkeys(found) if item != place]
    if len(different) > MOST_COMPARED:
        problems.append(text("web", "too_many_compared", most=MOST_COMPARED))
    return tuple(different[:MOST_COMPARED])


def _layers(listed: str, explorer: Explorer, problems: list[str]) -> tuple[str, ...]:
    wanted: Sequence[str] = list(dict.fromkeys(filter(None, listed.split(","))))
    problems += [text("web", "layer_gone", id=one) for one in wanted if one not in explorer.states]
    return tuple(one for one in wanted if one in explorer.states)


def read_date(value: str) -> date:
    """A date written as JJJJ-MM-DD.

    Raises
    ------
    InputError
        If it is not a date.
    """
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError("date_wrong", value=value) from None


def read_reader(value: str) -> Reader:
    """A level of government by its Dutch name.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return Reader(value.strip().casefold())
    except ValueError:
        raise InputError("reader_unknown", value=value) from None


def read_coordinate(value: str) -> float:
    """A coordinate as people write it: with a comma, with points or spaces between thousands.

    Raises
    ------
    InputError
        If it is not a number.

    Examples
    --------
    >>> read_coordinate("203.000"), read_coordinate("503 000,5"), read_coordinate("203000.25")
    (203000.0, 503000.5, 203000.25)
    """
    plain = re.sub(r"[\s\u00a0]", "", value)
    if "," in plain or re.fullmatch(r"-?\d{1,3}(\.\d{3})+", plain):
        plain = plain.replace(".", "").replace(",", ".")
    if not re.fullmatch(r"-?\d{1,9}(\.\d+)?", plain):
        raise InputError("coordinate_wrong", value=value)
    return float(plain)


def corners_of(drawn: Mapping[str, Any]) -> list[Point]:
    """Corners of a polygon that the browser sends, in whole metres of RD; a click is no more exact than that.

    Raises
    ------
    InputError
        If it is no polygon.
    """
    try:
        geometry = drawn["geometry"]
        if geometry["type"] != "Polygon":
            raise ValueError
        return [rd(float(longitude), float(latitude)) for longitude, latitude, *_ in geometry["coordinates"][0]]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise InputError("area_empty") from None


def _in_worker(transformer: pyproj.Transformer, first: float, second: float) -> Point:
    """A transformation in one and the same thread: a new thread reads the database of PROJ again, some 40 ms."""
    one, other = _WORKER.submit(transformer.transform, first, second).result()
    return float(one), float(other)


def lonlat(x: float, y: float) -> Point:
    """Longitude and latitude of an RD point, for display."""
    longitude, latitude = _in_worker(_TO_LONLAT, x, y)
    return float(longitude), float(latitude)


def rd(longitude: float, latitude: float) -> Point:
    """RD point of a click on the map, in whole metres: a click is no more exact than that."""
    x, y = _in_worker(_TO_RD, longitude, latitude)
    return float(round(x)), float(round(y))
