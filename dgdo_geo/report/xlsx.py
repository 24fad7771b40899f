"""A report as a spreadsheet: one sheet and one named table for every table, with full numbers and texts that stay texts."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dgdo_geo.errors import DataError
from dgdo_geo.report.document import Comparison, Report, reports_of
from dgdo_geo.report.tables import DataTable, tables_of
from dgdo_geo.texts import text

LONGEST = 32_767
"""Characters that a cell can hold."""
WIDEST, NARROWEST = 60, 9
"""Widths of columns, in characters."""
HEAD_ROW = 4
"""Row of the heads of the columns, from 0."""
_FORMATS = {"km2": "#,##0.000000", "share": "0.00%", "number": "General", "text": "@"}
_CONTROL = {code: " " for code in range(32) if code not in (9, 10)}


@dataclass(frozen=True, slots=True)
class About:
    """What stands on every sheet.

    Attributes
    ----------
    title, snapshot : str
    day : date
    is_marked : bool
        True when the sheets must say that they rest on schematic data.
    """

    title: str
    snapshot: str
    day: date
    is_marked: bool


def xlsx_of(document: Report | Comparison) -> bytes:
    """The report as XLSX; equal for equal input.

    Raises
    ------
    DataError
        If the package that writes it is not installed.
    """
    reports = reports_of(document)
    title = text("report", "title", name=", ".join(report.answer.region.name for report in reports))
    is_marked = any(report.is_schematic for report in reports)
    return book_of(tables_of(document), About(title, document.snapshot, reports[0].answer.on, is_marked))


def book_of(tables: Iterable[DataTable], about: About) -> bytes:
    """Tables as XLSX, each on a sheet of its own.

    Raises
    ------
    DataError
        If the package that writes it is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise DataError("report_needs", package="xlsxwriter", kind="xlsx") from None
    result = io.BytesIO()
    as_text = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    book = xlsxwriter.Workbook(result, {"in_memory": True, **as_text})
    book.set_properties(
        {
            "title": _clean(about.title)[:255],
            "author": text("report_file", "author"),
            "comments": f"{text('report_facts', 'snapshot')}: {about.snapshot}",
            "created": datetime(about.day.year, about.day.month, about.day.day, tzinfo=UTC).replace(tzinfo=None),
        }
    )
    formats = {kind: book.add_format({"num_format": code, "valign": "top"}) for kind, code in _FORMATS.items()}
    formats["title"] = book.add_format({"bold": True, "font_size": 14})
    formats["mark"] = book.add_format({"bold": True, "font_color": "#8a0000"})
    formats["head"] = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#dcebf2"})
    for table in tables:
        sheet = book.add_worksheet(table.key)
        _heads(sheet, table, about, formats)
        _body(sheet, table, formats)
    book.close()
    return result.getvalue()


def _heads(sheet: Any, table: DataTable, about: About, formats: dict[str, Any]) -> None:
    """Title, snapshot, note and mark above the table; how the sheet is printed."""
    sheet.write_string(0, 0, _clean(table.title), formats["title"])
    sheet.write_string(1, 0, f"{text('report_facts', 'snapshot')}: {about.snapshot} | {about.day.isoformat()}")
    sheet.write_string(2, 0, _clean(table.note))
    if about.is_marked:
        sheet.write_string(3, 0, text("report", "mark_sentence"), formats["mark"])
        sheet.set_header(f"&R{text('report', 'mark').replace('&', '&&')}")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW)
    sheet.freeze_panes(HEAD_ROW + 1, 0)


def _body(sheet: Any, table: DataTable, formats: dict[str, Any]) -> None:
    """The named table: every text is a text, every number a number with all its digits."""
    for number, row in enumerate(table.rows, HEAD_ROW + 1):
        for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            shape = formats[column.kind]
            if isinstance(value, str):
                sheet.write_string(number, place, _clean(value), shape)
            elif value is not None:
                sheet.write_number(number, place, value, shape)
    heads = [
        {"header": column.title, "header_format": formats["head"], "format": formats[column.kind]}
        for column in table.columns
    ]
    last = HEAD_ROW + max(1, len(table.rows))
    named = {"name": f"tabel_{table.key}", "style": "Table Style Light 9", "columns": heads}
    sheet.add_table(HEAD_ROW, 0, last, len(heads) - 1, named)
    for place, column in enumerate(table.columns):
        longest = max([len(str(row[place])) for row in table.rows[:500] if isinstance(row[place], str)], default=0)
        sheet.set_column(place, place, min(WIDEST, max(NARROWEST, len(column.title) // 2 + 3, longest + 1)))


def _clean(value: str) -> str:
    """A text that a cell can hold: without control characters, cut off visibly where it is too long."""
    bare = value.translate(_CONTROL)
    return bare if len(bare) <= LONGEST else bare[: LONGEST - 1] + "…"
