"""Concerns that users added to a workspace, beside the shipped ones: one file each, in ``concerns/``."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from datetime import date
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from dgdo_geo import store
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.knowledge_files import Files
from dgdo_geo.model import Concern, RaisedBy
from dgdo_geo.query.regions import letters
from dgdo_geo.texts import text

FOLDER = "concerns"
_PLACE = re.compile(r"GM\d{4}|PV\d{2}|WS\d{2,4}|Noord|Oost|Zuid|West")


def read_own_concerns(workspace: Path, knowledge: KnowledgeBase) -> tuple[Concern, ...]:
    """The concerns in a workspace.

    Raises
    ------
    DeclarationError
        If a file is wrong, lacks who, where or the source, names an unknown activity, or has an id that is taken.
    """
    files = Files(workspace, groups={key: group.activities for key, group in knowledge.groups.items()})
    found = files.by_id(files.folder_of(FOLDER, "concern", Concern), "concern")
    shipped = {concern.id for concern in knowledge.concerns if not concern.is_own}
    for concern in found.values():
        try:
            _check(concern, knowledge)
            if concern.id in shipped:
                raise InputError("concern_taken", id=concern.id)
        except InputError as error:
            name = files.origin[f"concern {concern.id}"].rpartition("/")[2]
            raise files.wrong(f"{FOLDER}/{name}", f"concern {concern.id!r}: {error}") from error
    return tuple(found.values())


def _check(concern: Concern, knowledge: KnowledgeBase) -> None:
    """Refuse a concern that does not say who, where and from which source.

    Raises
    ------
    InputError
    """
    for key, value in (("title", concern.title_nl), ("text", concern.text_nl), ("author", concern.author)):
        if not value.strip():
            raise InputError("concern_missing", field=key, field_nl=text("concern_field", key))
    if not concern.source.title.strip():
        raise InputError("concern_missing", field="source", field_nl=text("concern_field", "source"))
    if not concern.places:
        raise InputError("concern_missing", field="places", field_nl=text("concern_field", "places"))
    for place in concern.places:
        if not _PLACE.fullmatch(place):
            raise InputError("concern_place", place=place)
    for activity in concern.activities:
        knowledge.activity(activity)


def add_concern(
    workspace: Path,
    knowledge: KnowledgeBase,
    *,
    title: str,
    body: str,
    places: Sequence[str],
    author: str,
    source: str,
    raised_on: date | None = None,
    raised_by: str = RaisedBy.ALL.value,
    activities: Sequence[str] = (),
    known_places: Container[str] | None = None,
) -> Concern:
    """Add a concern to a workspace; nothing that is there is changed.

    Parameters
    ----------
    activities : sequence of str
        Ids of activities or groups; all activities when empty.
    known_places : container of str, optional
        Codes of places that exist; without it, and for water boards, only their form is checked.

    Raises
    ------
    InputError
        If a field is missing or wrong; nothing is written.
    DataError
        If the workspace cannot be written.
    """
    taken = {c.id for c in (*knowledge.concerns, *read_own_concerns(workspace, knowledge))}
    taken |= {path.stem for path in (workspace / FOLDER).glob("*.toml")}
    named = [a for one in activities for a in (knowledge.groups[one].activities if one in knowledge.groups else [one])]
    entry: dict[str, object] = {
        "id": _free_id(title, taken),
        "title_nl": title.strip(),
        "text_nl": body.strip(),
        "raised_by": raised_by,
        "activities": list(dict.fromkeys(named)),
        "places": list(places),
        "author": author.strip(),
        "raised_on": raised_on or date.today(),
        "source": {"title": source.strip()},
    }
    try:
        concern = Concern.model_validate(entry)
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
        field = next((key for key in ("title_nl", "text_nl", "raised_by") if key in wrong), "title_nl")
        key = "concern_raised_by" if field == "raised_by" else "concern_length"
        raise InputError(key, field=field, field_nl=text("concern_field", field.removesuffix("_nl"))) from error
    _check(concern, knowledge)
    for place in concern.places:
        if known_places is not None and place not in known_places and not place.startswith("WS"):
            raise InputError("concern_place_unknown", place=place)
    path = workspace / FOLDER / f"{concern.id}.toml"
    try:
        store.write_atomic(path, tomli_w.dumps({"concern": [entry]}).encode())
    except OSError as error:
        raise DataError("workspace_not_writable", path=workspace, reason=error.strerror or error) from error
    return concern


def _free_id(title: str, taken: set[str]) -> str:
    stem = "eigen-" + (letters(title).replace(" ", "-")[:50].strip("-") or "aandachtspunt")
    numbers = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in numbers if name not in taken)
