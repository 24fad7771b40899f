"""Every page in every state: nothing asked of another computer, nothing in English, numbers and dates as in Dutch."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import FRAME, Server, frame_of, settle

from dgdo_geo.texts import section
from dgdo_geo.web.screens import SCREENS

LEFT: frozenset[str] = frozenset()
"""Fixed texts of the library that stay English; the page Uitleg says so of every one."""
ENGLISH = re.compile(
    r"\b(the|and|to|for|your|press|choose|select(ed)?|clear|close|help|options?|results?|drag|files?|uploads?|pages?|show|"
    r"hide|loading|running|day|month|year|date|previous|next|remove|search|sidebar|error|connection|help|skip|copy|"
    r"(jan|febr)uary|march|may|ju(ne|ly)|october)\b",
    re.IGNORECASE,
)
WRONG_NUMBERS = (
    (r"\b\d{1,3},\d{3}\b(?!,)(?! ?%)", "a comma between thousands"),
    (r"\b\d+\.\d{1,2} ?(km|%|ha\b|m²)", "a decimal point"),
    (r"\b\d{4,}([.,]\d+)? ?(km²|ha\b)", "no point between thousands"),
    # The name of a version of the rules looks like a date; its hash follows.
    (r"\b20\d\d-\d\d-\d\d\b(?!\s+[0-9a-f]{8})", "a date that is not written out"),
)
STATES = {
    "start": "",
    "chosen": "gemeente=GM0193&activiteit=geothermie&peildatum=2026-11-23",
    "everything": "provincie=PV23&vergelijk=PV22,PV24&activiteit=hto&punt=203000,503000&naast=165000,487000"
    "&peildatum=2026-11-23&weergave=volledig&kaart=gevonden&lagen=breuken,drinkwaterwinningen",
}
OF_THE_LIBRARY = """() => {
    const said = new Set();
    const ours = ".dgdo, [data-testid=stMarkdownContainer], [data-testid=stHtml], [role=option], [data-testid=stIconMaterial]";
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        const element = node.nodeType === 3 ? node.parentElement : node;
        if (element.closest("script, style, noscript")) continue;
        if (element.closest(ours) && !element.closest("[role=dialog]")) continue;
        if (node.nodeType === 3) { said.add(node.data.trim()); continue; }
        for (const name of ["aria-label", "title", "placeholder", "aria-valuetext", "alt"])
            if (node.hasAttribute(name)) said.add(node.getAttribute(name).trim());
    }
    return [...said].filter(Boolean);
}"""


def english(page: Any) -> set[str]:
    return {words for words in page.evaluate(OF_THE_LIBRARY) if ENGLISH.search(words)} - LEFT


@pytest.mark.browser
@pytest.mark.parametrize("state", list(STATES))
def test_no_page_is_english_or_asks_another_computer(page: Any, server: Server, state: str) -> None:
    left: dict[str, set[str]] = {}
    wrong: list[str] = []
    looked = 0
    for screen in SCREENS:
        page.goto(f"{server.url}/{screen.path}?{STATES[state]}")
        settle(page)
        page.evaluate("() => document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert page.title().strip() and "Streamlit" not in page.title()
        left[screen.title] = english(page)
        if page.locator(FRAME).count():
            inside = frame_of(page)
            left[f"{screen.title}, map"] = {words for words in inside.evaluate(OF_THE_LIBRARY) if ENGLISH.search(words)}
        shown = page.locator("[data-testid=stMain]").inner_text()
        looked += len(re.findall(r"\d ?(?:km²|%)", shown))
        for pattern, what in WRONG_NUMBERS:
            wrong += [f"{screen.title}: {what}: {found[0]}" for found in re.finditer(pattern, shown)]
    assert {where: words for where, words in left.items() if words} == {}
    assert wrong == []
    assert looked > 20 or state == "start"


@pytest.mark.browser
def test_lists_menus_and_messages_are_dutch(page: Any, server: Server) -> None:
    """What the library says only when something is opened, typed or wrong."""
    page.goto(f"{server.url}/gebied?gemeente=GM0193&vergelijk=GM0153")
    settle(page)
    for field in ("Plaats", "Vergelijk met"):
        box = page.get_by_role("combobox", name=field)
        box.click()
        page.keyboard.type("qqqq")
        page.get_by_text("Niets gevonden").wait_for()
        assert english(page) == set()
        page.keyboard.press("Escape")
    page.goto(f"{server.url}/?gemeente=GM0193")  # an open list hides the rest of the page
    settle(page)
    page.get_by_role("button", name="Kies een datum").click()
    page.get_by_role("button", name="Volgende maand").wait_for()
    assert english(page) == set()
    page.keyboard.press("Escape")
    page.goto(f"{server.url}/regels")
    settle(page)
    page.get_by_label("Zoek in de regels").click()
    page.keyboard.type("water")
    page.get_by_text("Druk op Enter").wait_for()
    assert english(page) == set()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{server.url}/hier")
    settle(page)
    page.get_by_role("button", name="Open het menu").click()
    page.get_by_role("button", name="Sluit het menu").wait_for()
    assert english(page) == set()


def test_words_for_the_library_are_whole() -> None:
    words = section("web_widgets")
    assert len(words) > 40
    for english_words, dutch in words.items():
        assert dutch and english_words.count("*") >= dutch.count("*"), english_words
