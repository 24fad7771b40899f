"""Texts that others wrote stay texts in every file; marks and gaps are where they belong."""

from __future__ import annotations

import zipfile
from html.parser import HTMLParser

import docx
import openpyxl
import pypdf
import pytest
import report_files as files
from worlds import TODAY, build_world, tiny_tables

from dgdo_geo.model import LayerStatus
from dgdo_geo.query import Explorer
from dgdo_geo.report.letters import shown
from dgdo_geo.report.making import Made
from dgdo_geo.texts import text

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script><b>vet</b>",
    '#eval("1") $x^2$ *ster* _streep_ @ref <lab> \\u{41}',
    "&amp; &lt; \"aanhaling\" 'enkel'",
    "עברית שלום",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The drawing, with such texts as titles of rules, procedures, concerns and activities, and in a declaration."""
    tables = tiny_tables()
    for item, words in zip(tables["rules/test.toml"]["rule"], HOSTILE[:6], strict=False):
        item["title_nl"] = words
    tables["activities.toml"]["activity"][0]["name_nl"] = HOSTILE[0]
    tables["activities.toml"]["activity"][1]["name_nl"] = HOSTILE[6]
    tables["concerns/test.toml"]["concern"][0]["text_nl"] = HOSTILE[3] + "lang " * 300
    tables["rules/test.toml"]["rule"][0]["explanation_nl"] = "lang " * 8000
    world = build_world(tmp_path_factory.mktemp("hostile"), tables)
    path = next(world.shipped.glob("*/zones/layer.toml"))
    path.write_text(path.read_text().replace('title_nl = "Zones"', "title_nl = '=HYPERLINK(\"http://x\")'"))
    assert "HYPERLINK" in path.read_text()
    return world.open()


@pytest.fixture(scope="module")
def made(hostile: Explorer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return files.made(hostile, tmp_path_factory.mktemp("out"), "GM9001")


def test_no_cell_of_the_spreadsheet_is_a_formula_or_link(made):
    book = openpyxl.load_workbook(files.of(made, ".xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    said = {cell.value for cell in cells}
    for words in (*HOSTILE, '=HYPERLINK("http://x")'):
        assert words in said
    assert any(str(value).endswith("…") and len(str(value)) == 32_767 for value in said)


def test_no_field_of_the_csv_starts_like_a_formula(made):
    said = set()
    for table in files.csvs(files.of(made, ".zip")).values():
        said |= {value for column in table for value in table[column] if isinstance(value, str)}
    assert not any(value.startswith(("=", "+", "-", "@", "\t")) for value in said)
    assert {"'" + HOSTILE[0], "'" + HOSTILE[1], HOSTILE[3], HOSTILE[4], HOSTILE[6]} <= said


def test_the_geopackage_holds_the_texts_as_they_are(made):
    path = files.of(made, ".gpkg")
    assert HOSTILE[0] in set(files.layer(path, "banden")["activiteit_naam"])
    assert HOSTILE[6] in set(files.layer(path, "banden")["activiteit_naam"])
    assert set(HOSTILE[:6]) <= set(files.layer(path, "regels")["regels_naam"])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_shows_markup_as_text(made):
    page = _Page()
    page.feed(files.of(made, ".html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert any(HOSTILE[3] in said for said in page.said)
    assert any(HOSTILE[4] in said for said in page.said)


def test_the_pdf_and_the_word_file_show_markup_as_text(made):
    printed = "".join(page.extract_text() for page in pypdf.PdfReader(files.of(made, ".pdf")).pages)
    bare = "".join(printed.split())
    written = docx.Document(str(files.of(made, ".docx")))
    cells = {cell.text for table in written.tables for cell in table._cells}
    fired = [HOSTILE[i] for i in (0, 1)]  # the rules about the zones, in Westdorp
    for words in fired:
        assert "".join(words.split()) in bare
        assert any(words in cell for cell in cells)
    # A concern with markup, and the name of an activity that is written from right to left.
    lines = cells | {paragraph.text for paragraph in written.paragraphs}
    for words in (HOSTILE[3], HOSTILE[6]):
        assert any(words in line for line in lines)
    assert "".join(shown(HOSTILE[3]).split()) in bare
    # Text is taken out of a PDF as it stands on paper, from left to right.
    assert all(word in bare or word[::-1] in bare for word in shown(HOSTILE[6]).split())


def test_the_word_file_is_dutch_and_repeats_the_heads_of_tables(made):
    with zipfile.ZipFile(files.of(made, ".docx")) as archive:
        styles, body = archive.read("word/styles.xml").decode(), archive.read("word/document.xml").decode()
    assert 'w:val="nl-NL"' in styles
    assert body.count("<w:tblHeader/>") == body.count("<w:tbl>") > 0


# Marks and gaps --------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "is_marked"), [("GM9002", True), ("GM9001", False)])
def test_the_mark_stands_on_every_sheet_and_page(tiny, tmp_path, code, is_marked):
    answer = tiny.for_region(code, TODAY)
    assert answer.quality.is_mark_needed is is_marked
    found = files.made(tiny, tmp_path, code, formats=("xlsx", "pdf", "docx"))
    mark, sentence = text("report", "mark"), text("report", "mark_sentence")
    for sheet in openpyxl.load_workbook(files.of(found, ".xlsx")):
        assert (sheet["A4"].value == sentence) is is_marked
        assert (mark in (sheet.oddHeader.right.text or "")) is is_marked
    for page in pypdf.PdfReader(files.of(found, ".pdf")).pages:
        assert (mark.split()[0] in page.extract_text()) is is_marked
    head = docx.Document(str(files.of(found, ".docx"))).sections[0].header.paragraphs[0].text
    assert (mark in head) is is_marked


def test_a_missing_layer_lists_what_cannot_be_said(tmp_path):
    world = build_world(tmp_path)
    world.home("zones").joinpath("product.parquet").unlink()
    explorer = world.open()
    found = files.made(explorer, tmp_path / "out", "GM9001", formats=("csv", "gpkg"))
    tables = files.csvs(files.of(found, ".zip"))
    gaps = tables["niet_te_zeggen"].set_index("laag_id")
    answers = explorer.for_region("GM9001", TODAY).answers
    for layer_id, status in (("natuur", LayerStatus.NOT_LOADED), ("zones", LayerStatus.UNREADABLE)):
        assert explorer.states[layer_id].status is status
        silent = {u.rule.id for a in answers for u in a.unanswered if u.layer and u.layer.id == layer_id}
        assert silent
        row = gaps.loc[layer_id]
        assert (row["aantal"], row["deel"]) == (len(silent), 1.0)
        assert row["hoe"]
    assert set(gaps.index) <= set(files.layer(files.of(found, ".gpkg"), "niet_te_zeggen")["laag_id"])
