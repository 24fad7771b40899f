"""From what a visitor filled in to the recipe of a layer, and to the text of a recipe that loads it again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import tomli_w
from pydantic import ValidationError

from dgdo_geo.errors import InputError
from dgdo_geo.intake import RecipeLayer
from dgdo_geo.model import Absence, Family, Layer, Quality
from dgdo_geo.texts import text
from dgdo_geo.toml_files import describe_validation

SKIP = "*weglaten*"
"""In place of a class: leave these features out, on purpose."""
OWN = "eigen_"
"""How the id of a layer of one's own begins; no layer that ships begins like this."""
MOST_VALUES = 50
NOT_OWN = (Family.BOUNDARIES, Family.POTENTIAL)
"""Families of which a layer of one's own cannot be: answers rest on the layers that ship."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor says of a file.

    Attributes
    ----------
    layer : Layer or None
        The layer that the file replaces; None for a new one.
    class_column : str or None
        Column with the class; None when all features have one class.
    fixed : str
        That class; of a layer that the file replaces.
    values : mapping of source value to class id
        With :data:`SKIP` for what is left out; "" where nothing was chosen.
    is_complete : bool
        Whether an empty place really holds nothing.
    """

    layer: Layer | None
    geometry: str
    title: str = ""
    description: str = ""
    family: Family | None = None
    class_column: str | None = None
    fixed: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    name_column: str | None = None
    id_column: str | None = None
    source: str = ""
    licence: str = ""
    on: date | None = None
    quality: Quality | None = None
    accuracy_m: float | None = None
    is_complete: bool = False


def recipe_layer(file: str, crs: str, inner: str, wanted: Wanted) -> RecipeLayer:
    """The layer of a recipe.

    Parameters
    ----------
    file : str
        Name of the file.
    crs, inner : str
        Coordinate system and layer in the file, where the visitor chose them; else "".

    Raises
    ------
    InputError
        Naming what is not filled in, or the values without a class.
    """
    _check(wanted)
    entry: dict[str, object] = {
        "layer": OWN + slug(wanted.title) if wanted.layer is None else wanted.layer.id,
        "file": file,
        "crs": crs or None,
        "read": {"layer": inner or None},
        "columns": {"id": wanted.id_column, "name": wanted.name_column},
        "classes": _classes(wanted),
        "declare": _declared(wanted),
    }
    try:
        return RecipeLayer.model_validate(entry)
    except ValidationError as error:
        raise InputError("recipe_wrong", file=file, problems=describe_validation(error)) from error


def _check(wanted: Wanted) -> None:
    needed = {"source": wanted.source, "licence": wanted.licence, "date": wanted.on, "quality": wanted.quality}
    if wanted.layer is None:
        needed = {"title_field": wanted.title.strip(), "family": wanted.family, **needed}
    missing = [key for key, value in needed.items() if not (value.strip() if isinstance(value, str) else value)]
    missing += ["accuracy"] if wanted.accuracy_m is None else []
    if wanted.layer is not None and wanted.class_column is None and not wanted.fixed:
        missing.insert(0, "fixed")
    if missing:
        raise InputError("own_layer_missing", fields=", ".join(text("own_layer", key) for key in missing))
    open_values = [value or text("intake", "nothing") for value, class_id in wanted.values.items() if not class_id]
    if wanted.class_column is not None and open_values:
        shown = ", ".join(f"‘{value}’" for value in open_values[:12])
        raise InputError("own_layer_unmapped", count=len(open_values), column=wanted.class_column, values=shown)


def _classes(wanted: Wanted) -> dict[str, object]:
    if wanted.class_column is None:
        return {"fixed": wanted.fixed or slug(wanted.title)}
    return {
        "columns": [wanted.class_column],
        "values": {value: class_id for value, class_id in wanted.values.items() if class_id != SKIP},
        "skip": [value for value, class_id in wanted.values.items() if class_id == SKIP],
    }


def _declared(wanted: Wanted) -> dict[str, object]:
    said: dict[str, object] = {
        "source": wanted.source.strip(),
        "licence": wanted.licence.strip(),
        "reference_date": wanted.on,
        "quality": wanted.quality and wanted.quality.value,
        "accuracy_m": wanted.accuracy_m,
        "absence": (Absence.CONCLUSIVE if wanted.is_complete else Absence.UNKNOWN).value,
    }
    if wanted.layer is not None or wanted.family is None:
        return said
    title = wanted.title.strip()
    labels = {slug(title): title}
    if wanted.class_column is not None:
        labels = {}
        for value, class_id in wanted.values.items():
            if class_id not in ("", SKIP):
                labels.setdefault(class_id, value or text("intake", "nothing"))
    description = wanted.description.strip() or text("own_layer", "description_default")
    own = {"family": wanted.family.value, "geometry": wanted.geometry, "label_nl": labels}
    return {"title_nl": title, "description_nl": description, **own, **said}


def slug(words: str) -> str:
    """Words as a part of an id.

    >>> slug("Boringsvrije zone (Ånd)"), slug("  "), slug("2e laag")
    ('boringsvrije_zone_and', 'laag', '2e_laag')
    """
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_") or "laag"


def class_ids(values: Mapping[str, int]) -> dict[str, str]:
    """A class of its own for every value.

    >>> class_ids({"A 1": 3, "a-1": 1, "": 2})
    {'A 1': 'k_a_1', 'a-1': 'k_a_1_2', '': 'k_laag'}
    """
    found: dict[str, str] = {}
    for value in values:
        base, number = "k_" + slug(value), 1
        name = base
        while name in found.values():
            number += 1
            name = f"{base}_{number}"
        found[value] = name
    return found


def recipe_text(item: RecipeLayer) -> str:
    """The recipe as a TOML file, to load the same file again with ``dgdo-geo add``."""
    data = _plain(item.model_dump(mode="python", exclude_defaults=True, exclude_none=True))
    return text("own_layer", "recipe_head", file=item.file) + "\n" + tomli_w.dumps({"layer": [data]})


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value
