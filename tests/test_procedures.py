"""Who decides what: every activity has a procedure at every depth, and each step says who has a say."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Activity, Confidence, Doubt, Phase, Procedure, ProcedureStep, Requirement
from dgdo_geo.model.declared import OWN

KNOWLEDGE = read_knowledge()
FACTS = Path(__file__).resolve().parents[1].parent / "shared/reference/domain-facts"
CHECKED_ON = date(2026, 11, 23)
PHASES = list(Phase)
BANDS = [(item.id, band.top_m, band.base_m) for item in KNOWLEDGE.activities.values() for band in item.bands]


def steps() -> Iterator[tuple[Procedure, ProcedureStep]]:
    """Every step of every procedure."""
    for procedure in KNOWLEDGE.procedures:
        for step in procedure.steps:
            yield procedure, step


def procedure(procedure_id: str) -> Procedure:
    """The one procedure with this id."""
    [found] = [p for p in KNOWLEDGE.procedures if p.id == procedure_id]
    return found


def articles(step: ProcedureStep, source_id: str) -> str:
    """What a step cites from one source, as a text to search in."""
    return "; ".join(s.article for s in (step.source, *step.also) if s.id == source_id)


def requirements() -> Iterator[tuple[Activity, Requirement]]:
    """Every requirement of every activity."""
    for activity in KNOWLEDGE.activities.values():
        for requirement in activity.requirements:
            yield activity, requirement


# Activities ------------------------------------------------------------------------------


def test_all_activities_of_the_reference_are_there() -> None:
    path = FACTS / "activiteiten.csv"
    if not path.is_file():
        pytest.skip("the reference files are not part of this repository")
    with path.open(encoding="utf-8", newline="") as file:
        wanted = {row["id"] for row in csv.DictReader(file)}
    assert len(wanted) == 16
    assert set(KNOWLEDGE.activities) == wanted


@pytest.mark.parametrize("activity", KNOWLEDGE.activities.values(), ids=lambda activity: activity.id)
def test_an_activity_says_what_it_needs_and_where_that_comes_from(activity: Activity) -> None:
    assert activity.requirements
    for text in (activity.summary_nl, activity.needs_nl, activity.well_needs_nl, activity.policy_nl):
        assert text.endswith(".")
    assert activity.theme_nl in ("", "gaswinning", "zoutwinning", "waterstofopslag", "geothermie")
    assert activity.confidence is not Confidence.UNCERTAIN or activity.doubt


def test_no_two_activities_share_a_text_on_the_target() -> None:
    texts = [activity.needs_nl for activity in KNOWLEDGE.activities.values()]
    assert len(texts) == len(set(texts))


def test_the_double_barrier_is_never_called_law() -> None:
    said = [a.well_needs_nl for a in KNOWLEDGE.activities.values() if "dubbele barrière" in a.well_needs_nl]
    assert said
    assert all("afspraak van de sector, geen wet" in text for text in said)


def test_drinking_water_speaks_only_of_the_deep_part() -> None:
    activity = KNOWLEDGE.activity("drinkwater")
    assert [(band.top_m, band.base_m) for band in activity.bands] == [(100, 500)]
    assert "buiten dit programma" in activity.summary_nl
    assert activity.potential_layers == ()


def test_requirements_name_parameters_with_a_unit() -> None:
    found = list(requirements())
    named = [name for _, r in found for name in (r.at_least, r.at_most) if name is not None]
    assert len(found) > 30
    assert len(named) > 15
    for name in named:
        assert name in KNOWLEDGE.parameters
        parameter = KNOWLEDGE.parameters[name]
        assert parameter.unit in ("graden Celsius", "Dm", "m", "m -mv"), name
        assert parameter.at(KNOWLEDGE.info.covers_from) is not None, name


def test_limits_of_a_requirement_are_in_order() -> None:
    both = [(r.at_least, r.at_most) for _, r in requirements() if r.at_least and r.at_most]
    assert both
    for low, high in both:
        assert KNOWLEDGE.parameters[low].unit == KNOWLEDGE.parameters[high].unit
        assert KNOWLEDGE.value(low, CHECKED_ON) < KNOWLEDGE.value(high, CHECKED_ON)


def test_a_number_of_ours_says_so() -> None:
    for _, requirement in requirements():
        assert (requirement.confidence is Confidence.ASSUMPTION) == (requirement.source.id == OWN), requirement.text_nl
        for name in (requirement.at_least, requirement.at_most):
            if name is not None:
                parameter = KNOWLEDGE.parameters[name]
                own = {value.source.id == OWN for value in parameter.values}
                assert own == {parameter.confidence is Confidence.ASSUMPTION}, name
                assert parameter.confidence is requirement.confidence, name


def test_what_is_uncertain_says_why() -> None:
    stated: list[tuple[Confidence, tuple[Doubt, ...]]] = [
        *((item.confidence, item.doubt) for item in KNOWLEDGE.activities.values()),
        *((item.confidence, item.doubt) for _, item in requirements()),
        *((item.confidence, item.doubt) for item in KNOWLEDGE.parameters.values()),
        *((item.confidence, item.doubt) for _, item in steps()),
    ]
    doubts = [doubt for confidence, doubt in stated if confidence is Confidence.UNCERTAIN]
    assert doubts
    assert all(doubts)


# Procedures ------------------------------------------------------------------------------


@pytest.mark.parametrize(("activity", "top", "base"), BANDS)
def test_every_band_has_a_procedure(activity: str, top: float, base: float) -> None:
    found = KNOWLEDGE.procedures_for(activity, top, base)
    assert found
    assert min(p.top_m for p in found) <= top
    assert max(p.base_m for p in found) >= base


@pytest.mark.parametrize("item", KNOWLEDGE.procedures, ids=lambda item: item.id)
def test_a_procedure_is_complete(item: Procedure) -> None:
    assert item.steps
    assert item.checked_on == CHECKED_ON
    assert item.source.id in KNOWLEDGE.sources
    says = [s.municipality_nl or s.province_nl or s.water_board_nl for s in item.steps]
    assert any(says) or item.gaps_nl
    order = [PHASES.index(step.phase) for step in item.steps]
    assert order == sorted(order), "the steps do not stand in order of time"
    assert item.steps[0].phase is Phase.EXPLORE


def test_every_step_says_who_decides_and_cites_a_source() -> None:
    found = list(steps())
    assert len(found) > 50
    for where, step in found:
        assert step.decides_nl, where.id
        assert step.source.id in KNOWLEDGE.sources, where.id


def test_a_text_is_empty_or_a_sentence() -> None:
    for where, step in steps():
        say = (step.municipality_nl, step.province_nl, step.water_board_nl)
        for text in (*say, step.participation_nl, step.appeal_nl):
            assert text == text.strip(), where.id
            assert not text or text.endswith("."), (where.id, text)


def test_what_is_said_on_appeal_is_general_knowledge_or_a_pointer() -> None:
    pointer = "Zie de stap ‘Reageren, bezwaar en beroep’."
    spoken = [(where, step) for where, step in steps() if step.appeal_nl]
    assert spoken
    for where, step in spoken:
        if step.appeal_nl == pointer:
            assert any(other.step_nl.startswith("Reageren, bezwaar en beroep") for other in where.steps), where.id
        else:
            assert step.source.id == "awb"
            assert step.confidence is Confidence.KNOWN
            assert "niet nagelezen" in step.appeal_nl


def test_heat_storage_is_split_at_500_metres() -> None:
    [above] = KNOWLEDGE.procedures_for("hto", 100, 500)
    [below] = KNOWLEDGE.procedures_for("hto", 500, 2000)
    assert (above.base_m, below.top_m) == (500, 500)
    assert above.act == "Omgevingswet"
    assert below.act == "Mijnbouwwet en Omgevingswet"
    above_deciders = [step.decides_nl for step in above.steps if step.phase is Phase.DRILL]
    assert any("Gedeputeerde Staten" in text for text in above_deciders)
    assert not any("Minister" in step.decides_nl for step in above.steps)
    before_use = [step for step in below.steps if step.phase in (Phase.SEARCH, Phase.DRILL)]
    licences = [step for step in before_use if "vergunning" in step.step_nl]
    assert licences
    assert all(step.decides_nl == "Minister van KGG" for step in licences)
    uncertain = [step for item in (above, below) for step in item.steps if step.confidence is Confidence.UNCERTAIN]
    assert len(uncertain) >= 6, "the present route was not read"


def test_geothermal_has_three_decisions_in_order() -> None:
    words = ("Toewijzing zoekgebied", "Startvergunning", "Vervolgvergunning")
    item = procedure("aardwarmte")
    assert set(item.activities) == {"geothermie", "ondiepe_geothermie", "udg"}
    assert item.top_m == KNOWLEDGE.value("mijnbouwwet-aardwarmte", CHECKED_ON)
    places = [[i for i, step in enumerate(item.steps) if step.step_nl.startswith(word)] for word in words]
    assert [len(found) for found in places] == [1, 1, 1]
    assert all(before < after for [before], [after] in pairwise(places))
    for [place] in places:
        assert item.steps[place].decides_nl == "Minister van KGG"


def test_the_article_on_the_seismic_analysis_was_not_found() -> None:
    [step] = [s for _, s in steps() if "(SDRA)" in s.step_nl]
    assert step.confidence is Confidence.UNCERTAIN
    assert any("SDRA" in gap for gap in procedure("aardwarmte").gaps_nl)


def test_a_municipality_advises_on_a_mining_permit_but_does_not_consent() -> None:
    permits = [(where, step) for where, step in steps() if "4.20" in articles(step, "ob")]
    mining = {"aardwarmte", "delfstoffen", "opslag", "warmteopslag-dieper-dan-500-meter"}
    assert {where.id for where, _ in permits} == mining
    for where, step in permits:
        assert step.decides_nl == "Minister van KGG", where.id
        assert step.municipality_nl.startswith("Advies, geen instemming."), where.id
        assert "alleen voor de omgevingsplanactiviteit" in step.municipality_nl, where.id


def test_a_combined_permit_for_geothermal_is_the_exception() -> None:
    combined = [(where, step) for where, step in steps() if "4.10, tweede lid, onder a" in articles(step, "ob")]
    [(where, step)] = combined
    assert where.id == "aardwarmte"
    assert "uitzondering" in step.step_nl
    assert step.decides_nl.startswith("Burgemeester en wethouders kunnen")
    assert "advies en instemming" in step.advises_nl
    assert "4.29" in articles(step, "ob")


def test_open_systems_go_to_the_province_and_closed_ones_to_the_municipality() -> None:
    found = {item.id: item for item in KNOWLEDGE.procedures_for("wko", 100, 500)}
    assert set(found) == {"bodemenergie-open", "bodemenergie-gesloten"}
    drilling = {key: next(s for s in item.steps if s.phase is Phase.DRILL) for key, item in found.items()}
    assert "Gedeputeerde Staten" in drilling["bodemenergie-open"].decides_nl
    assert "burgemeester en wethouders" in drilling["bodemenergie-gesloten"].decides_nl


def test_carbon_dioxide_has_the_procedure_of_storage_and_more() -> None:
    assert [item.id for item in KNOWLEDGE.procedures_for("co2_opslag", 800, 4000)] == ["opslag", "co2-extra"]
    assert any("31b" in articles(step, "mbw") for step in procedure("co2-extra").steps)


def test_waste_and_shale_gas_have_no_running_procedure() -> None:
    waste, shale = procedure("radioactief-afval"), procedure("schaliegas")
    assert waste.act == "Kernenergiewet"
    for item in (waste, shale):
        assert "Er loopt" in item.summary_nl
        assert item.gaps_nl
    assert waste.steps[0].decides_nl.startswith("Nu niemand")


@pytest.mark.parametrize("procedure_id", ["aardwarmte", "delfstoffen", "opslag"])
def test_mining_ends_with_care_afterwards(procedure_id: str) -> None:
    item = procedure(procedure_id)
    closing = [step for step in item.steps if step.phase is Phase.CLOSE]
    assert any("Putten dichtmaken" in s.step_nl or "putten dichtmaken" in s.step_nl for s in closing)
    assert any("dertig jaar" in s.step_nl for s in closing)
    assert any("aansprakelijk" in s.decides_nl and s.source.id == "bw-6" for s in closing)
    assert any("Commissie Mijnbouwschade" in s.decides_nl for s in closing)


@pytest.mark.parametrize("procedure_id", ["aardwarmte", "delfstoffen", "opslag", "warmteopslag-dieper-dan-500-meter"])
def test_open_questions_of_the_law_are_named(procedure_id: str) -> None:
    gaps = " ".join(procedure(procedure_id).gaps_nl)
    assert "projectbesluit" in gaps
    assert "nationaal belang" in gaps
