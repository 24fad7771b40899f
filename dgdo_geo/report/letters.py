"""Which letters the fonts of a report can show; others are written as their number, never left out."""

from __future__ import annotations

import re
import unicodedata

COVERED = (
    (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x17F), (0x1CD, 0x1DD), (0x218, 0x21B), (0x300, 0x30D),  # Latin
    (0x38E, 0x3A1), (0x3A3, 0x3CE), (0x400, 0x45F),  # Greek, Cyrillic
    (0x5D0, 0x5EA), (0x60C, 0x60C), (0x61B, 0x61B), (0x61F, 0x61F), (0x621, 0x63A), (0x640, 0x655),  # Hebrew, Arabic
    (0x660, 0x66D), (0x1E9E, 0x1EF9), (0x2009, 0x200A), (0x2010, 0x201E), (0x2020, 0x2022), (0x2026, 0x2026),
    (0x202F, 0x2033), (0x2039, 0x203A), (0x2044, 0x2044), (0x2070, 0x2071), (0x2074, 0x208E), (0x20AC, 0x20AC),
    (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x2199), (0x2212, 0x2212), (0x2215, 0x2215), (0x221E, 0x221E),
    (0x2248, 0x2248), (0x2260, 0x2261), (0x2264, 0x2265), (0x25A0, 0x25A1), (0x25B2, 0x25BA), (0x25CF, 0x25CF),
    (0x2610, 0x2611),
)  # fmt: skip
"""Blocks of letters that the fonts of a PDF have: first and last, inclusive."""
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""They turn the direction of text, unseen; shown as their number so that nothing hides behind them."""
_SPACE = re.compile(r"[\t\n\r\f\v\u0085\u2028\u2029]+")


def shown(text: str) -> str:
    """A text for a PDF: composed letters, spaces for line ends, numbers for what no font has.

    >>> shown("Zwolle\\n\\u202eab"), shown("e\\u0301")
    ('Zwolle [U+202E]ab', 'é')
    """
    return _numbered(_NO_LETTER, text)


def plain(text: str) -> str:
    """The same for a page in a browser, which has all letters: only what cannot be seen is written as its number.

    >>> plain("\\u4e2d\\u202e\\x07")
    '中[U+202E][U+0007]'
    """
    return _numbered(_UNSEEN, text)


def _numbered(which: re.Pattern[str], text: str) -> str:
    return which.sub(lambda m: f"[U+{ord(m[0]):04X}]", _SPACE.sub(" ", unicodedata.normalize("NFC", text)))


_UNSEEN = re.compile(f"[{_BIDI}\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NO_LETTER = re.compile(f"[{_BIDI}]|[^" + "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in COVERED) + "]")
