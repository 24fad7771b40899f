"""Reading declarations: TOML files with messages that name the file and the key."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError

from dgdo_geo.errors import DeclarationError


def describe_validation(error: ValidationError, kind: type[BaseModel] | None = None) -> str:
    """One line per mistake in a declaration: key and what is wrong, in English.

    Parameters
    ----------
    kind : type, optional
        What was read; an unknown key is then compared with its keys.
    """
    found = error.errors()
    meant = {item["loc"]: _meant(item["loc"], kind) for item in found if item["type"] == "extra_forbidden"}
    # A misspelt key is not missing as well.
    misspelt = {(key,) for key in meant.values()}
    told = [item for item in found if item["type"] != "missing" or item["loc"] not in misspelt]
    return "; ".join(_describe(item["loc"], item["msg"], meant) for item in told)


def _meant(loc: tuple[int | str, ...], kind: type[BaseModel] | None) -> str | None:
    """The key that an unknown one looks like."""
    # An alias is what stands in the file.
    known = {field.alias or name for name, field in kind.model_fields.items()} if kind and len(loc) == 1 else set()
    return next(iter(get_close_matches(str(loc[-1]), known, 1)), None)


def _describe(loc: tuple[int | str, ...], message: str, meant: dict[tuple[int | str, ...], str | None]) -> str:
    where = ".".join(str(part) for part in loc)
    if loc in meant:
        return f"{where}: unknown key" + (f" (did you mean {meant[loc]!r}?)" if meant[loc] else "")
    # A message about the entry as a whole names the keys itself.
    return (f"{where}: " if loc else "") + message.removeprefix("Value error, ")


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises
    ------
    DeclarationError
        Naming the file, if it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError("declaration_unreadable", file=short_name(path), reason=error.strerror) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeclarationError("declaration_unreadable", file=short_name(path), reason=error) from error


def short_name(path: Path) -> str:
    """The last three parts of a path: enough to find the file, no path of a machine."""
    return "/".join(path.parts[-3:])
