"""Loading own GIS files as layers: a recipe, a dry run, and only then a layer in the workspace."""

from dgdo_geo.intake.from_url import from_url, is_url
from dgdo_geo.intake.loading import Intake, run
from dgdo_geo.intake.own_area import OwnArea, area_of_corners, read_area
from dgdo_geo.intake.recipe import Recipe, RecipeLayer, only, read_recipe, recipe_from_options

__all__ = [
    "Intake", "OwnArea", "Recipe", "RecipeLayer", "area_of_corners", "from_url", "is_url", "only", "read_area",
    "read_recipe", "recipe_from_options", "run",
]  # fmt: skip
