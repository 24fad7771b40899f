"""Reports as PDF: read back with another program, and checked against PDF/UA by yet another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from booklets import HOSTILE, LONG, UNSEEN, booklet

from dgdo_geo.errors import DataError
from dgdo_geo.report.blocks import Booklet, Heading, Paragraph
from dgdo_geo.report.letters import COVERED, plain, shown
from dgdo_geo.report.pdf import Attachment, pdf_of

pypdf = pytest.importorskip("pypdf")


def opened(content: bytes) -> Any:
    return pypdf.PdfReader(BytesIO(content))


def words_of(reader: Any) -> str:
    """All text, without spaces and hyphens that only lay out made."""
    return bare("".join(page.extract_text() for page in reader.pages))


def bare(words: str) -> str:
    return re.sub(r"[\s\u200b\u00ad-]+", "", words)


def elements(reader: Any) -> Iterator[Any]:
    """All elements of the structure tree."""

    def below(node: Any) -> Iterator[Any]:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                yield from below(child)
        elif isinstance(node, dict):
            if "/S" in node:
                yield node
            yield from below(node.get("/K", []))

    yield from below(reader.trailer["/Root"]["/StructTreeRoot"])


def kinds(reader: Any) -> dict[str, int]:
    count: dict[str, int] = {}
    for element in elements(reader):
        count[str(element["/S"])] = count.get(str(element["/S"]), 0) + 1
    return count


def titles(outline: Any) -> list[str]:
    return [t for item in outline for t in (titles(item) if isinstance(item, list) else [str(item.title)])]


def test_the_file_is_tagged_dutch_and_has_bookmarks() -> None:
    made = booklet()
    reader = opened(pdf_of(made))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "nl-NL" and root["/MarkInfo"]["/Marked"]
    assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode()
    assert reader.metadata.title == made.title
    assert titles(reader.outline) == [shown(heading.text) for heading in made.headings]
    found = kinds(reader)
    assert found["/Table"] == 1 and found["/TH"] == 3, "one table with its three header cells"
    assert found["/H1"] == 1 and found["/H2"] == 2 and found["/H3"] == 1
    figures = [e for e in elements(reader) if e["/S"] == "/Figure"]
    assert len(figures) == 2 and all(e.get("/Alt") or e.get("/A", {}).get("/Alt") for e in figures)
    assert {str(e["/Alt"]) for e in figures} == {"Kaartje.", HOSTILE[0]}


def test_every_page_has_the_mark_the_number_and_the_source() -> None:
    reader = opened(pdf_of(booklet(rows=150)))
    pages = [page.extract_text() for page in reader.pages]
    assert len(pages) >= 4
    for number, page in enumerate(pages, 1):
        assert "SCHEMATISCH" in page and f"Pagina {number} van {len(pages)}" in page
        assert "abc123" in page and "Bron:" in page
    heads = [page for page in pages if "Activiteit" in page and "km²" in page]
    assert len(heads) >= 3, "the header of the table is repeated"
    clean = opened(pdf_of(booklet(mark="")))
    assert not any("SCHEMATISCH" in page.extract_text() for page in clean.pages)


def test_equal_input_gives_equal_files() -> None:
    assert pdf_of(booklet()) == pdf_of(booklet())
    data = [Attachment("antwoord.json", b'{"a": 1}', "application/json", "De getallen")]
    assert pdf_of(booklet(), data) == pdf_of(booklet(), data)


def test_the_data_can_be_attached() -> None:
    content = bytes(range(256)) * 40
    reader = opened(pdf_of(booklet(), [Attachment("rapport.xlsx", content, "application/x-test", "De tabellen")]))
    assert reader.attachments["rapport.xlsx"][0] == content
    metadata = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "pdfaid" in metadata and "pdfuaid" in metadata


def test_hostile_text_is_read_back_letter_by_letter() -> None:
    reader = opened(pdf_of(booklet()))
    found = words_of(reader)
    for words in HOSTILE[:-1]:
        assert found.count(bare(words)) >= 4, words
    assert "שלום" in found or "שלום"[::-1] in found
    assert len(reader.pages) < 9
    addresses = [a.get_object().get("/A", {}).get("/URI") for p in reader.pages for a in p.get("/Annots", [])]
    assert "https://wetten.overheid.nl/" in addresses
    assert not [address for address in addresses if address and not address.startswith("https://")]


def test_what_no_font_has_is_written_as_its_number_and_nothing_is_lost() -> None:
    assert shown(UNSEEN) == "a[U+202E]b[U+0007]c[U+4E2D]d[U+1F600]e"
    assert plain(UNSEEN) == "a[U+202E]b[U+0007]c\u4e2dd\U0001f600e"
    found = words_of(opened(pdf_of(booklet((UNSEEN, LONG)))))
    assert found.count(bare(shown(UNSEEN))) >= 4
    assert found.count(LONG) >= 2, "all 5,000 letters"
    assert found.count(LONG[:10]) >= 0.99 * 5 * len(LONG) / 10, "also where a page ends in the middle of it"


def test_no_text_lies_outside_its_page() -> None:
    reader = opened(pdf_of(booklet((LONG, *HOSTILE), rows=60)))
    for page in reader.pages:
        wide, tall = float(page.mediabox.width), float(page.mediabox.height)
        places: list[tuple[float, float]] = []

        def note(
            words: str, _cm: Any, tm: Any, _font: Any, _size: Any, seen: list[tuple[float, float]] = places
        ) -> None:
            if words.strip():
                seen.append((tm[4], tm[5]))

        page.extract_text(visitor_text=note)
        assert places
        assert all(0 <= x <= wide and 0 <= abs(y) <= tall for x, y in places)


def test_the_fonts_have_every_letter_that_is_called_covered() -> None:
    letters = [chr(code) for first, last in COVERED for code in range(first, last + 1)]
    assert len(letters) > 700
    lines = tuple(Paragraph(" ".join(letters[i : i + 60]), style) for i in range(0, len(letters), 60) for style in ("text", "mark"))  # type: ignore[arg-type] # fmt: skip
    page = Booklet("Letters", "", "", "", "", "", "2026-12-01", (Heading(1, "Letters", "l"), *lines))
    assert pdf_of(page).startswith(b"%PDF"), "PDF/UA refuses a letter without a shape"


def test_a_report_that_the_standard_refuses_is_an_error_in_dutch() -> None:
    wrong = Booklet("Kop", "", "", "", "", "", "2026-12-01", (Heading(3, "Niveau drie eerst", "x"),))
    with pytest.raises(DataError) as caught:
        pdf_of(wrong)
    assert "PDF" in caught.value.message_nl and "html" in caught.value.message_nl
