"""The glossary: every word that a reader meets is in it, once, and in plain language."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from dgdo_geo.knowledge import KNOWLEDGE_DIR, read_knowledge
from dgdo_geo.model import Term

GLOSSARY = read_knowledge().glossary
SEED = Path(__file__).resolve().parents[1].parent / "shared/seed/dgdo-regiosessies-rvo-2026.txt"
# fmt: off
APPENDIX = [  # what the source document calls its most used abbreviations
    "BKL", "DSO", "GIS", "HTO", "IenW", "LTO", "MER", "m.e.r.", "KGG", "NIMBY",
    "NPE", "NRD", "PEH", "BOG", "DGDO", "RVO", "SCAN", "STRONG", "TDO", "UDG",
]
SHORT = [
    "ASV", "NGR", "NAP", "SDRA", "SRB", "SodM", "TNO", "EBN", "Tcbb", "Mijnraad", "KEM", "NLOG", "ThermoGIS", "KNMI",
    "AERIUS", "P10", "P50", "P90", "kH", "m -mv", "GS", "B&W", "WKO",
]
WATER_AND_LAW = [
    "boringsvrije zone", "waterwingebied", "grondwaterbeschermingsgebied", "intrekgebied", "100-jaarsaandachtsgebied",
    "grensdiepte", "maaiveld", "passende beoordeling", "Natura 2000", "hand aan de kraan", "kernkwaliteiten",
    "ontheffing", "melding", "maatwerk", "omgevingsverordening", "omgevingsvisie", "omgevingsplan",
    "waterschapsverordening", "legger", "zoekgebied", "startvergunning", "vervolgvergunning", "winningsvergunning",
    "opslagvergunning", "winningsplan", "opslagplan", "instemming", "zienswijze", "bezwaar", "beroep",
    "Gedeputeerde Staten", "college van B&W",
]
GEOLOGY = [
    "geothermie", "doublet", "doorlaatvermogen", "Rotliegend", "Slochteren-zandsteen", "Zechstein", "Röt", "Trias",
    "Dinantien", "Krijt", "zoutpijler", "zoutkussen", "caverne", "pekel",
]
PROGRAM = [
    "cumulatie", "stapeling", "netwerklaag", "occupatielaag", "interferentie", "peildatum", "schematisch",
    "controlepunt", "verantwoording", "grensgeval", "kaartlaag", "dieptetraject", "bevinding", "beperking",
    "beoordeling", "antwoordkaart", "aandachtspunt uit de regio", "beschikbaarheid", "gebied", "regel",
]
# fmt: on


def bare(term: Term) -> str:
    """The term without what stands in brackets behind it."""
    return re.sub(r" \([^()]*\)$", "", term.term_nl)


def names(term: Term) -> set[str]:
    """Everything by which a text may name the term, without regard to capitals."""
    return {name.casefold() for name in (term.term_nl, bare(term), *term.forms)}


NAMES = {name for term in GLOSSARY for name in names(term)}


def explained(text: str) -> bool:
    """True when some name of a term stands in the text, as whole words."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.casefold()) for name in NAMES)


@pytest.mark.parametrize("word", [*APPENDIX, *SHORT, *WATER_AND_LAW, *GEOLOGY, *PROGRAM])
def test_word_is_explained(word: str) -> None:
    assert word.casefold() in NAMES


@pytest.mark.skipif(not SEED.is_file(), reason="the source document is not on this machine")
def test_appendix_of_the_source_document() -> None:
    appendix = SEED.read_text(encoding="utf-8").rsplit("Bijlage: Veelgebruikte afkortingen", 1)[1]
    listed = [line.split("\t")[0].strip() for line in appendix.splitlines() if "\t" in line]
    short = [re.sub(r"^(Ministerie van|Programma) ", "", name) for name in listed]
    assert short == APPENDIX
    assert [name for name in (*listed, *short) if name.casefold() not in NAMES] == []


def test_there_are_terms_and_their_ids_are_unique() -> None:
    assert len(GLOSSARY) > 200
    assert len({term.id for term in GLOSSARY}) == len(GLOSSARY)


def test_a_word_names_one_term() -> None:
    counted = Counter(name for term in GLOSSARY for name in names(term))
    assert [name for name, number in counted.items() if number > 1] == []


def test_terms_and_forms_are_written_once() -> None:
    written = Counter(name.casefold() for term in GLOSSARY for name in (term.term_nl, *term.forms))
    assert [name for name, number in written.items() if number > 1] == []


@pytest.mark.parametrize("term", GLOSSARY, ids=lambda term: term.id)
def test_term(term: Term) -> None:
    assert set(term.see) <= {other.id for other in GLOSSARY} - {term.id}
    assert len(term.see) == len(set(term.see))
    assert all(name == name.strip() != "" for name in (term.term_nl, *term.forms))
    meaning = term.meaning_nl
    assert len(meaning.split()) <= 60
    assert meaning[0] == meaning[0].upper()
    assert meaning.endswith((".", "?"))
    starts = re.match(rf"(een |de |het )?{re.escape(bare(term))}(?!\w)", meaning, re.IGNORECASE)
    assert starts is None, "explains the word with the word itself"


@pytest.mark.parametrize("section", ["verdict", "potential", "quality", "cause"])
def test_words_of_the_answer_are_explained(section: str) -> None:
    words = tomllib.loads((KNOWLEDGE_DIR / "texts" / "words.toml").read_text(encoding="utf-8"))[section]
    assert words
    unexplained = [word for word in words.values() if not explained(word)]
    assert unexplained == []


@pytest.mark.parametrize("section", ["verdict", "potential", "quality"])
def test_a_word_that_stands_alone_is_a_term_itself(section: str) -> None:
    words = tomllib.loads((KNOWLEDGE_DIR / "texts" / "words.toml").read_text(encoding="utf-8"))[section]
    assert [word for word in words.values() if word.casefold() not in NAMES] == []


@pytest.mark.parametrize("word", ["nee", "mogelijk", "onbekend", "voorbeeld", "officieel", "vereenvoudigd", "regel"])
def test_a_common_word_is_no_form(word: str) -> None:
    """A page that links words to the glossary by their terms and forms leaves these alone."""
    written = {name.casefold() for term in GLOSSARY for name in (term.term_nl, *term.forms)}
    assert word in NAMES
    assert word not in written
