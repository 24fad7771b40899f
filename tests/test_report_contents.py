"""What a report says is what the answer says: every number, every gap, every region."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from worlds import TODAY, square

from dgdo_geo.errors import InputError
from dgdo_geo.model import AreaAssessment
from dgdo_geo.query import Explorer
from dgdo_geo.report.blocks import Beside, Booklet, Figure, Items, Paragraph, Table
from dgdo_geo.report.building import report_of
from dgdo_geo.report.contents import booklet_of, comparison_of
from dgdo_geo.texts import number_nl, section, text

ON = date(2026, 12, 1)
ASKED = ["geothermie", "hto"]


@pytest.fixture(scope="module")
def zwolle(explorer: Explorer) -> AreaAssessment:
    return explorer.for_region("GM0193", ON, activities=ASKED)


@pytest.fixture(scope="module")
def report(explorer: Explorer, zwolle: AreaAssessment) -> Booklet:
    return booklet_of(explorer, zwolle)


def tables(made: Booklet, start: str) -> list[Table]:
    return [block for block in made.blocks if isinstance(block, Table) and start in block.caption]


def rounded(value: float, decimals: int) -> str:
    """By decimal arithmetic, as a person would do it from the exact number."""
    step = Decimal(1).scaleb(-decimals)
    words = f"{Decimal(value).quantize(step, ROUND_HALF_EVEN):,}"
    return words.replace(",", "x").replace(".", ",").replace("x", ".")


def printed_km2(area_m2: float) -> str:
    value = area_m2 / 1e6
    return "< 0,01" if 0 < value < 0.005 else rounded(value, 2)


def printed_share(share: float) -> str:
    value = 100 * share
    if 0 < value < 0.05:
        return "<\u00a00,1\u00a0%"
    return ">\u00a099,9\u00a0%" if 99.95 <= value < 100 - 1e-7 else f"{rounded(value, 1)}\u00a0%"


def said_dict(answer: AreaAssessment) -> list[dict[str, Any]]:
    """The answers as a user of the command line gets them."""
    found: Any = answer.to_dict()["answers"]
    return list(found)


def test_every_area_and_share_is_that_of_the_answer(zwolle: AreaAssessment, report: Booklet) -> None:
    shares = tables(report, "oppervlakte per potentie en oordeel")
    assert len(shares) == len(zwolle.answers) == 3
    for table, said in zip(shares, said_dict(zwolle), strict=True):
        body, total = table.rows[:-1], table.rows[-1]
        for word in {row[0].text for row in body}:
            printed = sorted(row[3].text for row in body if row[0].text == word)
            groups: dict[tuple[Any, ...], float] = {}
            for part in said["areas"]:
                if text("potential", part["potential"]) == word:
                    found = (
                        part["indication"]
                        if part["conclusive"] or part["indication"] != "no_known_constraint"
                        else "unknown"
                    )
                    key = (part["conclusive"] or part["verdict"] in ("no_unless", "excluded"), part["verdict"], found)
                    key = (key[1] if key[0] else "unknown", found)
                    groups[key] = groups.get(key, 0.0) + part["area_m2"]
            assert printed == sorted(printed_km2(area) for area in groups.values())
        whole = math.fsum(part["area_m2"] for part in said["areas"])
        assert total[3].text == printed_km2(whole) and total[4].text == "100,0\u00a0%"
        assert whole == pytest.approx(zwolle.region.area_m2, rel=1e-9), "the parts make up the region"


def test_constraints_are_ranked_with_their_own_numbers(zwolle: AreaAssessment, report: Booklet) -> None:
    found = tables(report, "regels die beperken")
    assert len(found) == 3
    for table, said in zip(found, said_dict(zwolle), strict=True):
        ranked = sorted(said["constraints"], key=lambda c: -c["area_m2"])
        assert [row[2].text for row in table.rows] == [printed_km2(c["area_m2"]) for c in ranked]
        assert sorted(row[3].text for row in table.rows) == sorted(printed_share(c["share"]) for c in ranked)
        assert {row[1].text for row in table.rows} == {text("verdict", c["verdict"]) for c in ranked}
        assert all(row[5].url.startswith(("https://", "")) for row in table.rows)


def test_the_first_page_adds_up(zwolle: AreaAssessment, report: Booklet) -> None:
    table = tables(report, "Oordeel per activiteit")[0]
    for row, said in zip(table.rows, said_dict(zwolle), strict=True):
        is_no = [p for p in said["areas"] if p["verdict"] in ("no_unless", "excluded")]
        assert row[3].text == printed_share(math.fsum(p["share"] for p in is_no))
        offered = [p["share"] for p in said["areas"] if p["potential"] in ("promising", "possible")]
        assert row[2].text == printed_share(math.fsum(offered))
    beside = next(block for block in report.blocks if isinstance(block, Beside))
    lists = [block for block in beside.blocks if isinstance(block, Items)]
    assert all(1 <= len(block.items) <= 3 for block in lists) and len(lists) == 2


def test_the_alternative_text_of_a_map_says_its_numbers(zwolle: AreaAssessment, report: Booklet) -> None:
    figures = [block for block in report.blocks if isinstance(block, Figure)]
    assert len(figures) == 3
    for figure, said in zip(figures, said_dict(zwolle), strict=True):
        for key in {part["potential"] for part in said["areas"]}:
            area = math.fsum(p["area_m2"] for p in said["areas"] if p["potential"] == key)
            assert f"{text('potential', key)} {printed_km2(area)} km²" in figure.alt
        assert "Zwolle" in figure.alt and "<svg" in figure.svg


def test_no_sentence_says_that_something_is_allowed(report: Booklet) -> None:
    words = [block.text for block in report.all_blocks() if isinstance(block, Paragraph)]
    words += [item for block in report.all_blocks() if isinstance(block, Items) for item in block.items]
    assert len(words) > 15
    assert not [
        w for w in [*words, *section("report").values(), *section("pictures").values()] if "toegestaan" in w.lower()
    ]


def test_a_report_on_sketches_is_marked_and_one_on_exact_data_is_not(tiny: Explorer, report: Booklet) -> None:
    assert report.mark == text("report", "mark")
    answer = tiny.for_region("GM9001", TODAY)
    exact = replace(answer, answers=tuple(a for a in answer.answers if not a.quality.is_mark_needed))
    assert exact.answers, "the drawing has exact answers"
    clean = booklet_of(tiny, exact)
    assert clean.mark == "" and text("web_map", "watermark") not in str(clean.blocks)


def test_what_is_missing_is_named_with_what_cannot_be_said(zwolle: AreaAssessment, report: Booklet) -> None:
    missing = tables(report, "niet geladen")
    assert len(missing) == 1
    states = {s.layer.title_nl: s for s in zwolle.receipt.layers}
    wanted: dict[str, set[str]] = {}
    for item in zwolle.answers:
        for gap in item.unanswered:
            if gap.layer is not None and gap.cause.value == "not_loaded":
                wanted.setdefault(gap.layer.title_nl, set()).add(gap.rule.title_nl)
    assert {row[0].text for row in missing[0].rows} == set(wanted) and len(wanted) > 3
    for row in missing[0].rows:
        assert all(title in row[1].text for title in wanted[row[0].text])
        assert row[2].text == states[row[0].text].layer.owner
    gaps = tables(report, "Regels zonder antwoord")[0]
    assert set(wanted) <= {row[0].text for row in gaps.rows}


def test_the_id_depends_on_what_was_asked(explorer: Explorer, zwolle: AreaAssessment, report: Booklet) -> None:
    assert booklet_of(explorer, zwolle) == report
    other = explorer.for_region("GM0193", date(2026, 11, 30), activities=ASKED)
    assert booklet_of(explorer, other).snapshot != report.snapshot
    assert report.snapshot in str([b for b in report.blocks if "pairs" in dir(b)][-1])


def test_a_polygon_of_ones_own_and_a_depth_of_ones_own(tiny: Explorer) -> None:
    shape = square(1, 1, 5, 5)
    answer = tiny.in_area(shape, TODAY, name="Mijn <b>gebied</b>")
    made = booklet_of(tiny, answer, shape)
    assert "Mijn <b>gebied</b>" in made.title
    assert sum(isinstance(block, Figure) for block in made.blocks) == len(answer.answers)
    activity = next(iter(tiny.knowledge.activities.values()))
    top, base = activity.bands[0].top_m, activity.bands[0].base_m
    own = (top, (top + base) / 2)
    deep = booklet_of(tiny, tiny.in_area(shape, TODAY, activities=[activity.id], depth=own), shape)
    figures = [block for block in deep.blocks if isinstance(block, Figure)]
    assert len(figures) == 1 and f"{rounded(own[0], 0)}–{rounded(own[1], 0)} m" in figures[0].alt
    with pytest.raises(ValueError, match="polygon"):
        booklet_of(tiny, answer)


def test_regions_beside_each_other_keep_their_own_numbers(explorer: Explorer) -> None:
    answers = [explorer.for_region(code, ON, activities=["geothermie"]) for code in ("PV23", "PV24")]
    made = comparison_of(explorer, answers)
    table = tables(made, "oppervlakte per gebied")[0]
    assert [row[0].text for row in table.rows] == ["Overijssel", "Flevoland"]
    for row, answer in zip(table.rows, answers, strict=True):
        parts = said_dict(answer)[0]["areas"]
        offered = math.fsum(p["area_m2"] for p in parts if p["potential"] in ("promising", "possible"))
        assert row[1].text == printed_km2(offered)
        assert row[2].text == printed_share(offered / math.fsum(p["area_m2"] for p in parts))
    drawn = [block for block in made.blocks if isinstance(block, Figure)]
    assert len(drawn) == 3 and "Overijssel" in drawn[0].alt and "Flevoland" in drawn[0].alt
    ticks = {svg.split(" km</text>")[0].rsplit(">", 1)[1] for figure in drawn[:2] for svg in [figure.svg]}
    assert len(ticks) == 1, "one scale"


def test_overlap_beside_each_other_has_the_numbers_of_each_report(explorer: Explorer) -> None:
    asked = ["hto", "schaliegas"]
    answers = [explorer.for_region(code, ON, activities=asked) for code in ("GM0193", "GM0050")]
    reports = [report_of(explorer, answer, activities=asked) for answer in answers]
    made = comparison_of(explorer, answers, reports=reports)
    (stacked,), (claims,) = tables(made, "Stapeling naast"), tables(made, "grond innemen, naast")
    alone = tables(made, "als alleen dit er niet was")
    assert len(claims.rows) > 5 and len(alone) == len(asked)
    for place, report in enumerate(reports):
        column = 1 + 2 * place
        assert claims.columns[column].title == f"{report.answer.region.name}, km²"
        shown = {row[0].text: (row[column].text, row[column + 1].text) for row in claims.rows}
        for claim in report.claims:
            near = f" (tot {number_nl(claim.within_m)} m)" if claim.within_m else ""
            told = printed_km2(claim.covers.area_m2), printed_share(claim.covers.area_m2 / report.area_m2)
            assert shown.pop(claim.layer.title_nl + near) == told
        assert set(shown.values()) <= {(printed_km2(0), printed_share(0))}
        counted = {row[0].text: row[column].text for row in stacked.rows[:-1]}
        assert [counted[number_nl(item.claims)] for item in report.stacked] == [
            printed_km2(item.amount.area_m2) for item in report.stacked
        ]
        assert stacked.rows[-1][column].text == printed_km2(report.area_m2)
        decided = [n for n in range(len(report.bands)) if any(one.bands[n].alone for one in reports)]
        for band, table in zip([report.bands[n] for n in decided], alone, strict=True):
            assert table.columns[column].title == f"{report.answer.region.name}: gaat open, km²"
            opened = {row[0].text: (row[column].text, row[column + 1].text) for row in table.rows}
            for item in band.alone:
                whole = item.is_layer and item.layer is not None
                name = f"Alle regels over de kaartlaag ‘{item.layer.title_nl}’" if whole else item.rules[0].title_nl
                told = printed_km2(item.opens.area_m2), printed_km2(item.becomes_unknown.area_m2)
                assert opened.pop(name) == told
            assert set(opened.values()) <= {(printed_km2(0), printed_km2(0))}


def test_regions_that_cannot_lie_beside_each_other_are_refused(explorer: Explorer, zwolle: AreaAssessment) -> None:
    with pytest.raises(InputError, match="2 to 4"):
        comparison_of(explorer, [zwolle])
    other = explorer.for_region("GM0050", ON, activities=["geothermie"])
    with pytest.raises(InputError, match="Zeewolde"):
        comparison_of(explorer, [zwolle, other])
