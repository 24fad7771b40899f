"""The whole knowledge base as one page to read and to check: ``dgdo-geo rules --html``.

The page stands on its own: no script is needed, nothing is fetched. What it shows is in :mod:`.rules_facts`,
its form in ``templates/rules.html`` and its words in ``knowledge/texts/rules_page.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jinja2

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Layer, Rule
from dgdo_geo.report.rules_facts import Facts, amount, interval
from dgdo_geo.report.rules_links import cited_by, users
from dgdo_geo.report.written import TermLinks, day, templates
from dgdo_geo.texts import number_nl, section, text


def rules_page(knowledge: KnowledgeBase, layers: Mapping[str, Layer], on: date) -> str:
    """Write all rules, procedures, pairs, numbers, concerns, sources and words as one HTML page.

    Parameters
    ----------
    knowledge : KnowledgeBase
    layers : mapping of layer id to Layer
        To name layers and their classes; a layer that is missing keeps its id.
    on : date
        The peildatum: rules that are not in force on it are marked, numbers have their value of that day.
    """
    facts = Facts(knowledge, layers, on)
    words = TermLinks(knowledge.wordbook, "term", with_meaning=False)
    return (
        _templates()
        .get_template("rules.html")
        .render(facts=facts, known=knowledge, on=on, words=words, users=users(facts), cited_by=cited_by(facts))
    )


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    >>> quantity(500, "m -mv"), quantity(45, "graden Celsius")
    ('500 m onder maaiveld', '45 graden Celsius')
    """
    return f"{amount(value)} {section('rules_unit').get(unit, unit)}"


def host(address: str) -> str:
    """Where an address leads to.

    >>> host("https://wetten.overheid.nl/BWBR0014168")
    'wetten.overheid.nl'
    """
    return urlsplit(address).netloc


def out_of_force(rule: Rule, on: date) -> str:
    """Why a rule does not hold on a day; empty when it does."""
    if rule.in_force(on):
        return ""
    if rule.valid_from > on:
        return text("rules_page", "not_yet", on=day(on), start=day(rule.valid_from))
    return text("rules_page", "no_longer", on=day(on), end=day(rule.valid_to))


def _day(value: date | str | None) -> str:
    return day(value) or text("rules_page", "no_date")


def _count(what: str, number: int) -> str:
    return text("rules_count", f"one_{what}" if number == 1 else f"some_{what}", count=number_nl(number))


@cache
def _templates() -> jinja2.Environment:
    environment = templates(Path(__file__).with_name("templates"))
    environment.filters.update(day=_day, amount=amount, number=number_nl, host=host)
    environment.globals.update(
        t=lambda key, **values: text("rules_page", key, **values),
        w=text,
        texts=section,
        count=_count,
        quantity=quantity,
        interval=interval,
        out_of_force=out_of_force,
    )
    return environment
