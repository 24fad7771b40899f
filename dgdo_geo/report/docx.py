"""A report as a Word file that people edit: the same blocks as on paper, as headings, paragraphs and tables.

Pictures are left out; their descriptions stand in their place.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from typing import Any

from dgdo_geo.errors import DataError
from dgdo_geo.report.blocks import Booklet, Contents, Facts, Figure, Heading, Items, Paragraph, Table
from dgdo_geo.report.letters import plain
from dgdo_geo.texts import text

LANGUAGE = "nl-NL"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def docx_of(booklet: Booklet) -> bytes:
    """The report as DOCX; equal for equal input.

    Raises
    ------
    DataError
        If the package that writes it is not installed.
    """
    try:
        import docx
    except ImportError:
        raise DataError("report_needs", package="python-docx", kind="docx") from None
    file = docx.Document()
    made = datetime.fromisoformat(booklet.made_for)
    about = file.core_properties
    about.title, about.subject, about.author = _clean(booklet.title)[:255], _clean(booklet.subtitle)[:255], ""
    about.comments, about.language = f"{text('report_facts', 'snapshot')}: {booklet.snapshot}", LANGUAGE
    about.created = about.modified = made
    about.last_modified_by, about.revision = "", 1
    _set_language(file)
    for section in file.sections:
        head = f"{booklet.mark}  " if booklet.mark else ""
        section.header.paragraphs[0].text = _clean(f"{head}{text('report_file', 'snapshot')}: {booklet.snapshot}")
        section.footer.paragraphs[0].text = _clean(booklet.attribution)
    for block in booklet.all_blocks():
        _add(file, block)
    written = io.BytesIO()
    file.save(written)
    return _same_times(written.getvalue(), (made.year, made.month, made.day, 0, 0, 0))


def _add(file: Any, block: object) -> None:
    if isinstance(block, Heading):
        file.add_heading(_clean(block.text), min(block.level, 9))
    elif isinstance(block, Paragraph):
        run = file.add_paragraph().add_run(_clean(block.text))
        run.bold = block.style == "mark"
        if block.url:
            file.add_paragraph(_clean(block.url))
    elif isinstance(block, Items):
        for item in block.items:
            file.add_paragraph(_clean(item), style="List Number" if block.is_ordered else "List Bullet")
    elif isinstance(block, Facts):
        for name, value in block.pairs:
            file.add_paragraph(_clean(f"{name}: {value}"))
    elif isinstance(block, Figure):
        file.add_paragraph().add_run(_clean(block.alt)).italic = True
    elif isinstance(block, Table):
        _add_table(file, block)
    elif not isinstance(block, Contents):
        return


def _add_table(file: Any, block: Table) -> None:
    """A table with a caption, and a row of heads that is repeated on every page."""
    from docx.oxml import OxmlElement

    file.add_paragraph(_clean(block.caption), style="Caption")
    table = file.add_table(rows=1 + len(block.rows), cols=len(block.columns), style="Table Grid")
    described = OxmlElement("w:tblDescription")
    described.set(_tag("w:val"), _clean(block.caption))
    table._tbl.tblPr.append(described)
    cells = table._cells
    texts = [column.title for column in block.columns] + [cell.text for row in block.rows for cell in row]
    for cell, value in zip(cells, texts, strict=True):
        cell.paragraphs[0].add_run(_clean(value))
    for cell in cells[: len(block.columns)]:
        cell.paragraphs[0].runs[0].bold = True
    properties = table.rows[0]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:tblHeader"))


def _set_language(file: Any) -> None:
    """Dutch for the whole file, so that it is read aloud and checked as Dutch."""
    from docx.oxml import OxmlElement

    properties = file.styles.element.rPr_lst[0] if hasattr(file.styles.element, "rPr_lst") else None
    if properties is None:
        properties = file.styles["Normal"].element.get_or_add_rPr()
    language = OxmlElement("w:lang")
    for name in ("w:val", "w:eastAsia", "w:bidi"):
        language.set(_tag(name), LANGUAGE)
    properties.append(language)


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _clean(value: str) -> str:
    """A text without what XML cannot hold and what nobody sees."""
    return _FORBIDDEN.sub(" ", plain(value))


def _same_times(content: bytes, day: tuple[int, int, int, int, int, int]) -> bytes:
    """The same zip file with a fixed time for every part."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, (max(1980, day[0]), *day[1:]))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return result.getvalue()
