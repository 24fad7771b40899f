"""Every case of the shipped rule base, under its own name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir
from dgdo_geo.check import case_problems, check_cases, missing_layers_state
from dgdo_geo.knowledge import KNOWLEDGE_DIR, read_knowledge
from dgdo_geo.knowledge_files import Files
from dgdo_geo.model import Case, LayerStatus, Verdict
from dgdo_geo.query import Explorer

KNOWLEDGE = read_knowledge()
LAYERS = {layer_id: entry.layer for layer_id, entry in read_catalogue([shipped_layers_dir()]).items()}
FILES = sorted((KNOWLEDGE_DIR / "cases").glob("*.toml"))


def test_there_are_cases_and_their_names_are_unique() -> None:
    names = [case.name for case in KNOWLEDGE.cases]
    assert names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_file_of_cases_is_empty(path: Path) -> None:
    assert Files(path.parent).tables(path.name, "case", Case)


@pytest.mark.parametrize("case", KNOWLEDGE.cases, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    assert case_problems(case, KNOWLEDGE, LAYERS) == []


def test_every_rule_in_force_has_a_case_that_fires_it() -> None:
    assert check_cases(KNOWLEDGE, LAYERS, date.today()) == []


def test_the_cases_reach_every_verdict() -> None:
    reached = {case.expect.verdict for case in KNOWLEDGE.cases}
    assert {v.key for v in Verdict} <= reached


def test_cases_speak_of_missing_layers_and_near_edges_too() -> None:
    assert any(case.missing for case in KNOWLEDGE.cases)
    assert any(item.near_edge for case in KNOWLEDGE.cases for item in case.evidence)
    assert any(not case.expect.conclusive for case in KNOWLEDGE.cases)


def test_a_layer_can_be_taken_away(tiny: Explorer) -> None:
    states = missing_layers_state(tiny.states, "zones")
    assert states["zones"].status is LayerStatus.NOT_LOADED
    assert {i for i in states if states[i] != tiny.states[i]} == {"zones"}
