"""The text of a ``fetch.toml``: where a layer comes from, and how it becomes ours."""

from __future__ import annotations

import hashlib
import sys
from datetime import date
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator

from dgdo_geo.catalogue import shipped_layers_dir
from dgdo_geo.errors import DeclarationError
from dgdo_geo.intake.recipe import Choices, Declaration, RecipeLayer
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.sources.service_types import FEATURES, FILES, GRIDS, Service
from dgdo_geo.toml_files import describe_validation, read_toml, short_name

FILE = "fetch.toml"


class FetchDeclaration(Declaration):
    """As in a recipe; the date of the data is the day of the fetch when the source names none."""

    reference_date: date = date.min


class FetchFile(Choices):
    """The text of a ``fetch.toml``: where a layer comes from, and the choices of a recipe (:class:`~dgdo_geo.intake.recipe.Choices`).

    Attributes
    ----------
    last_verified : date, optional
        Day on which somebody fetched it for real; None when the address was only seen in public sources.
    evidence_nl : str
        Where the address comes from.
    """

    last_verified: date | None = None
    evidence_nl: str
    service: Service
    declare: FetchDeclaration

    @model_validator(mode="after")
    def _fits(self) -> Self:
        protocol = self.service.protocol
        if protocol in GRIDS and self.grid is None:
            raise ValueError(f"grid: needed for protocol {protocol}")
        if protocol in FEATURES and self.grid is not None:
            raise ValueError(f"grid: not for protocol {protocol}, which gives features")
        if protocol not in FILES and self.read != ReadOptions():
            raise ValueError("read: for a file only")
        return self

    def hash(self) -> str:
        """What decides how the layer is fetched and stored: this text, and the version of the program."""
        told = self.model_dump_json(exclude={"last_verified", "evidence_nl"})
        return hashlib.sha256(f"{sys.modules['dgdo_geo'].__version__}\n{told}".encode()).hexdigest()

    def as_recipe(self, layer_id: str, name: str) -> RecipeLayer:
        """The same choices as a recipe, so that fetched and added layers take one way; ``name`` is of the file."""
        declared = self.declare
        if declared.reference_date == date.min:
            declared = declared.model_copy(update={"reference_date": date.today()})
        shared = {key: getattr(self, key) for key in Choices.model_fields}
        return RecipeLayer(**{**shared, "layer": layer_id, "file": name, "declare": declared})


def fetch_files(folder: Path | None = None) -> dict[str, FetchFile]:
    """Every layer that can be fetched, by id.

    Raises
    ------
    DeclarationError
        If a file is wrong; names the file and the key.
    """
    found = {}
    for path in sorted((folder or shipped_layers_dir()).glob(f"*/*/{FILE}")):
        try:
            found[path.parent.name] = FetchFile.model_validate(read_toml(path))
        except ValidationError as error:
            problems = describe_validation(error, FetchFile)
            raise DeclarationError("declaration_wrong", file=short_name(path), problems=problems) from error
    return found
