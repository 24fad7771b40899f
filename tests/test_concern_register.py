"""The register of concerns is complete: every part of the report of the regional sessions, in words of our own."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model.guidance import RaisedBy

KNOWLEDGE = read_knowledge()
CONCERNS = {concern.id: concern for concern in KNOWLEDGE.concerns}
SECTIONS = {section.id: section for section in KNOWLEDGE.coverage}

SOURCE = Path(__file__).resolve().parents[1].parent / "shared" / "seed" / "dgdo-regiosessies-rvo-2026.txt"
needs_source = pytest.mark.skipif(not SOURCE.is_file(), reason=f"the report of the sessions is not here: {SOURCE}")

LEVELS = {"gemeenten": RaisedBy.MUNICIPALITIES, "provincies": RaisedBy.PROVINCES_AND_WATER_BOARDS}
REGIONS = ("Noord", "Oost", "Zuid", "West")
WORDS_IN_TEXT = 60
WORDS_IN_TITLE = 8
SHARED_WORDS = 8

TABLE_SUBJECTS = {
    "ruimtelijke-afweging": "ruimtelijke afweging",
    "veiligheid": "veiligheid",
    "governance": "governance & rolverdeling",
    "participatie": "participatie & communicatie",
    "kennis": "kennis & kaarten",
    "schade": "schade",
    "drinkwater": "drinkwater",
    "geothermie": "geothermie",
    "draagkracht": "draagkracht / lusten-lasten",
}
SUBJECTS = {
    *TABLE_SUBJECTS.values(),
    "cumulatie",
    "netwerklaag",
    "programma's en samenhang",
    "regionaal maatwerk",
    "economie",
    "grondwater en waterhuishouding",
    "seismiciteit",
}

COUNTS = {
    "A": 13,
    "B.1.knelpunten": 4,
    "B.1.behoeften": 6,
    "B.1.verwachtingen": 7,
    "B.1.verschillen.gemeenten": 1,
    "B.1.verschillen.provincies": 1,
    "figuur2": 22,
    "B.2.knelpunten": 3,
    "B.2.behoeften": 6,
    "B.2.verwachtingen": 5,
    "B.2.verschillen.gemeenten": 1,
    "B.2.verschillen.provincies": 1,
    "figuur3": 22,
    "B.3.knelpunten": 4,
    "B.3.behoeften": 4,
    "B.3.verwachtingen": 3,
    "B.3.verschillen.gemeenten": 1,
    "B.3.verschillen.provincies": 1,
    "figuur4": 23,
    "C.noord": 5,
    "C.oost": 4,
    "C.zuid": 3,
    "C.west": 3,
    "D.ruimtelijke-afweging.gemeenten": 2,
    "D.ruimtelijke-afweging.provincies": 2,
    "D.veiligheid.gemeenten": 2,
    "D.veiligheid.provincies": 2,
    "D.governance.gemeenten": 2,
    "D.governance.provincies": 2,
    "D.participatie.gemeenten": 3,
    "D.participatie.provincies": 2,
    "D.kennis.gemeenten": 1,
    "D.kennis.provincies": 2,
    "D.schade.gemeenten": 2,
    "D.schade.provincies": 2,
    "D.drinkwater.gemeenten": 2,
    "D.drinkwater.provincies": 1,
    "D.geothermie.gemeenten": 3,
    "D.geothermie.provincies": 3,
    "D.draagkracht.gemeenten": 2,
    "D.draagkracht.provincies": 3,
}
"""Parts of the report, and how many points, bullets, lines, paragraphs or statements each holds; counted by hand."""

OUTSIDE = {"3.vertrekpunten"}
"""Parts that are covered too, but of which only some bullets hold a concern."""


def part_of(section_id: str) -> str:
    return re.sub(r"\.\d+$", "", section_id)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + SHARED_WORDS]) for i in range(len(found) - SHARED_WORDS + 1)}


def source_lines() -> list[str]:
    return [line.strip() for line in SOURCE.read_text(encoding="utf-8").splitlines()]


def between(lines: list[str], first: str, last: str) -> list[str]:
    """Lines after the one that starts with ``first``, up to the next one that starts with ``last``; no empty ones."""
    start = next(i for i, line in enumerate(lines) if line.startswith(first) and "\t" not in line) + 1
    end = next(i for i, line in enumerate(lines) if i >= start and line.startswith(last))
    return [line for line in lines[start:end] if line]


def counts_in_source() -> dict[str, int]:
    lines = source_lines()
    counts: Counter[str] = Counter()
    counts["A"] = sum(bool(re.match(r"\d+\. ", line)) for line in between(lines, "A. Generieke", "B. Thematische"))
    for theme, end in ((1, "Figuur 2"), (2, "Figuur 3"), (3, "C. Verschillen")):
        kind = ""
        for line in between(lines, f"Thema {theme}:", end):
            titled = re.match(r"(Knelpunten|Behoeften|Verwachtingen|Verschillen tussen)\b", line)
            if titled:
                kind = titled[1].lower().removesuffix(" tussen")
            elif line.startswith("- "):
                level = re.match(r"- \*\*(Gemeenten|Provincies)", line)
                counts[f"B.{theme}.{kind}" + (f".{level[1].lower()}" if level else "")] += 1
    for figure, heading, end in (
        (2, "Thema: Samen sturen", "Thema 2:"),
        (3, "Thema: Zorgen voor", "Thema 3:"),
        (4, "Thema: Omgaan met", "Lokale **"),
    ):
        counts[f"figuur{figure}"] = len(between(lines, heading, end)) - 1  # the first line is the same in each
    before_figure = next(i for i, line in enumerate(lines) if line.startswith("Figuur 4"))
    after_figure = next(i for i, line in enumerate(lines) if line.startswith("Lokale **"))
    portraits = lines[:before_figure] + lines[after_figure:]
    for region, end in (("Noord", "Regio Oost"), ("Oost", "Regio Zuid"), ("Zuid", "Regio West"), ("West", "D. ")):
        paragraphs = between(portraits, f"Regio {region} ", end)
        counts[f"C.{region.lower()}"] = sum(line[0].isupper() for line in paragraphs)  # else it went on from a page
    table = [line.split("\t") for line in between(lines, "Tabel 3 Overzicht", "3. Aan de slag") if "<p>" in line]
    for subject, municipalities, provinces in table:
        key = next(key for key, name in TABLE_SUBJECTS.items() if name == subject.lower())
        counts[f"D.{key}.gemeenten"] = municipalities.count("<p>")
        counts[f"D.{key}.provincies"] = provinces.count("<p>")
    return dict(counts)


def test_coverage_and_register_name_each_other() -> None:
    named = {concern for section in SECTIONS.values() for concern in section.concerns}
    assert named == set(CONCERNS)


def test_a_section_names_a_concern_once() -> None:
    assert [s.id for s in SECTIONS.values() if len(s.concerns) != len(set(s.concerns))] == []


def test_every_part_has_all_its_sections() -> None:
    found = Counter(part_of(section_id) for section_id in SECTIONS)
    assert {part: count for part, count in found.items() if part not in OUTSIDE} == COUNTS


def test_sections_of_a_part_are_numbered_from_one() -> None:
    for part in COUNTS:
        numbers = [int(i.rsplit(".", 1)[1]) for i in SECTIONS if part_of(i) == part and i != part]
        assert numbers == list(range(1, len(numbers) + 1)), part


def test_table_3_has_nine_subjects_and_two_columns() -> None:
    cells = {part_of(section_id) for section_id in SECTIONS if section_id.startswith("D.")}
    assert cells == {f"D.{subject}.{level}" for subject in TABLE_SUBJECTS for level in LEVELS}
    assert len(cells) == 9 * 2


@needs_source
def test_the_counts_are_those_of_the_report() -> None:
    assert counts_in_source() == COUNTS


@needs_source
def test_the_words_are_our_own() -> None:
    report = runs(" ".join(source_lines()))
    copied = {c.id: (runs(c.text_nl) | runs(c.title_nl)) & report for c in KNOWLEDGE.concerns}
    assert {concern_id: shared for concern_id, shared in copied.items() if shared} == {}


def test_what_differs_between_levels_is_raised_by_that_level() -> None:
    for section in SECTIONS.values():
        level = re.match(r"(?:B\.\d\.verschillen|D\.[\w-]+)\.(gemeenten|provincies)", section.id)
        if level:
            assert {CONCERNS[i].raised_by for i in section.concerns} == {LEVELS[level[1]]}, section.id


def test_statements_in_table_3_keep_their_subject() -> None:
    for section in SECTIONS.values():
        if section.id.startswith("D."):
            subject = TABLE_SUBJECTS[section.id.split(".")[1]]
            assert {CONCERNS[i].subject for i in section.concerns} == {subject}, section.id


@pytest.mark.parametrize("region", REGIONS)
def test_the_portrait_of_a_region_is_of_that_region(region: str) -> None:
    for section in SECTIONS.values():
        if section.id.startswith(f"C.{region.lower()}."):
            assert {CONCERNS[i].regions for i in section.concerns} == {(region,)}, section.id


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_concerns_of_its_own(region: str) -> None:
    assert sum(concern.regions == (region,) for concern in KNOWLEDGE.concerns) >= 4


@pytest.mark.parametrize("level", LEVELS.values())
def test_each_level_of_government_has_concerns_of_its_own(level: RaisedBy) -> None:
    assert sum(concern.raised_by is level for concern in KNOWLEDGE.concerns) >= 15


def test_subjects_are_a_closed_set() -> None:
    assert {concern.subject for concern in KNOWLEDGE.concerns} == SUBJECTS


def test_texts_and_titles_are_short_and_titles_unique() -> None:
    assert [c.id for c in KNOWLEDGE.concerns if len(words(c.text_nl)) > WORDS_IN_TEXT] == []
    assert [c.id for c in KNOWLEDGE.concerns if len(c.title_nl.split()) > WORDS_IN_TITLE] == []
    assert [title for title, n in Counter(c.title_nl for c in KNOWLEDGE.concerns).items() if n > 1] == []


def test_every_concern_comes_from_the_report() -> None:
    assert {(c.source.id, c.raised_on.isoformat()) for c in KNOWLEDGE.concerns} == {("dgdo-regiosessies", "2026-03-01")}
