"""Recipes: what a file is, which columns and values mean what, and what we say of its quality.

The form is in ``docs/recipes.md``. Options of the command line make a recipe of one layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from dgdo_geo.errors import InputError
from dgdo_geo.intake.density import DensityOptions
from dgdo_geo.intake.rasters import GridOptions
from dgdo_geo.model import Declared, Family
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.toml_files import describe_validation, read_toml, short_name


class Lookup(Declared):
    """A column of ours filled from a source column through a table; every value must be in it."""

    column: str
    values: Mapping[str, str]


DEPTHS = ("top_min_m", "top_max_m", "base_min_m", "base_max_m", "top_m", "base_m")
"""Names for ``depths``; ``top_m`` stands for both ends of the top, ``base_m`` for those of the base."""


class Columns(Declared):
    """Columns of the source that become columns of ours.

    Attributes
    ----------
    depths : table of our column -> source column
        In metres.
    datum : {"ground", "nap"}
        What the depths are measured from; with ``nap`` the ground level must be given.
    positive : {"down", "up"}
        Which way the numbers grow: ``up`` for heights.
    ground_level_m : two of float, optional
        Lowest and highest ground level there, m NAP.
    part_of : str, optional
        Column with the code of the thing that a row is a part of; makes the ids when ``id`` is left out.
    """

    id: str | None = None
    name: str | None = None
    part_of: str | None = None
    depths: Mapping[str, str] = {}
    datum: Literal["ground", "nap"] = "ground"
    positive: Literal["down", "up"] = "down"
    ground_level_m: tuple[float, float] | None = None
    extra: Mapping[str, str] = {}
    lookup: Mapping[str, Lookup] = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        strange = sorted(set(self.depths) - set(DEPTHS))
        if strange:
            raise ValueError(f"depths: unknown {strange[0]!r}; known: {', '.join(DEPTHS)}")
        if (self.datum == "nap") != (self.ground_level_m is not None):
            raise ValueError("depths against NAP need ground_level_m, and only those")
        if self.ground_level_m is not None and self.ground_level_m[0] > self.ground_level_m[1]:
            raise ValueError("ground_level_m: the lowest comes first")
        if not self.depths and (self.datum, self.positive) != ("ground", "down"):
            raise ValueError("datum and positive need `depths`")
        return self


class ClassMapping(Declared):
    """How a feature gets its class: one for all, or by source values.

    ``other`` is the class of every value that is neither translated nor skipped.
    """

    fixed: str | None = None
    columns: tuple[str, ...] = ()
    values: Mapping[str, str] = {}
    skip: tuple[str, ...] = ()
    other: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("columns", "values", "skip", "other") if getattr(self, name)]
        if self.fixed is not None and given:
            raise ValueError(f"either `fixed` or `{given[0]}`")
        if given and not self.columns:
            raise ValueError(f"`{given[0]}` needs `columns`")
        return self


class Control(Declared):
    """A place of which somebody knows what the layer says there: checked before a layer is saved.

    Attributes
    ----------
    x, y : float
        EPSG:28992, metres.
    lonlat : two of float
        Longitude and latitude in degrees, in place of ``x`` and ``y``.
    expected : str
        Class; "" when the layer has nothing there.
    why_nl : str
        How that is known.
    """

    x: float | None = None
    y: float | None = None
    lonlat: tuple[float, float] | None = None
    expected: str
    why_nl: str

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.x is None) != (self.y is None) or (self.x is None) == (self.lonlat is None):
            raise ValueError("either `x` and `y`, or `lonlat`")
        return self


class Declaration(Declared):
    """What the file says differently from the shipped declaration of the layer.

    ``family``, ``geometry`` and ``label_nl`` of the classes (class id -> Dutch label) declare a layer of one's own:
    one that does not ship with the program. In the family potential ``potential`` (class id -> promising, possible,
    unknown or none) says what each class means.
    """

    family: Family | None = None
    geometry: Literal["polygon", "line", "point"] | None = None
    label_nl: Mapping[str, str] = {}
    potential: Mapping[str, str] = {}
    title_nl: str | None = None
    description_nl: str | None = None
    owner: str | None = None
    source: str
    source_url: str | None = None
    licence: str
    attribution: str | None = None
    reference_date: date
    quality: str
    scale_nl: str | None = None
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
    absence: str
    coverage: tuple[str, ...] | None = None
    downloadable: bool | None = None


class Choices(Declared):
    """How what stands in a file or comes from a service becomes ours; recipes and ``fetch.toml`` share it.

    Attributes
    ----------
    at_sea : bool
        Keep what lies on the continental shelf.
    coincides_with : str, optional
        Layer with known boundaries on which those of this one should lie; a wrong coordinate system then shows.
    control : sequence of Control
    """

    crs: str | None = None
    why_crs_nl: str = ""
    at_sea: bool = False
    coincides_with: Literal["gemeenten", "provincies", "waterschappen"] | None = None
    read: ReadOptions = ReadOptions()
    grid: GridOptions | None = None
    density: DensityOptions | None = None
    columns: Columns = Columns()
    classes: ClassMapping = ClassMapping()
    control: tuple[Control, ...] = ()
    declare: Declaration


class RecipeLayer(Choices):
    """One layer of a recipe: its id, and the name of its file."""

    layer: str
    file: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """Layers to load, and the folder in which their files stand."""

    layers: tuple[RecipeLayer, ...]
    folder: Path


def read_recipe(path: Path, folder: Path | None = None) -> Recipe:
    """Read a recipe file; its data files stand in ``folder``, or beside the recipe.

    Raises
    ------
    InputError
        If the recipe or the folder does not exist, or the recipe holds no layers.
    DeclarationError
        If it is no TOML.
    """
    if not path.is_file():
        raise InputError("file_missing", file=path.name)
    base = folder or path.parent
    if not base.is_dir():
        raise InputError("folder_missing", folder=base)
    data = read_toml(path)
    strange = sorted(set(data) - {"layer"})
    entries = data.get("layer")
    if strange or not isinstance(entries, list) or not entries:
        problems = f"unknown keys {strange}" if strange else "no [[layer]]"
        raise InputError("recipe_wrong", file=short_name(path), problems=problems)
    layers = []
    for position, entry in enumerate(entries, start=1):
        try:
            layers.append(RecipeLayer.model_validate(entry))
        except ValidationError as error:
            where = f"layer {position}: {describe_validation(error)}"
            raise InputError("recipe_wrong", file=short_name(path), problems=where) from error
    return Recipe(tuple(layers), base)


def only(recipe: Recipe, layer_id: str) -> Recipe:
    """The recipe with one of its layers.

    Raises
    ------
    InputError
        If the recipe does not hold it.
    """
    layers = tuple(item for item in recipe.layers if item.layer == layer_id)
    if not layers:
        known = ", ".join(dict.fromkeys(item.layer for item in recipe.layers))
        raise InputError("recipe_no_layer", layer=layer_id, known=known)
    return Recipe(layers, recipe.folder)


def recipe_from_options(
    file: Path,
    *,
    layer: str | None,
    crs: str | None,
    class_id: str | None,
    class_column: str | None,
    values: list[str],
    name_column: str | None,
    id_column: str | None,
    source: str | None,
    licence: str | None,
    reference_date: date | None,
    quality: str | None,
    accuracy_m: float | None,
    complete: bool,
    source_url: str | None = None,
) -> Recipe:
    """Make a recipe of one layer from the options of the command line.

    Raises
    ------
    InputError
        Naming the options that are missing, or a translation that is not ``old=class``.
    """
    _require_options(
        {
            "--laag": layer, "--bron": source, "--licentie": licence, "--datum": reference_date,
            "--kwaliteit": quality, "--nauwkeurigheid": accuracy_m,
        }
    )  # fmt: skip
    entry = {
        "layer": layer,
        "file": file.name,
        "crs": crs,
        "columns": {"id": id_column, "name": name_column},
        "classes": {
            "fixed": class_id,
            "columns": [class_column] if class_column else [],
            "values": _value_pairs(values),
        },
        "declare": {
            "source": source,
            "source_url": source_url,
            "licence": licence,
            "reference_date": reference_date,
            "quality": quality,
            "accuracy_m": accuracy_m,
            "absence": "conclusive" if complete else "unknown",
        },  # fmt: skip
    }
    try:
        return Recipe((RecipeLayer.model_validate(entry),), file.parent)
    except ValidationError as error:
        raise InputError("recipe_wrong", file=file.name, problems=describe_validation(error)) from error


def _require_options(needed: Mapping[str, object]) -> None:
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise InputError("options_missing", options=", ".join(missing))


def _value_pairs(values: list[str]) -> dict[str, str]:
    """Translations written as ``old=class``; the old value may itself hold an equals sign."""
    pairs = {}
    for value in values:
        old, _, new = value.rpartition("=")
        if not old or not new:
            raise InputError("value_pair", value=value)
        pairs[old] = new
    return pairs
