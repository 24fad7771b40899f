"""Tables: CSV, XLSX and Parquet.

Every value of a CSV or XLSX stays the text that it is; a formula is text too.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives

CSV_SUFFIXES = (".csv", ".txt", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".geoparquet")
SEPARATORS = (",", ";", "\t", "|", "#")
MAX_CELLS = 20_000_000
SHEET_COLUMNS = 16_384
PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*")
COMMA = re.compile(r"\s*[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d{1,3})?\s*")
LIST = re.compile(r"\s*\[(.*)\]\s*")
EWKT = re.compile(r"\s*SRID\s*=\s*(\d{1,9})\s*;", re.IGNORECASE)
MAX_ELEMENTS = 6_000_000
XML_PARTS = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml")


def read_table(
    path: Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    wanted: Collection[str] = (),
) -> pd.DataFrame:
    """Read a table as it is.

    Parameters
    ----------
    path : Path
        CSV, XLSX or Parquet.
    separator : str, optional
        Of a CSV; found out when left out.
    encoding : str, optional
        Of a CSV; UTF-8 when left out.
    sheet : str, optional
        Of an XLSX; needed when there are several.
    wanted : collection of str
        Columns that will be used; they help to find the separator.

    Returns
    -------
    pandas.DataFrame
        All text, except in Parquet. The index is the line in the file less two (the header is line 1).
        GeoParquet gives a GeoDataFrame.

    Raises
    ------
    InputError
        If the file is not there or not safe, or is no such table.
    """
    archives.check_path(path)
    suffix = path.suffix.casefold()
    if suffix == ".xlsx":
        return _read_xlsx(path, sheet)
    if suffix in PARQUET_SUFFIXES:
        return _read_parquet(path)
    return _read_csv(path, separator, known_encoding(encoding), encoding is None, set(wanted))


def numbers(column: pd.Series, path: Path) -> NDArray[np.float64]:
    """Numbers with a decimal point; or with a decimal comma, when the column has one.

    Raises
    ------
    InputError
        With the first line that holds no number; infinite is none.
    """
    if pd.api.types.is_numeric_dtype(column):
        found = column.to_numpy(np.float64, na_value=np.nan)
    else:
        texts = column.astype(str)
        pattern = COMMA if texts.str.contains(",", regex=False).any() else PLAIN
        is_right = texts.map(lambda value: pattern.fullmatch(value) is not None)
        if pattern is COMMA:
            texts = texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        found = pd.to_numeric(texts.where(is_right), errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(found)
    if bad.any():
        row = int(column.index[int(np.flatnonzero(bad)[0])]) + 2
        raise InputError("csv_bad_number", file=path.name, row=row, count=int(bad.sum()))
    return found


def coordinate_lists(x: pd.Series, y: pd.Series, path: Path) -> NDArray[np.object_]:
    """A line through the points of two lists, as ``[52.1, 52.2]`` and ``[5.1, 5.2]``; a point when there is one.

    Raises
    ------
    InputError
    """
    shapes = []
    for index, east, north in zip(x.index, x.astype(str), y.astype(str), strict=True):
        found = [LIST.fullmatch(text) for text in (east, north)]
        values = [[] if match is None else match[1].split(",") for match in found]
        if (
            len(values[0]) != len(values[1])
            or not all(PLAIN.fullmatch(v) for v in (*values[0], *values[1]))
            or not values[0]
        ):
            raise InputError("csv_list", file=path.name, row=int(index) + 2)
        points = np.array(values, np.float64).T
        shapes.append(shapely.linestrings(points) if len(points) > 1 else shapely.points(points[0]))
    return np.array(shapes, object)


def without_srid(values: list[str], path: Path) -> tuple[NDArray[np.object_], pyproj.CRS | None]:
    """WKT without the SRID before it, and the coordinate system that it names.

    Raises
    ------
    InputError
        If it names several, or an unknown one.
    """
    texts, named = [], set()
    for value in values:
        # GEOS reads collections in collections by calling itself.
        if value.upper().count("COLLECTION") > archives.MAX_DEPTH:
            raise InputError("file_nested", file=path.name, limit=archives.MAX_DEPTH)
        found = EWKT.match(value)
        text = value[found.end() :] if found else value
        texts.append(text if text.strip() else None)
        if texts[-1] is not None:
            named.add(int(found[1]) if found else 0)
    if len(named) > 1:
        listed = ", ".join(f"EPSG:{code}" if code else "-" for code in sorted(named))
        raise InputError("wkt_srid_mixed", file=path.name, found=listed)
    code = named.pop() if named else 0
    if not code:
        return np.array(texts, object), None
    try:
        return np.array(texts, object), pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=f"EPSG:{code}") from error


# CSV -------------------------------------------------------------------------------------


def known_encoding(name: str | None) -> str:
    """The encoding to read text with; UTF-8, with or without a mark, when none is named.

    Raises
    ------
    InputError
        If Python does not know it, or it is no encoding of text.
    """
    if name is None:
        return "utf-8-sig"
    try:
        "".encode(name)
    except (LookupError, TypeError) as error:
        raise InputError("encoding_unknown", encoding=archives.shown(name)) from error
    return "utf-8-sig" if name.casefold().replace("-", "") in ("utf8", "u8") else name


def _read_csv(path: Path, separator: str | None, encoding: str, may_guess: bool, wanted: set[str]) -> pd.DataFrame:
    with path.open("rb") as file:
        if may_guess and file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            encoding = "utf-16"
    try:
        used = separator or find_separator(path, encoding, wanted)
        table = pd.read_csv(path, sep=used, dtype=str, keep_default_na=False, encoding=encoding)
    except UnicodeError as error:
        raise InputError("encoding_wrong", file=path.name, encoding=encoding.removesuffix("-sig")) from error
    except (ValueError, csv.Error) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error
    # A value too many in every row: pandas would take the first column for an index, and shift the others.
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError("table_shifted", file=path.name)
    if table.size > MAX_CELLS:
        raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
    return table.fillna("")


def find_separator(path: Path, encoding: str, wanted: set[str]) -> str:
    """The separator whose header holds the columns asked for, else the one that cuts the first lines evenly."""
    with path.open(encoding=encoding, newline="") as file:
        lines = [line for line in islice(iter(lambda: file.readline(65_536), ""), 30) if line.strip()]
    best, score = ",", (False, 1.0)
    for separator in SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            # A geometry longer than Python's reader takes: then the header alone tells.
            rows = [lines[0].rstrip("\r\n").split(separator)]
        if not rows:
            continue
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        found = (bool(wanted) and wanted <= set(rows[0]), len(rows[0]) * even)
        if found > score:
            best, score = separator, found
    return best


# Parquet ---------------------------------------------------------------------------------


def _read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet table; one that is packed so well that it would fill the memory is refused."""
    try:
        file = pq.ParquetFile(path)
        schema, rows = file.schema_arrow, file.metadata.num_rows
        if rows * max(len(schema), 1) > MAX_CELLS:
            raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
        texts = [f.name for f in schema if pa.types.is_binary(f.type) or pa.types.is_string(f.type)]
        # Text stays packed here, so that its real size is known before it is unpacked.
        packed = pq.read_table(path, read_dictionary=texts, memory_map=False)
        if sum(_unpacked(packed.column(name)) for name in texts) > archives.MAX_BYTES:
            raise InputError("archive_bomb", file=path.name, member="Parquet")
        has_place = b"geo" in (schema.metadata or {})
        return gpd.read_parquet(path) if has_place else packed.cast(file.schema_arrow).to_pandas()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, shapely.errors.GEOSException) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error


def _unpacked(column: pa.ChunkedArray) -> int:
    total = 0
    for chunk in column.chunks:
        if not pa.types.is_dictionary(chunk.type):
            return int(column.nbytes)
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
        total += int(pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0)
    return total


# XLSX ------------------------------------------------------------------------------------


@contextmanager
def _part(archive: zipfile.ZipFile, name: str, path: Path) -> Iterator[Iterator[ElementTree.Element]]:
    """The elements of one part, as they end; XML that declares a DOCTYPE stops it."""

    def elements() -> Iterator[ElementTree.Element]:
        parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(("end",))
        tail, count = b"", 0
        with archive.open(name) as file:
            while piece := file.read(65_536):
                if not tail:
                    archives.check_encoding(piece, path)
                plain = (tail + piece).replace(b"\0", b"").upper()
                if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
                    raise InputError("xml_doctype", file=path.name)
                tail = piece[-40:]
                parser.feed(piece)
                for event in parser.read_events():
                    count += 1
                    yield event[1]  # type: ignore[misc]
                if count > MAX_ELEMENTS:
                    raise InputError("table_too_large", file=path.name, limit=MAX_ELEMENTS)
            parser.close()

    try:
        yield elements()
    except (ElementTree.ParseError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError) as error:
        raise InputError("file_unreadable", file=path.name, reason=error) from error
    except (ValueError, LookupError, RuntimeError) as error:
        raise InputError("file_unreadable", file=path.name, reason=error) from error


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_xlsx(path: Path, sheet: str | None) -> pd.DataFrame:
    with archives.open_zip(path) as archive:
        shared: list[str] = []
        if XML_PARTS[2] in archive.namelist():
            with _part(archive, XML_PARTS[2], path) as elements:
                for element in elements:
                    if _local(element) == "si":
                        # Without the reading aids (rPh) beside the text.
                        parts = [part for part in element if _local(part) != "rPh"]
                        shared.append("".join(t.text or "" for part in parts for t in part.iter() if _local(t) == "t"))
                        element.clear()
        with _part(archive, _sheet_part(archive, path, sheet), path) as elements:
            rows = _rows(elements, shared)
    if not rows:
        raise InputError("file_no_features", file=path.name)
    width = max(max(cells, default=0) for cells in rows.values()) + 1
    if width * len(rows) > MAX_CELLS:
        raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
    head, *lines = sorted(rows)
    return pd.DataFrame(
        [[rows[line].get(i, "") for i in range(width)] for line in lines],
        index=[line - 2 for line in lines],
        columns=_unique([rows[head].get(i, "") for i in range(width)]),
        dtype=str,
    )


def _sheet_part(archive: zipfile.ZipFile, path: Path, sheet: str | None) -> str:
    """Name of the part that holds a sheet."""
    with _part(archive, XML_PARTS[0], path) as elements:
        sheets = {}
        for element in elements:
            if _local(element) == "sheet":
                link = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
                sheets[element.get("name", "")] = link
    known = ", ".join(archives.shown(name) for name in sheets)
    if sheet is None and len(sheets) > 1:
        raise InputError("sheet_many", file=path.name, known=known)
    if (sheet is not None and sheet not in sheets) or not sheets:
        raise InputError("sheet_missing", file=path.name, sheet=sheet or "-", known=known)
    wanted = sheets[next(iter(sheets)) if sheet is None else sheet]
    with _part(archive, XML_PARTS[1], path) as elements:
        for element in elements:
            if element.get("Id") == wanted and element.get("TargetMode", "Internal") == "Internal":
                target = element.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    raise InputError("file_unreadable", file=path.name, reason="no such part")


def _rows(elements: Iterator[ElementTree.Element], shared: list[str]) -> dict[int, dict[int, str]]:
    """Cells that are not empty, by row (counted from 1) and column (from 0)."""
    rows: dict[int, dict[int, str]] = {}
    line = 0
    current: dict[int, str] = {}
    column = -1
    for element in elements:
        kind = _local(element)
        if kind == "c":
            column = _column(element.get("r"), column + 1)
            if value := _cell(element, shared):
                current[column] = value
        elif kind == "row":
            line = int(element.get("r") or line + 1)
            if current:
                rows[line] = current
            current, column = {}, -1
        if kind in ("c", "row"):
            element.clear()
    return rows


def _column(reference: str | None, following: int) -> int:
    """Column of a cell such as ``AB12``, from 0; the following one when it names none."""
    number = 0
    for letter in (reference or "").rstrip("0123456789").upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    column = number - 1 if number else following
    if not 0 <= column < SHEET_COLUMNS:
        raise ValueError(f"cell {str(reference)[:20]!r}")
    return column


def _cell(element: ElementTree.Element, shared: list[str]) -> str:
    """The text of a cell; of a formula the formula, never its outcome."""
    parts = {_local(child): child for child in element}
    if "f" in parts:
        return "=" + (parts["f"].text or "")
    if "is" in parts:
        return "".join(t.text or "" for t in parts["is"].iter() if _local(t) == "t")
    value = (parts["v"].text or "") if "v" in parts else ""
    return shared[int(value)] if element.get("t") == "s" and value else value


def _unique(names: list[str]) -> list[str]:
    """Names of columns as pandas gives them: none twice, none empty."""
    found: dict[str, None] = {}
    for position, name in enumerate(names):
        plain = name or f"Unnamed: {position}"
        new, count = plain, 0
        while new in found:
            count += 1
            new = f"{plain}.{count}"
        found[new] = None
    return list(found)
