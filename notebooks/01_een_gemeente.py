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
# # Wat kan waar: één gemeente
#
# We vragen voor de gemeente Zwolle: welke activiteit in de diepe ondergrond kan hier, op welke diepte, en waarom?
# Daarna bekijken we één punt, en vergelijken we de gemeenten van Flevoland.
#
# De kaarten die zijn meegeleverd zijn **schematisch**: met de hand geschetst. Een rand kan kilometers afwijken.
# Gebruik het antwoord om te verkennen, niet om te besluiten.

# %%
import pandas as pd

import dgdo_geo
from dgdo_geo.texts import text

pd.set_option("display.width", 160, "display.max_columns", 12, "display.max_colwidth", 60)

explorer = dgdo_geo.open_explorer()
answer = explorer.for_region("GM0193")
print(f"{answer.region.name}: {answer.region.area_m2 / 1e6:.0f} km², peildatum {answer.on}")
for note in answer.notes_nl:
    print("-", note)

# %% [markdown]
# ## Alle activiteiten
#
# Elke regel is een activiteit in een dieptetraject. Er zijn twee kolommen die u naast elkaar leest:
#
# - **potentie**: wat de geologie biedt;
# - **uitkomst**: wat wet en beleid zeggen. *onbekend* betekent: er ontbreken gegevens die het antwoord strenger kunnen maken.
#
# De uitkomst geldt voor het grootste deel van de gemeente. De kolom *deel* zegt hoe groot dat deel is.

# %%
table = pd.DataFrame(
    {
        "activiteit": item.activity.name_nl,
        "van_m": item.band.top_m,
        "tot_m": item.band.base_m,
        "potentie": text("potential", item.potential.key),
        "uitkomst": text("verdict", item.outcome),
        "deel": round(sum(part.share for part in item.areas if part.outcome == item.outcome), 2),
        "niet_te_beantwoorden": len({u.rule.id for u in item.unanswered}),
    }
    for item in answer.answers
)
print(table.to_string(index=False))

# %% [markdown]
# ## De redenen bij één activiteit
#
# Bij diepe aardwarmte kijken we welke regels gelden. Elke regel noemt haar bron. Een regel die niet zeker is, telt niet mee in het oordeel:
# de plek ligt dan te dicht bij de rand van een getekend gebied.

# %%
item = next(a for a in answer.answers if a.activity.id == "geothermie")
for constraint in item.constraints:
    verdict = text("verdict", constraint.rule.verdict.key)
    certain = "zeker" if constraint.is_certain else "niet zeker"
    print(f"{constraint.rule.title_nl}: {verdict}, {certain}, {constraint.share:.0%} van de gemeente")
    print(f"    bron: {constraint.rule.source.title} {constraint.rule.source.article}")
    for feature in constraint.features[:3]:
        print(f"    op de kaart: {feature.name} ({feature.label_nl})")

# %% [markdown]
# Wat konden we niet beantwoorden, en waarom? Een kaartlaag die niet is geladen, wordt nooit als ‘geen beperking’ gelezen.

# %%
causes = pd.DataFrame(
    {
        "regel": u.rule.title_nl,
        "kan_zijn": text("verdict", u.rule.verdict.key),
        "oorzaak": text("cause", u.cause.value),
        "deel": round(u.share or 0, 2),
    }
    for u in item.unanswered
)
print(causes.to_string(index=False))

# %% [markdown]
# ## Een punt
#
# Voor een punt (RD-coördinaten, in meters) rekenen we met de precieze afstand tot elke rand. U kunt ook een eigen diepte vragen.

# %%
point = explorer.at_point(203_500, 503_000, activities=["geothermie"], depth=(1_500, 2_500))
for at in point.answers:
    print(f"{at.activity.name_nl}, {at.band.top_m:g} tot {at.band.base_m:g} m onder maaiveld")
    print("potentie:", text("potential", at.potential.key))
    print("uitkomst:", text("verdict", at.outcome))
    print("aanwijzing:", text("verdict", at.indication.key), "(een hint, geen oordeel)")

# %% [markdown]
# ## Waar binnen een provincie?
#
# Per gemeente van Flevoland: hoeveel km² staat open voor diepe aardwarmte, is onbekend, of valt af? Met alleen de schematische kaarten
# staat er zelden iets echt open. Laad officiële kaartlagen om dat te veranderen.

# %%
places = explorer.where_possible("geothermie", within="PV24")
areas = places.filter(like="_m2").div(1e6).round(1).rename(columns=lambda name: name.replace("_m2", "_km2"))
print(pd.concat([places[["code", "name"]], areas, places[["reasons"]]], axis=1).to_string(index=False))

# %% [markdown]
# ## De kaartlaag erachter
#
# Elke kaartlaag waarop een antwoord rust, is op te vragen als GeoDataFrame (EPSG:28992). Zo kunt u alles narekenen.

# %%
zones = explorer.layer("boringsvrije_zones").to_gdf()
print(zones[["name", "class", "top_min_m", "top_max_m", "accuracy_m"]].to_string(index=False))

# %% [markdown]
# ## Verantwoording
#
# Elk antwoord zegt waarmee het is gemaakt. `answer.to_dict()` geeft hetzelfde als `dgdo-geo ask --json`.

# %%
receipt = answer.to_dict()["receipt"]
print({key: value for key, value in receipt.items() if key != "layers"})
print(len(receipt["layers"]), "kaartlagen, elk met datum, kwaliteit en hash")
