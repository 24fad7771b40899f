"""RESULTS.md: written by the commands, section by section, never by hand."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.workload import renamed

PAGE = Path(__file__).resolve().parent / "RESULTS.md"
SECTIONS = ("w1", "w4", "queries", "intake", "web", "reports")
HEAD = """# Results

Written by `python -m benchmarks.overlay`, `benchmarks.queries`, `benchmarks.intake`, `benchmarks.web` and `benchmarks.reports`, each with `--write-results`;
do not edit.
[README.md](README.md) says what is measured and how to read it.
"""


def write(section: str, body: str, page: Path = PAGE) -> None:
    """Replace one section of the page; the others stay as they are.

    Parameters
    ----------
    section : str
        One of ``SECTIONS``.
    body : str
        Markdown.
    page : Path
    """
    if section not in SECTIONS:
        raise ValueError(f"no section {section!r}; there are {SECTIONS}")
    bodies = read(page)
    bodies[section] = body.strip()
    parts = [HEAD, *(f"{begin(name)}\n\n{bodies[name]}\n\n{end(name)}\n" for name in SECTIONS if name in bodies)]
    with renamed(page) as path:
        path.write_text("\n".join(parts), encoding="utf-8")


def read(page: Path = PAGE) -> dict[str, str]:
    """The sections that the page has."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    found = {}
    for name in SECTIONS:
        match = re.search(re.escape(begin(name)) + "(.*?)" + re.escape(end(name)), text, re.DOTALL)
        if match:
            found[name] = match.group(1).strip()
    return found


def begin(section: str) -> str:
    """Mark before a section."""
    return f"<!-- {section}: begin -->"


def end(section: str) -> str:
    """Mark after a section."""
    return f"<!-- {section}: end -->"
