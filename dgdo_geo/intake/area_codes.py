"""Files of municipalities and provinces beside the loaded boundaries: their codes and their area."""

from __future__ import annotations

import re

import geopandas as gpd
import pandas as pd
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.harmonise import as_text
from dgdo_geo.texts import number_nl, text

AREA_CODE = {"gemeenten": re.compile(r"GM\d{4}"), "provincies": re.compile(r"PV\d{2}")}
"""Layer of boundaries, and how its codes are written."""
NO_PLACE = re.compile(r"GM099[789]|PV99")
"""Codes of statistics for ‘in no municipality’, ‘abroad’ and ‘unknown’; GM0994 and GM0995 are municipalities."""
MUCH_MORE = 1.1
"""Boundaries that cover so many times the loaded ones are told."""


def boundaries(workspace: store.Workspace, layer_id: str) -> gpd.GeoDataFrame | None:
    """Known boundaries, or None when they cannot be read."""
    try:
        return store.read_product(workspace.entries[layer_id])
    except (DataError, KeyError):
        return None


def compare_area(area_km2: float | None, layer_id: str, workspace: store.Workspace, report: harmonise.Report) -> None:
    """Tell when boundaries cover much more than the loaded ones: they may hold the sea and the big waters."""
    known = boundaries(workspace, layer_id) if layer_id in AREA_CODE else None
    if known is None or area_km2 is None:
        return
    known_km2 = float(shapely.area(known.geometry.to_numpy()).sum()) / 1e6
    if area_km2 > MUCH_MORE * known_km2:
        areas = {"area": number_nl(area_km2), "known": number_nl(known_km2)}
        report.note(text("intake", "area_more", layer=layer_id, **areas))


def check_codes(frame: gpd.GeoDataFrame, workspace: store.Workspace, report: harmonise.Report) -> None:
    """Compare codes of municipalities and provinces with the loaded boundaries.

    Codes that are new, or that are not there any more, are told. A code that stands for no place, such as GM0998
    ‘Buitenland’, is refused: its polygon would count as a municipality.

    Raises
    ------
    InputError
        Naming the column, the code and what is beside it.
    """
    for column in frame.columns.drop(frame.geometry.name):
        values = frame[column]
        if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object):
            continue
        texts = as_text(values)
        unique = pd.Series(texts[texts != ""].unique())
        for layer_id, pattern in AREA_CODE.items():
            if len(unique) and unique.str.fullmatch(pattern).mean() > 0.9:
                _check_column(frame, str(column), set(unique), layer_id, workspace, report)


def _check_column(
    frame: gpd.GeoDataFrame,
    column: str,
    codes: set[str],
    layer_id: str,
    workspace: store.Workspace,
    report: harmonise.Report,
) -> None:
    no_place = sorted(code for code in codes if NO_PLACE.fullmatch(code))
    if no_place:
        row = frame[as_text(frame[column]) == no_place[0]].iloc[0].drop(frame.geometry.name)
        words = [str(v).strip() for v in row if isinstance(v, str) and v.strip() and not any(map(str.isdigit, v))]
        name = max(words, key=len, default="")
        raise InputError("code_is_no_place", file=report.file, column=column, code=no_place[0], name=name)
    known = boundaries(workspace, layer_id)
    if known is None:
        report.note(text("intake", "codes_not_checked", column=column, layer=layer_id))
        return
    ids = set(known["feature_id"])
    new, gone = sorted(codes - ids), sorted(ids - codes)
    if new:
        report.note(text("intake", "codes_new", column=column, codes=", ".join(new[:8]), count=len(new)))
    if gone and report.layer == layer_id:
        report.note(text("intake", "codes_gone", column=column, codes=", ".join(gone[:8]), count=len(gone)))
