"""Dutch screen texts and error messages, read from ``knowledge/texts/*.toml``.

Texts live in files so that an editor can correct them without touching code.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TEXTS_DIR = Path(__file__).parent / "knowledge" / "texts"


@cache
def _tables() -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for path in sorted(TEXTS_DIR.glob("*.toml")):
        with path.open("rb") as file:
            for section, entries in tomllib.load(file).items():
                known = tables.setdefault(section, {})
                double = known.keys() & entries.keys()
                if double:
                    raise KeyError(f"{path.name}: text defined twice in [{section}]: {sorted(double)}")
                known.update(entries)
    return tables


def text(section: str, key: str, **values: object) -> str:
    """Return one Dutch text, with its placeholders filled.

    Parameters
    ----------
    section, key : str
        ``[section]`` and key in the text files.
    **values
        Values for ``{placeholders}``.

    Raises
    ------
    KeyError
        If the text, or a value for one of its placeholders, does not exist.

    Examples
    --------
    >>> text("verdict", "excluded")
    'nee'
    """
    try:
        template = _tables()[section][key]
    except KeyError:
        raise KeyError(f"no text [{section}] {key} in {TEXTS_DIR.name}/") from None
    if not isinstance(template, str):
        raise KeyError(f"text [{section}] {key} is not a sentence")
    return template.format(**values)


def section(name: str) -> dict[str, str]:
    """All texts of a section, as they stand (placeholders not filled)."""
    return {key: str(value) for key, value in _tables()[name].items()}


def message(key: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Return the English and the Dutch sentence of an error message."""
    entry = _tables().get("errors", {}).get(key)
    if not isinstance(entry, dict):
        raise KeyError(f"no text [errors.{key}]")
    return str(entry["en"]).format(**values), str(entry["nl"]).format(**values)


def placeholders(template: str) -> set[str]:
    """Names of the placeholders in a template.

    >>> sorted(placeholders("{naam} ligt in {provincie}"))
    ['naam', 'provincie']
    """
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def number_nl(value: float, decimals: int = 0) -> str:
    """A number with a decimal comma and points between thousands.

    >>> number_nl(1234.567, 1), number_nl(0.5, 0)
    ('1.234,6', '0')
    """
    return f"{value:,.{decimals}f}".replace(",", "\0").replace(".", ",").replace("\0", ".")
