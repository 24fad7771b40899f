"""The glossary finds its words in a text: whole words, the longest name first, and nothing else."""

from __future__ import annotations

import pickle
import threading
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Term, Wordbook
from dgdo_geo.model.wordbook import names_of


def term(term_nl: str, *forms: str, term_id: str = "") -> Term:
    made = "".join(c if c.isascii() and c.isalnum() else "-" for c in term_nl.casefold())
    return Term(id=term_id or f"t{made}", term_nl=term_nl, meaning_nl="Iets.", forms=forms)


def found(book: Wordbook, text: str) -> list[tuple[str, str]]:
    """Every word that was found, as it stands in the text, and its term."""
    return [(text[start:end], item.term_nl) for start, end, item in book.find(text)]


def words(text: str, *terms: Term) -> list[str]:
    return [word for word, _ in found(Wordbook(terms), text)]


ZONE = term("zone", "zones")
FREE_ZONE = term("boringsvrije zone")
MER = term("milieueffectrapport (MER)")


# Names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (term("zone"), ("zone",)),
        (ZONE, ("zone", "zones")),
        (MER, ("milieueffectrapport", "MER")),
        (term("strategische voorraad (ASV)", "ASV", "voorraden"), ("strategische voorraad", "ASV", "voorraden")),
        (term("nee (oordeel)"), ("nee (oordeel)",)),
        (term("zone", "zone"), ("zone",)),
    ],
)
def test_a_term_has_its_own_name_its_abbreviation_and_its_forms(item: Term, names: tuple[str, ...]) -> None:
    assert names_of(item) == names


# Finding -----------------------------------------------------------------------------------


def test_the_longest_name_wins() -> None:
    book = Wordbook([ZONE, FREE_ZONE])
    text = "Een boringsvrije zone is een zone."
    assert found(book, text) == [("boringsvrije zone", "boringsvrije zone"), ("zone", "zone")]
    assert found(Wordbook([FREE_ZONE, ZONE]), text) == found(book, text)


def test_of_two_names_that_overlap_the_first_in_the_text_is_found() -> None:
    book = Wordbook([term("diepe aardwarmte"), term("aardwarmte winnen")])
    assert found(book, "diepe aardwarmte winnen") == [("diepe aardwarmte", "diepe aardwarmte")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zone", ["zone"]),
        ("De zones, een zone; (zone) ‘zone’ zone. Zone!", ["zones", "zone", "zone", "zone", "zone", "Zone"]),
        ("zone/zones", ["zone", "zones"]),
        ("zone\nzones", ["zone", "zones"]),
        ("bodemzone", []),
        ("zonering", []),
        ("zonesgewijs", []),
        ("_zone", []),
        ("zone2", []),
        ("ozone", []),
        ("zoné", []),
        ("", []),
    ],
)
def test_only_whole_words_are_found(text: str, expected: list[str]) -> None:
    assert words(text, ZONE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zone-indeling", []),
        ("bodem-zone", []),
        ("MER-plicht", []),
        ("plan-MER", []),
        ("de zone - en meer", ["zone"]),
        ("de zone – en meer", ["zone"]),
        ("bodem-zone zone", ["zone"]),
    ],
)
def test_a_hyphen_makes_it_another_word(text: str, expected: list[str]) -> None:
    assert words(text, ZONE, MER) == expected


def test_a_name_may_hold_a_hyphen_itself() -> None:
    assert words("het 100-jaarsaandachtsgebied", term("100-jaarsaandachtsgebied")) == ["100-jaarsaandachtsgebied"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("een MER", ["MER"]),
        ("een mer", []),
        ("een Mer", []),
        ("het milieueffectrapport", ["milieueffectrapport"]),
        ("Milieueffectrapport", ["Milieueffectrapport"]),
        ("MILIEUEFFECTRAPPORT", ["MILIEUEFFECTRAPPORT"]),
    ],
)
def test_an_abbreviation_is_found_in_capitals_only_and_other_words_in_any_case(text: str, expected: list[str]) -> None:
    assert words(text, MER) == expected


def test_an_abbreviation_and_a_word_of_the_same_letters_are_told_apart() -> None:
    book = Wordbook([MER, term("mer")])
    assert found(book, "MER, mer en Mer") == [
        ("MER", "milieueffectrapport (MER)"),
        ("mer", "mer"),
        ("Mer", "mer"),
    ]


def test_letters_with_accents_are_letters() -> None:
    assert words("Röt RÖT röt rot", term("Röt")) == ["Röt", "RÖT", "röt"]


@pytest.mark.parametrize("text", ["", "zone", "alles wat er staat", "(?!)", "|"])
def test_an_empty_glossary_finds_nothing(text: str) -> None:
    assert list(Wordbook().find(text)) == []
    assert Wordbook().terms_in([text]) == ()


HOSTILE = [
    ".*",
    "a.c",
    "a|b",
    "[z",
    "(x",
    "x)",
    "c++",
    r"\d",
    r"\w+",
    "^",
    "$",
    "a{2}",
    "(?i)a",
    "#",
    r"\ ",
    "B&W",
    "m -mv",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_signs_in_a_name_are_just_signs(name: str) -> None:
    book = Wordbook([term(name)])
    assert [word for word, _ in found(book, f"het {name} hier")] == [name]
    assert found(book, "abc aac ab a b z x c 1 d aa zaa ia") == []


def test_all_hostile_names_together_are_still_found() -> None:
    book = Wordbook([term(name, term_id=f"t{i}") for i, name in enumerate(HOSTILE)])
    assert [word for word, _ in found(book, " , ".join(HOSTILE))] == HOSTILE


@pytest.mark.parametrize(
    "text", ["zone mılıeu", "mİlieu", "ſchaap", "\u212aelvin", "ZONE", "STRASSE straße", "\x00", "😀 zone"]
)
def test_strange_letters_do_no_harm(text: str) -> None:
    """Some letters match another one without being its capital."""
    book = Wordbook([term("zone"), term("milieu"), term("schaap"), term("kelvin"), term("straße")])
    assert {item.term_nl for _, _, item in book.find(text)} <= {"zone", "milieu", "schaap", "kelvin", "straße"}


letters = st.text(st.sampled_from("abAB -.(é"), max_size=12)
names = st.text(st.sampled_from("abAB.(é"), min_size=1, max_size=4)


@given(st.lists(names, max_size=5, unique_by=str.casefold), letters)
def test_what_is_found_is_a_name_at_its_place(written: list[str], text: str) -> None:
    book = Wordbook([term(name, term_id=f"t{i}") for i, name in enumerate(written)])
    last = 0
    for start, end, item in book.find(text):
        assert last <= start < end
        last = end
        name = item.term_nl
        assert text[start:end] == name if name.isupper() else text[start:end].casefold() == name.casefold()
        around = text[start - 1 : start] + text[end : end + 1]
        assert not any(c.isalnum() or c in "-_" for c in around)


def test_the_words_of_some_texts_come_once_and_in_alphabetical_order() -> None:
    book = Wordbook([ZONE, MER, FREE_ZONE, term("aarde")])
    texts = ["Een zone en zones.", "Een MER voor de Aarde", "zone", ""]
    assert [item.term_nl for item in book.terms_in(texts)] == ["aarde", "milieueffectrapport (MER)", "zone"]


def test_threads_may_share_a_wordbook() -> None:
    book = Wordbook([ZONE, FREE_ZONE, MER])
    texts = [f"{'boringsvrije ' * (i % 2)}zone {i} MER" for i in range(200)]
    expected = [Wordbook([ZONE, FREE_ZONE, MER]).used_in(text) for text in texts]
    answers: dict[int, list[Any]] = {}

    def read(number: int) -> None:
        answers[number] = [book.used_in(text) for text in texts]

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(answers.values()) == [expected] * 4


# The shipped glossary ----------------------------------------------------------------------


def test_no_name_of_the_shipped_glossary_belongs_to_two_terms() -> None:
    """An abbreviation and a word of the same letters are two names."""
    owners: dict[str, set[str]] = defaultdict(set)
    glossary = read_knowledge().glossary
    assert glossary
    for item in glossary:
        for name in names_of(item):
            owners[name if name.isupper() else name.casefold()].add(item.id)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


def test_every_name_of_the_shipped_glossary_is_found() -> None:
    book = read_knowledge().wordbook
    for item in book.terms.values():
        for name in names_of(item):
            assert [(start, end, by.id) for start, end, by in book.find(name)] == [(0, len(name), item.id)]
            assert [by.id for _, _, by in book.find(f"({name}), ")] == [item.id]


def test_a_used_knowledge_base_can_go_to_another_process(tiny):
    book = tiny.knowledge.wordbook
    assert [term.id for term in book.terms_in(["Een zone."])] == ["zone"]
    there = pickle.loads(pickle.dumps(tiny.knowledge)).wordbook
    assert there.terms == book.terms
    assert [term.id for term in there.terms_in(["Een zone."])] == ["zone"]
