"""The map on the page: which map, which layers, what a click does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from urllib.parse import quote, urlencode

import folium
import streamlit as st
from branca.element import MacroElement
from streamlit_folium import st_folium

from dgdo_geo import maps
from dgdo_geo.model import Answer, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.query.displayed import CELL_M
from dgdo_geo.query.regions import MUNICIPALITIES
from dgdo_geo.report import written
from dgdo_geo.texts import text
from dgdo_geo.web import card, controls, elements, formats, opened, places, state, tiles
from dgdo_geo.web.elements import Overlay
from dgdo_geo.web.online import is_online
from dgdo_geo.web.places import Place
from dgdo_geo.web.state import MAP_KINDS, View

HEIGHT = 520
MOST_EXACT_M2 = 1.5e9
"""An area of one's own that is larger is drawn as tiles, as a province is."""
MOSTLY = 0.9
"""A larger share of unknown makes a map that tells nothing."""
_DRAWN = "_drawn"


def show(explorer: Explorer, view: View, chosen: Answer | None, *, is_drawable: bool = False) -> None:
    """Draw the map with its heading, legend and the form for coordinates.

    Parameters
    ----------
    is_drawable : bool
        Whether the reader can draw an area of their own.
    """
    over, problems = overlays(explorer, view)
    if view.place is None or chosen is None:
        st.header(text("web_map", "title_start"), anchor=False)
        _map(explorer, view, None, over, is_drawable=is_drawable)
        st.markdown(text("web", "start_map"))
    else:
        name = places.name_of(explorer, view.place)
        st.header(formats.literal(text("web_map", "title", activity=chosen.activity.name_nl, name=name)), anchor=False)
        st.radio(
            text("web_map", "shows"),
            MAP_KINDS,
            key=controls.MAP_KIND,
            format_func=lambda kind: text("web_map", f"kind_{kind}"),
            horizontal=True,
        )
        _map(explorer, view, chosen, over, is_drawable=is_drawable)
        st.html(card.legend_line(view.map_kind) + _print_line(explorer, view, chosen))
        _hint(view, chosen)
        is_coarse = view.place.kind in controls.COARSE
        st.markdown(text("web_map_layers", "click_region") if is_coarse else text("web_map", "click"))
        if not _is_exact(explorer, view.place):
            st.markdown(text("web_map_layers", "display_only_why"))
    st.html(_overlay_legend(over, problems))
    _coordinates(is_open=view.place is None)
    if chosen is not None:
        with st.expander(text("web_map", "legend")):
            st.html(card.legend(view.map_kind))


def _hint(view: View, chosen: Answer) -> None:
    """When the whole map is unknown: where to see what was found all the same."""
    unknown = sum(part.share for part in card.outcome_parts(chosen) if part.key == "unknown")
    if view.map_kind == "verdict" and unknown > MOSTLY:
        st.markdown(text("web_map_hint", "all_unknown"))
        st.button(text("web_map_hint", "show_found"), on_click=controls.show_kind, args=("found",))


def overlays(explorer: Explorer, view: View) -> tuple[list[Overlay], list[str]]:
    """The layers over the map that a view asks for, and one sentence for each that cannot be shown."""
    return elements.overlays(explorer, view.layers)


def show_to_draw(explorer: Explorer, view: View) -> None:
    """Draw the map without an answer, to draw an area on; a click asks nothing."""
    _map(explorer, replace(view, point=None, beside=None, layers=()), None, (), is_drawable=True, is_asked=False)


def _map(
    explorer: Explorer,
    view: View,
    chosen: Answer | None,
    over: Sequence[Overlay],
    *,
    is_drawable: bool,
    is_asked: bool = True,
) -> None:
    key = f"kaart-{maps.digest(view.place, opened.version(explorer), is_online(), is_drawable)}"
    st_folium(
        base_map(explorer, view.place, is_drawable=is_drawable),
        key=key,
        height=HEIGHT,
        use_container_width=True,
        returned_objects=["last_clicked", "last_active_drawing"] if is_asked else ["last_active_drawing"],
        feature_group_to_add=changing_layers(explorer, view, chosen, over),
        on_change=partial(_clicked, key),
    )
    _name_frame(key)


def _overlay_legend(over: Sequence[Overlay], problems: Sequence[str]) -> str:
    """The lines of the overlays with their names, and what is not on the map."""
    if not over and not problems:
        return "<span></span>"
    rows = "".join(f"<li>{item.sample()} {escape(item.label)}</li>" for item in over)
    title = escape(text("web_map_layers", "overlays"))
    listed = f'<ul class="dgdo-legend-line" aria-label="{title}">{rows}</ul>' if over else ""
    notes = "".join(f'<p class="dgdo-note">{escape(problem)}</p>' for problem in problems)
    return f'<div class="dgdo">{listed}{notes}</div>'


def _print_line(explorer: Explorer, view: View, chosen: Answer) -> str:
    """What paper needs and the screen shows elsewhere: the place, the date and what was asked."""
    name = "" if view.place is None else places.label(explorer, view.place)
    what = f"{chosen.activity.name_nl}, {formats.interval(chosen.depth)}"
    words = text("web_map_layers", "print_date", on=written.day(view.on), name=name, what=what)
    return f'<p class="dgdo-on-paper">{escape(words)}</p>'


def _name_frame(key: str) -> None:
    """Give the frame of the map a Dutch name for screen readers; Streamlit has no setting for it."""
    name = json.dumps(text("web_map", "frame"))
    st.html(
        "<script>(() => { let left = 20; const timer = setInterval(() => {"
        f"for (const frame of document.querySelectorAll('iframe[title*=folium]')) frame.title = {name};"
        f"if (!left--) clearInterval(timer); }}, 250); }})(); // {key}</script>",
        unsafe_allow_javascript=True,
    )


def _clicked(key: str) -> None:
    """A callback: the value of the map stands in the session under its key."""
    value = st.session_state.get(key) or {}
    drawn, clicked = value.get("last_active_drawing") or {}, value.get("last_clicked")
    # A feature that is clicked comes as a drawing too; only what the drawing tool made has a number.
    is_ours = "number" in (drawn.get("properties") or {})
    # The map tells both every time; of a drawing it was told before, only the click is new.
    if is_ours and drawn != st.session_state.get(_DRAWN):
        st.session_state[_DRAWN] = drawn
        controls.leave_drawing(drawn)
    elif clicked:
        controls.leave_click(clicked["lat"], clicked["lng"])


def base_map(explorer: Explorer, place: Place | None, *, is_drawable: bool = False) -> folium.Map:
    """What stays the same for a place: its frame, the outlines around it, and the national base map when online."""
    if place is None:
        result = maps.OfflineMap(text("web_map", "label_start"), maps.NETHERLANDS, is_drawable=is_drawable)
    else:
        label = text("web_map", "label", name=places.name_of(explorer, place))
        if not _is_exact(explorer, place):
            label = text("web_map_layers", "label_region", name=places.name_of(explorer, place))
        result = maps.OfflineMap(label, _bounds(explorer, place), is_drawable=is_drawable)
    if is_online():
        elements.base_map().add_to(result)
    known = opened.version(explorer)
    layer = explorer.states[MUNICIPALITIES].layer
    is_filled = not is_online() and (place is None or place.kind is RegionKind.MUNICIPALITY)
    url = f"{maps.GEO}/gemeenten.geojson?v={known}"
    maps.outline_layer(url, layer.attribution, is_filled=is_filled).add_to(result)
    if place is not None and place.kind not in (RegionKind.MUNICIPALITY, RegionKind.COUNTRY):
        url = f"{maps.GEO}/gebied/{quote(place.kind.value)}/{quote(place.code, safe='')}.geojson?v={known}"
        elements.region_layer(url).add_to(result)
    return result


def _bounds(explorer: Explorer, place: Place) -> tuple[tuple[float, float], tuple[float, float]]:
    """South-west and north-east corner of a place, latitude and longitude."""
    if place.kind is RegionKind.COUNTRY:
        return maps.NETHERLANDS
    if place.kind in (RegionKind.WATER_BOARD, RegionKind.POLYGON):
        west, south, east, north = places.geometry(explorer, place).bounds
    else:
        codes = explorer.regions.find(place.kind, place.code).municipalities
        west, south, east, north = explorer.regions.municipalities.geometry[list(codes)].total_bounds
    longitudes, latitudes = zip(*[state.lonlat(x, y) for x in (west, east) for y in (south, north)], strict=True)
    return (min(latitudes), min(longitudes)), (max(latitudes), max(longitudes))


def changing_layers(
    explorer: Explorer, view: View, chosen: Answer | None, over: Sequence[Overlay] = ()
) -> list[folium.FeatureGroup]:
    """What a choice changes: the polygons or tiles, the mark on schematic data, the overlays, the points."""
    layers: list[MacroElement] = []
    is_schematic = any(item.layer.quality.is_mark_needed for item in over)
    if chosen is not None and view.place is not None:
        is_schematic = is_schematic or card.is_schematic(chosen)
        layers += _verdict(explorer, view, view.place, chosen)
    layers += [item.drawn(opened.version(explorer), i) for i, item in enumerate(over)]
    if is_schematic:
        layers.append(maps.Watermark(text("web_map", "watermark"), text("web_map", "watermark_words")))
    for point, words in ((view.point, "point"), (view.beside, "beside")):
        if point is not None:
            longitude, latitude = state.lonlat(*point)
            x, y = (f"{value:.0f}" for value in point)
            label = text("web_map", "point", x=x, y=y)
            if words == "beside":
                label = text("web_map_layers", "beside", x=x, y=y)
            layers.append(maps.point_marker(latitude, longitude, label, is_second=words == "beside"))
    return [maps.group(*layers)] if layers else []


def _verdict(explorer: Explorer, view: View, place: Place, chosen: Answer) -> list[MacroElement]:
    """Exact polygons for a municipality or a small area; for others tiles of the display grid, and a label says so."""
    query = urlencode({"op": view.on.isoformat(), "v": opened.version(explorer)})
    made_by = attribution(chosen)
    if place.kind is RegionKind.MUNICIPALITY:
        url = f"{maps.GEO}/gemeente/{place.code}/{view.activity}/{view.band}.geojson?{query}"
        return [maps.verdict_layer(url, view.map_kind, made_by, is_schematic=card.is_schematic(chosen))]
    if place.kind is RegionKind.POLYGON and _is_exact(explorer, place):
        url = f"{maps.GEO}/vlak/{place.code}/{view.activity}/{view.band}.geojson?{query}"
        return [maps.verdict_layer(url, view.map_kind, made_by, is_schematic=card.is_schematic(chosen))]
    url = tiles.tile_url(view.map_kind, view.activity, view.band, query)
    words = text("web_map_layers", "display_only", cell=f"{CELL_M:.0f}")
    return [elements.verdict_tiles(url, view.map_kind, made_by), elements.Label(words)]


def _is_exact(explorer: Explorer, place: Place) -> bool:
    if place.kind is RegionKind.POLYGON:
        return bool(places.geometry(explorer, place).area <= MOST_EXACT_M2)
    return place.kind is RegionKind.MUNICIPALITY


def attribution(answer: Answer) -> str:
    """Who made the layers that the picture rests on."""
    layers = [item.layer for item in answer.constraints if item.layer is not None]
    layers += [item.layer for item in answer.potentials if item.cause is None]
    names = [layer.attribution for layer in layers if layer.product]
    return " | ".join(dict.fromkeys(names))


def _coordinates(*, is_open: bool) -> None:
    with st.expander(text("web_map", "coordinates"), expanded=is_open), st.form("rd", border=False):
        columns = st.columns([2, 2, 1], vertical_alignment="bottom")
        columns[0].text_input(text("web_map", "x"), key=controls.X_FIELD, placeholder=text("web_map", "x_placeholder"))
        columns[1].text_input(text("web_map", "y"), key=controls.Y_FIELD, placeholder=text("web_map", "y_placeholder"))
        columns[2].form_submit_button(text("web_map", "show_point"), on_click=controls.leave_form)
