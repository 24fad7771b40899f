"""Folium maps that need no network (vendored Leaflet, layers by address, patterns beside colours), and static pictures.

Only what stays the same goes into the map itself; everything that changes goes
into a group that the browser swaps without drawing the map anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

import folium
import folium.map
import numpy as np
from branca.element import Element, MacroElement
from folium.template import Template

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import LAND_BOUNDS, LayerStatus
from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS
from dgdo_geo.query import Explorer
from dgdo_geo.texts import section, text

ASSETS = "../../vendor"
"""Vendored files, relative to the frame of the map, so that a base path in front of the app does no harm."""
GEO = "../../geo"
"""Layers and tiles by address, relative in the same way."""
TILES = "../../tiles"

NETHERLANDS = ((50.75, 3.36), (53.56, 7.23))
"""South-west and north-east corner of the land, latitude and longitude."""


def pattern_markup() -> str:
    """Every pattern as SVG ``<pattern>`` elements, for the map."""
    return "".join(
        f'<pattern id="dgdo-{kind}-{key}" width="{MOTIF_PX}" height="{MOTIF_PX}" '
        f'patternUnits="userSpaceOnUse">{p.tile()}</pattern>'
        for kind, patterns in PATTERNS.items()
        for key, p in patterns.items()
    )


def pattern_css() -> str:
    """The same patterns as style rules ``.p-<kind>-<key>``, for the legend, tables and bars."""
    return "".join(
        f".p-{kind}-{key}{{background:{p.colour} {_data_url(_svg(MOTIF_PX, MOTIF_PX, p.tile()))};}}\n"
        for kind, patterns in PATTERNS.items()
        for key, p in patterns.items()
    )


def watermark_background(words: str) -> str:
    """A repeating picture of slanted words."""
    content = (
        '<text x="150" y="90" text-anchor="middle" transform="rotate(-24 150 90)" font-family="Arial,sans-serif" '
        f'font-size="21" font-weight="bold" letter-spacing="3" fill="#5c2c00" fill-opacity="0.30">{escape(words)}</text>'
    )
    return _data_url(_svg(300, 180, content))


def _svg(width: int, height: int, content: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{content}</svg>'


def _data_url(svg: str) -> str:
    return f'url("data:image/svg+xml,{quote(svg)}")'


class OfflineMap(folium.Map):
    """A map without tiles that takes every file from our own server."""

    default_js = [
        ("leaflet", f"{ASSETS}/leaflet/leaflet.js"),
        ("dgdo_map", f"{ASSETS}/dgdo-map.js"),
        ("dgdo_tools", f"{ASSETS}/dgdo-tools.js"),
    ]
    default_css = [("leaflet_css", f"{ASSETS}/leaflet/leaflet.css"), ("dgdo_map_css", f"{ASSETS}/dgdo-map.css")]

    def __init__(self, label: str, bounds: Sequence[Sequence[float]], *, is_drawable: bool = False) -> None:
        (south, west), (north, east) = bounds
        super().__init__(
            location=((south + north) / 2, (west + east) / 2),
            tiles=None,
            zoom_control=False,
            min_zoom=6,
            max_zoom=15,
            zoom_snap=0.25,
            zoom_delta=0.5,
        )
        self._name = "Map"
        _Fit(((south, west), (north, east))).add_to(self)
        _Dress(label, is_drawable=is_drawable).add_to(self)


class _Fit(MacroElement):
    """Shows a part of the world, also when the frame of the map has no size yet."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        dgdo.fit({{ this._parent.get_name() }}, {{ this.bounds|tojson }}, {{ this.padding|tojson }});
        {% endmacro %}
    """)

    def __init__(self, bounds: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self._name = "Fit"
        self.bounds = bounds
        # Room for the mark above and the scale below.
        self.padding = {"paddingTopLeft": (12, 44), "paddingBottomRight": (12, 34)}


class _Dress(MacroElement):
    """Patterns, Dutch controls and the name of a map."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        dgdo.patterns({{ this.patterns|tojson }});
        dgdo.dress({{ this._parent.get_name() }}, {{ this.words|tojson }});
        {% endmacro %}
    """)

    def __init__(self, label: str, *, is_drawable: bool = False) -> None:
        super().__init__()
        self._name = "Dress"
        self.patterns = pattern_markup()
        self.words = {
            **section("web_map_tools"),
            "label": text("web_map_tools", "keyboard", label=label),
            "zoom_in": text("web_map", "zoom_in"),
            "zoom_out": text("web_map", "zoom_out"),
            "is_drawable": "1" if is_drawable else "",
        }


class UrlLayer(folium.map.Layer):
    """Polygons that the browser fetches itself, styled by one of their properties.

    Parameters
    ----------
    url : str
        Relative to the frame of the map.
    styles : mapping
        Leaflet path options per value of ``prop``; ``"*"`` for the others.
    tooltip : sequence of str
        Properties to show, one a line; a feature without the first has no tooltip.
    pane : str
        Which pane of the map holds the layer, so that the order does not depend on what arrives first:
        ``dgdo-base``, ``dgdo-mask``, ``dgdo-lines``, Leaflet's own, or a pane of its own.
    **more
        Further settings of ``dgdo.Layer`` in dgdo-map.js.
    """

    _template = Template("""
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = new dgdo.Layer({{ this.url|tojson }}, {{ this.settings|tojson }});
        {{ this.get_name() }}.addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    def __init__(
        self,
        url: str,
        prop: str,
        styles: Mapping[str, Mapping[str, object]],
        *,
        tooltip: Sequence[str] = (),
        attribution: str = "",
        pane: str = "overlayPane",
        **more: object,
    ) -> None:
        super().__init__(name=None, overlay=True, control=False, show=True)
        self._name = "UrlLayer"
        self.url = url
        self.settings = {
            "property": prop,
            "styles": styles,
            "tooltip": list(tooltip),
            "attribution": escape(attribution),
            "failed": text("web_map", "layer_failed"),
            "pane": pane,
            **more,
        }


class Watermark(folium.map.Layer):
    """Words across the picture for data that are not exact, with one sentence in a corner."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = new dgdo.Watermark({{ this.background|tojson }}, {{ this.words|tojson }});
        {{ this.get_name() }}.addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    def __init__(self, mark: str, words: str) -> None:
        super().__init__(name=None, overlay=True, control=False, show=True)
        self._name = "Watermark"
        self.background = watermark_background(mark)
        self.words = words


def outline_layer(url: str, attribution: str, *, is_filled: bool = True) -> UrlLayer:
    """Thin outlines of all municipalities, with their names; not filled where tiles lie below them."""
    style: dict[str, object] = {"color": "#7b838b", "weight": 0.8, "fillColor": "#fafbfc", "fillOpacity": 0.9}
    if not is_filled:
        style |= {"weight": 0.6, "opacity": 0.75, "fillOpacity": 0}
    pane = "dgdo-base" if is_filled else "dgdo-lines"
    return UrlLayer(url, "kind", {"*": style}, tooltip=["name"], attribution=attribution, pane=pane)


def verdict_layer(url: str, kind: str, attribution: str, *, is_schematic: bool) -> UrlLayer:
    """Polygons of one activity in one municipality: by verdict or by potential.

    Parameters
    ----------
    kind : {"verdict", "found", "potential"}
    is_schematic : bool
        Edges are dashed then.
    """
    dashes = {"dashArray": "5 4"} if is_schematic else {}
    styles: dict[str, Mapping[str, object]] = {
        key: {"color": p.line, "weight": 0.9, **dashes, "fillColor": f"url(#dgdo-{kind}-{key})", "fillOpacity": 1}
        for key, p in PATTERNS[kind].items()
    }
    styles["outline"] = {"color": "#15202b", "weight": 2.6, "fill": False, "interactive": False}
    tooltip = ["outcome_nl", "potential_nl", "area_nl", "reasons_nl"]
    if kind == "potential":
        tooltip = ["potential_nl", "outcome_nl", "area_nl"]
    if kind == "found":
        tooltip = ["found_nl", "outcome_nl", "potential_nl", "area_nl", "reasons_nl"]
    prop = "outcome" if kind == "verdict" else kind
    panel = {"id": "main", "label": text("web_map", f"kind_{kind}")}
    return UrlLayer(url, prop, styles, tooltip=tooltip, attribution=attribution, pane="dgdo-verdict", panel=panel)


def point_marker(latitude: float, longitude: float, label: str, *, is_second: bool = False) -> folium.Marker:
    """The asked point, above all polygons; a second one is a square."""
    shape = "dgdo-point dgdo-second" if is_second else "dgdo-point"
    html = f'<div class="{shape}" role="img" aria-label="{escape(label)}"></div>'
    icon = folium.DivIcon(html=html, icon_size=(20, 20), icon_anchor=(10, 10))
    return folium.Marker((latitude, longitude), icon=icon, interactive=False, keyboard=False)


def group(*layers: MacroElement) -> folium.FeatureGroup:
    """Layers that the browser swaps as one, without drawing the map anew."""
    result = folium.FeatureGroup(control=False)
    for layer in layers:
        layer.add_to(result)
    return result


def digest(*parts: object) -> str:
    """Short key of a state; st_folium does not see every change of a map by itself."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def foreign_addresses(element: Element) -> list[str]:
    """Every file or layer address of a map that would leave our own server."""
    found: list[str] = []
    for _, address in (*getattr(element, "default_js", ()), *getattr(element, "default_css", ())):
        found.append(address)
    for name in ("url", "tiles"):
        value = getattr(element, name, None)
        if isinstance(value, str):
            found.append(value)
    foreign = [a for a in found if not a.startswith(("../../", "data:"))]
    for child in element._children.values():
        foreign += foreign_addresses(child)
    return foreign


PRESENCE_COLOURS = ((0, 0, 0, 0), (198, 219, 239, 255), (107, 174, 214, 255), (8, 81, 156, 255))
"""Outside, near, in the rim and inside, as red, green, blue and opacity."""


def layer_picture(explorer: Explorer, layer_id: str, cell_m: float = 250.0) -> bytes:
    """PNG of where a layer holds, in the Netherlands; for display only, and it says so.

    Parameters
    ----------
    explorer : Explorer
    layer_id : str
        A layer of polygons.
    cell_m : float
        Size of a pixel in metres, 25 at least.

    Raises
    ------
    InputError
        If no such layer is declared.
    DataError
        If the layer is not loaded, or cannot be evidence.
    """
    from dgdo_geo.overlay.grid import display_grid, to_png
    from dgdo_geo.overlay.raster import Grid

    if layer_id not in explorer.states:
        raise InputError("layer_unknown", id=layer_id, known=", ".join(explorer.states))
    encoding, _ = explorer.encoded.of()
    columns = [i for i, key in enumerate(encoding.keys) if key.layer == layer_id and key.within_m == 0]
    state = explorer.states[layer_id]
    if state.status is not LayerStatus.AVAILABLE or not columns:
        raise DataError("layer_not_loaded", layer=layer_id, how=state.detail_nl)
    grid = display_grid(encoding, Grid.covering(*LAND_BOUNDS, cell_m))
    colours = np.array(PRESENCE_COLOURS, np.uint8)[grid.presence[:, columns].max(axis=1)]
    return to_png(grid, colours, text("map", grid.label_key))
