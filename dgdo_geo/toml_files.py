"""Reading declarations: TOML files with messages that name the file and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from dgdo_geo.errors import DeclarationError


def describe_validation(error: ValidationError) -> str:
    """One line per mistake in a declaration: key and what is wrong, in English."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()
    )


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
