"""Columns: classes, names, ids and depths of the product schema (``docs/layer-files.md``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.harmonise.report import Report

SHOWN = 12
"""Values that a message names."""


def as_text(column: pd.Series) -> pd.Series:
    """The values of a column as text without blanks around it; "" where there is none."""
    return column.astype(str).fillna("").str.strip()


def map_classes(
    frame: gpd.GeoDataFrame,
    columns: Sequence[str],
    values: Mapping[str, str],
    skip: Sequence[str],
    known: Sequence[str],
    report: Report,
    *,
    other: str | None = None,
) -> gpd.GeoDataFrame:
    """Translate source values to declared classes.

    Parameters
    ----------
    columns : sequence of str
        Source columns; their values are joined with ``|``.
    values : mapping
        Source value -> class. A source value that is itself a class needs no entry.
    skip : sequence of str
        Source values to leave out, on purpose.
    known : sequence of str
        Declared classes.
    other : str, optional
        Class of all values that have no translation and are not skipped; counted in the report.

    Raises
    ------
    InputError
        If a value has no translation, or a translation is no declared class.
    """
    require_columns(frame, columns, report)
    wrong = sorted({*values.values(), *([] if other is None else [other])} - set(known))
    if wrong:
        raise InputError("class_unknown", layer=report.layer, classes=", ".join(wrong), known=", ".join(known))
    code, source = joined_values(frame, columns)
    table = {**{k: k for k in known}, **values}
    is_skipped = np.array([value in skip for value in source], np.bool_)
    is_new = np.array([value not in table for value in source], np.bool_) & ~is_skipped
    count = np.bincount(code, minlength=len(source))
    if is_new.any() and other is None:
        raise InputError(
            "values_unmapped",
            file=report.file,
            columns=" en ".join(columns),
            values=_listed([v for v, new in zip(source, is_new, strict=True) if new]),
            known=", ".join(known),
        )
    report.skipped = {v: int(n) for v, n, yes in zip(source, count, is_skipped, strict=True) if yes}
    report.other = {v: int(n) for v, n, yes in zip(source, count, is_new, strict=True) if yes}
    classes = np.array([table.get(value, other) for value in source], object)
    keep = ~is_skipped[code]
    if not keep.all():
        frame, code = frame[keep], code[keep]
    if frame.empty:
        raise InputError("all_skipped", file=report.file, columns=" en ".join(columns))
    return frame.assign(**{"class": classes[code]})


def joined_values(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """The values of some columns joined with ``|``: a number for every row, and the values in order.

    Returns
    -------
    code : (rows,) array of int
    values : list of str
        Sorted; ``values[code[i]]`` belongs to row ``i``.
    """
    texts = as_text(frame[columns[0]])
    for column in columns[1:]:
        texts = texts + "|" + as_text(frame[column])
    code, values = pd.factorize(texts, sort=True)
    return code, [str(value) for value in values]


def require_columns(frame: pd.DataFrame, columns: Sequence[str], report: Report) -> None:
    """Refuse a frame that lacks one of the columns.

    Raises
    ------
    InputError
    """
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(map(str, frame.columns))
            raise InputError("column_missing", file=report.file, column=column, known=known)


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(f"‘{value}’" for value in values[:SHOWN])
    return f"{shown} …" if len(values) > SHOWN else shown


def to_schema(
    frame: gpd.GeoDataFrame,
    report: Report,
    *,
    id_column: str | None,
    name_column: str | None,
    depth_columns: Mapping[str, str],
    accuracy_m: float | None,
    source: str,
    extra: Mapping[str, str],
    part_of: str | None = None,
    depths: Mapping[str, NDArray[np.float64]] | None = None,
) -> gpd.GeoDataFrame:
    """Give a frame the columns of the product schema (``docs/layer-files.md``); keeps the others.

    Parameters
    ----------
    part_of : str, optional
        Column with the code of the thing that a row is a part of. Without ``id_column`` it makes the ids.
    depths : mapping, optional
        Depths in metres below ground level, already converted; in place of those of ``depth_columns``.

    Raises
    ------
    InputError
        If a column is missing, a depth is no number, or ids are empty or not unique.
    """
    named = [id_column, name_column, part_of, *depth_columns.values(), *extra.values()]
    require_columns(frame, [c for c in named if c is not None], report)
    result = frame.reset_index(drop=True)
    report.duplicates = count_doubles(result.geometry.to_numpy())
    ids = _ids(result, report, id_column, part_of)
    names = ids if name_column is None else as_text(result[name_column])
    columns = {"feature_id": ids, "name": names.where(names != "", ids), "source": source, "note": ""}
    columns |= {ours: as_text(result[theirs]) for ours, theirs in extra.items()}
    defaults = {"top_min_m": 0.0, "top_max_m": 0.0, "base_min_m": np.inf, "base_max_m": np.inf}
    for ours, default in defaults.items():
        theirs = depth_columns.get(ours)
        columns[ours] = default if theirs is None else numbers(result[theirs], report.file, theirs)
    columns |= depths or {}
    columns["accuracy_m"] = np.nan if accuracy_m is None else float(accuracy_m)
    taken = list(result.columns)
    renamed = {c: _free_name(f"source_{c}", taken) for c in columns if c in taken and c not in extra}
    result = _plain_values(result.rename(columns=renamed)).assign(**columns)
    report.kept = len(result)
    counts = result["class"].value_counts().sort_index()
    report.classes = {str(k): int(n) for k, n in counts.items() if n}
    return result


def _ids(frame: gpd.GeoDataFrame, report: Report, id_column: str | None, part_of: str | None) -> pd.Series:
    """Ids from a column, from the thing that a row is a part of, or numbers."""
    if part_of is not None:
        wholes = as_text(frame[part_of])
        report.part_column, report.wholes = part_of, int(wholes.nunique())
        if id_column is None:
            _refuse_empty(wholes, report, part_of)
            number = wholes.groupby(wholes).cumcount() + 1
            is_single = ~wholes.duplicated(keep=False)
            return wholes.where(is_single, wholes + "/" + number.astype(str))
    if id_column is None:
        return pd.Series(np.arange(1, len(frame) + 1).astype(str))
    ids = as_text(frame[id_column])
    _refuse_empty(ids, report, id_column)
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        raise InputError("ids_not_unique", file=report.file, column=id_column, ids=", ".join(twice[:5]))
    return ids


def _refuse_empty(ids: pd.Series, report: Report, column: str) -> None:
    empty = int((ids == "").sum())
    if empty:
        raise InputError("ids_empty", file=report.file, column=column, count=empty)


def count_doubles(geometry: NDArray[np.object_]) -> int:
    """How many geometries are the same, point by point, as an earlier one."""
    # Only those with the same box are compared byte by byte: a million of them would fill the memory.
    box = pd.DataFrame(shapely.bounds(geometry)).assign(points=shapely.get_num_coordinates(geometry))
    alike = box.duplicated(keep=False).to_numpy()
    return int(pd.Series(shapely.to_wkb(geometry[alike])).duplicated().sum())


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, with a number behind it when a column of that name is there already."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _plain_values(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Columns with lists or objects as JSON text: a product holds plain values."""
    for column in frame.columns.drop(frame.geometry.name):
        if frame[column].dtype != object:
            continue
        if frame[column].map(lambda value: isinstance(value, (list, dict, tuple, np.ndarray))).any():
            words = frame[column].map(lambda value: json.dumps(value, ensure_ascii=False, default=str))
            frame = frame.assign(**{column: words})
    return frame


def look_up(
    frame: gpd.GeoDataFrame, column: str, source: str, values: Mapping[str, str], report: Report
) -> gpd.GeoDataFrame:
    """Fill a column through a table of source values.

    Raises
    ------
    InputError
        If the source column is missing, or a value is not in the table.
    """
    require_columns(frame, [source], report)
    found = as_text(frame[source])
    unmapped = sorted(set(found) - set(values))
    if unmapped:
        known = ", ".join(sorted(set(values.values())))
        raise InputError("values_unmapped", file=report.file, columns=source, values=_listed(unmapped), known=known)
    return frame.assign(**{column: found.map(values)})


def numbers(values: pd.Series, file: str, column: str) -> pd.Series:
    """A column as numbers; nan where it is empty.

    Raises
    ------
    InputError
        With the first value that is no number.
    """
    found = pd.to_numeric(values, errors="coerce")
    bad = found.isna() & (as_text(values) != "")
    if bad.any():
        raise InputError("column_not_number", file=file, column=column, value=str(values[bad].iloc[0]))
    return found.astype(float)
