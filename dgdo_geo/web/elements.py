"""What lies on a map beside the polygons of the answer: tiles, the outline of a region, overlays, the base map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import folium.map
import shapely
from folium.template import Template

from dgdo_geo import maps
from dgdo_geo.maps import UrlLayer
from dgdo_geo.model import Layer, LayerStatus
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import MUNICIPALITIES
from dgdo_geo.texts import text
from dgdo_geo.web.opened import Bounded, own_layers, version
from dgdo_geo.web.tiles import HATCH_COLOUR

BASE_MAP = "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/grijs/EPSG:3857/{z}/{x}/{y}.png"
"""Tiles of the national base map (Kadaster, CC BY 4.0); asked with the online setting only."""
MOST_FEATURES = 5_000
"""A layer of polygons with more of them is drawn as tiles."""
LINES = (
    ("#4b2e83", ""),
    ("#0b6e4f", "9 4"),
    ("#8c2d04", "2 4"),
    ("#08519c", "10 3 2 3"),
    ("#7a0177", "5 4"),
    ("#30363c", "14 5"),
)
"""Colour and dashes of overlays; there are as many overlays at a time as these."""

_tiled: Bounded[bool] = Bounded(256)


class Tiles(folium.map.Layer):
    """Pictures by address.

    Parameters
    ----------
    url : str
        With ``{z}``, ``{x}`` and ``{y}``; relative to the frame of the map.
    failed : str
        The sentence on the map when a picture does not come.
    **settings
        Further settings of ``dgdo.Tiles`` in dgdo-map.js.
    """

    _template = Template("""
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = new dgdo.Tiles({{ this.url|tojson }}, {{ this.settings|tojson }});
        {{ this.get_name() }}.addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    def __init__(self, url: str, pane: str, failed: str, attribution: str = "", **settings: object) -> None:
        super().__init__(name=None, overlay=True, control=False, show=True)
        self._name = "Tiles"
        self.url = url
        self.settings = {"pane": pane, "failed": failed, "attribution": escape(attribution), **settings}


class Label(folium.map.Layer):
    """A sentence in a corner of the map that says what kind of picture it is."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = new dgdo.Label({{ this.words|tojson }});
        {{ this.get_name() }}.addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    def __init__(self, words: str) -> None:
        super().__init__(name=None, overlay=True, control=False, show=True)
        self._name = "Label"
        self.words = words


def base_map() -> Tiles:
    """The national base map, below all else; when it does not come, a remark says so and nothing else changes."""
    failed = text("web_map_layers", "base_failed")
    return Tiles(BASE_MAP, "tilePane", failed, text("web_map_layers", "base_attribution"), quiet=True)


def verdict_tiles(url: str, kind: str, attribution: str) -> Tiles:
    """What a map shows for one activity, as tiles."""
    panel = {"id": "main", "label": text("web_map", f"kind_{kind}")}
    return Tiles(url, "dgdo-tiles", text("web_map_layers", "tiles_failed"), attribution, panel=panel)


def region_layer(url: str) -> UrlLayer:
    """The outline of a region, with all outside it made lighter."""
    styles: dict[str, Mapping[str, object]] = {
        "outside": {"stroke": False, "fillColor": "#ffffff", "fillOpacity": 0.6, "interactive": False},
        "outline": {"color": "#15202b", "weight": 2.6, "fill": False, "interactive": False},
    }
    failed = text("web_map_layers", "region_failed")
    return UrlLayer(url, "kind", styles, pane="dgdo-mask", failed=failed)


# Overlays ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overlay:
    """A layer of the catalogue over the map.

    Attributes
    ----------
    label : str
        Its name; says so when the layer is schematic.
    colour, dashes : str
        How its lines are drawn.
    is_tiled : bool
        Too many polygons to draw one by one.
    """

    layer: Layer
    label: str
    colour: str
    dashes: str
    is_tiled: bool

    def sample(self) -> str:
        """SVG of a piece of its line, its point or its hatch, for the legend."""
        line = f'stroke="{self.colour}" stroke-width="3" stroke-dasharray="{self.dashes}"'
        shape = f'<path d="M1,8 h26" {line}/>'
        if self.is_tiled:
            shape = f'<path d="M1,3 h26 M1,8 h26 M1,13 h26" stroke="{HATCH_COLOUR}" stroke-width="1.6"/>'
        elif self.layer.geometry == "point":
            shape = f'<circle cx="14" cy="8" r="5" fill="#fff" stroke="{self.colour}" stroke-width="2.5"/>'
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="28" height="16" aria-hidden="true">{shape}</svg>'

    def drawn(self, known: str, place: int) -> folium.map.Layer:
        """The layer for the map; ``known`` names the state of all layers, ``place`` counts from 0, the upper one."""
        panel = {"id": self.layer.id, "label": self.label, "sample": self.sample(), "is_movable": True}
        failed = text("web_map_layers", "layer_failed", name=self.layer.title_nl)
        more = {"panel": panel, "above": 440 - place}
        pane = f"dgdo-over-{self.layer.id}"
        if self.is_tiled:
            url = f"{maps.TILES}/laag/{self.layer.id}/{{z}}/{{x}}/{{y}}.png?v={known}"
            return Tiles(url, pane, failed, self.layer.attribution, **more)
        style: dict[str, object] = {
            "color": self.colour,
            "weight": 2.4,
            "fillOpacity": 0,
            "dashArray": self.dashes or None,
        }
        if self.layer.geometry == "point":
            style |= {"fillColor": "#ffffff", "fillOpacity": 1, "dashArray": None}
        elif self.layer.geometry == "line":
            style |= {"fill": False}
        url = f"{maps.GEO}/laag/{self.layer.id}.geojson?v={known}"
        names = ["name", "class_nl", "layer_nl"]
        return UrlLayer(
            url, "class", {"*": style}, tooltip=names, attribution=self.layer.attribution, pane=pane,
            failed=failed, by_view=True, **more,
        )  # fmt: skip


def overlays(explorer: Explorer, wanted: tuple[str, ...]) -> tuple[list[Overlay], list[str]]:
    """The layers that a reader wants over the map, the upper one first.

    Parameters
    ----------
    wanted : tuple of str
        Ids; an id that is not declared is passed over, for the page already said so.

    Returns
    -------
    overlays : list of Overlay
    problems : list of str
        One Dutch sentence for every layer that cannot be shown.
    """
    found: list[Overlay] = []
    problems: list[str] = []
    left_out: list[str] = []
    for layer_id in dict.fromkeys(wanted):
        state = explorer.states.get(layer_id)
        if state is None:
            continue
        name = state.layer.title_nl
        if layer_id == MUNICIPALITIES:
            problems.append(text("web_map_layers", "overlay_boundary", name=name))
        elif state.status is not LayerStatus.AVAILABLE:
            problems.append(text("web_map_layers", "overlay_absent", name=name))
        elif len(found) == len(LINES):
            left_out.append(name)
        else:
            colour, dashes = LINES[len(found)]
            is_rough = state.layer.quality.is_mark_needed
            label = text("web_map_layers", "overlay_schematic", name=name) if is_rough else name
            if layer_id in own_layers(explorer):
                label = text("own_layer", "label", name=label)
            found.append(Overlay(state.layer, label, colour, dashes, _is_tiled(explorer, state.layer)))
    if left_out:
        names = ", ".join(left_out)
        problems.append(text("web_map_layers", "overlay_too_many", most=len(LINES), names=names))
    return found, problems


def _is_tiled(explorer: Explorer, layer: Layer) -> bool:
    if layer.geometry != "polygon":
        return False

    def look() -> bool:
        shapes = explorer.layer(layer.id).to_gdf().geometry.to_numpy()
        is_evidence = any(key.layer == layer.id and key.within_m == 0 for key in explorer.encoded.of()[0].keys)
        return is_evidence and int(shapely.get_num_geometries(shapes).sum()) > MOST_FEATURES

    return _tiled.get((version(explorer), layer.id), look)
