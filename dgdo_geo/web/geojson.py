"""Polygons for the map in the browser: simplified or rounded, in longitude and latitude, as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import RD_NEW, RegionKind, Verdict, outcome_of
from dgdo_geo.query import Explorer
from dgdo_geo.query.own_map import verdict_map_of
from dgdo_geo.texts import number_nl, text
from dgdo_geo.web import formats, places
from dgdo_geo.web.places import Place

LONLAT = 4326
NATIONAL_TOLERANCE_M = 100.0
OWN_STEPS = 2_000
"""An outline is simplified to this part of its size at most: less than a pixel on the map."""
AROUND = (1.0, 49.0, 10.0, 56.0)
"""West, south, east and north of what is made lighter around a region."""
MOST_IN_VIEW = 5_000
"""Features of a layer that are drawn one by one in one view."""
PIXEL_M = 156_543.03
"""Size of a pixel of a web map at zoom 0, at the equator."""
ZOOMS = range(23)
_TO_RD = pyproj.Transformer.from_crs(LONLAT, RD_NEW, always_xy=True)


def municipalities(explorer: Explorer) -> bytes:
    """All municipalities in outline, simplified together so that shared edges stay shared."""
    frame = explorer.regions.municipalities
    simple = shapely.coverage_simplify(frame.geometry.to_numpy(), NATIONAL_TOLERANCE_M)
    properties: list[dict[str, object]] = [
        {"kind": "outline", "code": str(code), "name": str(name)}
        for code, name in zip(frame.index, frame["name"], strict=True)
    ]
    return _collection(gpd.GeoSeries(simple, crs=frame.crs), properties, decimals=5)


def own_verdicts(explorer: Explorer, place: Place, activity: str, band: int, on: date) -> bytes:
    """The verdict polygons of one activity in an area of one's own, with the outline of the area.

    Raises
    ------
    InputError, NotInForceError
        If there is no such area, activity or band, or the date lies too early.
    """
    shape = places.geometry(explorer, place)
    frame = verdict_map_of(explorer, shape, activity, on, band=band)
    return _verdicts(explorer, frame, gpd.GeoSeries([shape.boundary], crs=RD_NEW))


def verdicts(explorer: Explorer, code: str, activity: str, band: int, on: date) -> bytes:
    """The verdict polygons of one activity in one municipality, and the outline of the municipality.

    Raises
    ------
    InputError, NotInForceError
        If the municipality, activity or band is unknown, or the date too early.
    """
    frame = explorer.verdict_map(code, activity, on, band=band)
    return _verdicts(explorer, frame, explorer.regions.municipalities.geometry[[code]].boundary)


def _verdicts(explorer: Explorer, frame: gpd.GeoDataFrame, outline: gpd.GeoSeries) -> bytes:
    titles = {rule.id: rule.title_nl for rule in explorer.knowledge.rules}
    properties: list[dict[str, object]] = [_described(row, titles) for row in frame.to_dict("records")]
    shapes = gpd.GeoSeries([*frame.geometry, *outline], crs=frame.crs)
    return _collection(
        shapes, [*properties, {"outcome": "outline", "found": "outline", "potential": "outline"}], decimals=6
    )


def region(explorer: Explorer, place: Place) -> bytes:
    """The outline of a region, and all that lies outside it, simplified.

    Raises
    ------
    InputError, DataError
        If there is no such region, or its boundaries are not loaded.
    """
    full = places.geometry(explorer, place)
    west, south, east, north = full.bounds
    # Of a small area of one's own as well every corner stays.
    tolerance = min(NATIONAL_TOLERANCE_M, max(east - west, north - south) / OWN_STEPS)
    shape = shapely.simplify(full, tolerance)
    shown = gpd.GeoSeries([shape], crs=RD_NEW).to_crs(LONLAT)
    outside = shapely.box(*AROUND).difference(shapely.make_valid(shown.iloc[0]))
    shapes = gpd.GeoSeries([outside, shown.iloc[0].boundary], crs=LONLAT)
    decimals = 6 if place.kind is RegionKind.POLYGON else 5
    return _collection(shapes, [{"kind": "outside"}, {"kind": "outline"}], decimals=decimals)


def layer_in_view(explorer: Explorer, layer_id: str, box: Sequence[float], zoom: int) -> bytes:
    """The features of a layer in a view, simplified to half a pixel.

    Parameters
    ----------
    layer_id : str
        A layer of the catalogue.
    box : (west, south, east, north)
        Degrees.
    zoom : int
        0 to 22.

    Raises
    ------
    InputError
        If the layer is unknown, the box is none, or there are too many features in view.
    DataError
        If the layer is not loaded.
    """
    layer, frame = explorer.layer(layer_id).state.layer, explorer.layer(layer_id).to_gdf()
    west, south, east, north = box
    is_box = -180 <= west < east <= 180 and -85 <= south < north <= 85
    if not is_box or zoom not in ZOOMS:
        raise InputError("view_box_wrong", value=f"{','.join(f'{v:g}' for v in box)}, zoom {zoom}")
    # RD is defined near the Netherlands only.
    bounds = _TO_RD.transform_bounds(*np.clip(box, (*AROUND[:2], *AROUND[:2]), (*AROUND[2:], *AROUND[2:])))
    seen = frame.iloc[np.sort(frame.sindex.query(shapely.box(*bounds), predicate="intersects"))]
    if len(seen) > MOST_IN_VIEW:
        most = number_nl(MOST_IN_VIEW)
        raise InputError("view_too_full", count=number_nl(len(seen)), layer=layer.title_nl, most=most)
    pixel_m = PIXEL_M * np.cos(np.radians(52)) / 2**zoom
    simple = shapely.simplify(seen.geometry.to_numpy(), pixel_m / 2)
    named = text("web_map_layers", "feature_layer", name=layer.title_nl)
    properties: list[dict[str, object]] = [
        {
            "name": str(name) if isinstance(name, str) and name else layer.title_nl,
            "class": str(kind),
            "class_nl": text("web_map_layers", "feature_class", label=layer.label(str(kind))),
            "layer_nl": named,
        }
        for name, kind in zip(seen["name"], seen["class"], strict=True)
    ]
    return _collection(gpd.GeoSeries(simple, crs=frame.crs), properties, decimals=5)


def _described(row: dict[str, object], titles: dict[str, str]) -> dict[str, object]:
    verdict, conclusive = Verdict[str(row["verdict"]).upper()], bool(row["conclusive"])
    outcome = outcome_of(verdict, conclusive)
    word = text("verdict", outcome)
    if outcome != "unknown" and not conclusive:
        word = text("web", "at_least", word=word)
    indication = Verdict[str(row["indication"]).upper()]
    is_found = conclusive or indication > Verdict.NO_KNOWN_CONSTRAINT
    found = text("verdict", indication.key) if is_found else text("web_map", "nothing_yet")
    fired = [rule for rule in str(row["rules"]).split(",") if rule]
    return {
        "outcome": outcome,
        "outcome_nl": text("web_map", "outcome", word=word),
        "found": indication.key if is_found else "unknown",
        "found_nl": text("web_map", "found_word", word=found),
        "potential": row["potential"],
        "potential_nl": text("web_map", "potential", word=text("potential", str(row["potential"]))),
        "area_m2": row["area_m2"],
        "area_nl": formats.area(float(str(row["area_m2"]))),
        "reasons_nl": [f"• {titles.get(rule, rule)}" for rule in fired],
        "rules": fired,
    }


def _collection(shapes: gpd.GeoSeries, properties: Sequence[dict[str, object]], *, decimals: int) -> bytes:
    geometry = shapely.transform(shapes.to_crs(LONLAT).to_numpy(), lambda points: np.round(points, decimals))
    parts: Iterable[str] = (
        f'{{"type":"Feature","properties":{json.dumps(p, ensure_ascii=False)},"geometry":{g}}}'
        for p, g in zip(properties, shapely.to_geojson(geometry), strict=True)
    )
    return f'{{"type":"FeatureCollection","features":[{",".join(parts)}]}}'.encode()
