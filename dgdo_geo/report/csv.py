"""A report as CSV files, together in one zip file.

Comma-separated, numbers with a point, UTF-8 with a mark by which spreadsheets know it: the same form as the other
downloads of the program. A text that a spreadsheet could read as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable

from dgdo_geo.report.document import Comparison, Report, reports_of
from dgdo_geo.report.figures import harmless
from dgdo_geo.report.tables import DataTable, Value, tables_of
from dgdo_geo.texts import text

ABOUT = "lees_mij.txt"
"""The file in the zip file that tells what the others hold."""


def csv_of(document: Report | Comparison) -> bytes:
    """All tables, one file each, and a file that explains them; equal for equal input."""
    day = reports_of(document)[0].answer.on
    tables = tables_of(document)
    files = {f"{table.key}.csv": csv_text(table) for table in tables}
    return zipped({ABOUT: _about(document, tables), **files}, (max(1980, day.year), day.month, day.day))


def csv_text(table: DataTable) -> str:
    """One table as CSV."""
    file = io.StringIO()
    # Spreadsheets recognise UTF-8 by this mark.
    file.write("\ufeff")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value) for value in row])
    return file.getvalue()


def zipped(files: dict[str, str], day: tuple[int, int, int]) -> bytes:
    """Texts as a zip file, with a fixed day."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (*day, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.encode())
    return result.getvalue()


def _cell(value: Value) -> Value:
    return harmless(value) if isinstance(value, str) else value


def _about(document: Report | Comparison, tables: Iterable[DataTable]) -> str:
    lines = [f"{text('report_facts', 'snapshot')}: {document.snapshot}"]
    if any(report.is_schematic for report in reports_of(document)):
        lines.append(text("report", "mark_sentence"))
    for table in tables:
        lines += ["", f"{table.key}.csv: {table.title}. {table.note}"]
        lines += [f"  {column.key}: {column.title}" for column in table.columns]
    return "\r\n".join([*lines, "", text("report", "disclaimer"), ""])
