"""The choices on a page and where they are kept: in the session, in the widgets, and in the address.

Streamlit runs a page from top to bottom, and forgets the value of every widget
that a page does not draw. So the view itself stands in the session; at every
turn it takes over what a widget was changed to, and then fills the widgets of
this turn. What a click or a form sets must be known before the widgets are
drawn: callbacks only leave a wish that :func:`current_view` fulfils.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import streamlit as st

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.intake import OwnArea, area_of_corners
from dgdo_geo.model import LayerStatus, Reader, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import LONLAT_BOUNDS, MUNICIPALITIES
from dgdo_geo.texts import section, text
from dgdo_geo.web import formats, opened, own_area, places, state
from dgdo_geo.web.places import Place
from dgdo_geo.web.state import MOST_COMPARED, Point, View

PLACE, ACTIVITY, DATE, MAP_KIND = "plaats", "activiteit", "peildatum", "kaart"
READER, DETAIL, COMPARED, LAYERS = "lezer", "weergave", "vergelijk", "lagen"
X_FIELD, Y_FIELD = "rd_x", "rd_y"
CLICK_SECOND = "klik_tweede"
BESIDE_X, BESIDE_Y = "naast_x", "naast_y"
_VIEW, _WRITTEN, _SEEDED, _PAGE, _OPENED = "_view", "_written", "_seeded", "_page", "_opened"
_WISHES = "_wishes"
DRAWING_FAILED = "_drawing_failed"
COARSE = (RegionKind.DGDO_REGION, RegionKind.COUNTRY)
"""On a map of these a click is not exact enough for a point: it picks a municipality."""


def current_view(explorer: Explorer, page: str) -> tuple[View, list[str]]:
    """The view before this turn's widgets are drawn, and what could not be understood.

    Parameters
    ----------
    page : str
        The page that is drawn. Streamlit empties the address when the reader goes to another page; the view stays.
    """
    session = st.session_state
    params = st.query_params.to_dict()
    is_moved = session.get(_PAGE, page) != page
    session[_PAGE] = page
    problems: list[str] = []
    version = opened.version(explorer)
    is_new = _VIEW not in session or session[_OPENED] != version
    # A new session, or the reader went back or pasted another address, or the layers or rules were renewed.
    if is_new or (params != session[_WRITTEN] and not (is_moved and not params)):
        wanted = params or (session[_WRITTEN] if is_moved and _WRITTEN in session else {})
        view, problems = state.from_params(wanted, explorer, date.today())
        session[_OPENED] = version
    else:
        view = _with_widgets(session[_VIEW])
    for fulfil, values in session.pop(_WISHES, []):
        try:
            view = fulfil(explorer, view, *values)
        except DgdoGeoError as error:
            problems.append(error.message_nl)
    session[_VIEW], session[_WRITTEN] = view, params
    session[_SEEDED] = {}
    _fill(MAP_KIND, view.map_kind)
    return view, problems


def remember(view: View, explorer: Explorer) -> None:
    """Keep the view, and write it into the address, so that a link reproduces it."""
    params = state.to_params(view, explorer)
    if params != st.query_params.to_dict():
        st.query_params.from_dict(params)
    st.session_state[_VIEW], st.session_state[_WRITTEN] = view, params


# Widgets -------------------------------------------------------------------------------------


def choose_place(explorer: Explorer, view: View) -> None:
    """Draw the one field to search a region by name."""
    labels = opened.place_labels(explorer)
    if view.place is not None and view.place.kind is RegionKind.POLYGON:
        labels = {view.place: places.label(explorer, view.place), **labels}
    _fill(PLACE, view.place)
    st.selectbox(
        text("web_place", "field"),
        list(labels),
        index=None,
        key=PLACE,
        format_func=lambda place: labels.get(place, ""),
        placeholder=text("web_place", "placeholder"),
    )


def choose_activity(explorer: Explorer, view: View) -> None:
    """Draw the choice of an activity."""
    activities, also = explorer.knowledge.activities, section("web_activity_also")
    names = {key: a.name_nl + (f" – {also[key]}" if key in also else "") for key, a in activities.items()}
    _fill(ACTIVITY, view.activity)
    st.selectbox(text("web", "activity"), list(activities), key=ACTIVITY, format_func=lambda key: names.get(key, key))


def choose_band(explorer: Explorer, view: View) -> None:
    """Draw the choice of a depth band; an activity with one band shows which that is."""
    bands = explorer.knowledge.activity(view.activity).bands
    key = _band_key(view.activity)
    _fill(key, view.band)
    st.selectbox(text("web", "depth"), range(len(bands)), key=key, format_func=lambda i: formats.band(bands[i]))


def choose_date(view: View) -> None:
    """Draw the choice of the day whose rules hold."""
    _fill(DATE, view.on)
    st.date_input(text("web", "on"), key=DATE, format="DD-MM-YYYY", help=text("web", "on_help"))


def choose_detail(view: View) -> None:
    """Draw the switch between the plain and the expert view of the same answer."""
    _fill(DETAIL, view.is_full)
    st.radio(
        text("web", "detail"),
        (False, True),
        key=DETAIL,
        format_func=lambda is_full: text("web", "detail_full" if is_full else "detail_plain"),
        horizontal=True,
    )


def choose_reader(view: View, default: Reader) -> None:
    """Draw the choice of who reads the answer; without one it is the level that the place belongs to."""
    _fill(READER, view.reader or default)
    st.radio(
        text("web", "reader"),
        list(Reader),
        key=READER,
        format_func=lambda reader: formats.first_capital(text("reader", reader.value)),
        horizontal=True,
    )


def choose_click() -> None:
    """Draw the choice of what a click on the map sets: the point, or the second point."""
    st.radio(
        text("web_here", "click_for"),
        (False, True),
        key=CLICK_SECOND,
        format_func=lambda is_second: text("web_here", "click_second" if is_second else "click_first"),
        horizontal=True,
    )


def choose_layers(explorer: Explorer, view: View) -> None:
    """Draw the choice of the layers that lie over the map, the upper one first."""
    loaded = {i: s.layer.title_nl for i, s in explorer.states.items() if s.status is LayerStatus.AVAILABLE}
    loaded.pop(MUNICIPALITIES, None)
    # A layer of a link that is not loaded stays: the map says that it is missing.
    names = loaded | {i: explorer.states[i].layer.title_nl for i in view.layers if i in explorer.states}
    _fill(LAYERS, list(view.layers))
    st.multiselect(
        text("web_layers", "field"),
        sorted(names, key=lambda layer_id: formats.sorting(names[layer_id])),
        key=LAYERS,
        format_func=lambda layer_id: names.get(layer_id, layer_id),
        placeholder=text("web_layers", "placeholder"),
    )


def choose_compared(explorer: Explorer, view: View) -> None:
    """Draw the choice of the regions to set beside the one that was asked."""
    labels = opened.place_labels(explorer)
    _fill(COMPARED, list(view.compared))
    st.multiselect(
        text("web_area", "compare_field"),
        [place for place in labels if place != view.place],
        key=COMPARED,
        format_func=lambda place: labels.get(place, ""),
        max_selections=MOST_COMPARED,
        placeholder=text("web_area", "compare_placeholder"),
    )


def _band_key(activity: str) -> str:
    return f"diepte-{activity}"


def _fill(key: str, value: Any) -> None:
    """Give a widget its value for this turn, and note it, so that a change by the reader can be seen."""
    st.session_state[key] = value
    st.session_state[_SEEDED][key] = value


def _with_widgets(view: View) -> View:
    """The view with what the reader changed in the widgets of the last turn."""
    session = st.session_state
    changed = {key: session[key] for key, value in session[_SEEDED].items() if key in session and session[key] != value}
    for key, value in changed.items():
        if key in _FOLD:
            view = _FOLD[key](view, value)
        elif key == _band_key(view.activity):
            view = replace(view, band=value)
    return view


def _with_place(view: View, place: Place | None) -> View:
    compared = tuple(item for item in view.compared if item != place)
    return replace(view, place=place, point=None, beside=None, reader=None, compared=compared)


def _with_activity(view: View, activity: str) -> View:
    return replace(view, activity=activity, band=0)


def _with_compared(view: View, compared: Sequence[Place]) -> View:
    return replace(view, compared=tuple(compared))


_FOLD: dict[str, Callable[[View, Any], View]] = {
    PLACE: _with_place,
    ACTIVITY: _with_activity,
    DATE: lambda view, on: replace(view, on=on or date.today()),
    MAP_KIND: lambda view, kind: replace(view, map_kind=kind or "verdict"),
    READER: lambda view, reader: replace(view, reader=reader),
    DETAIL: lambda view, is_full: replace(view, is_full=bool(is_full)),
    COMPARED: _with_compared,
    LAYERS: lambda view, layers: replace(view, layers=tuple(layers)),
}


# Wishes of callbacks ---------------------------------------------------------------------------


def leave(fulfil: Callable[..., View], *values: object) -> None:
    """Note a change of the view for the next turn: ``fulfil(explorer, view, *values)`` makes it, or raises."""
    st.session_state.setdefault(_WISHES, []).append((fulfil, values))


def show_kind(kind: str) -> None:
    """Choose what the map shows, from a button."""
    leave(lambda explorer, view: replace(view, map_kind=kind))


def drop_point() -> None:
    """Back from a point to the whole region."""
    leave(lambda explorer, view: replace(view, point=None, beside=None))


def drop_beside() -> None:
    """Back from two points to the first."""
    leave(lambda explorer, view: replace(view, beside=None))


def swap_points() -> None:
    """The second point becomes the first."""

    def swapped(explorer: Explorer, view: View) -> View:
        if view.beside is None:
            return view
        place = places.holding(explorer, view.place, *view.beside)
        return replace(view, place=place, point=view.beside, beside=view.point)

    leave(swapped)


def compare_with(wanted: Sequence[Place]) -> None:
    """Set regions beside the one that was asked, from a button."""
    leave(lambda explorer, view: replace(view, compared=tuple(wanted)))


def go_to_place(place: Place) -> None:
    """Choose a region from a button."""
    leave(lambda explorer, view: _with_place(view, place))


def go_to_point(x: float, y: float) -> None:
    """Choose a point (EPSG:28992) from a button or from the search for addresses."""
    leave(_at_point, x, y)


def leave_layer(layer_id: str) -> None:
    """Show a layer over the map from the next turn on."""
    leave(lambda explorer, view: replace(view, layers=tuple(dict.fromkeys((layer_id, *view.layers)))))


def leave_drawing(drawn: Mapping[str, Any]) -> None:
    """Note a polygon that was drawn on the map (GeoJSON, longitude and latitude) for the next turn."""
    leave(_in_drawn, drawn)


def _in_drawn(explorer: Explorer, view: View, drawn: Mapping[str, Any]) -> View:
    try:
        return in_own_area(explorer, view, area_of_corners(state.corners_of(drawn)))
    except DgdoGeoError as error:
        # The page says so beside the map, not above everything.
        st.session_state[DRAWING_FAILED] = error.message_nl
    return view


def in_own_area(explorer: Explorer, view: View, area: OwnArea) -> View:
    """The view of an area of the visitor's own.

    Raises
    ------
    InputError
        As :func:`dgdo_geo.web.own_area.code_of`.
    """
    return _with_place(view, Place(RegionKind.POLYGON, own_area.code_of(explorer, area)))


def leave_click(latitude: float, longitude: float) -> None:
    """Note a click on the map for the next turn."""
    is_second = bool(st.session_state.get(CLICK_SECOND))
    leave(_beside_click if is_second else _at_click, latitude, longitude)


def leave_form() -> None:
    """Note the coordinates of the form for the next turn."""
    leave(_at_typed, st.session_state[X_FIELD], st.session_state[Y_FIELD])


def leave_beside() -> None:
    """Note the coordinates of the second point for the next turn."""
    leave(_beside_typed, st.session_state[BESIDE_X], st.session_state[BESIDE_Y])


def _at_click(explorer: Explorer, view: View, latitude: float, longitude: float) -> View:
    x, y = state.rd(longitude, latitude)
    if view.place is None or view.place.kind in COARSE:
        code = explorer.regions.municipality_at(x, y)
        return _with_place(view, Place(RegionKind.MUNICIPALITY, code))
    return _at_point(explorer, view, x, y)


def _beside_click(explorer: Explorer, view: View, latitude: float, longitude: float) -> View:
    return _beside_point(explorer, view, state.rd(longitude, latitude))


def _at_point(explorer: Explorer, view: View, x: float, y: float) -> View:
    return replace(view, place=places.holding(explorer, view.place, x, y), point=(x, y))


def _at_typed(explorer: Explorer, view: View, x: str, y: str) -> View:
    return _at_point(explorer, view, *typed_point(x, y))


def _beside_typed(explorer: Explorer, view: View, x: str, y: str) -> View:
    return _beside_point(explorer, view, typed_point(x, y))


def _beside_point(explorer: Explorer, view: View, point: Point) -> View:
    explorer.regions.municipality_at(*point)
    return replace(view, beside=point)


def typed_point(first: str, second: str) -> Point:
    """A point as people type it: RD in metres, or longitude and latitude in either order.

    Raises
    ------
    InputError
        If it is no number.

    Examples
    --------
    >>> typed_point("203.000", "503 000"), typed_point("6,1", "52,5") == typed_point("52.5", "6.1")
    ((203000.0, 503000.0), True)
    """
    west, south, east, north = LONLAT_BOUNDS
    # A point is no mark of thousands here: no RD coordinate is this small.
    with contextlib.suppress(ValueError):
        one, two = (float(value.strip().replace(",", ".")) for value in (first, second))
        for longitude, latitude in ((one, two), (two, one)):
            if west <= longitude <= east and south <= latitude <= north:
                return state.rd(longitude, latitude)
    return state.read_coordinate(first), state.read_coordinate(second)
