"""The declaration of a layer that is loaded: the shipped one with what the recipe says, or one of the user's own."""

from __future__ import annotations

from pydantic import ValidationError

from dgdo_geo import store
from dgdo_geo.catalogue import shipped_layers_dir
from dgdo_geo.errors import InputError
from dgdo_geo.intake.recipe import Declaration, RecipeLayer
from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Layer
from dgdo_geo.texts import text
from dgdo_geo.toml_files import describe_validation

NEEDED = ("family", "geometry", "title_nl", "description_nl", "label_nl")
"""What declares a layer of one's own."""
NOT_IN_A_LAYER = {"label_nl", "potential"}


def is_shipped(layer_id: str) -> bool:
    """True for the id of a layer that ships with the program."""
    return any(path.parent.name == layer_id for path in shipped_layers_dir().glob("*/*/layer.toml"))


def is_ruled(layer_id: str) -> bool:
    """True when a rule of the shipped rule base speaks of the layer, or an activity takes its potential from it."""
    knowledge = read_knowledge()
    potential = {layer for activity in knowledge.activities.values() for layer in activity.potential_layers}
    return layer_id in {rule.layer for rule in knowledge.rules} | potential


def declare(item: RecipeLayer, workspace: store.Workspace) -> Layer:
    """The declaration that belongs to a layer of a recipe.

    A layer that ships keeps its classes, family and geometry. Another one is declared by the recipe; when it is in
    the workspace already, the recipe may leave that out.

    Raises
    ------
    InputError
        If the layer is unknown and not declared, or the declaration is not complete or not right.
    """
    entry, declared = workspace.entries.get(item.layer), item.declare
    own = [key for key in NEEDED if getattr(declared, key)]
    if entry is not None and (is_shipped(item.layer) or not {"family", "geometry", "label_nl"} & set(own)):
        _refuse_other(item, entry.layer)
        return declared_layer(item, entry.layer)
    if not {"family", "geometry", "label_nl"} & set(own):
        raise InputError("layer_unknown_declare", id=item.layer, known=", ".join(workspace.entries))
    missing = [key for key in NEEDED if key not in own]
    if missing:
        raise InputError("own_layer_incomplete", layer=item.layer, keys=", ".join(missing))
    return _own_layer(item)


def _refuse_other(item: RecipeLayer, shipped: Layer) -> None:
    """A layer that ships cannot get other classes: rules speak of them."""
    declared = item.declare
    other = [
        key
        for key, said, known in (
            ("family", declared.family, shipped.family),
            ("geometry", declared.geometry, shipped.geometry),
        )
        if said is not None and said != known
    ]
    if not set(declared.label_nl) <= {c.id for c in shipped.classes}:
        other.append("label_nl")
    if other:
        raise InputError("own_layer_ships", layer=item.layer, keys=", ".join(other))


def _own_layer(item: RecipeLayer) -> Layer:
    declared = item.declare
    classes = [
        {"id": key, "label_nl": label, "potential": declared.potential.get(key)}
        for key, label in declared.label_nl.items()
    ]
    strange = sorted(set(declared.potential) - set(declared.label_nl))
    if strange:
        known = ", ".join(declared.label_nl)
        raise InputError("class_unknown", layer=item.layer, classes=", ".join(strange), known=known)
    base = {"id": item.layer, "owner": declared.owner or declared.source, "classes": classes}
    return _validated(item, base | _said(declared))


def declared_layer(item: RecipeLayer, shipped: Layer) -> Layer:
    """The shipped declaration with what the recipe says about this file.

    With another source, owner and address are those of the recipe: a report may not send its reader to where the
    file did not come from.

    Raises
    ------
    InputError
        If the two do not go together.
    """
    said, data = item.declare, shipped.model_dump(mode="python")
    if said.source != shipped.source:
        data |= {"owner": said.owner or said.source, "source_url": ""}
    return _validated(item, data | _said(said))


def _said(declared: Declaration) -> dict[str, object]:
    data = declared.model_dump(exclude_none=True, exclude=NOT_IN_A_LAYER)
    data |= {"product": "product.parquet", "sha256": "0" * 64, "how_to_get_nl": ""}
    data["attribution"] = declared.attribution or declared.source
    data["scale_nl"] = declared.scale_nl or text("intake", "scale", metres=f"{declared.accuracy_m:g}")
    return data


def _validated(item: RecipeLayer, data: dict[str, object]) -> Layer:
    try:
        return Layer.model_validate(data)
    except ValidationError as error:
        raise InputError("recipe_wrong", file=item.file, problems=describe_validation(error)) from error


def complete_classes(item: RecipeLayer, layer: Layer) -> tuple[str, ...]:
    """Classes that the file speaks of: only of these does an empty place say that there is none."""
    known = [c.id for c in layer.classes]
    if item.classes.fixed is not None:
        named = {item.classes.fixed}
    elif item.classes.columns:
        named = set(item.classes.values.values()) or set(known)
        named |= {item.classes.other} if item.classes.other else set()
    else:
        named = set(known)
    return () if named >= set(known) else tuple(c for c in known if c in named)
