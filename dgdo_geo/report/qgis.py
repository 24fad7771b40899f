"""Layers with a style of their own in a GeoPackage: one for every activity and band, for verdict and potential.

The layers are views on the combinations, so no polygon is stored twice. Colours and
motifs are those of the maps on the screen.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from xml.sax.saxutils import quoteattr

from dgdo_geo.model import RD_NEW
from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS, Pattern
from dgdo_geo.texts import text

TILE_MM = 3.2
"""Width of a tile of a pattern on screen and paper."""
_COLUMNS = {"oordeel": "verdict", "potentie": "potential", "kaart": "found"}
"""Columns that get a layer of their own, with the kind of their words."""
_STYLES = """CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""


def add_styles(path: Path, bands: Sequence[str], on: date, table: str) -> None:
    """Add the layers and styles to a GeoPackage.

    Parameters
    ----------
    path : Path
    bands : sequence of str
        Names of the activities with their bands, in the order of the columns ``b01_...``.
    on : date
        Day that counts as now.
    table : str
        The layer with the combinations.
    """
    now = f"{on.isoformat()}T00:00:00.000Z"
    connection = sqlite3.connect(path)
    try:
        connection.execute(_STYLES)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (now,),
        )
        for number, name in enumerate(bands, 1):
            for column, kind in _COLUMNS.items():
                _add_view(connection, f"{column}_{name}", table, number, now)
                _add_style(connection, f"{column}_{name}", column, kind, now)
        connection.commit()
    finally:
        connection.close()


def _add_view(connection: sqlite3.Connection, view: str, table: str, number: int, now: str) -> None:
    words = ", ".join(
        f'b{number:02d}_{column} AS "{column}"'
        for column in ("oordeel", "potentie", "potentie_zeker", "kaart", "regels")
    )
    connection.execute(
        f"CREATE VIEW {_quoted(view)} AS SELECT fid, geom, combinatie, gebied_code, gemeente_code, opp_m2, {words}"
        f" FROM {_quoted(table)}"
    )
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, min_x, min_y, max_x,"
        " max_y, srs_id) SELECT ?, 'features', ?, description, ?, min_x, min_y, max_x, max_y, srs_id"
        " FROM gpkg_contents WHERE table_name = ?",
        (view, view, now, table),
    )
    connection.execute(
        "INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)"
        " VALUES (?, 'geom', 'MULTIPOLYGON', ?, 0, 0)",
        (view, RD_NEW),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@cache
def _styles_of(column: str, kind: str) -> tuple[str, str]:
    words = [(text("potential" if kind == "potential" else "verdict", key), p) for key, p in PATTERNS[kind].items()]
    return qml(column, words), sld(column, words)


def _add_style(connection: sqlite3.Connection, view: str, column: str, kind: str, now: str) -> None:
    values = (view, "geom", "DGDO", *_styles_of(column, kind), now)
    connection.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
        " styleQML, styleSLD, useAsDefault, description, owner, ui, update_time)"
        " VALUES ('', '', ?, ?, ?, ?, ?, 1, '', '', NULL, ?)",
        values,
    )


def qml(column: str, words: Iterable[tuple[str, Pattern]]) -> str:
    """Style for QGIS: a category for every word, with its colour and motif."""
    categories, symbols = [], []
    for i, (word, pattern) in enumerate(words):
        label = quoteattr(word)
        categories.append(f'<category symbol="{i}" value={label} label={label} render="true" type="string"/>')
        symbols.append(
            f'<symbol type="fill" name="{i}" alpha="1" clip_to_extent="1" force_rhr="0">'
            f"{_layer('SimpleFill', {'color': _rgba(pattern.colour), 'style': 'solid', 'outline_style': 'no'})}"
            f"{_layer('SVGFill', _motif(pattern))}</symbol>"
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        '<qgis version="3.22.0" styleCategories="Symbology">'
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} forceraster="0" symbollevels="0"'
        f' enableorderby="0"><categories>{"".join(categories)}</categories><symbols>{"".join(symbols)}</symbols>'
        "</renderer-v2><layerGeometryType>2</layerGeometryType></qgis>"
    )


def _motif(pattern: Pattern) -> dict[str, str]:
    size = f'width="{MOTIF_PX}" height="{MOTIF_PX}" viewBox="0 0 {MOTIF_PX} {MOTIF_PX}"'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{pattern.tile()}</svg>'
    return {
        "svgFile": "base64:" + base64.b64encode(drawing.encode()).decode(),
        "width": f"{TILE_MM}",
        "pattern_width_unit": "MM",
        "angle": "0",
        "outline_width": "0",
    }


def _layer(kind: str, values: dict[str, str]) -> str:
    """A layer of a symbol, in the form of QGIS 3.22 and in that of before."""
    options = "".join(f'<Option type="QString" name={quoteattr(k)} value={quoteattr(v)}/>' for k, v in values.items())
    props = "".join(f"<prop k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in values.items())
    return f'<layer class="{kind}" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option>{props}</layer>'


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"


def sld(column: str, words: Iterable[tuple[str, Pattern]]) -> str:
    """Style for other programs: a rule for every word, with its colour."""
    rules = "".join(
        f"<se:Rule><se:Name>{_escaped(word)}</se:Name><ogc:Filter><ogc:PropertyIsEqualTo>"
        f"<ogc:PropertyName>{column}</ogc:PropertyName><ogc:Literal>{_escaped(word)}</ogc:Literal>"
        f'</ogc:PropertyIsEqualTo></ogc:Filter><se:PolygonSymbolizer><se:Fill><se:SvgParameter name="fill">'
        f"{pattern.colour}</se:SvgParameter></se:Fill></se:PolygonSymbolizer></se:Rule>"
        for word, pattern in words
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><StyledLayerDescriptor version="1.1.0"'
        ' xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc"'
        f' xmlns:se="http://www.opengis.net/se"><NamedLayer><se:Name>{column}</se:Name><UserStyle>'
        f"<se:FeatureTypeStyle>{rules}</se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
    )


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
