"""The beginning of a recipe, written from a look at a file: to be filled in, edited and replayed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
import tomli_w

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.doubt import doubt_crs
from dgdo_geo.intake.looking import Place, look_at_columns, look_at_place, without_padding
from dgdo_geo.intake.outcome import Look
from dgdo_geo.intake.proposing import SURE, ColumnGuess, Proposal, percent, propose
from dgdo_geo.model import Layer
from dgdo_geo.sources.files import TABLES, read_file
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.sources.tables import PARQUET_SUFFIXES, read_table
from dgdo_geo.texts import number_nl, text

X = re.compile(r"x|x[ _-]?co.*|.*east.*|.*oost.*|lon|lng|long|longitude|lengtegraad", re.IGNORECASE)
Y = re.compile(r"y|y[ _-]?co.*|.*north.*|.*noord.*|lat|latitude|breedtegraad", re.IGNORECASE)
WKT = re.compile(r"wkt.*|.*wkt|geom|geometry|geometrie|the_geom", re.IGNORECASE)
NEEDED = ("source", "licence", "reference_date", "quality", "accuracy_m")
EMPTY = '""'
FORM = {"reference_date": "JJJJ-MM-DD", "accuracy_m": "METER"}
"""How a value is written that is not between quotes."""
OWN = ("family", "geometry", "title_nl", "description_nl", "label_nl")
"""What declares a layer that does not ship."""


def look_at(file: Path, layer_id: str | None, crs: str | None, workspace: store.Workspace) -> tuple[Look, ReadOptions]:
    """What a file is, without a recipe.

    Parameters
    ----------
    layer_id : str, optional
        Layer of the workspace that it may become; its classes are proposed.
    crs : str, optional
        Overrules what the file says; needed when it says nothing.

    Returns
    -------
    Look, and how the file was read
        For a table the columns with its coordinates are found by their names.

    Raises
    ------
    InputError
        As in a dry run, when the file cannot be read or its coordinate system is not known or doubtful.
    """
    entry = workspace.entries.get(layer_id or "")
    layer = None if entry is None else entry.layer
    read = _place_columns(file)
    report = harmonise.Report(file=file.name, layer=layer_id or "")
    raw = without_padding(read_file(file, read), report)
    report.read = len(raw)
    facts = look_at_columns(raw)
    frame = harmonise.to_rd(raw, crs, report)
    if crs is None and layer is not None:
        doubt_crs(raw, frame, layer, workspace, report)
    dimensions = shapely.get_dimensions(frame.geometry.to_numpy())
    kind = ("point", "line", "polygon")[int(np.median(dimensions[dimensions >= 0]))]
    frame = harmonise.repair(frame, layer.geometry if layer is not None else kind, report)
    frame = harmonise.drop_outside(frame, report, at_sea=True)
    place = look_at_place(raw, frame, workspace, report)
    return Look(report, facts, place, propose(facts, layer)), read


def _place_columns(file: Path) -> ReadOptions:
    """Columns of a table that look like coordinates."""
    suffix = file.suffix.casefold()
    if suffix not in TABLES or suffix in PARQUET_SUFFIXES or not file.is_file():
        return ReadOptions()
    names = [str(name) for name in read_table(file).columns]
    wkt = next((name for name in names if WKT.fullmatch(name)), None)
    x, y = (next((name for name in names if form.fullmatch(name)), None) for form in (X, Y))
    if x is not None and y is not None:
        return ReadOptions(x=x, y=y)
    return ReadOptions(wkt=wkt)


def draft(look: Look, read: ReadOptions, layer: Layer | None, given: Mapping[str, object], recipe: str) -> str:
    """The text of a recipe, as far as it can be known.

    Parameters
    ----------
    layer : Layer, optional
        None for a layer of one's own, or when none was named.
    given : mapping
        What was said already: keys of a layer of a recipe (``layer``, ``crs``) and of its ``declare``.
    recipe : str
        Name of the file that it is for.

    Returns
    -------
    str
        TOML. What is certain is filled in; what is not stands behind a ``#``, with how certain it is.
    """
    lines = [f"# {text('draft', 'head', file=look.report.file, recipe=recipe)}", "", "[[layer]]"]
    lines.append(
        _pair("layer", given["layer"]) if given.get("layer") else _open("layer", "", text("draft", "own_layer"))
    )
    lines.append(_pair("file", look.report.file))
    lines += [_pair("crs", given["crs"])] if given.get("crs") else []
    chosen = read.model_dump(exclude_defaults=True)
    lines += ["", "[layer.read]", *(_pair(key, value) for key, value in chosen.items())] if chosen else []
    lines += ["", "[layer.columns]", *_columns(look)]
    if layer is not None and len(layer.classes) > 1:
        lines += _classes(look.proposal, layer)
    lines += ["", "[layer.declare]", *_declare(look.place, layer, given)]
    return "\n".join(lines) + "\n"


def _columns(look: Look) -> list[str]:
    guesses: dict[str, ColumnGuess | None] = {"id": look.proposal.id, "name": look.proposal.name}
    lines = []
    for key, guess in guesses.items():
        if guess is not None:
            sure = guess.certainty >= SURE
            note = text("draft", "sure" if sure else "maybe", percent=percent(guess.certainty))
            lines.append((_pair if sure else _open)(key, guess.column, note))
    for parts in look.facts.parts:
        note = text("draft", "part_of", wholes=number_nl(parts.wholes), rows=number_nl(parts.rows))
        lines.append(_open("part_of", parts.column, note))
    return lines


def _classes(proposal: Proposal, layer: Layer) -> list[str]:
    known = ", ".join(c.id for c in layer.classes)
    lines = ["", f"# {text('draft', 'classes', known=known)}", "[layer.classes]"]
    if not proposal.columns:
        return [*lines, _open("fixed", layer.classes[0].id, text("draft", "needed"))]
    lines += [_pair("columns", list(proposal.columns)), _open("skip", [], ""), "", "[layer.classes.values]"]
    for item in proposal.values:
        values = {"rows": number_nl(item.rows), "percent": percent(item.certainty), "class_id": item.class_id or ""}
        if item.class_id is None:
            lines.append(_open(item.value, "", text("draft", "value_none", **values)))
        elif item.certainty >= SURE:
            lines.append(_pair(item.value, item.class_id, text("draft", "value", **values)))
        else:
            lines.append(_open(item.value, item.class_id, text("draft", "value_maybe", **values)))
    return lines


def _declare(place: Place, layer: Layer | None, given: Mapping[str, object]) -> list[str]:
    lines = []
    for key in NEEDED:
        note = text("draft", key)
        if key == "accuracy_m" and place.detail_m is not None:
            note = text("draft", "accuracy_least", least=number_nl(np.ceil(place.detail_m)))
        if given.get(key) is not None:
            lines.append(_pair(key, given[key]))
        else:
            lines.append(f"# {key} = {FORM.get(key, EMPTY)}  # {text('draft', 'needed')}: {note}")
    lines.append(_pair("absence", given.get("absence", "unknown"), text("draft", "absence")))
    if layer is None:
        kind = "polygon" if place.area_km2 is not None else "point" if place.smallest_m is None else "line"
        own: dict[str, object] = {"geometry": kind, "label_nl": {"klasse": ""}}
        lines += [f"# {text('draft', 'own')}", *(_open(key, own.get(key, ""), "") for key in OWN)]
    return lines


def _pair(key: str, value: object, note: str = "") -> str:
    """One line of TOML."""
    line = f"{_key(key)} = {_value(value)}"
    return f"{line}  # {note}" if note else line


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pair(key, item) for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # The writer escapes the ends of lines in a text, so that it cannot leave its line.
    return tomli_w.dumps({"a": value}).removeprefix("a = ").strip()


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).partition(" = ")[0].strip()


def _open(key: str, value: object, note: str) -> str:
    return f"# {_pair(key, value, note)}"


def write_draft(path: Path, content: str) -> None:
    """Write a recipe; never over a file that is there.

    Raises
    ------
    InputError
        If the file exists.
    """
    if path.exists():
        raise InputError("draft_exists", file=path.name)
    store.write_atomic(path, content.encode())


def start(file: Path, recipe: Path, given: Mapping[str, object], workspace: Path | None) -> Look:
    """Look at a file and write the beginning of its recipe.

    Parameters
    ----------
    given : mapping
        As of :func:`draft`.

    Raises
    ------
    InputError
        As :func:`look_at` and :func:`write_draft` do, and when the file is a recipe itself.
    """
    if file.suffix.casefold() == ".toml":
        raise InputError("draft_of_recipe", file=file.name)
    opened = store.open_workspace(workspace, missing_ok=True)
    layer_id, crs = (None if given.get(key) is None else str(given[key]) for key in ("layer", "crs"))
    look, read = look_at(file, layer_id, crs, opened)
    entry = opened.entries.get(layer_id or "")
    write_draft(recipe, draft(look, read, None if entry is None else entry.layer, given, recipe.name))
    return look
