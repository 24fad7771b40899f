"""Points and lines of fact: wells, projects, salt, storage, earthquakes, faults."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd

from .products import read_source

COMMON = {
    "id": "feature_id",
    "naam": "name",
    "provincie": "province_name",
    "gemeente": "municipality_name",
    "diepte_m_approx": "depth_text",
}


def drinking_water_wells(sources: Path) -> gpd.GeoDataFrame:
    """Abstractions for drinking water: from ground level to the deepest filter, where known."""
    frame = read_source(sources / "drinkwaterwinningen.csv", "xy").rename(columns=COMMON)
    frame["top_min_m"] = frame["top_max_m"] = 0.0
    frame["note"] = frame["opmerking"].map(_sentence)
    names = {"bedrijf": "company", "gm_code": "municipality", "brontype": "source_type", "diepte_m_mv": "depth_text"}
    return frame.rename(columns=names).drop(columns="opmerking")


def geothermal_projects(sources: Path) -> gpd.GeoDataFrame:
    """Geothermal projects; the extent is the depth of the layer in use."""
    frame = _with_extent(read_source(sources / "geothermie_projecten.csv", "xy"))
    return frame.rename(columns={"ouderdom": "age", "temp_c_approx": "temp_text_c", "startjaar": "start_year"})


def salt_structures(sources: Path) -> gpd.GeoDataFrame:
    """Salt pillars, pillows and bedded salt; the base is not known."""
    frame = read_source(sources / "zoutstructuren.csv", "xy").rename(columns=COMMON)
    frame["base_min_m"] = frame["base_max_m"] = math.nan
    return frame.rename(columns={"zoutformatie": "salt_formation", "type": "structure_type", "gebruik": "use"})


def storages(sources: Path) -> gpd.GeoDataFrame:
    """Underground storages; the extent is the depth of the reservoir or cavern."""
    frame = _with_extent(read_source(sources / "ondergrondse_opslag.csv", "xy"))
    return frame.rename(columns={"type": "storage_type", "werkvolume": "working_volume"})


def earthquakes(sources: Path) -> gpd.GeoDataFrame:
    """Notable earthquakes; the depth is not known here."""
    frame = read_source(sources / "bevingen_selectie.csv", "xy").rename(columns=COMMON)
    frame["name"] = frame["plaats"] + " (" + frame["datum"] + ")"
    frame["top_min_m"] = 0.0
    frame["top_max_m"] = frame["base_min_m"] = frame["base_max_m"] = math.nan
    frame["note"] = frame["note"].map(_sentence)
    return frame.rename(columns={"datum": "date", "plaats": "place", "type": "event_type"})


def faults(sources: Path) -> gpd.GeoDataFrame:
    """Sketched active faults; taken to run through the whole column."""
    frame = read_source(sources / "breuken_schematisch.csv", "wkt_rd").rename(columns=COMMON)
    frame["class"] = "actieve_breuk"
    return frame.rename(columns={"type": "fault_type"})


def _with_extent(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One top and one base for each feature; a base that is not stated is nan."""
    frame = frame.rename(columns=COMMON)
    frame["top_min_m"] = frame["top_max_m"] = frame["top_m"]
    frame["base_min_m"] = frame["base_max_m"] = frame["base_m"]
    return frame.drop(columns=["top_m", "base_m"])


def _sentence(text: str) -> str:
    return text and text[0].upper() + text[1:].rstrip(".") + "."
