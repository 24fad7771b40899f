"""The schema of a product and the way it is written; see ``docs/layer-files.md``."""

from __future__ import annotations

import math
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .packages import file_sha256

TEXT = ("feature_id", "name", "class", "source", "note")
DEPTHS = ("top_min_m", "top_max_m", "base_min_m", "base_max_m")
WHOLE_COLUMN = {"top_min_m": 0.0, "top_max_m": 0.0, "base_min_m": math.inf, "base_max_m": math.inf}
PRODUCT = "product.parquet"


def to_product(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring a frame into the product schema.

    Missing depth columns mean the whole column, a missing accuracy the one of
    the layer, a missing note or source an empty text. Other columns follow.

    Parameters
    ----------
    frame : GeoDataFrame
        EPSG:28992, with at least ``feature_id``, ``name`` and ``class``.

    Returns
    -------
    GeoDataFrame
        Same rows in the same order, columns in the order of the schema.
    """
    result = frame.copy()
    for column, value in WHOLE_COLUMN.items():
        if column not in result:
            result[column] = value
    for column in ("source", "note"):
        if column not in result:
            result[column] = ""
    if "accuracy_m" not in result:
        result["accuracy_m"] = math.nan
    for column in (*DEPTHS, "accuracy_m"):
        result[column] = result[column].astype("float64")
    for column in result.columns.difference(["geometry"]):
        if column in TEXT or not pd.api.types.is_numeric_dtype(result[column]):
            result[column] = result[column].astype("object").fillna("").astype("str")
    first = ["feature_id", "name", "class", *DEPTHS, "accuracy_m", "source", "note"]
    rest = [c for c in result.columns if c not in first and c != "geometry"]
    result = result[[*first, *rest, "geometry"]].reset_index(drop=True)
    result.geometry = shapely.normalize(result.geometry.to_numpy())
    return result


def check_product(product: gpd.GeoDataFrame, layer_id: str) -> None:
    """Refuse a product that cannot be right.

    Raises
    ------
    RuntimeError
        If it is empty, ids repeat, a text is missing or a geometry is invalid.
    """
    wrong = []
    if product.empty:
        wrong.append("no features")
    if product["feature_id"].duplicated().any():
        wrong.append("feature_id is not unique")
    if (product[["feature_id", "name", "class"]] == "").to_numpy().any():
        wrong.append("empty feature_id, name or class")
    if not shapely.is_valid(product.geometry.to_numpy()).all() or product.geometry.is_empty.any():
        wrong.append("invalid or empty geometry")
    if product.crs is None or product.crs.to_epsg() != 28992:
        wrong.append("not in EPSG:28992")
    if wrong:
        raise RuntimeError(f"{layer_id}: {'; '.join(wrong)}")


def write_product(product: gpd.GeoDataFrame, folder: Path) -> str:
    """Write ``product.parquet`` and enter its hash in ``layer.toml``.

    Parameters
    ----------
    product : GeoDataFrame
        In the product schema.
    folder : Path
        Folder of the layer; holds ``layer.toml`` already.

    Returns
    -------
    str
        SHA-256 of the product.
    """
    check_product(product, folder.name)
    temporary = folder / f"{PRODUCT}.part"
    product.to_parquet(temporary, index=False, compression="zstd", schema_version="1.1.0")
    temporary.replace(folder / PRODUCT)
    digest = file_sha256(folder / PRODUCT)
    declaration = folder / "layer.toml"
    text, count = re.subn(
        r'^sha256 = ".*"$', f'sha256 = "{digest}"', declaration.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    if count != 1:
        raise RuntimeError(f"{declaration}: expected one line with sha256, found {count}")
    temporary = folder / "layer.toml.part"
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(declaration)
    return digest


def read_source(path: Path, geometry: str | None = None) -> pd.DataFrame | gpd.GeoDataFrame:
    """Read a hand-drawn source.

    Texts stay texts (``GM0014``), empty cells are empty texts in text columns and nan in number columns.

    Parameters
    ----------
    path : Path
        CSV file.
    geometry : str, optional
        Name of the column with well-known text, or ``"xy"`` for the columns ``x_rd`` and ``y_rd``.
    """
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].fillna("")
    if geometry is None:
        return table
    if geometry == "xy":
        points = shapely.points(table["x_rd"].to_numpy(np.float64), table["y_rd"].to_numpy(np.float64))
        return gpd.GeoDataFrame(table.drop(columns=["x_rd", "y_rd"]), geometry=points, crs=28992)
    shapes = shapely.from_wkt(table[geometry].to_numpy())
    return gpd.GeoDataFrame(table.drop(columns=[geometry]), geometry=shapes, crs=28992)
