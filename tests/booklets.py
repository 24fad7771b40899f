"""A small report made by hand, with every kind of piece and with text that tries to be more than text."""

from __future__ import annotations

from dgdo_geo.report.blocks import (
    Booklet,
    Cell,
    Column,
    Contents,
    Facts,
    Figure,
    Heading,
    Items,
    Paragraph,
    Table,
)
from dgdo_geo.report.pictures.bars import Bar, share_bars

HOSTILE = (
    "=cmd|' /C calc'!A0",
    '#set page(width: 1cm); #panic("x")',
    "$x^2$ *vet* _schuin_ `code` @kop <label> // weg /* weg */",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} {# weg #}",
    "]]> --> </style></svg> &lt;b&gt; \"aanhaling\" 'enkel'",
    "\\u{202e} \\n \\ [haken] ~ -- --- ...",
    "שלום עולם en مرحبا",
)
"""Each of these must be read back letter by letter."""
UNSEEN = "a\u202eb\u0007c\u4e2dd\U0001f600e"
"""Letters that turn the direction, ring a bell, or that no font of a PDF has."""
LONG = "".join("abcdefghij"[i % 10] for i in range(5000))
"""A word of 5,000 letters."""


def picture(alt: str = "Staafdiagram.") -> str:
    """A real picture."""
    return share_bars([Bar("Aardwarmte", {"excluded": 0.25, "unknown": 0.75})], alt=alt)


def booklet(texts: tuple[str, ...] = HOSTILE, *, rows: int = 3, mark: str = "SCHEMATISCH") -> Booklet:
    """All kinds of pieces, with the texts in every place where a text can be."""
    columns = (Column("Activiteit", 2.0), Column("Oordeel"), Column("km²", 0.6, "right"))
    body = tuple((Cell(f"Rij {i}"), Cell("nee", ("verdict", "excluded")), Cell("1.234,5")) for i in range(rows))
    hostile = tuple((Cell(words), Cell(words, None, "javascript:alert(1)"), Cell("1,0")) for words in texts)
    total = ((Cell("Totaal"), Cell(""), Cell("9,9")),)
    one = texts[0]
    return Booklet(
        title=f"Rapport {one}", subtitle=one, mark=mark, attribution=f"Bron: {one}", snapshot="abc123",
        day="1 december 2026", made_for="2026-12-01",
        blocks=(
            Heading(1, f"Rapport {one}", "begin"),
            Paragraph("Dit rapport is een proef.", "lead"),
            Facts((("Gebied", one), ("Peildatum", "1 december 2026")), Figure(picture(), "Kaartje.")),
            Contents(3),
            Heading(2, "Teksten", "teksten"),
            *(Paragraph(words) for words in texts),
            Paragraph(one, "note", "https://wetten.overheid.nl/"),
            Items(texts),
            Items(texts[:2], is_ordered=True),
            Heading(2, "Tabellen", "tabellen", is_on_new_page=True),
            Heading(3, one, "hoofdstuk-1"),
            Table(f"Aandeel van het gebied: {one}", columns, body + hostile + total, totals=1),
            Figure(picture(one), one, one),
            Paragraph("Klein.", "small"),
            Paragraph("Let op.", "mark"),
        ),
    )  # fmt: skip
