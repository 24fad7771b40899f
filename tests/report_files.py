"""Reading the files of a report back, with other packages than those that wrote them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
from worlds import TODAY

from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer, guess_kind
from dgdo_geo.report.making import FORMATS, Asked, Made, make

HEAD_ROW = 5
"""Row of the heads of the columns in a sheet, from 1."""
DATA = ("xlsx", "csv", "gpkg")


def asked(code: str, **changes: object) -> Asked:
    """A question about a region with a code, on the day of the drawing."""
    return Asked(guess_kind(code), code, on=TODAY, **changes)  # type: ignore[arg-type]


def made(explorer: Explorer, folder: Path, *codes: str, formats: tuple[str, ...] = FORMATS) -> Made:
    """The files of the report about a region, or about some beside each other."""
    return make(explorer, [asked(code) for code in codes], formats, folder)


def of(made: Made, ending: str) -> Path:
    """The one file with this ending."""
    (path,) = [path for path, _ in made.files if path.name.endswith(ending)]
    return path


def sheets(path: Path) -> dict[str, pd.DataFrame]:
    """All tables of a spreadsheet, with the keys of the columns from the CSV files as heads left as titles."""
    book = openpyxl.load_workbook(path)
    result = {}
    for sheet in book.worksheets:
        rows = list(sheet.iter_rows(min_row=HEAD_ROW, values_only=True))
        filled = [row for row in rows[1:] if any(value is not None for value in row)]
        result[sheet.title] = pd.DataFrame(filled, columns=list(rows[0]))
    return result


def csvs(path: Path) -> dict[str, pd.DataFrame]:
    """All tables of a zip file with CSV files."""
    result = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                content = io.BytesIO(archive.read(name))
                result[name.removesuffix(".csv")] = pd.read_csv(
                    content, encoding="utf-8-sig", keep_default_na=False, dtype=None
                )
    return result


def layer(path: Path, name: str = "combinaties") -> gpd.GeoDataFrame:
    """A layer of a GeoPackage with plain geopandas."""
    return gpd.read_file(path, layer=name)


def is_municipality(code: str) -> bool:
    """True for the code of a municipality."""
    return guess_kind(code) is RegionKind.MUNICIPALITY
