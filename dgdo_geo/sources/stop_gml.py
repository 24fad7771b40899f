"""Read the GML of provincial and municipal regulations: GeoInformatieObject, after the standard STOP.

GDAL finds no geometry in such a file. It stands in
``geo:locaties/geo:Locatie/geo:geometrie/basisgeo:Geometrie/basisgeo:geometrie``;
every location becomes a row. Elements and rules are those of ``imop-geo``
(schema and Schematron, versions 1.0 to 1.3): coordinates in EPSG:28992 or
EPSG:4258, one of them in a file. A file with bare ``basisgeo:Geometrie`` is
read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.gml_shapes import Shapes, WrongShapeError, local_name

GEO = "{https://standaarden.overheid.nl/stop/imop/geo/}"
BASIS = "{http://www.geostandaarden.nl/basisgeometrie/1.0}"
MARK = b"geostandaarden.nl/basisgeometrie"
FEATURES = (f"{GEO}Locatie", f"{GEO}Gebied")
COLUMNS = ("id", "naam", "groepID", "groep", "kwantitatieveNormwaarde", "kwalitatieveNormwaarde")
MAX_ELEMENTS = 2_000_000
"""Most elements that one location may have; each takes some 200 bytes of memory while it is read."""


def is_stop(path: Path) -> bool:
    """True for a file with geometry after STOP, by its first 64 kB."""
    with path.open("rb") as file:
        return MARK in file.read(65_536).replace(b"\0", b"")


def read_stop(path: Path, name: str) -> gpd.GeoDataFrame:
    """Read the locations of a GeoInformatieObject.

    Parameters
    ----------
    path : Path
        Looked through by :func:`~dgdo_geo.sources.archives.check_xml`.
    name : str
        File name for messages.

    Returns
    -------
    geopandas.GeoDataFrame
        A row per ``basisgeo:Geometrie``, in EPSG:28992 or EPSG:4258 (x first), crs None when none is named.
        All values are text. ``id`` is ``basisgeo:id``, ``groep`` the label of ``groepID``; other values of
        the location, and of the whole object (``FRBRWork``, ``FRBRExpression``, ``normlabel``, ...), keep
        their name. Arcs (EPSG:28992 only) become straight pieces no further than 0.01 m from the arc; then
        ``bogen`` counts them. A location without geometry gives a row without.

    Raises
    ------
    InputError
        If it is no XML, holds only a change, several versions or coordinate systems, or a geometry that
        cannot be read; the message names the location.
    """
    rows: list[dict[str, object]] = []
    facts: dict[str, str] = {}
    groups: dict[str, str] = {}
    shapes = Shapes()
    try:
        for element, inside in _elements(path, name):
            if element.tag in (*FEATURES, f"{BASIS}Geometrie"):
                rows += _rows(element, shapes, name)
            elif element.tag == f"{GEO}Groep":
                groups[_text(element, f"{GEO}groepID")] = _text(element, f"{GEO}label")
            elif inside == f"{GEO}GeoInformatieObjectVersie" and not len(element):
                _add_fact(facts, element, name)
    except ElementTree.ParseError as error:
        raise InputError("file_unreadable", file=name, reason=error) from error
    if len(shapes.crs) > 1:
        raise InputError("stop_crs_mixed", file=name, found=", ".join(f"EPSG:{code}" for code in sorted(shapes.crs)))
    geometry = [row.pop("geometry") for row in rows]
    table: dict[str, list[object]] = {column: [row.get(column) for row in rows] for column in _columns(rows)}
    table["groep"] = [groups.get(str(row.get("groepID"))) for row in rows]
    if not any(row["bogen"] for row in rows):
        table.pop("bogen", None)
    for key, value in facts.items():
        table.setdefault(key, [value] * len(rows))
    crs = f"EPSG:{next(iter(shapes.crs))}" if shapes.crs else None
    return gpd.GeoDataFrame(table, geometry=np.array(geometry, object), crs=crs)


def _columns(rows: list[dict[str, object]]) -> list[str]:
    """The columns that every file has, then those of this one."""
    return list(dict.fromkeys([*COLUMNS, *(key for row in rows for key in row)]))


def _elements(path: Path, name: str) -> Iterator[tuple[ElementTree.Element, str]]:
    """Elements as they end, with the name of the one around them; a finished location is thrown away."""
    open_tags: list[ElementTree.Element] = []
    held = before = 0
    with path.open("rb") as file:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            if event == "start":
                if element.tag == f"{GEO}GeoInformatieObjectMutatie":
                    raise InputError("stop_mutation", file=name)
                open_tags.append(element)
                held += 1
                if len(open_tags) > archives.MAX_DEPTH:
                    raise InputError("file_nested", file=name, limit=archives.MAX_DEPTH)
                if held > MAX_ELEMENTS:
                    raise InputError("stop_elements", file=name, limit=MAX_ELEMENTS)
                if _is_row(element, open_tags[:-1]):
                    before = held - 1
                continue
            open_tags.pop()
            is_row = _is_row(element, open_tags)
            if is_row or element.tag != f"{BASIS}Geometrie":
                yield element, open_tags[-1].tag if open_tags else ""
            if is_row and open_tags:
                open_tags[-1].remove(element)
                held = before


def _is_row(element: ElementTree.Element, around: list[ElementTree.Element]) -> bool:
    """True for a location, and for a geometry without one around it."""
    bare = element.tag == f"{BASIS}Geometrie" and not any(one.tag in FEATURES for one in around)
    return element.tag in FEATURES or bare


def _add_fact(facts: dict[str, str], element: ElementTree.Element, name: str) -> None:
    """Note a value of the whole object; two objects in one file would become one layer."""
    key, value = local_name(element), (element.text or "").strip()
    if value and facts.setdefault(key, value) != value:
        raise InputError("stop_versions", file=name, first=facts[key], second=value)


def _rows(element: ElementTree.Element, shapes: Shapes, name: str) -> list[dict[str, object]]:
    """A row for every geometry of a location."""
    values = {}
    if element.tag in FEATURES:
        values = {local_name(child): (child.text or "").strip() for child in element if not len(child)}
    found = []
    for holder in element.iter(f"{BASIS}Geometrie"):
        id_ = _text(holder, f"{BASIS}id")
        place = values.get("naam") or values.get("label") or id_ or "?"
        shapes.arcs = 0
        try:
            parts = [shapes.of(child) for box in holder.iter(f"{BASIS}geometrie") for child in box]
        except WrongShapeError as error:
            what = archives.shown(str(error.what))
            raise InputError(error.key, file=name, place=archives.shown(place), what=what) from error
        whole = parts[0] if len(parts) == 1 else shapely.geometrycollections(parts) if parts else None
        found.append({"id": id_, **values, "bogen": str(shapes.arcs) if shapes.arcs else None, "geometry": whole})
    return found or [{**values, "bogen": None, "geometry": None}]


def _text(element: ElementTree.Element, child: str) -> str:
    return (element.findtext(child) or "").strip()
