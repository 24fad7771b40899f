"""The map on the page: which map, which layers, what a click does."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import urlencode

import folium
import streamlit as st
from branca.element import MacroElement
from streamlit_folium import st_folium

from dgdo_geo import maps
from dgdo_geo.model import Answer
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import MUNICIPALITIES
from dgdo_geo.texts import text
from dgdo_geo.web import card, controls, formats, opened, state
from dgdo_geo.web.state import MAP_KINDS, View

HEIGHT = 520


def show(explorer: Explorer, view: View, chosen: Answer | None) -> None:
    """Draw the map with its heading, legend and the form for coordinates."""
    if view.municipality is None or chosen is None:
        st.header(text("web_map", "title_start"), anchor=False)
        _map(explorer, view, None)
        st.markdown(text("web", "start_map"))
    else:
        name = explorer.regions.municipalities.loc[view.municipality, "name"]
        st.header(formats.literal(text("web_map", "title", activity=chosen.activity.name_nl, name=name)), anchor=False)
        st.radio(
            text("web_map", "shows"),
            MAP_KINDS,
            key=controls.MAP_KIND,
            format_func=lambda kind: text("web_map", f"kind_{kind}"),
            horizontal=True,
        )
        _map(explorer, view, chosen)
        st.html(card.legend_line(view.map_kind))
        st.markdown(text("web_map", "click"))
    _coordinates()
    if chosen is not None:
        with st.expander(text("web_map", "legend")):
            st.html(card.legend(view.map_kind))


def _map(explorer: Explorer, view: View, chosen: Answer | None) -> None:
    key = f"kaart-{maps.digest(view.municipality, opened.version(explorer))}"
    st_folium(
        base_map(explorer, view.municipality),
        key=key,
        height=HEIGHT,
        use_container_width=True,
        returned_objects=["last_clicked"],
        feature_group_to_add=changing_layers(explorer, view, chosen),
        on_change=partial(_clicked, key),
    )
    _name_frame(key)


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
    clicked = (st.session_state.get(key) or {}).get("last_clicked")
    if clicked:
        controls.leave_click(clicked["lat"], clicked["lng"])


def base_map(explorer: Explorer, municipality: str | None) -> folium.Map:
    """What stays the same for a municipality: its frame and the outlines around it."""
    if municipality is None:
        result = maps.OfflineMap(text("web_map", "label_start"), maps.NETHERLANDS)
    else:
        row = explorer.regions.municipalities.loc[municipality]
        west, south, east, north = row.geometry.bounds
        corners = [state.lonlat(x, y) for x in (west, east) for y in (south, north)]
        longitudes, latitudes = zip(*corners, strict=True)
        bounds = ((min(latitudes), min(longitudes)), (max(latitudes), max(longitudes)))
        result = maps.OfflineMap(text("web_map", "label", name=row["name"]), bounds)
    layer = explorer.states[MUNICIPALITIES].layer
    url = f"{maps.GEO}/gemeenten.geojson?v={opened.version(explorer)}"
    maps.outline_layer(url, layer.attribution).add_to(result)
    return result


def changing_layers(explorer: Explorer, view: View, chosen: Answer | None) -> list[folium.FeatureGroup]:
    """What a choice changes: the polygons, the mark on schematic data, the point."""
    layers: list[MacroElement] = []
    if chosen is not None and view.municipality is not None:
        query = urlencode({"op": view.on.isoformat(), "v": opened.version(explorer)})
        url = f"{maps.GEO}/gemeente/{view.municipality}/{view.activity}/{view.band}.geojson?{query}"
        is_schematic = card.is_schematic(chosen)
        layers.append(maps.verdict_layer(url, view.map_kind, attribution(chosen), is_schematic=is_schematic))
        if is_schematic:
            layers.append(maps.Watermark(text("web_map", "watermark"), text("web_map", "watermark_words")))
    if view.point is not None:
        longitude, latitude = state.lonlat(*view.point)
        x, y = (f"{value:.0f}" for value in view.point)
        layers.append(maps.point_marker(latitude, longitude, text("web_map", "point", x=x, y=y)))
    return [maps.group(*layers)] if layers else []


def attribution(answer: Answer) -> str:
    """Who made the layers that the picture rests on."""
    layers = [item.layer for item in answer.constraints if item.layer is not None]
    layers += [item.layer for item in answer.potentials if item.cause is None]
    names = [layer.attribution for layer in layers if layer.product]
    return " | ".join(dict.fromkeys(names))


def _coordinates() -> None:
    with st.form("rd", border=True):
        st.markdown(f"**{text('web_map', 'coordinates')}**")
        columns = st.columns([2, 2, 1], vertical_alignment="bottom")
        columns[0].text_input(text("web_map", "x"), key=controls.X_FIELD, placeholder=text("web_map", "x_placeholder"))
        columns[1].text_input(text("web_map", "y"), key=controls.Y_FIELD, placeholder=text("web_map", "y_placeholder"))
        columns[2].form_submit_button(text("web_map", "show_point"), on_click=controls.leave_form)
