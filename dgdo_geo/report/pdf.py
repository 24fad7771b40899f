"""A report as a PDF that everybody can read: PDF/UA-1, with its data attached as PDF/A-3a when asked."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dgdo_geo.errors import DataError
from dgdo_geo.report.blocks import (
    Block,
    Booklet,
    Cell,
    Column,
    Figure,
    Heading,
    Items,
    Paragraph,
    sample_svg,
    samples,
)
from dgdo_geo.report.letters import shown
from dgdo_geo.report.written import web_address
from dgdo_geo.texts import section

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
TEMPLATE = HERE / "templates" / "report.typ"
KEPT = 10
"""Documents through which typst keeps what it laid out before (``comemo::evict(10)`` in typst-py)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF.

    Attributes
    ----------
    name : str
        With its extension.
    content : bytes
    mime : str
    description : str
        For whoever opens the list of attachments.
    """

    name: str
    content: bytes
    mime: str
    description: str


def pdf_of(booklet: Booklet, attached: Sequence[Attachment] = ()) -> bytes:
    """The report as PDF; equal for equal input.

    Parameters
    ----------
    booklet : Booklet
    attached : sequence of Attachment
        With at least one the file is PDF/A-3a as well.

    Raises
    ------
    DataError
        If the typesetter is not installed, or refuses the report.
    """
    try:
        import typst
    except ImportError:
        raise DataError("report_needs", package="typst", kind="pdf") from None
    inputs = {"data": json.dumps(_data(booklet, attached), ensure_ascii=False)}
    made = datetime.fromisoformat(booklet.made_for).replace(tzinfo=UTC)
    try:
        return bytes(
            typst.compile(
                TEMPLATE,
                root=TEMPLATE.parent,
                format="pdf",
                font_paths=[FONTS],
                ignore_system_fonts=True,
                sys_inputs=inputs,
                pdf_standards=["a-3a", "ua-1"] if attached else ["ua-1"],
                timestamp=made,
            )
        )
    except typst.TypstError as error:
        raise DataError("report_pdf_refused", detail=str(error)) from error
    finally:
        # The typesetter keeps what it laid out through the next ten documents, half a gigabyte in all; ours hardly share.
        for _ in range(KEPT + 1):
            typst.compile(b"", ignore_system_fonts=True)


def _data(booklet: Booklet, attached: Sequence[Attachment]) -> dict[str, object]:
    """Everything that the template shows, as JSON: texts are values there, never markup."""
    blocks = [_block(block) for block in booklet.blocks]
    words = {key: shown(value) for key, value in section("report_file").items()}
    head = {
        name: shown(getattr(booklet, name)) for name in ("title", "subtitle", "mark", "attribution", "snapshot", "day")
    }
    files = [
        {"name": file.name, "content": list(file.content), "mime": file.mime, "description": shown(file.description)}
        for file in attached
    ]
    pictures = {f"{kind}/{key}": sample_svg(kind, key) for kind, key in samples(booklet)}
    return {**head, "blocks": blocks, "words": words, "samples": pictures, "files": files}


def _block(block: Block) -> dict[str, object]:
    """A block with its kind, every text in letters that the fonts have."""
    values = {field.name: getattr(block, field.name) for field in dataclasses.fields(block)}
    return {"is": type(block).__name__} | {key: _member(key, value) for key, value in values.items()}


def _printable(value: object) -> object:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, tuple):
        return [_printable(item) for item in value]
    if isinstance(value, Cell | Column):
        return {field.name: _member(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}
    return _block(value) if isinstance(value, Figure | Heading | Paragraph | Items) else value


def _member(key: str, value: object) -> object:
    """A picture is ours, and its own texts are in letters that the fonts have; an address must be one of the web."""
    if key == "url":
        return web_address(str(value))
    return value if key == "svg" else _printable(value)
