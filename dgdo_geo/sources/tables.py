"""Tables: CSV, XLSX and Parquet.

Every value of a CSV or XLSX stays the text that it is; a formula is text too.
"""

from __future__ import annotations

import codecs
import csv
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.read_options import ALL
from dgdo_geo.sources.values import numbers as numbers  # its users read tables

CSV_SUFFIXES = (".csv", ".txt", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".geoparquet")
SEPARATORS = (",", ";", "\t", "|", "#")
MAX_CELLS = 20_000_000
SHEET_COLUMNS = 16_384
MAX_ELEMENTS = 6_000_000
XML_PARTS = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml")


def read_table(
    path: Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    columns: Sequence[str] = (),
    transposed: bool = False,
    wanted: Collection[str] = (),
) -> pd.DataFrame:
    """Read a table as it is.

    Parameters
    ----------
    path : Path
        CSV, XLSX or Parquet.
    separator : str, optional
        Of a CSV; found out when left out. A space stands for any number of them.
    encoding : str, optional
        Of a CSV; UTF-8 when left out.
    sheet : str, optional
        Of an XLSX; needed when there are several. ``*`` joins all of them, with their names in a column ``sheet``.
    columns : sequence of str
        Names of the columns of a CSV or XLSX without a header.
    transposed : bool
        The names stand in the first column and the values beside them: a sheet is one row. A second value of
        ``depth`` becomes ``depth 2``.
    wanted : collection of str
        Columns that will be used; they help to find the separator.

    Returns
    -------
    pandas.DataFrame
        All text, except in Parquet. The index is the line in the file less two (the header is line 1).
        GeoParquet gives a GeoDataFrame. ``attrs["read"]`` tells how it was read: driver, encoding, separator.

    Raises
    ------
    InputError
        If the file is not there or not safe, or is no such table.
    """
    archives.check_path(path)
    suffix = path.suffix.casefold()
    how: dict[str, str] = {"driver": suffix.lstrip(".").upper()}
    if suffix == ".xlsx":
        table = _read_xlsx(path, sheet, columns, transposed)
    elif suffix in PARQUET_SUFFIXES:
        table = _read_parquet(path)
    else:
        lead = set() if transposed or columns else set(wanted)
        header = None if transposed or columns else "infer"
        table, used = _read_csv(path, separator, known_encoding(encoding), encoding is None, lead, columns, header)
        how |= used
        if transposed:
            cells = [dict(enumerate(row)) for row in table.to_numpy().tolist()]
            table = pd.DataFrame([_sideways(cells)], index=[-1], dtype=str)
    table.attrs["read"] = how
    return table


def _sideways(rows: Sequence[Mapping[int, str]]) -> dict[str, str]:
    """The first value of every row as the name of the others."""
    found: dict[str, str] = {}
    for row in rows:
        name = row.get(0, "").strip()
        for column in sorted(row):
            if name and column and row[column].strip():
                found[name if column == 1 else f"{name} {column}"] = row[column]
    return found


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


def _read_csv(
    path: Path,
    separator: str | None,
    encoding: str,
    may_guess: bool,
    wanted: set[str],
    columns: Sequence[str],
    header: str | None,
) -> tuple[pd.DataFrame, dict[str, str]]:
    with path.open("rb") as file:
        if may_guess and file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            encoding = "utf-16"
    try:
        used = separator or find_separator(path, encoding, wanted, len(columns))
        table = pd.read_csv(
            path,
            sep=r"\s+" if used == " " else used,
            dtype=str,
            keep_default_na=False,
            encoding=encoding,
            header=header,  # type: ignore[arg-type]
            names=list(columns) or None,
        )
    except UnicodeError as error:
        raise InputError("encoding_wrong", file=path.name, encoding=encoding.removesuffix("-sig")) from error
    except (ValueError, csv.Error) as error:
        raise InputError("file_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error
    # A value too many in every row: pandas would take the first column for an index, and shift the others.
    if not isinstance(table.index, pd.RangeIndex) or (columns and table.iloc[:, -1].isna().all()):
        raise InputError("table_shifted", file=path.name)
    if table.size > MAX_CELLS:
        raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
    if header is None:
        table.index -= 1
    table.columns = _unique([str(name).strip() for name in table.columns])
    return table.fillna(""), {"encoding": encoding.removesuffix("-sig"), "separator": used}


def find_separator(path: Path, encoding: str, wanted: set[str], width: int = 0) -> str:
    """The separator whose header holds the columns asked for, else the one that cuts the first lines evenly.

    ``width`` is the number of columns of a table without a header.
    """
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
        found = (bool(wanted) and wanted <= {name.strip() for name in rows[0]}, len(rows[0]) * even)
        if found > score:
            best, score = separator, found
    words = [line.split() for line in lines]
    if score == (False, 1.0) and words and all(len(row) == len(words[0]) for row in words):
        # Columns apart by blanks only: when that gives what was asked for.
        best = " " if (wanted and wanted <= set(words[0])) or len(words[0]) == width > 1 else best
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


def _read_xlsx(path: Path, sheet: str | None, columns: Sequence[str], transposed: bool) -> pd.DataFrame:
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
        tables = []
        for name, member in _sheet_parts(archive, path, sheet).items():
            with _part(archive, member, path) as elements:
                rows = _rows(elements, shared)
            if rows:
                table = _sheet_table(rows, columns, transposed, path)
                if sheet == ALL:
                    table = table.rename(columns={"sheet": "sheet.1"})
                    table.insert(0, "sheet", name)
                tables.append(table)
    if not tables:
        raise InputError("file_no_features", file=path.name)
    # Sheets may have other columns; a cell that a sheet does not have is empty.
    found = tables[0] if len(tables) == 1 else pd.concat(tables).fillna("")
    if found.size > MAX_CELLS:
        raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
    return found


def _sheet_table(rows: dict[int, dict[int, str]], columns: Sequence[str], transposed: bool, path: Path) -> pd.DataFrame:
    if transposed:
        return pd.DataFrame([_sideways([rows[line] for line in sorted(rows)])], index=[-1], dtype=str)
    width = max(max(cells, default=0) for cells in rows.values()) + 1
    if width * len(rows) > MAX_CELLS:
        raise InputError("table_too_large", file=path.name, limit=MAX_CELLS)
    if columns and width != len(columns):
        raise InputError("table_shifted", file=path.name)
    lines = sorted(rows) if columns else sorted(rows)[1:]
    head = columns or [rows[min(rows)].get(i, "").strip() for i in range(width)]
    return pd.DataFrame(
        [[rows[line].get(i, "") for i in range(width)] for line in lines],
        index=[line - 2 for line in lines],
        columns=_unique(list(head)),
        dtype=str,
    )


def _sheet_parts(archive: zipfile.ZipFile, path: Path, sheet: str | None) -> dict[str, str]:
    """Names of the sheets that are wanted, with the part that holds each."""
    with _part(archive, XML_PARTS[0], path) as elements:
        sheets = {}
        for element in elements:
            if _local(element) == "sheet":
                link = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
                sheets[element.get("name", "")] = link
    known = ", ".join(archives.shown(name) for name in sheets)
    if sheet is None and len(sheets) > 1:
        raise InputError("sheet_many", file=path.name, known=known)
    if (sheet is not None and sheet != ALL and sheet not in sheets) or not sheets:
        raise InputError("sheet_missing", file=path.name, sheet=sheet or "-", known=known)
    wanted = sheets if sheet in (None, ALL) else {str(sheet): sheets[str(sheet)]}
    members: dict[str, str] = {}
    with _part(archive, XML_PARTS[1], path) as elements:
        for element in elements:
            if element.get("TargetMode", "Internal") == "Internal":
                target = element.get("Target", "")
                full = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
                members[element.get("Id", "")] = full
    if not all(link in members for link in wanted.values()):
        raise InputError("file_unreadable", file=path.name, reason="no such part")
    return {name: members[link] for name, link in wanted.items()}


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
