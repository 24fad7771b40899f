"""Folium maps that need no network (vendored Leaflet, layers by address, patterns beside colours), and static pictures.

Only what stays the same goes into the map itself; everything that changes goes
into a group that the browser swaps without drawing the map anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import folium
import folium.map
import numpy as np
from branca.element import Element, MacroElement
from folium.template import Template
from numpy.typing import NDArray

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import LAND_BOUNDS, LayerStatus
from dgdo_geo.query import Explorer
from dgdo_geo.texts import section, text

ASSETS = "../../vendor"
"""Vendored files, relative to the frame of the map, so that a base path in front of the app does no harm."""
GEO = "../../geo"
"""Layers and tiles by address, relative in the same way."""
TILES = "../../tiles"

NETHERLANDS = ((50.75, 3.36), (53.56, 7.23))
"""South-west and north-east corner of the land, latitude and longitude."""


MOTIF_PX = 12
"""Width and height of one tile of a pattern, in pixels; patterns repeat seamlessly."""
_SAMPLES = 16
"""Places per pixel and axis at which a motif is looked at, to draw it as a picture."""


@dataclass(frozen=True, slots=True)
class Motif:
    """Dots and lines in one tile of a pattern; what crosses the edge of the tile is cut off.

    Attributes
    ----------
    dots : tuple of (x, y)
        Centres, in pixels.
    lines : tuple of (x1, y1, x2, y2)
        Ends, in pixels.
    size : float
        Radius of the dots, width of the lines.
    """

    dots: tuple[tuple[float, float], ...] = ()
    lines: tuple[tuple[float, float, float, float], ...] = ()
    size: float = 1.4

    def svg(self, colour: str) -> str:
        """The motif as SVG."""
        dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="{self.size:g}" fill="{colour}"/>' for x, y in self.dots)
        path = " ".join(f"M{x1:g},{y1:g} L{x2:g},{y2:g}" for x1, y1, x2, y2 in self.lines)
        return dots + (f'<path d="{path}" stroke="{colour}" stroke-width="{self.size:g}"/>' if path else "")

    def coverage(self) -> NDArray[np.float64]:
        """How much of every pixel of the tile the motif covers, 0 to 1, shape (12, 12)."""
        place = (np.arange(MOTIF_PX * _SAMPLES) + 0.5) / _SAMPLES
        x, y = np.meshgrid(place, place)
        drawn = np.zeros(x.shape, np.bool_)
        for centre_x, centre_y in self.dots:
            drawn |= np.hypot(x - centre_x, y - centre_y) <= self.size
        for x1, y1, x2, y2 in self.lines:
            length = float(np.hypot(x2 - x1, y2 - y1))
            along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length
            beside = np.abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / length
            drawn |= (along >= 0) & (along <= length) & (beside <= self.size / 2)
        return drawn.reshape(MOTIF_PX, _SAMPLES, MOTIF_PX, _SAMPLES).mean(axis=(1, 3))


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one word is drawn: a colour and, so that colour is never alone, a motif."""

    colour: str
    line: str
    motif: Motif = Motif()

    def tile(self) -> str:
        """SVG of one tile of the pattern."""
        size = f'width="{MOTIF_PX}" height="{MOTIF_PX}"'
        return f'<rect {size} fill="{self.colour}"/>{self.motif.svg(self.line)}'


_FALLING_LINES = ((-3, 9, 3, 15), (0, 0, 12, 12), (9, -3, 15, 3), (-3, 3, 9, 15), (3, -3, 15, 9))
_RISING_LINES = ((-3, 3, 3, -3), (0, 12, 12, 0), (9, 15, 15, 9))
_DOTS = Motif(dots=((3, 3), (9, 9)))
_RISING = Motif(lines=_RISING_LINES)
_FALLING = Motif(lines=_FALLING_LINES, size=1.5)
_CROSSED = Motif(lines=((0, 0, 12, 12), (0, 12, 12, 0), (-3, 9, 3, 15), (9, -3, 15, 3)), size=1.6)
_DASHES = Motif(lines=((1, 3.5, 5, 3.5), (7, 9.5, 11, 9.5)))  # through the middle of a row of pixels, or they fade
_CROSSES = Motif(lines=((6.5, 3.5, 6.5, 9.5), (3.5, 6.5, 9.5, 6.5)))

OUTCOME_PATTERNS = {
    "no_known_constraint": Pattern("#a6d1ea", "#1f5f86"),
    "attention": Pattern("#dcebf2", "#1f5f86", _DOTS),
    "conditional": Pattern("#fdf0b8", "#8a6d00", _RISING),
    "no_unless": Pattern("#f8b878", "#8a3d00", _FALLING),
    "excluded": Pattern("#cf4a40", "#560a06", _CROSSED),
    "unknown": Pattern("#e3e5e8", "#63696f", _DASHES),
}
POTENTIAL_PATTERNS = {
    "promising": Pattern("#7cc4a4", "#0e5238", _CROSSES),
    "possible": Pattern("#d3ebdf", "#0e5238", _DOTS),
    "none": Pattern("#efe6d6", "#6b5a36", _RISING),
    "unknown": Pattern("#e3e5e8", "#63696f", _DASHES),
}
PATTERNS = {"verdict": OUTCOME_PATTERNS, "found": OUTCOME_PATTERNS, "potential": POTENTIAL_PATTERNS}
"""Patterns per thing that a map can show."""


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

    def __init__(self, label: str, bounds: Sequence[Sequence[float]]) -> None:
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
        # Room for the mark above and the scale below.
        self.fit_bounds([[south, west], [north, east]], padding_top_left=(12, 44), padding_bottom_right=(12, 34))
        _Dress(label).add_to(self)


class _Dress(MacroElement):
    """Patterns, Dutch controls and the name of a map."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        dgdo.patterns({{ this.patterns|tojson }});
        dgdo.dress({{ this._parent.get_name() }}, {{ this.words|tojson }});
        {% endmacro %}
    """)

    def __init__(self, label: str) -> None:
        super().__init__()
        self._name = "Dress"
        self.patterns = pattern_markup()
        self.words = {
            **section("web_map_tools"),
            "label": text("web_map_tools", "keyboard", label=label),
            "zoom_in": text("web_map", "zoom_in"),
            "zoom_out": text("web_map", "zoom_out"),
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
