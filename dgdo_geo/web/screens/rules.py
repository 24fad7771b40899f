"""The page "Regels": every rule in words, with its article and its dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from dgdo_geo.model import Rule
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import letters
from dgdo_geo.report.rules_facts import Facts
from dgdo_geo.report.rules_page import out_of_force, rules_page
from dgdo_geo.report.written import TermLinks, anchor
from dgdo_geo.texts import text
from dgdo_geo.web import controls, frame, opened
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.render import render

PATH = "regels"
THEME, ABOUT, WORDS = "regel_thema", "regel_activiteit", "regel_zoek"


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web_rules", "title"), text("web_rules", "intro"))
    if turn is None:
        return
    columns = st.columns([2, 2])
    with columns[0]:
        controls.choose_date(turn.view)
    with columns[1]:
        controls.choose_detail(turn.view)
    turn = replace(turn, view=frame.settled(turn, None))
    facts = opened.rule_facts(turn.explorer, turn.view.on)
    chosen = _chosen(turn, facts)
    st.header(text("web_rules", "list"), anchor=False)
    mark = TermLinks(turn.explorer.knowledge.wordbook)
    st.html(_list(turn, facts, chosen, mark))
    st.header(text("web_rules", "whole"), anchor=False)
    st.markdown(text("web_rules", "whole_how"))
    st.download_button(
        text("web_rules", "download"),
        data=lambda: whole_page(turn.explorer, facts),
        file_name=f"dgdo-geo-regels-{turn.view.on.isoformat()}.html",
        mime="text/html",
        on_click="ignore",
    )
    st.header(text("web", "glossary"), anchor=False)
    met = sorted(mark.met.values(), key=lambda term: term.term_nl.casefold())
    st.html(render("glossary.html", met=met, others=[], see={t.id: [] for t in met}, anchor=anchor, is_full=False))


def whole_page(explorer: Explorer, facts: Facts) -> str:
    """All rules, procedures, numbers and sources as one page; the same as ``dgdo-geo rules --html``."""
    return rules_page(explorer.knowledge, facts.layers, facts.on)


def _chosen(turn: Turn, facts: Facts) -> list[Rule]:
    """Draw the filters; the rules that pass them."""
    activities = turn.explorer.knowledge.activities
    titles = {theme.key: theme.title for theme in facts.themes}
    columns = st.columns([2, 2, 3])
    every = text("web_rules", "every")
    theme = columns[0].selectbox(
        text("web_rules", "theme"), ["", *titles], key=THEME, format_func=lambda key: titles.get(key, every)
    )
    about = columns[1].selectbox(
        text("web", "activity"),
        ["", *activities],
        key=ABOUT,
        format_func=lambda key: activities[key].name_nl if key else every,
    )
    words = columns[2].text_input(
        text("web_rules", "search"), key=WORDS, placeholder=text("web_rules", "search_placeholder")
    )
    return [
        rule
        for rule in turn.explorer.knowledge.rules
        if (not theme or facts.stem(rule) == theme)
        and (not about or about in rule.activities)
        and holds(rule, words or "")
    ]


def holds(rule: Rule, words: str) -> bool:
    """True when every word stands somewhere in a rule; capitals and accents do not count."""
    sources = [rule.source, *rule.also]
    said = [rule.id, rule.title_nl, rule.explanation_nl, rule.condition_nl]
    said += [f"{source.title} {source.article}" for source in sources]
    found = letters(" ".join(said))
    return all(word in found for word in letters(words).split())


def _list(turn: Turn, facts: Facts, chosen: Sequence[Rule], mark: TermLinks) -> str:
    wanted = set(map(id, chosen))
    themes = {theme.title: [rule for rule in theme.rules if id(rule) in wanted] for theme in facts.themes}
    return render(
        "rules_list.html",
        mark=mark,
        facts=facts,
        themes={title: rules for title, rules in themes.items() if rules},
        rules=chosen,
        all=len(turn.explorer.knowledge.rules),
        on=facts.on,
        out_of_force=out_of_force,
        is_full=turn.view.is_full,
    )
