"""The catalogue: ``layers/*/*/layer.toml`` -> :class:`~dgdo_geo.model.Layer`.

Reads declarations only; what is really there is the business of ``store``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from dgdo_geo.errors import DeclarationError
from dgdo_geo.model import Layer
from dgdo_geo.toml_files import describe_validation, read_toml, short_name


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A declared layer and the folder that holds it."""

    layer: Layer
    folder: Path

    @property
    def product_path(self) -> Path | None:
        """Where the product should be, or None when none is declared."""
        return None if self.layer.product is None else self.folder / self.layer.product


def shipped_layers_dir() -> Path:
    """The folder ``layers/`` of the program: in a wheel inside the package, in a checkout beside it."""
    inside = Path(__file__).parent / "layers"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "layers"


def read_layer(path: Path) -> Layer:
    """Read one ``layer.toml``.

    Raises
    ------
    DeclarationError
        If a key is unknown, missing or wrong, or the id is not the folder name.
    """
    data = read_toml(path)
    try:
        layer = Layer.model_validate(data)
    except ValidationError as error:
        raise DeclarationError(
            "declaration_wrong", file=short_name(path), problems=describe_validation(error)
        ) from error
    if layer.id != path.parent.name:
        raise DeclarationError(
            "declaration_wrong",
            file=short_name(path),
            problems=f"id: {layer.id!r} is not the folder name {path.parent.name!r}",
        )
    return layer


def read_catalogue(folders: Iterable[Path]) -> dict[str, CatalogueEntry]:
    """Read all layers below the given folders; a later folder replaces an earlier one.

    Parameters
    ----------
    folders : iterable of Path
        First ``layers/`` of the program, then that of the workspace.

    Raises
    ------
    DeclarationError
        If a file is wrong, an id stands twice in one folder, or no layer is found at all.
    """
    entries: dict[str, CatalogueEntry] = {}
    for folder in folders:
        here: dict[str, CatalogueEntry] = {}
        for path in sorted(folder.glob("*/*/layer.toml")):
            layer = read_layer(path)
            if layer.id in here:
                raise DeclarationError("id_twice", file=short_name(path), kind="layer", id=layer.id)
            here[layer.id] = CatalogueEntry(layer, path.parent)
        entries.update(here)
    if not entries:
        raise DeclarationError("no_layers", folders=", ".join(f.name for f in folders))
    return dict(sorted(entries.items()))
