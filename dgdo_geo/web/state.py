"""What the page shows, as a value: it goes into the address, so that a link gives the same view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyproj

from dgdo_geo.errors import InputError
from dgdo_geo.model import RD_NEW, Reader, RegionKind
from dgdo_geo.query import Explorer

MAP_KINDS = ("verdict", "found", "potential")
_MAP_WORDS = {"verdict": "oordeel", "found": "gevonden", "potential": "potentie"}
_TO_RD = pyproj.Transformer.from_crs(4326, RD_NEW, always_xy=True)
_TO_LONLAT = pyproj.Transformer.from_crs(RD_NEW, 4326, always_xy=True)


@dataclass(frozen=True, slots=True)
class View:
    """One view of the page.

    Attributes
    ----------
    municipality : str or None
        GM code.
    band : int
        Position of the depth band in the activity.
    point : (x, y) or None
        EPSG:28992, metres.
    map_kind : {"verdict", "found", "potential"}
    reader : Reader or None
        Who reads the answer; None is the level of government that the place belongs to.
    """

    activity: str
    on: date
    municipality: str | None = None
    band: int = 0
    point: tuple[float, float] | None = None
    map_kind: str = "verdict"
    reader: Reader | None = None


def default_view(explorer: Explorer, today: date) -> View:
    """The view of a page that is opened without any choice."""
    return View(next(iter(explorer.knowledge.activities)), today)


def to_params(view: View, explorer: Explorer) -> dict[str, str]:
    """The view as parameters of the address; without a municipality there is nothing to keep."""
    if view.municipality is None:
        return {}
    params = {"gemeente": view.municipality, "activiteit": view.activity}
    bands = explorer.knowledge.activity(view.activity).bands
    if len(bands) > 1:
        params["diepte"] = f"{bands[view.band].top_m:g}-{bands[view.band].base_m:g}"
    if view.point is not None:
        params["punt"] = f"{view.point[0]:.0f},{view.point[1]:.0f}"
    params["peildatum"] = view.on.isoformat()
    if view.map_kind != "verdict":
        params["kaart"] = _MAP_WORDS[view.map_kind]
    if view.reader is not None:
        params["lezer"] = view.reader.value
    return params


def from_params(params: Mapping[str, str], explorer: Explorer, today: date) -> tuple[View, list[str]]:
    """Read a view from the address.

    Returns
    -------
    view : View
    problems : list of str
        One Dutch sentence for every part that could not be used; that part is left out.
    """
    problems: list[str] = []
    start = default_view(explorer, today)
    code, activity, band, on, point, reader = None, start.activity, 0, today, None, None
    try:
        if "gemeente" in params:
            code = explorer.regions.find(RegionKind.MUNICIPALITY, params["gemeente"]).code
    except InputError as error:
        problems.append(error.message_nl)
    try:
        activity = explorer.knowledge.activity(params.get("activiteit", activity)).id
        band = _band(params.get("diepte"), activity, explorer)
    except InputError as error:
        problems.append(error.message_nl)
    try:
        on = read_date(params["peildatum"]) if "peildatum" in params else today
    except InputError as error:
        problems.append(error.message_nl)
    try:
        if "punt" in params:
            x, _, y = params["punt"].partition(",")
            point = (read_coordinate(x), read_coordinate(y))
            code = explorer.regions.municipality_at(*point)
    except InputError as error:
        problems.append(error.message_nl)
        point = None
    try:
        reader = read_reader(params["lezer"]) if "lezer" in params else None
    except InputError as error:
        problems.append(error.message_nl)
    kind = next((k for k, word in _MAP_WORDS.items() if word == params.get("kaart")), "verdict")
    return View(activity, on, code, band, point, kind, reader), problems


def _band(wanted: str | None, activity: str, explorer: Explorer) -> int:
    bands = explorer.knowledge.activity(activity).bands
    names = [f"{band.top_m:g}-{band.base_m:g}" for band in bands]
    if wanted is None:
        return 0
    if wanted not in names:
        name = explorer.knowledge.activity(activity).name_nl
        raise InputError("band_unknown", activity=name, count=len(bands))
    return names.index(wanted)


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


def lonlat(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of an RD point, for display."""
    longitude, latitude = _TO_LONLAT.transform(x, y)
    return float(longitude), float(latitude)


def rd(longitude: float, latitude: float) -> tuple[float, float]:
    """RD point of a click on the map, in whole metres: a click is no more exact than that."""
    x, y = _TO_RD.transform(longitude, latitude)
    return float(round(x)), float(round(y))
