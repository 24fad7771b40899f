"""Two rule bases: the flips are exactly those that a full recomputation, row by row, finds."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from worlds import TODAY, World

from dgdo_geo.assess import assess
from dgdo_geo.decide.rulediff import COLUMNS, RuleDiff, rule_diff
from dgdo_geo.errors import DeclarationError
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge, with_changes
from dgdo_geo.model import Potential, Verdict, outcome_of
from dgdo_geo.query import Explorer, open_explorer

Flip = tuple[object, ...]
ON = date(2026, 11, 23)


def recomputed(explorer: Explorer, before: KnowledgeBase, after: KnowledgeBase, on: date) -> dict[Flip, float]:
    """Area per municipality, band and pair of different outcomes, from every row of the overlay table on its own."""
    table = explorer.overlay.table()
    codes = table.levels["municipality"].codes
    region = table.levels["municipality"].position
    evidence = explorer.overlay.evidence_of(table, table.rows("municipality", codes))
    rows = table.rows("municipality", codes)
    found: dict[Flip, float] = defaultdict(float)
    for activity in before.activities.values():
        for band in activity.bands:
            judged = [
                assess(
                    base.activity(activity.id),
                    band.interval,
                    base.applicable(activity.id, on),
                    evidence,
                    explorer.states,
                    base.value,
                    on,
                )
                for base in (before, after)
            ]
            sides = [list(zip(j.verdict, j.indication, j.conclusive, j.potential, strict=True)) for j in judged]
            for row, (old, new) in enumerate(zip(*sides, strict=True)):
                if tuple(old) != tuple(new):
                    key = (codes[region[rows[row]]], activity.id, band.top_m, *_words(old), *_words(new))
                    found[key] += float(evidence.area_m2[row])
    return found


def _words(said: tuple[int, int, bool, int]) -> tuple[str, str, str, bool, str]:
    verdict, indication, conclusive, potential = said
    return (
        outcome_of(Verdict(int(verdict)), bool(conclusive)),
        Verdict(int(verdict)).key,
        Verdict(int(indication)).key,
        bool(conclusive),
        Potential(int(potential)).key,
    )


def listed(diff: RuleDiff) -> dict[Flip, float]:
    """The flips of a diff, in the same form."""
    found = {}
    for row in diff.flips.to_dict("records"):
        sides = [
            row[key]
            for side in ("before", "after")
            for key in (side, f"verdict_{side}", f"indication_{side}", f"conclusive_{side}", f"potential_{side}")
        ]
        found[(row["code"], row["activity"], row["top_m"], *sides)] = row["area_m2"]
    return found


def assert_same(got: dict[Flip, float], expected: dict[Flip, float]) -> None:
    assert got.keys() == expected.keys()
    for key, area in expected.items():
        assert math.isclose(got[key], area, rel_tol=1e-9, abs_tol=1e-6), key


def changed(base: KnowledgeBase, rule_id: str, **update: object) -> KnowledgeBase:
    """The rule base with one row changed."""
    rules = tuple(r.model_copy(update=update) if r.id == rule_id else r for r in base.rules)
    assert rules != base.rules
    return replace(base, rules=rules, hash="changed")


def without(base: KnowledgeBase, rule_id: str) -> KnowledgeBase:
    """The rule base with one row less."""
    return replace(base, rules=tuple(r for r in base.rules if r.id != rule_id), hash="less")


SHIPPED = read_knowledge()
ONE_ROW = {
    "verdict": changed(SHIPPED, "r03-boringsvrije-zone", verdict=Verdict.ATTENTION),
    "one class less": changed(SHIPPED, "r04-boven-de-grensdiepte", classes=("regionale_boringsvrije_zone",)),
    "gone": without(SHIPPED, "r07-strategische-voorraad"),
    "one activity less": changed(SHIPPED, "r03-boringsvrije-zone", activities=("geothermie", "zoutwinning")),
    "another province": changed(SHIPPED, "r10-groningenveld", regions=("PV22",)),
    "not yet": changed(SHIPPED, "r16-schaliegas", valid_from=date(2027, 1, 1)),
    "smaller distance": changed(SHIPPED, "r23-breuk-laag", within="breuk-afstand-midden"),
}


@pytest.mark.parametrize("what", ONE_ROW)
def test_one_changed_row_lists_exactly_the_flips_of_a_full_recomputation(explorer: Explorer, what: str) -> None:
    after = ONE_ROW[what]
    expected = recomputed(explorer, SHIPPED, after, ON)
    assert expected
    diff = rule_diff(explorer, SHIPPED, after, ON)
    assert_same(listed(diff), expected)
    assert [c.id for c in diff.changes if c.kind == "rule"] != []
    assert len(diff.changes) == 1


def test_a_larger_distance_needs_evidence_for_it(tmp_path: Path, explorer: Explorer) -> None:
    wider = SHIPPED.parameters["breuk-afstand-laag"]
    values = tuple(v.model_copy(update={"value": 2500.0}) for v in wider.values)
    moved = {**SHIPPED.parameters, wider.id: wider.model_copy(update={"values": values})}
    after = replace(SHIPPED, parameters=moved, hash="wider")
    with pytest.raises(ValueError, match="breuken within 2500 m"):
        rule_diff(explorer, SHIPPED, after, ON)
    both = open_explorer(tmp_path / "both", create=True, knowledge=SHIPPED, also=[after])
    diff = rule_diff(both, SHIPPED, after, ON)
    assert_same(listed(diff), recomputed(both, SHIPPED, after, ON))
    assert set(diff.flips["activity"]) <= {"geothermie", "ondiepe_geothermie", "udg"}
    assert [(c.kind, c.id, c.keys) for c in diff.changes] == [("parameter", "breuk-afstand-laag", ("values",))]


def test_a_rule_base_compared_with_itself_has_no_flips(explorer: Explorer) -> None:
    diff = rule_diff(explorer, SHIPPED, SHIPPED, ON)
    assert diff.changes == ()
    assert diff.flips.empty
    assert list(diff.flips.columns) == list(COLUMNS)
    assert diff.per_activity().empty
    assert diff.per_place().empty
    assert diff.to_dict()["flips"] == []


def test_a_diff_turned_round_has_the_same_areas(explorer: Explorer) -> None:
    after = ONE_ROW["verdict"]
    there, back = rule_diff(explorer, SHIPPED, after, ON), rule_diff(explorer, after, SHIPPED, ON)
    assert_same({(*k[:3], *k[8:], *k[3:8]): v for k, v in listed(back).items()}, listed(there))


def test_bands_that_only_one_side_knows_are_named_and_not_compared(explorer: Explorer) -> None:
    udg = SHIPPED.activities["udg"]
    deeper = udg.model_copy(update={"bands": (udg.bands[0].model_copy(update={"top_m": 4500.0}),)})
    after = replace(SHIPPED, activities={**SHIPPED.activities, "udg": deeper}, hash="deeper")
    diff = rule_diff(explorer, SHIPPED, after, ON)
    assert [(a, b.top_m) for a, b in diff.bands_before] == [("udg", 4000.0)]
    assert [(a, b.top_m) for a, b in diff.bands_after] == [("udg", 4500.0)]
    assert diff.flips.empty


def test_the_drawing(tiny_world: World) -> None:
    """Zone A is excluded for warmth; without that rule it is not, in exactly its own square metres."""
    base = tiny_world.read_knowledge()
    opened = tiny_world.open()
    after = without(base, "r-zone")
    diff = rule_diff(opened, base, after, TODAY, ["warmte"])
    assert_same(listed(diff), {k: v for k, v in recomputed(opened, base, after, TODAY).items() if k[1] == "warmte"})
    assert set(diff.flips["activity"]) == {"warmte"}
    assert (diff.flips["verdict_before"] == "excluded").all()


# A what-if as a file ------------------------------------------------------------------------


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_of_changes_replaces_adds_and_leaves_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "wat-als.toml",
        """
removed = ["r16-schaliegas"]

[[rule]]
id = "r18-radioactief-afval"
title_nl = "Eindberging"
explanation_nl = "Stel dat het nog maar een aandachtspunt was."
activities = ["radioactief_afval"]
when = "always"
verdict = "attention"
level = "national"
act = "beleid"
valid_from = 2024-01-01
checked_on = 2026-11-23
confidence = "assumption"
source = { id = "eigen" }
""",
    )
    after = with_changes(SHIPPED, path)
    assert {r.id for r in SHIPPED.rules} - {r.id for r in after.rules} == {"r16-schaliegas"}
    assert [r.verdict for r in after.rules if r.id == "r18-radioactief-afval"] == [Verdict.ATTENTION]
    assert after.hash != SHIPPED.hash
    assert with_changes(SHIPPED, path).hash == after.hash


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('removed = ["r99-bestaat-niet"]', ["wat-als.toml", "removed", "r99-bestaat-niet"]),
        ('removed = "r16-schaliegas"', ["wat-als.toml", "removed", "list"]),
        ("[[regel]]\nid = 'x'", ["wat-als.toml", "regel"]),
        ("[[rule]]\nid = 'r-x'\nvalid_form = 2024-01-01", ["wat-als.toml", "'r-x'", "valid_form"]),
    ],
)
def test_a_wrong_file_of_changes_is_refused_by_name(tmp_path: Path, content: str, named: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        with_changes(SHIPPED, write(tmp_path / "wat-als.toml", content))
    for word in named:
        assert word in str(caught.value)
