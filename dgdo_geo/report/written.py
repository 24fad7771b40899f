"""How days, places in a source and addresses are written, and the templates of pages: for the card and for the page of rules."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from dgdo_geo.model import Term, Wordbook
from dgdo_geo.texts import text

_ARTICLE = re.compile(r"\d+(\.\d+)*[a-z]{0,2}(?=$|[,;]| en \d| tot en met | onder | \()")
"""A place in a source that begins with the number of an article."""


def day(value: date | str | None) -> str:
    """A day in words, or the month or year of a publication; "" when there is none.

    >>> day(date(2026, 11, 3)), day("2018-03"), day("2018"), day(None)
    ('3 november 2026', 'maart 2018', '2018', '')
    """
    if value is None:
        return ""
    year, _, rest = str(value).partition("-")
    month, _, number = rest.partition("-")
    if not month:
        return year
    name = text("written", "months").split()[int(month) - 1]
    return f"{int(number)} {name} {year}" if number else f"{name} {year}"


def article(place: str, *, short: bool = False) -> str:
    """The place in a source; "artikel" only before the number of one.

    >>> article("7.11, eerste lid, onder b"), article("figuur 3"), article("45 tot 120 graden")
    ('artikel 7.11, eerste lid, onder b', 'figuur 3', '45 tot 120 graden')
    >>> article("4.1121, eerste lid", short=True)
    'art. 4.1121, eerste lid'
    """
    if not _ARTICLE.match(place):
        return place
    return text("written", "article_short" if short else "article", place=place)


def web_address(address: str) -> str:
    """An address to link to; anything but http and https gives nothing.

    >>> web_address("javascript:alert(1)"), web_address("https://wetten.overheid.nl/")
    ('', 'https://wetten.overheid.nl/')
    """
    return address if address.startswith(("https://", "http://")) else ""


def anchor(term: Term) -> str:
    """Id of the place where a word is explained."""
    return f"woord-{term.id}"


class TermLinks:
    """Writes texts with links to the glossary, and remembers which words it met.

    Used for one drawing of a page. Only the first use of a word is a link, so
    that a page is not full of them.

    Parameters
    ----------
    wordbook : Wordbook
    style : str
        Class of the links.
    with_meaning : bool
        The meaning as a tooltip of the link.
    """

    def __init__(self, wordbook: Wordbook, style: str = "dgdo-term", *, with_meaning: bool = True) -> None:
        self._wordbook = wordbook
        self._style = style
        self._with_meaning = with_meaning
        self._linked: set[str] = set()
        self.met: dict[str, Term] = {}

    def start_again(self) -> str:
        """Every word may be a link again, once: for a part that readers jump to. Adds nothing to the page."""
        self._linked.clear()
        return ""

    def __call__(self, words: str) -> Markup:
        """A text as HTML; all but the links is escaped."""
        result, done = Markup(), 0
        for start, end, term in self._wordbook.find(words):
            self.met[term.id] = term
            if term.id in self._linked:
                continue
            self._linked.add(term.id)
            title = Markup(' title="{}"').format(term.meaning_nl) if self._with_meaning else ""
            link = Markup('<a class="{}" href="#{}"{}>{}</a>')
            result += escape(words[done:start]) + link.format(self._style, anchor(term), title, words[start:end])
            done = end
        return result + escape(words[done:])


def templates(folder: Path) -> jinja2.Environment:
    """Templates in a folder: everything is escaped, and a name that does not exist is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=day, article=article, web_address=web_address)
    return environment
