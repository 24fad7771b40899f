"""Words of the glossary in a text: the first use of each is a link to its meaning, further down the page."""

from __future__ import annotations

from markupsafe import Markup, escape

from dgdo_geo.model import Term, Wordbook


def anchor(term: Term) -> str:
    """Id of the place where a word is explained."""
    return f"woord-{term.id}"


class TermLinks:
    """Writes texts with links to the glossary, and remembers which words it met.

    Used for one drawing of the card. Only the first use of a word is a link,
    so that a page is not full of them.
    """

    def __init__(self, wordbook: Wordbook) -> None:
        self._wordbook = wordbook
        self._linked: set[str] = set()
        self.met: dict[str, Term] = {}

    def start_again(self) -> None:
        """Every word may be a link again, once: for a part far down that readers jump to."""
        self._linked.clear()

    def __call__(self, words: str) -> Markup:
        """A text as HTML; all but the links is escaped."""
        result, done = Markup(), 0
        for start, end, term in self._wordbook.find(words):
            self.met[term.id] = term
            if term.id in self._linked:
                continue
            self._linked.add(term.id)
            link = Markup('<a class="dgdo-term" href="#{}" title="{}">{}</a>')
            result += escape(words[done:start]) + link.format(anchor(term), term.meaning_nl, words[start:end])
            done = end
        return result + escape(words[done:])
