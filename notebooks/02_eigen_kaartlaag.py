# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Een eigen kaartlaag laden
#
# De hele weg van een bestand naar een antwoord: eerst kijken, dan een recept maken, een proef doen, bewaren, en opnieuw vragen.
# Alles hier kan ook met het commando `dgdo-geo add`; dat staat er steeds bij.
#
# We nemen de vergunningen van NLOG. Staat dat bestand niet op uw computer, dan maakt deze cel een klein, **verzonnen** bestand
# met dezelfde kolommen.

# %%
import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely import Point, box

import dgdo_geo
from dgdo_geo import intake, store
from dgdo_geo.intake.drafting import draft, look_at
from dgdo_geo.texts import text

pd.set_option("display.width", 160, "display.max_columns", 12, "display.max_colwidth", 60)

LAYER = "mijnbouwvergunningen"
folder = Path(os.environ.get("DGDO_REAL_DATA", Path(dgdo_geo.__file__).parents[2] / "shared" / "data"))
file = folder / "mining" / "nlog_licences.geojson"
is_real = file.is_file()
if not is_real:
    file = Path("vergunningen.geojson")
    rows = [
        ("MAASDIJK-1", "MAASDIJK", "GFL", "EARTHHEAT", "EFFECTIVE", box(72_000, 441_000, 75_000, 444_000)),
        ("MAASDIJK-1", "MAASDIJK", "GFL", "EARTHHEAT", "EFFECTIVE", box(75_500, 441_000, 77_000, 444_000)),
        ("WESTLAND-2", "WESTLAND", "PRD", "HYDROCARBONS", "EFFECTIVE", box(73_000, 445_000, 80_000, 450_000)),
        ("POELDIJK", "POELDIJK", "EXP", "HYDROCARBONS", "APPLIED", box(70_000, 445_000, 73_000, 447_000)),
        ("DE LIER", "DE LIER", "EXP", "CO2", "VALID", box(78_000, 440_000, 80_000, 442_000)),
    ]
    names = ["licence_cd", "licence_nm", "licence_ty", "licence_re", "licence_st", "geometry"]
    invented = gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=28992)
    invented.insert(0, "OBJECTID", range(1, len(invented) + 1))
    invented.to_crs(4326).to_file(file)
print("het echte bestand" if is_real else "een verzonnen bestand:", file.name)

# %% [markdown]
# ## 1. Kijken
#
# Wat staat er in het bestand, waar ligt het, hoe fijn is het getekend, en wat kunnen de kolommen betekenen? Er wordt niets bewaard.
#
# `dgdo-geo add vergunningen.geojson --laag mijnbouwvergunningen --schrijf-recept recept.toml`

# %%
workspace = store.open_workspace(None, create=True)
look, read = look_at(file, LAYER, None, workspace)
print(look.describe_nl())

# %% [markdown]
# Een rij is niet altijd een ding: in het bestand van NLOG zijn verschillende rijen delen van één vergunning (`licence_cd`), en het programma zegt
# dat. Een voorstel met 80% is een **vraag**, geen antwoord:
# de kolom `licence_re` alleen zegt niet of het om opsporing of om winning gaat. Daarvoor is ook `licence_ty` nodig.
#
# ## 2. Het begin van een recept
#
# Wat zeker is, staat er ingevuld. Wat u moet kiezen, staat achter een `#`.

# %%
layer = workspace.entries[LAYER].layer
print(draft(look, read, layer, {"layer": LAYER}, "recept.toml"))

# %% [markdown]
# ## 3. Het recept aanvullen
#
# Een aanvraag is nog geen vergunning: die rijen laten we weg. Twee kolommen samen geven de klasse. Opsporing van CO2-opslag heeft geen eigen
# klasse; die laten we met opzet weg (`skip`). De delen van een vergunning houden samen één code (`part_of`).
# Een controlepunt zegt wat u zelf zeker weet; klopt het niet, dan wordt er niets bewaard.

# %%
inside = Point(74_000, 442_500)
if is_real:
    known = gpd.read_file(file, where="licence_ty = 'GFL'").to_crs(28992)
    inside = known.geometry.iloc[0].representative_point()

RECIPE = f"""
[[layer]]
layer = "{LAYER}"
file = "{file.name}"

[layer.read]
where = {{ licence_st = ["EFFECTIVE", "EXTENDED", "EXTENDEDWVA", "VALID"] }}

[layer.columns]
name = "licence_nm"
part_of = "licence_cd"

[layer.classes]
columns = ["licence_ty", "licence_re"]
skip = ["EXP|CO2"]

[layer.classes.values]
"GEA|EARTHHEAT" = "aardwarmte_zoekgebied"
"GSL|EARTHHEAT" = "aardwarmte_startvergunning"
"GFL|EARTHHEAT" = "aardwarmte_vervolgvergunning"
"SRP|EARTHHEAT" = "aardwarmte_overig"
"EXP|HYDROCARBONS" = "koolwaterstof_opsporing"
"PRD|HYDROCARBONS" = "koolwaterstof_winning"
"PRD|SALT" = "zoutwinning"
"PRD|COAL" = "steenkool"
"STR|GAS" = "opslag_aardgas"
"STR|HYDROGEN" = "opslag_waterstof"
"STR|NITROGEN" = "opslag_stikstof"
"STR|CO2" = "opslag_co2"
"STR|GASOIL" = "opslag_gasolie"
"STR|SALTWATER" = "opslag_zoutwater"

[[layer.control]]
x = {inside.x:.0f}
y = {inside.y:.0f}
expected = "aardwarmte_vervolgvergunning"
why_nl = "Hier ligt een vervolgvergunning voor aardwarmte."

[layer.declare]
source = "{"NLOG, vergunningen, begin 2026" if is_real else "Verzonnen voorbeeld"}"
licence = "Niet vermeld bij het bestand"
reference_date = 2026-01-01
quality = "{"official" if is_real else "example"}"
accuracy_m = 10
absence = "unknown"
"""
recipe_file = Path("recept.toml")
recipe_file.write_text(RECIPE, encoding="utf-8")

# %% [markdown]
# ## 4. De proef
#
# `dgdo-geo add recept.toml --bronmap MAP`
#
# Lees elke regel: hoeveel objecten er over zijn, wat er hersteld, weggelaten of dubbel is, welke klassen er zijn, en elk ‘let op’.

# %%
recipe = intake.read_recipe(recipe_file, file.parent)
(trial,) = intake.run(recipe)
print(trial.describe_nl())

# %% [markdown]
# Een waarde die u vergeet, gaat nooit stil verloren. Zonder `skip` weigert het programma, en noemt het de waarde:

# %%
(item,) = recipe.layers
forgotten = item.model_copy(update={"classes": item.classes.model_copy(update={"skip": ()})})
try:
    intake.run(intake.Recipe((forgotten,), recipe.folder))
except dgdo_geo.errors.InputError as error:
    print(error.message_nl)

# %% [markdown]
# ## 5. Eerst vragen, dan bewaren, dan opnieuw vragen
#
# `dgdo-geo add recept.toml --bronmap MAP --opslaan`


# %%
def ask() -> pd.DataFrame:
    """Per activity at the control point: the outcome, the rules that fire there, and what waits for this layer."""
    answer = dgdo_geo.open_explorer().at_point(inside.x, inside.y)
    rows = {
        (item.activity.name_nl, f"{item.band.top_m:g} tot {item.band.base_m:g} m"): (
            text("verdict", item.outcome),
            ", ".join(sorted({c.rule.id for c in item.constraints if c.layer and c.layer.id == LAYER})),
            len({u.rule.id for u in item.unanswered if u.layer and u.layer.id == LAYER}),
        )
        for item in answer.answers
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["uitkomst", "regels", "wacht_op_laag"])


before = ask()
intake.run(recipe, save=True)
after = ask()

# %% [markdown]
# ## 6. Wat is er veranderd?
#
# Alleen de activiteiten waarvan het antwoord op dit punt anders is geworden. *wacht_op_laag* is het aantal regels dat geen antwoord had
# omdat deze kaartlaag ontbrak.

# %%
both = before.add_suffix("_eerst").join(after.add_suffix("_nu"))
flipped = both[(before != after).any(axis=1)]
print(flipped.to_string())
print(len(flipped), "van", len(both), "antwoorden op dit punt zijn veranderd")

# %% [markdown]
# Het antwoord noemt voortaan uw bestand, met datum, kwaliteit en hash. Terug naar hoe het was? Verwijder de map van deze laag uit
# `layers/` in uw werkmap.

# %%
receipt = dgdo_geo.open_explorer().at_point(inside.x, inside.y).to_dict()["receipt"]
print(next(entry for entry in receipt["layers"] if entry["id"] == LAYER))
