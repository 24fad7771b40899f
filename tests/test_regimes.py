"""Drinking water per province: what every kind of zone says about heat, bodemenergie and other mining.

The table was written from the reference texts, not from the rules. A row is one synthetic zone. State and province may
differ: the strictest verdict decides, and the strictest of the province stands beside it. ``slanted`` is what is said
of a well that starts outside the zone; it never counts in the verdict.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from dgdo_geo.assess import BandAssessment, Firing
from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir
from dgdo_geo.check import assess_case
from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Case, CaseEvidence, CaseExpectation, Level, Rule, Verdict, Well

KNOWLEDGE = read_knowledge()
LAYERS = {layer_id: entry.layer for layer_id, entry in read_catalogue([shipped_layers_dir()]).items()}
REFERENCE = Path(__file__).resolve().parents[1].parent / "shared/reference/domain-facts/grondwaterregimes.csv"
ON = date(2026, 11, 23)

NO, UNLESS, PROVIDED, ATTENTION, NOTHING = sorted(Verdict, reverse=True)
PROTECTION, BORING, RESERVE = "grondwaterbescherming", "boringsvrije_zones", "strategische_grondwatervoorraden"
WELLS, AROUND, BOTH = "waterwingebied", "grondwaterbeschermingsgebied", "waterwin_en_grondwaterbescherming"
ZONE, CLAY = "boringsvrije_zone", "regionale_boringsvrije_zone"
ASV, STRATEGIC, NGR = "asv", "strategische_voorraad", "ngr"
VULNERABLE, LESS_VULNERABLE = "drinkwaterreserveringsgebied_kwetsbaar", "drinkwaterreserveringsgebied_minder_kwetsbaar"

USES = {"heat": ("geothermie", (1250, 4000)), "wko": ("wko", (100, 200)), "mining": ("zoutwinning", (800, 1800))}
Said = tuple[Verdict, Verdict | None]
"""The strictest verdict, and the strictest of the province (None: no rule of the province fires)."""


class Regime(NamedTuple):
    """One zone. ``row`` is the province and zone of the reference file; ``differs`` says where a later text wins."""

    row: tuple[str, str]
    province: str
    layer: str
    class_id: str
    top: float | Literal["unknown"]
    heat: Said
    slanted: Verdict | None
    wko: Said
    mining: Said
    differs: str = ""


ANY_WELLS = ("*", "waterwingebied")
ANY_AROUND = ("*", "grondwaterbeschermingsgebied (25-jaarszone)")
ANY_ZONE = ("*", "boringsvrije zone rond bestaande winning")
ANY_ASV = ("*", "ASV (aanvullende strategische voorraad)")
ANY_NGR = ("*", "NGR (nationale grondwaterreserve, indicatief)")
GRONINGEN = ("Groningen", "waterwin-/beschermingsgebied (De Punt, Onnen, Sellingen, ...)")
DRENTHE = ("Drenthe", "verbodszone diepe boringen")
FRYSLAN = ("Fryslân", "waterwin-/beschermingsgebied")
SALLAND = ("Overijssel", "boringsvrije zone Salland Diep (Diepe pakket van Salland)")
ENGELSE_WERK = ("Overijssel", "boringsvrije zone Engelse Werk Diep (Zwolle)")
GELDERLAND = ("Gelderland", "grondwaterbeschermingsgebied")
GELDERLAND_CLAY = ("Gelderland", "boringsvrije zone")
GELDERLAND_VULNERABLE = ("Gelderland", "drinkwaterreserveringsgebied kwetsbaar (11 gebieden totaal)")
GELDERLAND_LESS = ("Gelderland", "drinkwaterreserveringsgebied minder kwetsbaar (diepe kleilaag)")
UTRECHT = ("Utrecht", "boringsvrije zone / kwetsbare strategische grondwatervoorraad / 100-jaarsaandachtsgebied")
FLEVOLAND = ("Flevoland", "boringsvrije zone Zuidelijk Flevoland")
FLEVOLAND_SMALL = ("Flevoland", "boringsvrije zone Bremerberg / Fledite / Harderbroek / Spiekzand")
NOORD_HOLLAND = ("Noord-Holland", "waterwin-/beschermingsgebied (duinen, Gooi)")
ZUID_HOLLAND = ("Zuid-Holland", "waterwin-/beschermingsgebied/boringsvrije zone")
ZEELAND = ("Zeeland", "waterwin-/beschermingsgebied (enkele winningen)")
BRABANT = ("Noord-Brabant", "boringsvrije zone / diepe grondwater onder klei")
VENLO = ("Limburg", "Venloschol")
ROER = ("Limburg", "Roerdalslenk zones I-IV")

NOT_ON_A_MAP = {("*", "intrekgebied / 100-jaarsaandachtsgebied")}
"""Zones without a class in any layer; a rule must say so in ``not_modelled``."""

EXEMPTION = "a prohibition from which the province can exempt is 'nee, tenzij'"
STATE_TOO = "the State excludes new mining in a boringsvrije zone (STRONG), whatever the province says"

# fmt: off
TABLE = (
    # What holds everywhere, in provinces whose own text was not seen.
    Regime(ANY_WELLS, "PV28", PROTECTION, WELLS, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_WELLS, "PV23", PROTECTION, WELLS, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_AROUND, "PV26", PROTECTION, AROUND, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_AROUND, "PV31", PROTECTION, AROUND, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_ZONE, "PV28", BORING, ZONE, 50, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_ZONE, "PV28", BORING, ZONE, 200, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(ANY_ZONE, "PV20", BORING, ZONE, 50, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ANY_ASV, "PV23", RESERVE, ASV, "unknown", (UNLESS, UNLESS), UNLESS, (PROVIDED, PROVIDED), (UNLESS, UNLESS)),
    Regime(ANY_NGR, "PV21", RESERVE, NGR, "unknown", (ATTENTION, None), None, (PROVIDED, None), (ATTENTION, None),
           differs="slanted: the straight well is already no more than an attention point"),
    # Noord
    Regime(GRONINGEN, "PV20", PROTECTION, AROUND, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(DRENTHE, "PV22", BORING, ZONE, 100, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(DRENTHE, "PV22", BORING, ZONE, 300, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(DRENTHE, "PV22", BORING, ZONE, "unknown", (NOTHING, None), None, (PROVIDED, PROVIDED), (NOTHING, None),
           differs="the limit depth was not seen: not free, but open"),
    Regime(("Drenthe", "bodemenergie zone 1"), "PV22", PROTECTION, AROUND, 0, (NO, None), UNLESS, (NO, NO), (NO, None)),
    Regime(FRYSLAN, "PV21", PROTECTION, AROUND, 0, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS), EXEMPTION),
    Regime(FRYSLAN, "PV21", PROTECTION, WELLS, 0, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS), EXEMPTION),
    # Oost
    Regime(SALLAND, "PV23", BORING, ZONE, 50, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(SALLAND, "PV23", BORING, ZONE, 250, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(ENGELSE_WERK, "PV23", BORING, ZONE, 60, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ENGELSE_WERK, "PV23", BORING, ZONE, 250, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(("Overijssel", "ASV Koppelerwaard, Bruchterveld"), "PV23", RESERVE, ASV, "unknown",
           (UNLESS, UNLESS), UNLESS, (PROVIDED, PROVIDED), (UNLESS, UNLESS)),
    Regime(GELDERLAND, "PV25", PROTECTION, AROUND, 0, (NO, NO), UNLESS, (NO, NO), (NO, None)),
    Regime(GELDERLAND, "PV25", PROTECTION, WELLS, 0, (NO, NO), UNLESS, (NO, NO), (NO, None)),
    Regime(GELDERLAND_CLAY, "PV25", BORING, ZONE, 40, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(GELDERLAND_CLAY, "PV25", BORING, ZONE, 220, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(GELDERLAND_VULNERABLE, "PV25", RESERVE, VULNERABLE, 0, (NO, NO), NO, (NO, NO), (UNLESS, UNLESS)),
    Regime(GELDERLAND_LESS, "PV25", RESERVE, LESS_VULNERABLE, "unknown",
           (NO, NO), NO, (PROVIDED, PROVIDED), (UNLESS, UNLESS)),
    # West
    Regime(UTRECHT, "PV26", RESERVE, STRATEGIC, "unknown", (UNLESS, UNLESS), UNLESS, (PROVIDED, PROVIDED),
           (UNLESS, UNLESS)),
    Regime(UTRECHT, "PV26", BORING, ZONE, 30, (NO, NO), UNLESS, (NO, NO), (NO, NO),
           differs="Veenendaal: drilling to 30 m only"),
    Regime(UTRECHT, "PV26", BORING, ZONE, "unknown", (UNLESS, UNLESS), None, (PROVIDED, PROVIDED), (UNLESS, UNLESS)),
    Regime(FLEVOLAND, "PV24", BORING, ZONE, 5, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(FLEVOLAND, "PV24", BORING, ZONE, 210, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(FLEVOLAND_SMALL, "PV24", BORING, ZONE, 12, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(FLEVOLAND_SMALL, "PV24", BORING, ZONE, 200, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    Regime(("Flevoland", "waterwingebied"), "PV24", PROTECTION, WELLS, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(("Flevoland", "beschermingsgebied"), "PV24", PROTECTION, AROUND, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(NOORD_HOLLAND, "PV27", PROTECTION, BOTH, 0, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS),
           differs="drilling 'niet, of alleen onder strenge voorwaarden'"),
    Regime(("Noord-Holland", "ASV Horstermeerpolder, Hoorn"), "PV27", RESERVE, ASV, "unknown",
           (UNLESS, UNLESS), UNLESS, (UNLESS, UNLESS), (UNLESS, UNLESS)),
    Regime(ZUID_HOLLAND, "PV28", PROTECTION, BOTH, 0, (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(ZUID_HOLLAND, "PV28", BORING, ZONE, 200, (NO, NO), UNLESS, (PROVIDED, PROVIDED), (NO, NO)),
    # Zuid
    Regime(ZEELAND, "PV29", PROTECTION, BOTH, 0, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS), EXEMPTION),
    Regime(BRABANT, "PV30", BORING, CLAY, 80, (UNLESS, UNLESS), UNLESS, (NO, NO), (UNLESS, UNLESS)),
    Regime(BRABANT, "PV30", BORING, CLAY, 200, (UNLESS, UNLESS), UNLESS, (PROVIDED, PROVIDED), (UNLESS, UNLESS)),
    Regime(BRABANT, "PV30", BORING, ZONE, 80, (NO, UNLESS), UNLESS, (NO, NO), (NO, None), STATE_TOO),
    Regime(("Noord-Brabant", "grondwaterbeschermingsgebied, 3 m"), "PV30", PROTECTION, AROUND, 0,
           (NO, NO), UNLESS, (NO, NO), (NO, NO)),
    Regime(VENLO, "PV31", BORING, ZONE, 20, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS), EXEMPTION),
    Regime(VENLO, "PV31", BORING, ZONE, 200, (NO, UNLESS), UNLESS, (PROVIDED, PROVIDED), (NO, UNLESS)),
    Regime(ROER, "PV31", BORING, ZONE, 80, (NO, UNLESS), UNLESS, (UNLESS, UNLESS), (NO, UNLESS), STATE_TOO),
    Regime(ROER, "PV31", BORING, ZONE, 200, (NO, UNLESS), UNLESS, (PROVIDED, PROVIDED), (NO, UNLESS), STATE_TOO),
    Regime(ROER, "PV31", BORING, ZONE, "unknown", (UNLESS, UNLESS), None, (PROVIDED, PROVIDED), (NOTHING, None),
           differs="the limits of zones I, II and IV were not seen: other mining is open"),
)
# fmt: on

SLANTED = {
    "r05-schuin-onder-beschermingsgebied": UNLESS,  # STRONG: in principle possible, without risk
    "r05-schuin-onder-boringsvrije-zone": UNLESS,
    "r05-schuin-onder-voorraad": UNLESS,
    "r05-schuin-onder-gelderland-reserve": NO,  # geothermie is banned in all eleven
    "r05-flevoland-beschermingsgebied": UNLESS,  # from a drill site outside all zones
    "r05-flevoland-boringsvrije-zone": UNLESS,
    "r05-schuin-brabant-limburg": UNLESS,  # regio Zuid: nee, tenzij
    "r13-waddenzee-vergunning": NO,  # no new licences for gas or salt under the Waddenzee
}
"""What every rule about a slanted well says."""


@cache
def assessed(regime: Regime, use: str) -> BandAssessment:
    """The answer of the rules at a place in the zone."""
    activity, depth_m = USES[use]
    item = {"layer": regime.layer, "class": regime.class_id, "top_m": regime.top}
    case = Case(
        name=f"{regime.row}: {use}",
        on=ON,
        activity=activity,
        depth_m=depth_m,
        province=regime.province,
        evidence=(CaseEvidence.model_validate(item),),
        expect=CaseExpectation(verdict=""),
    )
    return assess_case(case, KNOWLEDGE, LAYERS)


def fired(found: BandAssessment) -> Iterator[Rule]:
    return (outcome.rule for outcome in found.rules if outcome.firing[0] == Firing.FIRES)


def strictest(rules: Iterator[Rule]) -> Verdict | None:
    return max((rule.verdict for rule in rules), default=None)


def named(regime: Regime) -> str:
    return f"{regime.province} {regime.class_id} {regime.top} ({regime.row[1]})"


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("regime", TABLE, ids=named)
def test_the_strictest_verdict(regime: Regime, use: str) -> None:
    expected: Said = getattr(regime, use)
    assert Verdict(int(assessed(regime, use).verdict[0])) is expected[0]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("regime", TABLE, ids=named)
def test_the_strictest_verdict_of_the_province(regime: Regime, use: str) -> None:
    expected: Said = getattr(regime, use)
    provincial = (r for r in fired(assessed(regime, use)) if r.level is Level.PROVINCIAL and r.well is Well.ANY)
    assert strictest(provincial) is expected[1]


@pytest.mark.parametrize("regime", TABLE, ids=named)
def test_what_is_said_of_a_slanted_well(regime: Regime) -> None:
    slanted = (rule for rule in fired(assessed(regime, "heat")) if rule.well is Well.SLANTED)
    assert strictest(slanted) is regime.slanted


@pytest.mark.parametrize("use", ["wko", "mining"])
@pytest.mark.parametrize("regime", TABLE, ids=named)
def test_only_heat_and_hydrocarbons_have_a_slanted_way(regime: Regime, use: str) -> None:
    assert not [rule.id for rule in fired(assessed(regime, use)) if rule.well is Well.SLANTED]


def test_every_rule_about_a_slanted_well_says_what_its_source_says() -> None:
    """The verdict of a case leaves slanted wells out, so a change of theirs is noticed here only."""
    assert {rule.id: rule.verdict for rule in KNOWLEDGE.rules if rule.well is Well.SLANTED} == SLANTED


def test_zones_that_are_on_no_map_are_named_by_a_rule() -> None:
    texts = " ".join(text for rule in KNOWLEDGE.rules for text in rule.not_modelled).casefold()
    for _, zone in NOT_ON_A_MAP:
        for kind in zone.split(" / "):
            assert kind.casefold() in texts


# The reference file, where it is present ----------------------------------------------------

WORDS = {
    "uitgesloten": NO,
    "nee_tenzij": UNLESS,
    "voorwaardelijk": PROVIDED,
    "alleen": PROVIDED,
    "max": PROVIDED,
    "aandachtspunt": ATTENTION,
}
COLUMNS = {
    "heat": "geothermie_boring_door_zone",
    "wko": "wko",
    "mining": "overige_mijnbouw_nieuwe_locatie",
}


def reference_rows() -> dict[tuple[str, str], dict[str, str]]:
    if not REFERENCE.is_file():
        pytest.skip("the reference texts are not on this machine")
    with REFERENCE.open(encoding="utf-8", newline="") as lines:
        rows = {(row["provincie"], row["zone"]): row for row in csv.DictReader(lines)}
    assert len(rows) >= 24
    return rows


def read_word(cell: str) -> Verdict:
    """The verdict with which a cell of the reference file begins."""
    first = cell.split()[0].rstrip(":,;").casefold()
    return WORDS[first]


def test_every_row_of_the_reference_is_in_the_table() -> None:
    assert set(reference_rows()) - {regime.row for regime in TABLE} - NOT_ON_A_MAP == set()


@pytest.mark.parametrize("use", COLUMNS)
def test_the_zone_says_what_the_reference_says_or_the_table_tells_why_not(use: str) -> None:
    """Rules about the zone only; a later text wins where ``differs`` says so."""
    for key, row in reference_rows().items():
        if key in NOT_ON_A_MAP:
            continue
        regimes = [regime for regime in TABLE if regime.row == key]
        own = [
            strictest(r for r in fired(assessed(g, use)) if r.layer == g.layer and r.well is Well.ANY) for g in regimes
        ]
        if read_word(row[COLUMNS[use]]) not in own:
            assert any(regime.differs for regime in regimes), f"{key}: {row[COLUMNS[use]]!r}, the rules say {own}"


def test_a_slanted_well_is_what_the_reference_says_or_the_table_tells_why_not() -> None:
    for key, row in reference_rows().items():
        regimes = [regime for regime in TABLE if regime.row == key]
        if regimes and read_word(row["geothermie_schuin_onder_zone"]) not in [regime.slanted for regime in regimes]:
            assert any(regime.differs for regime in regimes), f"{key}: {row['geothermie_schuin_onder_zone']!r}"
