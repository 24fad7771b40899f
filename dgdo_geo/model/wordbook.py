"""The glossary, ready to find its words in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from dgdo_geo.model.guidance import Term

REMEMBERED = 5000
"""Texts of which the words are remembered."""


def names_of(term: Term) -> tuple[str, ...]:
    """Every way in which a text may write a term.

    An abbreviation in brackets is a name of its own. Other words in brackets tell two meanings of one word apart; then
    the bare word is no name, unless it stands among the forms.

    >>> names_of(Term(id="asv", term_nl="strategische voorraad (ASV)", meaning_nl="Water.", forms=("voorraden",)))
    ('strategische voorraad', 'ASV', 'voorraden')
    >>> names_of(Term(id="nee", term_nl="nee (oordeel)", meaning_nl="Het mag niet."))
    ('nee (oordeel)',)
    """
    bare, _, rest = term.term_nl.partition(" (")
    inside = rest.removesuffix(")")
    own = (bare, inside) if inside.isupper() else (term.term_nl,)
    return tuple(dict.fromkeys((*own, *term.forms)))


class Wordbook:
    """Terms of the glossary, and where a text uses them; safe to share between threads.

    A name in capitals, such as MER, is found in capitals only; other names in
    any case. The longest name wins.
    """

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self.terms = {term.id: term for term in terms}
        self.used_in = lru_cache(REMEMBERED)(self._used_in)

    def __reduce__(self) -> tuple[type[Wordbook], tuple[tuple[Term, ...]]]:
        # What is remembered cannot go to another process, and need not.
        return type(self), (tuple(self.terms.values()),)

    @cached_property
    def _by_name(self) -> dict[str, Term]:
        named = ((name, term) for term in self.terms.values() for name in names_of(term))
        return {name if name.isupper() else name.casefold(): term for name, term in named}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        names = sorted({name for term in self.terms.values() for name in names_of(term)}, key=lambda n: (-len(n), n))
        either = "|".join(re.escape(n) if n.isupper() else f"(?i:{re.escape(n)})" for n in names)
        return re.compile(rf"(?<![\w-])(?:{either or '(?!)'})(?![\w-])")

    def find(self, text: str) -> Iterator[tuple[int, int, Term]]:
        """Start, end and term of every word of the glossary in a text."""
        for match in self._pattern.finditer(text):
            # A word in capitals may be an abbreviation, or any word in a heading.
            term = self._by_name.get(match[0]) or self._by_name.get(match[0].casefold())
            if term is not None:
                yield match.start(), match.end(), term

    def _used_in(self, text: str) -> frozenset[str]:
        return frozenset(term.id for _, _, term in self.find(text))

    def terms_in(self, texts: Iterable[str]) -> tuple[Term, ...]:
        """Terms that any of the texts uses, in alphabetical order."""
        used = frozenset[str]().union(*(self.used_in(text) for text in texts))
        return tuple(sorted((self.terms[i] for i in used), key=lambda term: term.term_nl.casefold()))
