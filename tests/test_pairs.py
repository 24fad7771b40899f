"""Which activities go together: the pairs of ``compatibility.toml``, beside the reference they come from."""

from __future__ import annotations

import csv
import re
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Confidence, Pair, Together

KNOWLEDGE = read_knowledge()
REFERENCE = Path(__file__).resolve().parents[1].parent / "shared/reference/domain-facts/combinatieregels.csv"
SAME_VOLUME = {
    "uitgesloten": Together.EXCLUDED,
    "uitgesloten (boortraject)": Together.EXCLUDED,
    "uitgesloten in wwg/gwbg": Together.EXCLUDED,
    "uitgesloten zelfde caverne": Together.EXCLUDED,
    "uitgesloten zelfde pakket": Together.EXCLUDED,
    "zelfde pakket: uitgesloten": Together.EXCLUDED,
    "nvt": Together.NOT_APPLICABLE,
    "-": Together.NOT_APPLICABLE,
    "volgtijdelijk": Together.SEQUENTIAL,
    "volgtijdelijk (caverne na winning)": Together.SEQUENTIAL,
    "volgtijdelijk (na uitproductie)": Together.SEQUENTIAL,
    "verenigbaar (bijvangst)": Together.COMPATIBLE,
}
STACKED = {
    "toegestaan": {Together.COMPATIBLE},
    "toegestaan (ander aquifer)": {Together.COMPATIBLE},
    "voorwaardelijk": {Together.CONDITIONAL},
    "nee_tenzij": {Together.NO_UNLESS},
    "-": {Together.UNKNOWN, Together.NOT_APPLICABLE},
}
CONFIDENCE = {
    "[seen]": Confidence.SEEN,
    "[well known]": Confidence.KNOWN,
    "[uncertain": Confidence.UNCERTAIN,
    "[aanname product: instelbaar]": Confidence.ASSUMPTION,
}


@cache
def reference_rows() -> tuple[dict[str, str], ...]:
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def rows() -> list[object]:
    """One case a row of the reference; one that is skipped where the reference is absent."""
    if not REFERENCE.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason="the reference texts are not on this machine"))]
    return [pytest.param(row, id=f"{row['activiteit_a']}-{row['activiteit_b']}") for row in reference_rows()]


def found(one: str, other: str) -> Pair:
    pair = KNOWLEDGE.pair(one, other)
    assert pair is not None, f"no pair of {one} and {other}"
    return pair


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference texts are not on this machine")
def test_the_reference_has_all_its_rows() -> None:
    assert len(reference_rows()) == 20


@pytest.mark.parametrize("row", rows())
def test_row_of_the_reference(row: dict[str, str]) -> None:
    pair = found(row["activiteit_a"], row["activiteit_b"])
    assert pair.same_volume is SAME_VOLUME[row["zelfde_volume"]]
    assert pair.stacked in STACKED[row["gestapeld_verticaal"]]
    distance = re.match(r"(\d+)(?:-(\d+))?", row["default_afstand_m"])
    low, high = (float(distance[1]), float(distance[2] or distance[1])) if distance else (None, None)
    assert pair.distance_m == ((low, high) if distance else None)
    assert pair.confidence is next(value for mark, value in CONFIDENCE.items() if row["zekerheid"].startswith(mark))


def test_there_is_more_than_the_reference() -> None:
    assert len(KNOWLEDGE.pairs) > 60
    assert {p.confidence for p in KNOWLEDGE.pairs} == set(Confidence)


@pytest.mark.parametrize("pair", KNOWLEDGE.pairs, ids=lambda pair: pair.id)
def test_pair(pair: Pair) -> None:
    assert {pair.a, pair.b} <= set(KNOWLEDGE.activities)
    assert pair.id == f"{pair.a}-{pair.b}"
    assert KNOWLEDGE.pair(pair.a, pair.b) is pair
    if not pair.asymmetry_nl:
        assert KNOWLEDGE.pair(pair.b, pair.a) is pair
    assert (pair.confidence is Confidence.ASSUMPTION) == (pair.source.id == "eigen")
    assert (pair.confidence is Confidence.UNCERTAIN) == bool(pair.doubt)
    assert pair.distance_nl


def test_what_comes_after_another_says_in_which_order() -> None:
    sequential = [pair for pair in KNOWLEDGE.pairs if pair.same_volume is Together.SEQUENTIAL]
    assert sequential
    assert [pair.id for pair in sequential if not (pair.order_nl and pair.asymmetry_nl)] == []


def test_an_assumed_distance_beside_a_source_is_called_so() -> None:
    sourced = [p for p in KNOWLEDGE.pairs if p.distance_m not in (None, (0, 0)) and p.source.id != "eigen"]
    assert sourced
    assert [p.id for p in sourced if not re.search("aanname van ons|niet nagelezen", p.distance_nl)] == []


def test_no_pair_stands_twice_in_either_order() -> None:
    orders = [(pair.a, pair.b) for pair in KNOWLEDGE.pairs]
    assert len(orders) == len(set(orders))
    both = [pair for pair in KNOWLEDGE.pairs if pair.a != pair.b and (pair.b, pair.a) in orders]
    assert all(pair.asymmetry_nl for pair in both)


def test_a_pair_that_nobody_worked_out_is_absent() -> None:
    worked_out = {frozenset((pair.a, pair.b)) for pair in KNOWLEDGE.pairs}
    possible = list(combinations_with_replacement(KNOWLEDGE.activities, 2))
    missing = [two for two in possible if frozenset(two) not in worked_out]
    assert missing
    for one, other in missing:
        assert KNOWLEDGE.pair(one, other) is None
        assert KNOWLEDGE.pair(other, one) is None
    assert KNOWLEDGE.pair("geothermie", "kaasmakerij") is None


@pytest.mark.parametrize(("first", "then"), [("zoutwinning", "h2_caverne"), ("gaswinning", "gasopslag")])
def test_order_in_time(first: str, then: str) -> None:
    pair = found(first, then)
    assert (pair.a, pair.b) == (first, then)
    assert pair.order_nl.startswith("Eerst ")
    assert pair.asymmetry_nl.startswith("Andersom kan niet")


@pytest.mark.parametrize("activity", ["gaswinning", "oliewinning", "zoutwinning", "lithium"])
def test_one_holder_a_mineral(activity: str) -> None:
    pair = found(activity, activity)
    assert pair.same_volume is Together.EXCLUDED
    assert (pair.source.id, pair.source.article) == ("mbw", "7, eerste lid")


@pytest.mark.parametrize(("one", "other"), [("gasopslag", "co2_opslag"), ("h2_caverne", "gasopslag"), ("caes", "caes")])
def test_one_holder_of_a_storage_licence(one: str, other: str) -> None:
    pair = found(one, other)
    assert pair.same_volume is Together.EXCLUDED
    assert "26, eerste lid" in [source.article for source in (pair.source, *pair.also)]
