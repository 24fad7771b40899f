"""Loading own GIS files as layers: a recipe, a dry run, and only then a layer in the workspace."""

from dgdo_geo.intake.loading import Intake, read_area, run
from dgdo_geo.intake.recipe import Recipe, RecipeLayer, read_recipe, recipe_from_options

__all__ = ["Intake", "Recipe", "RecipeLayer", "read_area", "read_recipe", "recipe_from_options", "run"]
