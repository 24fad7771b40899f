"""Layers drawn by hand: potential, drinking water, network density."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .products import WHOLE_COLUMN, read_source

CLASS_OF = {"kansrijk": "promising", "mogelijk": "possible", "onbekend": "unknown", "geen": "none"}
DEPTH_COLUMNS = {
    "depth_top_min_m": "top_min_m",
    "depth_top_max_m": "top_max_m",
    "depth_base_min_m": "base_min_m",
    "depth_base_max_m": "base_max_m",
}
NETWORK_BASE_M = (2.0, 30.0)
"""Cables and pipes end between these depths: most within 2 m, drilled crossings down to about 30 m (assumption)."""
CRUMB_M2 = 10_000.0
"""Left-overs of cutting one sketch by another that are smaller than this are dropped."""


def potential_layers(sources: Path) -> dict[str, gpd.GeoDataFrame]:
    """Return the potential layers by id.

    A layer serves one activity. Where two sketches of a layer overlap, the one
    with the lower ``priority`` (more local) cuts the other; within one priority
    the earlier row does.
    """
    sketches = read_source(sources / "potentie_schematisch.csv", "wkt_rd")
    layers = {}
    for entry in read_source(sources / "potentie_lagen.csv").itertuples():
        own = (sketches["layer"] == entry.layer) & (sketches["activiteit_id"] == entry.activiteit_id)
        frame = sketches[own].sort_values("priority", kind="stable", ignore_index=True)
        frame = _cut_by_earlier(frame).sort_values("id", ignore_index=True)
        frame = frame.rename(columns={"id": "feature_id", **DEPTH_COLUMNS})
        frame["name"] = entry.short_name + ": " + frame["area"]
        frame["class"] = frame["potential_class"].map(CLASS_OF)
        frame["accuracy_m"] = frame["accuracy_km"] * 1000.0
        layers[entry.layer_id] = frame.drop(columns=["potential_class", "accuracy_km", "priority", "layer"])
    return layers


def groningen_field(sources: Path) -> gpd.GeoDataFrame:
    """Return the sketched outline of the Groningen gas field."""
    frame = potential_layers(sources)["potentie_gas"]
    frame = frame[frame["area"] == "Groningenveld"].copy()
    frame["feature_id"] = "groningenveld"
    frame["name"] = "Groningenveld"
    frame["class"] = "groningenveld"
    frame["note"] = "Met de hand geschetst; de rand is ongeveer 5 km onzeker."
    keep = ["feature_id", "name", "class", *DEPTH_COLUMNS.values(), "accuracy_m", "source", "note", "geometry"]
    return frame[keep]


def drinking_water_layers(sources: Path) -> dict[str, gpd.GeoDataFrame]:
    """Return the zone layers for drinking water by id.

    A zone of two kinds, say boringsvrije zone and ASV, is a feature in each of
    the layers concerned.
    """
    zones = read_source(sources / "zones_schematisch.csv", "wkt_rd")
    kinds = read_source(sources / "zonetypen.csv")
    unknown = set(zones["type"]) - set(kinds["type"])
    if unknown:
        raise RuntimeError(f"zone types without a class: {sorted(unknown)}")
    ground = read_source(sources / "maaiveldhoogten.csv").set_index("zone_id")
    both = zones.merge(kinds, on="type", how="left")
    layers = {}
    for layer_id, frame in both.groupby("layer_id", sort=True):
        frame = frame.sort_values(["id", "class"], ignore_index=True)
        depths = pd.DataFrame([_zone_depth(layer_id, row, ground) for row in frame.itertuples()])
        frame = pd.concat([frame, depths], axis=1)
        repeated = frame["id"].duplicated(keep=False)
        frame["feature_id"] = frame["id"].where(~repeated, frame["id"] + "-" + frame["class"])
        frame["note"] = _sentence(frame["limit_depth_toelichting"])
        frame["accuracy_m"] = frame["accuracy_km"] * 1000.0
        names = {"naam": "name", "type": "zone_type", "provincie": "province_name", "omschrijving": "description"}
        drop = ["id", "accuracy_km", "layer_id", "limit_depth_toelichting"]
        layers[layer_id] = frame.rename(columns=names).drop(columns=drop)
    return layers


def network_density(municipalities: gpd.GeoDataFrame, sources: Path) -> gpd.GeoDataFrame:
    """Class each municipality by schematic density of cables and pipes.

    The share of a municipality in the national network is half its share of
    the households and half its share of the land; divided by its share of the
    land this gives the density against the national mean.
    """
    figures = read_source(sources / "gemeenten_kerncijfers_2023.csv").set_index("gm_code")
    figures = figures.loc[municipalities["feature_id"]]
    land = figures["land_km2"] / figures["land_km2"].sum()
    households = figures["huishoudens"] / figures["huishoudens"].sum()
    density = ((households + land) / 2 / land).to_numpy()
    rank = pd.Series(density).rank(method="first").to_numpy() - 1
    thirds = np.array(["laag", "middel", "hoog"])[(rank * 3 // len(rank)).astype(int)]
    frame = municipalities[["feature_id", "name", "geometry"]].copy()
    frame["class"] = thirds
    frame["density_index"] = np.round(density, 2)
    frame["households"] = figures["huishoudens"].to_numpy()
    frame["land_km2"] = figures["land_km2"].to_numpy()
    frame["top_min_m"] = frame["top_max_m"] = 0.0
    frame["base_min_m"], frame["base_max_m"] = NETWORK_BASE_M
    frame["accuracy_m"] = 500.0
    frame["source"] = "CBS Kerncijfers wijken en buurten 2023, eigen berekening"
    frame["note"] = "Berekend uit huishoudens en oppervlakte; zegt niets over een bepaalde leiding."
    return frame


def _cut_by_earlier(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Take from each row what the rows before it cover."""
    taken = shapely.Polygon()
    shapes = []
    for shape in frame.geometry:
        parts = shapely.get_parts(shape.difference(taken))
        parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= CRUMB_M2)]
        shapes.append(parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts)))
        taken = taken.union(shape)
    return frame.set_geometry(shapes, crs=28992)


def _zone_depth(layer_id: str, zone: object, ground: pd.DataFrame) -> dict[str, float]:
    """Vertical extent of a zone, in metres below ground level."""
    if layer_id == "grondwaterbescherming":
        return dict(WHOLE_COLUMN)
    known = not math.isnan(zone.limit_depth)
    if layer_id == "boringsvrije_zones" and known and zone.datum == "maaiveld":
        return {**WHOLE_COLUMN, "top_min_m": zone.limit_depth, "top_max_m": zone.limit_depth}
    if layer_id == "boringsvrije_zones" and known and zone.datum == "NAP":
        level = ground.loc[zone.id]
        low, high = level["ground_min_nap_m"] - zone.limit_depth, level["ground_max_nap_m"] - zone.limit_depth
        return {**WHOLE_COLUMN, "top_min_m": max(0.0, low), "top_max_m": high}
    if layer_id == "strategische_grondwatervoorraden" and zone.limit_depth == 0:
        return dict(WHOLE_COLUMN)
    return {**WHOLE_COLUMN, "top_max_m": math.nan}


def _sentence(texts: pd.Series) -> pd.Series:
    """Capital first, full stop last."""
    return texts.map(lambda text: text and text[0].upper() + text[1:].rstrip(".") + ".")
