"""Polygons for the map in the browser: simplified or rounded, in longitude and latitude, as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import shapely

from dgdo_geo.model import Verdict, outcome_of
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import formats

LONLAT = 4326
NATIONAL_TOLERANCE_M = 100.0


def municipalities(explorer: Explorer) -> bytes:
    """All municipalities in outline, simplified together so that shared edges stay shared."""
    frame = explorer.regions.municipalities
    simple = shapely.coverage_simplify(frame.geometry.to_numpy(), NATIONAL_TOLERANCE_M)
    properties: list[dict[str, object]] = [
        {"kind": "outline", "code": str(code), "name": str(name)}
        for code, name in zip(frame.index, frame["name"], strict=True)
    ]
    return _collection(gpd.GeoSeries(simple, crs=frame.crs), properties, decimals=5)


def verdicts(explorer: Explorer, code: str, activity: str, band: int, on: date) -> bytes:
    """The verdict polygons of one activity in one municipality, and the outline of the municipality.

    Raises
    ------
    InputError, NotInForceError
        If the municipality, activity or band is unknown, or the date too early.
    """
    frame = explorer.verdict_map(code, activity, on, band=band)
    titles = {rule.id: rule.title_nl for rule in explorer.knowledge.rules}
    properties: list[dict[str, object]] = [_described(row, titles) for row in frame.to_dict("records")]
    outline = explorer.regions.municipalities.geometry[[code]].boundary
    shapes = gpd.GeoSeries([*frame.geometry, *outline], crs=frame.crs)
    return _collection(
        shapes, [*properties, {"outcome": "outline", "found": "outline", "potential": "outline"}], decimals=6
    )


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
