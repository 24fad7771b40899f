"""Reading entries of the knowledge base: every mistake is one message that names file, entry and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from dgdo_geo.errors import DeclarationError
from dgdo_geo.model import Declared, Publication
from dgdo_geo.model.cited import SOURCES
from dgdo_geo.toml_files import describe_validation, read_toml, short_name

T = TypeVar("T", bound=Declared)


class Files:
    """The files of one knowledge folder, with what every entry may refer to.

    Parameters
    ----------
    folder : Path
    sources : mapping of id to Publication, optional
        Without it, a source is written out in full.
    groups : mapping of group id to activity ids
        A list ``activities`` may name a group.

    Attributes
    ----------
    origin : dict of str to str
        File of every entry that was read, by kind and id: ``origin["rule r01"]``.
    """

    def __init__(
        self,
        folder: Path,
        sources: Mapping[str, Publication] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self._context = None if sources is None else {SOURCES: sources}
        self._groups = groups or {}
        self.origin: dict[str, str] = {}

    def one(self, name: str, kind: type[T]) -> T:
        """Read a file that holds a single entry."""
        path = self.folder / name
        try:
            return kind.model_validate(read_toml(path), context=self._context)
        except ValidationError as error:
            raise _wrong(path, describe_validation(error, kind)) from error

    def tables(self, name: str, key: str, kind: type[T], allowed: Sequence[str] = ()) -> tuple[T, ...]:
        """Read every ``[[key]]`` of a file, in which only this and the allowed tables may stand.

        Raises
        ------
        DeclarationError
            Naming the file, the entry and the key, if anything is unknown or wrong.
        """
        path = self.folder / name
        entries = _entries(path, key, {key, *allowed})
        items: list[T] = []
        for position, entry in enumerate(entries, start=1):
            named = entry.get("id") or entry.get("name") or f"number {position}"
            try:
                items.append(kind.model_validate(self._with_groups(entry), context=self._context))
            except ValidationError as error:
                raise _wrong(path, f"{key} {named!r}: {describe_validation(error, kind)}") from error
            self.origin[f"{key} {named}"] = short_name(path)
        return tuple(items)

    def folder_of(self, name: str, key: str, kind: type[T]) -> tuple[T, ...]:
        """Read every ``[[key]]`` of all files in a folder, in the order of their names."""
        paths = sorted((self.folder / name).glob("*.toml"))
        return tuple(item for path in paths for item in self.tables(f"{name}/{path.name}", key, kind))

    def by_id(self, items: Iterable[T], key: str) -> dict[str, T]:
        """The same entries by id.

        Raises
        ------
        DeclarationError
            If an id stands twice.
        """
        found: dict[str, T] = {}
        for item in items:
            item_id = item.id  # type: ignore[attr-defined]
            if item_id in found:
                raise DeclarationError("id_twice", file=self.origin[f"{key} {item_id}"], kind=key, id=item_id)
            found[item_id] = item
        return found

    def names(self, name: str, key: str) -> tuple[str, ...]:
        """A list of names that stands in a file on its own."""
        found = read_toml(self.folder / name).get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self.wrong(name, f"{key} must be a list of names")
        return tuple(found)

    def wrong(self, name: str, problems: str) -> DeclarationError:
        """The error for a mistake in a file."""
        return _wrong(self.folder / name, problems)

    def _with_groups(self, entry: dict[str, object]) -> dict[str, object]:
        named = entry.get("activities")
        if not self._groups or not isinstance(named, list):
            return entry
        spelled = [activity for one in named for activity in self._groups.get(one, [one])]
        return {**entry, "activities": list(dict.fromkeys(spelled))}


def _entries(path: Path, key: str, allowed: Iterable[str]) -> list[dict[str, object]]:
    data = read_toml(path)
    strange = sorted(set(data) - set(allowed))
    if strange:
        raise _wrong(path, f"unknown table {strange}; expected [[{key}]]")
    entries = data.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(path, f"[{key}] must be a list: write [[{key}]]")
    return entries


def _wrong(path: Path, problems: str) -> DeclarationError:
    return DeclarationError("declaration_wrong", file=short_name(path), problems=problems)


def unknown(what: str, item: str, known: Iterable[str]) -> str:
    """A sentence about a name that does not exist, with the nearest one that does.

    >>> unknown("layer", "zonnes", ["zones", "breuk"])
    "unknown layer 'zonnes' (did you mean 'zones'?)"
    """
    near = get_close_matches(item, [str(k) for k in known], 1)
    return f"unknown {what} {item!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
