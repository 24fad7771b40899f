"""The pieces that a report on paper and in a browser is made of; both writers draw the same list of them.

Texts are plain: no writer reads markup in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS
from dgdo_geo.report.pictures import svg

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of a section; levels follow each other without a gap, the first is 1."""

    level: int
    text: str
    anchor: str
    is_on_new_page: bool = False
    is_listed: bool = True
    """Among the contents."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences.

    Attributes
    ----------
    style : {"text", "lead", "note", "mark", "small"}
        "note" is a remark set apart, "mark" a warning set apart.
    """

    text: str
    style: Literal["text", "lead", "note", "mark", "small"] = "text"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of short texts."""

    items: tuple[str, ...]
    is_ordered: bool = False
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what belongs to them: place, date, area, ..."""

    pairs: tuple[tuple[str, str], ...]
    figure: Figure | None = None
    """A small picture beside them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    share : float
        Of the width of the table, as compared with the other columns.
    """

    title: str
    share: float = 1.0
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    sample : (kind, key), optional
        A small sample of the pattern of a word, before the text.
    url : str
        Where the text leads to.
    """

    text: str
    sample: tuple[str, str] | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row names the row.

    Attributes
    ----------
    caption : str
        Says of what the percentages are.
    totals : int
        How many of the last rows are totals.
    is_dense : bool
        Smaller letters, so that it fits on its page.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: int = 0
    is_dense: bool = False

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"table {self.caption!r}: a row has {len(wrong[0])} cells, not {len(self.columns)}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as SVG with what it shows in words.

    Attributes
    ----------
    share : float
        Of the width of the text.
    """

    svg: str
    alt: str
    caption: str = ""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Contents:
    """The list of sections with their pages, down to a level."""

    depth: int = 2


@dataclass(frozen=True, slots=True)
class Beside:
    """A picture on the left with blocks on its right.

    Attributes
    ----------
    figure : Figure
        Its share is the part of the width that it takes.
    """

    figure: Figure
    blocks: tuple[Heading | Paragraph | Items, ...]


Block = Heading | Paragraph | Items | Facts | Table | Figure | Contents | Beside


@dataclass(frozen=True, slots=True)
class Booklet:
    """A whole report, ready to be written.

    Attributes
    ----------
    title, subtitle : str
    mark : str
        Stands on every page when the report rests on schematic or example data; else empty.
    attribution : str
        On every page.
    snapshot : str
        Id of the answer; equal for equal input.
    day : str
        The peildatum in words.
    made_for : str
        ISO date that counts as the date of the file.
    """

    title: str
    subtitle: str
    mark: str
    attribution: str
    snapshot: str
    day: str
    made_for: str
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Titles of the sections, in order."""
        return tuple(block for block in self.all_blocks() if isinstance(block, Heading))

    def all_blocks(self) -> Iterator[Block]:
        """All blocks in reading order, also those beside a picture."""
        for block in self.blocks:
            yield block
            if isinstance(block, Beside):
                yield from (block.figure, *block.blocks)


def samples(booklet: Booklet) -> list[tuple[str, str]]:
    """The patterns that the tables show, as pairs of kind and key."""
    tables = [block for block in booklet.blocks if isinstance(block, Table)]
    return sorted({cell.sample for table in tables for row in table.rows for cell in row if cell.sample is not None})


def sample_svg(kind: str, key: str) -> str:
    """A small piece of the pattern of a word."""
    ground = svg.tag(
        "rect", x=0.5, y=0.5, width=2 * MOTIF_PX - 1.0, height=MOTIF_PX - 1.0,
        fill=f"url(#{svg.pattern_id(kind, key)})", stroke=svg.INK, stroke_width=0.8,
    )  # fmt: skip
    if key not in PATTERNS[kind]:
        raise KeyError(f"no pattern for {kind} {key}")
    return svg.picture(2 * MOTIF_PX, MOTIF_PX, ground, alt="", defs=svg.patterns([(kind, key)]))
