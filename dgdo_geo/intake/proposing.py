"""A proposed mapping: which column is what, and which class a value may mean. Never applied by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache

from dgdo_geo.intake.looking import CODE_NAME, ColumnFacts, Facts
from dgdo_geo.model import Layer
from dgdo_geo.texts import number_nl, section, text

LEAST = 0.6
"""Certainty below which nothing is proposed."""
SURE = 0.9
"""Certainty from which a proposal is written into a recipe as it is, to be checked; below it as a comment."""
AREA = re.compile(r"(GM|PV|WS)\d{2,4}")
"""A code of an area: regions are asked for by it, so it goes before an id of the service."""
NAME = re.compile(r"naam|name|titel|title|omschrijving|label|(^|_)nm$|locatie|location", re.IGNORECASE)
SHOWN = 12


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A column for something, and how certain that is, from 0 to 1."""

    column: str
    certainty: float


@dataclass(frozen=True, slots=True)
class ValueGuess:
    """A value of the source, in how many rows it stands, and the class that it may mean.

    Attributes
    ----------
    class_id : str or None
        None when nothing looks like it.
    """

    value: str
    rows: int
    class_id: str | None
    certainty: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the columns and values of a file may mean.

    Attributes
    ----------
    columns : sequence of str
        Columns that may hold the class, joined with ``|`` as in a recipe.
    """

    id: ColumnGuess | None = None
    name: ColumnGuess | None = None
    columns: tuple[str, ...] = ()
    values: tuple[ValueGuess, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def describe_nl(self) -> list[str]:
        """The proposal in lines."""
        lines = []
        for what, guess in (("id", self.id), ("name", self.name)):
            if guess is not None:
                values = {"what": text("intake", f"propose_{what}"), "column": guess.column}
                lines.append(text("intake", "propose_column", percent=percent(guess.certainty), **values))
        if self.values:
            lines.append(text("intake", "propose_classes", columns=" en ".join(self.columns)))
        for item in self.values[:SHOWN]:
            words = {"value": item.value, "rows": rows_nl(item.rows), "percent": percent(item.certainty)}
            if item.class_id is None:
                lines.append(text("intake", "propose_nothing", **words))
            else:
                label = self.labels.get(item.class_id, item.class_id)
                lines.append(text("intake", "propose_value", class_id=item.class_id, label=label, **words))
        if len(self.values) > SHOWN:
            lines.append(text("intake", "more", count=len(self.values) - SHOWN))
        return lines


NO_PROPOSAL = Proposal()


def rows_nl(count: int) -> str:
    """A number of rows on screen."""
    return text("intake", "one_row") if count == 1 else text("intake", "some_rows", count=number_nl(count))


def percent(certainty: float) -> str:
    """A certainty on screen."""
    return f"{100 * certainty:.0f}%"


def propose(
    facts: Facts,
    layer: Layer | None,
    *,
    id_column: str | None = None,
    name_column: str | None = None,
    class_columns: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
    mapped: Sequence[str] = (),
) -> Proposal:
    """Propose what is not given.

    Parameters
    ----------
    layer : Layer, optional
        Whose classes are meant; without it no classes are proposed.
    id_column, name_column, class_columns
        What the recipe gives: nothing is proposed for it.
    counts : mapping of value to rows, optional
        The values of ``class_columns``, joined.
    mapped : sequence of str
        Values that have a class already.
    """
    found_id = None if id_column else _best(facts.columns, lambda c: _as_id(c, facts.rows))
    taken = found_id.column if found_id else id_column
    found_name = None if name_column else _best(facts.columns, lambda c: _as_name(c, facts.rows), without=taken)
    columns, values = tuple(class_columns), tuple[ValueGuess, ...]()
    if layer is not None and len(layer.classes) > 1:
        if class_columns:
            known = {c.id for c in layer.classes} | set(mapped)
            values = _values({v: n for v, n in (counts or {}).items() if v not in known}, layer)
        else:
            columns, values = _class_column(facts.columns, layer)
    labels = {} if layer is None else {c.id: c.label_nl for c in layer.classes}
    return Proposal(found_id, found_name, columns, values, labels)


def _best(
    columns: Sequence[ColumnFacts], score: Callable[[ColumnFacts], float], without: str | None = None
) -> ColumnGuess | None:
    scored = [(score(c), -i, c.name) for i, c in enumerate(columns) if c.name != without]
    certainty, _, name = max(scored, default=(0.0, 0, ""))
    return ColumnGuess(name, round(certainty, 2)) if certainty >= LEAST else None


def _as_id(column: ColumnFacts, rows: int) -> float:
    """Unique, everywhere there, and like a code."""
    if column.empty or column.distinct < rows or column.kind in ("date", "list", "boolean"):
        return 0.0
    if column.kind != "text" and any("." in value for value in column.examples):
        return 0.0
    is_spaced = any(" " in value for value in column.examples)
    by_name = 0.3 if CODE_NAME.search(column.name) else 0.0
    if all(AREA.fullmatch(value) for value in column.examples):
        return 0.99
    # A number of the service is unique too, but may be another one next year.
    by_kind = 0.1 if column.kind == "text" and not is_spaced else 0.0
    return min(0.99, 0.55 + by_name + by_kind - (0.3 if is_spaced else 0.0))


def _as_name(column: ColumnFacts, rows: int) -> float:
    """Words, mostly other ones in every row."""
    # Readers call a column without a name so.
    if column.kind != "text" or not column.distinct or column.name.startswith("Unnamed"):
        return 0.0
    ratio = column.distinct / max(rows, 1)
    has_letters = all(any(map(str.isalpha, value)) for value in column.examples)
    hint = 0.45 if NAME.search(column.name) else 0.0
    digits = any(any(map(str.isdigit, value)) for value in column.examples)
    return min(0.99, 0.2 + 0.3 * ratio + hint - (0.2 if digits else 0.0)) if has_letters else 0.0


def _class_column(columns: Sequence[ColumnFacts], layer: Layer) -> tuple[tuple[str, ...], tuple[ValueGuess, ...]]:
    """The column whose values look most like the classes."""
    best: tuple[float, str, tuple[ValueGuess, ...]] = (0.0, "", ())
    for column in columns:
        if not column.values or column.kind not in ("text", "number_text", "number"):
            continue
        values = _values(column.values, layer)
        rows = sum(item.rows for item in values)
        score = sum(item.certainty * item.rows for item in values if item.class_id) / max(rows, 1)
        if score > best[0]:
            best = (score, column.name, values)
    return ((best[1],), best[2]) if best[0] >= LEAST / 2 else ((), ())


def _values(counts: Mapping[str, int], layer: Layer) -> tuple[ValueGuess, ...]:
    found = []
    for value, rows in counts.items():
        certainty, class_id = max((likeness(value, c.id, c.label_nl), c.id) for c in layer.classes)
        is_like = certainty >= LEAST
        found.append(ValueGuess(value, rows, class_id if is_like else None, round(certainty, 2) if is_like else 0.0))
    return tuple(found)


def likeness(value: str, class_id: str, label_nl: str) -> float:
    """How much a value looks like a class, from 0 to 1: by its letters, its words, and known other names.

    >>> likeness("Waterwin-gebied", "waterwingebied", "Waterwingebied")
    1.0
    """
    mine = _words(value)
    if not mine:
        return 0.0
    others = _synonyms().get(class_id, ())
    if "".join(mine) in {"".join(_words(name)) for name in (class_id, label_nl)}:
        return 1.0
    if "".join(mine) in {"".join(_words(name)) for name in others}:
        return 0.95
    return max(_ratio(mine, _words(name)) for name in (class_id, label_nl, *others))


def _ratio(mine: Sequence[str], theirs: Sequence[str]) -> float:
    letters = SequenceMatcher(None, "".join(mine), "".join(theirs)).ratio()
    shared = set(mine) & set(theirs)
    words = 0.8 if shared and shared in (set(mine), set(theirs)) and len("".join(shared)) > 3 else 0.0
    return max(0.89 * letters, words)


def _words(value: str) -> tuple[str, ...]:
    """Words without accents and capitals."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
    return tuple(re.findall(r"[a-z0-9]+", plain.casefold()))


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    known = section("class_synonyms")
    return {class_id: tuple(name.strip() for name in names.split(";")) for class_id, names in known.items()}
