"""The whole knowledge base as one page to read and to check: ``dgdo-geo rules --html``.

The page stands on its own: no script is needed, nothing is fetched. What it shows is in :mod:`.rules_facts`,
its form in ``templates/rules.html`` and its words in ``knowledge/texts/rules_page.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup, escape

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Layer, Rule, Wordbook
from dgdo_geo.report.rules_facts import Facts, amount, interval
from dgdo_geo.report.rules_links import cited_by, users
from dgdo_geo.texts import number_nl, section, text

ARTICLE = re.compile(r"\d+(\.\d+)*[a-z]{0,2}(?=$|[,;]| en \d| tot en met | onder | \()")
"""A place in a source that begins with the number of an article."""


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
    words = LinkedWords(knowledge.wordbook)
    return (
        _templates()
        .get_template("rules.html")
        .render(facts=facts, known=knowledge, on=on, words=words, users=users(facts), cited_by=cited_by(facts))
    )


class LinkedWords:
    """Writes texts with links to the glossary: in every part of the page, the first use of a word."""

    def __init__(self, wordbook: Wordbook) -> None:
        self._wordbook = wordbook
        self._linked: set[str] = set()

    def begin(self) -> str:
        """Begin another part of the page; adds nothing to it."""
        self._linked.clear()
        return ""

    def __call__(self, words: str) -> Markup:
        """A text as HTML; all but the links is escaped."""
        result, done = Markup(), 0
        for start, end, term in self._wordbook.find(words):
            if term.id in self._linked:
                continue
            self._linked.add(term.id)
            link = Markup('<a class="term" href="#woord-{}">{}</a>').format(term.id, words[start:end])
            result += escape(words[done:start]) + link
            done = end
        return result + escape(words[done:])


def day(value: date | str | None) -> str:
    """A day, or the month or year of a publication, in words.

    >>> day(date(2026, 11, 3)), day("2018-03"), day("2018"), day(None)
    ('3 november 2026', 'maart 2018', '2018', 'zonder datum')
    """
    if value is None:
        return text("rules_page", "no_date")
    year, _, rest = str(value).partition("-")
    month, _, number = rest.partition("-")
    if not month:
        return year
    name = text("rules_page", "months").split()[int(month) - 1]
    return f"{int(number)} {name} {year}" if number else f"{name} {year}"


def article(place: str) -> str:
    """The place in a source; "artikel" only before the number of one.

    >>> article("7.11, eerste lid, onder b"), article("figuur 3"), article("45 tot 120 graden")
    ('artikel 7.11, eerste lid, onder b', 'figuur 3', '45 tot 120 graden')
    """
    return text("rules_page", "article", place=place) if ARTICLE.match(place) else place


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    >>> quantity(500, "m -mv"), quantity(45, "graden Celsius")
    ('500 m onder maaiveld', '45 graden Celsius')
    """
    return f"{amount(value)} {section('rules_unit').get(unit, unit)}"


def web_address(address: str) -> str:
    """An address to link to; anything but http and https gives nothing."""
    return address if address.startswith(("https://", "http://")) else ""


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


def _count(what: str, number: int) -> str:
    return text("rules_count", f"one_{what}" if number == 1 else f"some_{what}", count=number_nl(number))


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=day,
        article=article,
        amount=amount,
        number=number_nl,
        web_address=web_address,
        host=host,
    )
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
