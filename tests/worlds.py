"""Small worlds that one can draw on paper: two squares, a zone, a fault, and rules about them.

Coordinates are kilometres from the south-west corner of Westdorp:

    y
    10 +---------------------+---------------------+
       |   ---fault---       |                     |   fault: y = 9, x = 1..5
       |                     |                     |
     8 |                     |      +---------+    |   reserve (sketch, 1 km): 13..18 x 3..8
       |                     |      |         |    |
     6 |    +--------+       |      | reserve |    |   zone A (from 80 m down): 2..6 x 2..6
       |    | zone A |       |      |         |    |   core: 3..4 x 3..4, whole column
       |    | (core) |       |      |         |    |
     2 |    +--------+   +---+---+--+---------+    |   zone B (limit depth not known): 8..12 x 0..2
       |                 | zone B|                 |
     0 +-----------------+---+---+-----------------+
       0    Westdorp (PV23)  10    Oostdorp (PV22) 20   x

Sand: promising below y = 5 and none above it, in Westdorp only, at 1500 to 2000 m.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import shapely
import tomli_w

from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import RD_NEW, Declared, Layer, Publication
from dgdo_geo.model.cited import SOURCES
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.store import file_hash, layer_toml

EAST, NORTH = 200_000.0, 500_000.0
"""South-west corner of Westdorp, EPSG:28992."""
KM2 = 1e6
TODAY = date(2026, 11, 23)

WHOLE = (0.0, 0.0, math.inf, math.inf)
"""Depths of a feature that holds for the whole column."""
BELOW_80 = (80.0, 80.0, math.inf, math.inf)
NO_LIMIT_KNOWN = (0.0, math.nan, math.inf, math.inf)
SAND = (1500.0, 1500.0, 2000.0, 2000.0)


def at(x: float, y: float) -> tuple[float, float]:
    """Kilometres on paper to EPSG:28992."""
    return EAST + 1000 * x, NORTH + 1000 * y


def square(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle, in kilometres on paper."""
    return shapely.box(*at(west, south), *at(east, north))


def line(*points: tuple[float, float]) -> shapely.LineString:
    """A line, in kilometres on paper."""
    return shapely.LineString([at(x, y) for x, y in points])


# Layers ------------------------------------------------------------------------------------


def layer(layer_id: str, classes: Mapping[str, str | None] | Iterable[str] = ("zone",), **changes: Any) -> Layer:
    """A declaration; official, exact and conclusive unless said otherwise. ``classes`` may give the potential."""
    named = classes if isinstance(classes, Mapping) else dict.fromkeys(classes)
    data: dict[str, Any] = {
        "id": layer_id,
        "title_nl": layer_id.capitalize(),
        "description_nl": "Getekend voor een test.",
        "family": "groundwater",
        "geometry": "polygon",
        "owner": "test",
        "source": "test",
        "licence": "EUPL-1.2",
        "attribution": "test",
        "reference_date": date(2026, 1, 1),
        "quality": "official",
        "scale_nl": "1:1",
        "accuracy_m": 0.0,
        "absence": "conclusive",
        "how_to_get_nl": "Vraag het de tekenaar.",
        "classes": [
            {"id": c, "label_nl": c.capitalize()} | ({} if p is None else {"potential": p}) for c, p in named.items()
        ],
    }
    return Layer.model_validate(data | changes)


@dataclass(frozen=True)
class Feature:
    """One feature of a drawn layer."""

    shape: shapely.Geometry
    class_id: str = "zone"
    depths: tuple[float, float, float, float] = WHOLE
    accuracy_m: float = math.nan
    name: str = ""
    note: str = ""


def frame(features: Iterable[Feature], ids: Iterable[str] = (), **columns: list[str]) -> gpd.GeoDataFrame:
    """A product in the schema of ``docs/layer-files.md``."""
    drawn = list(features)
    named = list(ids) or [f"f{i}" for i in range(1, len(drawn) + 1)]
    depths = np.array([f.depths for f in drawn], dtype=float).reshape(len(drawn), 4)
    return gpd.GeoDataFrame(
        {
            "feature_id": np.array(named, dtype=object),
            "name": np.array([f.name or i for f, i in zip(drawn, named, strict=True)], dtype=object),
            "class": np.array([f.class_id for f in drawn], dtype=object),
            "top_min_m": depths[:, 0],
            "top_max_m": depths[:, 1],
            "base_min_m": depths[:, 2],
            "base_max_m": depths[:, 3],
            "accuracy_m": np.array([f.accuracy_m for f in drawn], dtype=float),
            "source": np.array(["test"] * len(drawn), dtype=object),
            "note": np.array([f.note for f in drawn], dtype=object),
            **columns,
        },
        geometry=np.array([f.shape for f in drawn], dtype=object),
        crs=RD_NEW,
    )


def put_layer(folder: Path, declared: Layer, product: gpd.GeoDataFrame | None = None) -> Path:
    """Write a layer as it would ship; returns the folder of the layer."""
    home = folder / declared.family.value / declared.id
    home.mkdir(parents=True, exist_ok=True)
    if product is not None:
        product.to_parquet(home / "product.parquet", index=False)
        digest = file_hash(home / "product.parquet")
        declared = declared.model_copy(update={"product": "product.parquet", "sha256": digest})
    (home / "layer.toml").write_text(layer_toml(declared), encoding="utf-8")
    return home


WESTDORP, OOSTDORP = square(0, 0, 10, 10), square(10, 0, 20, 10)
ZONE_A, CORE, ZONE_B = square(2, 2, 6, 6), square(3, 3, 4, 4), square(8, 0, 12, 2)
RESERVE = square(13, 3, 18, 8)
FAULT = line((1, 9), (5, 9))


def put_tiny_layers(folder: Path) -> None:
    """Write the layers of the drawing above."""
    generalised: dict[str, Any] = {"family": "boundaries", "quality": "generalised", "accuracy_m": 500.0}
    put_layer(
        folder,
        layer("gemeenten", ["gemeente"], **generalised),
        frame(
            [Feature(WESTDORP, "gemeente", name="Westdorp"), Feature(OOSTDORP, "gemeente", name="Oostdorp")],
            ["GM9001", "GM9002"],
            province=["PV23", "PV22"],
        ),
    )
    put_layer(
        folder,
        layer("provincies", ["provincie"], **generalised),
        frame(
            [Feature(WESTDORP, "provincie", name="Overijssel"), Feature(OOSTDORP, "provincie", name="Drenthe")],
            ["PV23", "PV22"],
            dgdo_region=["Oost", "Noord"],
        ),
    )
    put_layer(folder, layer("waterschappen", ["waterschap"], family="boundaries"))
    put_layer(
        folder,
        layer("zones", ["zone", "kern"]),
        frame(
            [
                Feature(ZONE_A, "zone", BELOW_80, name="Zone A"),
                Feature(ZONE_B, "zone", NO_LIMIT_KNOWN, name="Zone B"),
                Feature(CORE, "kern", name="Kern", note="Hier staat de put."),
            ]
        ),
    )
    put_layer(
        folder,
        layer(
            "schets",
            ["reserve"],
            family="strategic_groundwater",
            quality="schematic",
            accuracy_m=1000.0,
            absence="unknown",
        ),
        frame([Feature(RESERVE, "reserve", name="Reserve")]),
    )
    put_layer(
        folder,
        layer("breuk", ["breuk"], family="faults", geometry="line"),
        frame([Feature(FAULT, "breuk", name="Breuk")]),
    )
    put_layer(
        folder,
        layer("potentie_zand", {"kansrijk": "promising", "geen": "none"}, family="potential", absence="unknown"),
        frame([Feature(square(0, 0, 10, 5), "kansrijk", SAND), Feature(square(0, 5, 10, 10), "geen", SAND)]),
    )
    put_layer(folder, layer("potentie_zout", {"kansrijk": "promising"}, family="potential"))
    put_layer(folder, layer("natuur", ["natuur"], family="nature"))


# Knowledge ---------------------------------------------------------------------------------

Tables = dict[str, dict[str, Any]]
T = TypeVar("T", bound=Declared)

PUBLICATIONS: list[dict[str, Any]] = [
    {"id": "papier", "title": "Wet op papier", "kind": "wet", "published": "2018", "read_as_nl": "Zelf geschreven."},
    {"id": "eigen", "title": "Aanname van de tekenaar", "kind": "eigen", "read_as_nl": "Zelf bedacht."},
]
PAPER = {"id": "papier", "article": "1"}
"""A citation as it stands in a file."""
OWN_IDEA = {"id": "eigen"}


def declared(kind: type[T], draft: Mapping[str, Any]) -> T:
    """An entry, from the form in which it stands in a file."""
    known = {item["id"]: Publication.model_validate(item) for item in PUBLICATIONS}
    return kind.model_validate(dict(draft), context={SOURCES: known})


def rule(rule_id: str, **changes: Any) -> dict[str, Any]:
    """A rule as it stands in a file: fires where a zone meets the borehole, excluded."""
    data = {
        "id": rule_id,
        "title_nl": rule_id,
        "explanation_nl": "Waarom.",
        "activities": ["warmte"],
        "layer": "zones",
        "classes": [],
        "when": "present",
        "extent": "path",
        "verdict": "excluded",
        "condition_nl": "Als het mag.",
        "level": "provincial",
        "act": "omgevingswet",
        "valid_from": date(2024, 1, 1),
        "checked_on": TODAY,
        "confidence": "known",
        "source": PAPER,
    } | changes
    return {key: value for key, value in data.items() if value is not None}


def parameter(parameter_id: str, history: Mapping[date, float], **changes: Any) -> dict[str, Any]:
    """A parameter as it stands in a file."""
    values = [{"valid_from": day, "value": value, "source": OWN_IDEA} for day, value in history.items()]
    return {
        "id": parameter_id,
        "label_nl": parameter_id,
        "unit": "m",
        "confidence": "assumption",
        "checked_on": TODAY,
        "values": values,
    } | changes


def activity(activity_id: str, bands: Iterable[tuple[float, float]], layers: Iterable[str] = ()) -> dict[str, Any]:
    """An activity as it stands in a file."""
    return {
        "id": activity_id,
        "name_nl": activity_id.capitalize(),
        "summary_nl": "Iets in de ondergrond.",
        "bands": [{"top_m": top, "base_m": base} for top, base in bands],
        "potential_layers": list(layers),
        "needs_nl": "Ruimte.",
        "well_needs_nl": "Een gat.",
        "status": "allowed",
        "policy_nl": "Geen.",
        "policy_date": TODAY,
        "confidence": "assumption",
        "sources": [OWN_IDEA],
    }


def case(
    name: str, verdict: str, rules: Iterable[str] = (), quiet: Iterable[str] = (), **changes: Any
) -> dict[str, Any]:
    """A case as it stands in a file: warmth at 500 to 1250 m in PV23; ``alternatives`` go into what it expects."""
    expect = {"verdict": verdict, "rules": list(rules), "quiet": list(quiet)}
    alternatives = changes.pop("alternatives", {})
    data = {
        "name": name,
        "on": TODAY,
        "activity": "warmte",
        "depth_m": [500, 1250],
        "province": "PV23",
        "expect": expect | ({"alternatives": alternatives} if alternatives else {}),
    }
    return data | changes


def concern(concern_id: str, **changes: Any) -> dict[str, Any]:
    """A concern as it stands in a file."""
    return {
        "id": concern_id,
        "title_nl": concern_id,
        "text_nl": "Zorg.",
        "section": "A.1",
        "raised_by": "gemeenten",
        "theme": "algemeen",
        "kind": "behoefte",
        "subject": "kennis",
        "raised_on": date(2026, 3, 1),
        "source": PAPER,
    } | changes


def procedure(procedure_id: str, activities: Iterable[str], top: float, base: float) -> dict[str, Any]:
    """A procedure with one step as it stands in a file."""
    step = {
        "phase": "zoeken",
        "step_nl": "Vraag een vergunning.",
        "decides_nl": "De tekenaar.",
        "confidence": "known",
        "source": PAPER,
    }
    return {
        "id": procedure_id,
        "activities": list(activities),
        "top_m": top,
        "base_m": base,
        "act": "Mijnbouwwet",
        "summary_nl": "Vraag een vergunning.",
        "checked_on": TODAY,
        "source": PAPER,
        "steps": [step],
    }


def pair(a: str, b: str, **changes: Any) -> dict[str, Any]:
    """A pair of activities as it stands in a file: they do not meet, and may lie above each other."""
    return {
        "id": f"{a}-{b}",
        "a": a,
        "b": b,
        "same_volume": "not_applicable",
        "stacked": "compatible",
        "explanation_nl": "Ze liggen op een andere diepte.",
        "confidence": "assumption",
        "checked_on": TODAY,
        "source": OWN_IDEA,
    } | changes


def tiny_rules() -> list[dict[str, Any]]:
    """The rules about the drawing; ``boring`` is a group: warmth and soil."""
    always = {"layer": None, "classes": None, "when": "always"}
    of_2025 = {"valid_from": date(2025, 1, 1), "valid_to": date(2025, 12, 31)}
    return [
        rule("r-zone", activities=["boring"], classes=["zone"]),
        rule(
            "r-kern",
            activities=["boring", "zout"],
            classes=["kern"],
            extent="column",
            verdict="no_unless",
            level="national",
        ),
        rule("r-schets", layer="schets", verdict="no_unless"),
        rule("r-breuk", layer="breuk", within="breuk-afstand", verdict="conditional"),
        rule("r-diep", **always, deeper_than="diep", verdict="attention"),
        rule("r-natuur", activities=["zout"], layer="natuur", extent="surface", verdict="attention"),
        rule("r-drenthe", activities=["zout"], **always, regions=["PV22"], verdict="conditional"),
        rule("r-2025", activities=["bodem"], **always, verdict="attention", **of_2025),
        rule("r-schuin", activities=["boring"], classes=["zone"], verdict="conditional", well="slanted"),
    ]


def tiny_cases() -> list[dict[str, Any]]:
    """For every rule a case in which it fires and one in which it does not."""
    shallow: dict[str, Any] = {"activity": "bodem", "depth_m": [20, 80]}
    salt: dict[str, Any] = {"activity": "zout", "depth_m": [300, 1000]}

    def drawn(layer_id: str, class_id: str, **where: Any) -> list[dict[str, Any]]:
        return [{"layer": layer_id, "class": class_id, **where}]

    another_way = {"r-schuin": "conditional"}
    zone, core = drawn("zones", "zone", top_m=80), drawn("zones", "kern")
    return [
        case("Zone", "excluded", ["r-zone"], ["r-kern", "r-schets"], alternatives=another_way, evidence=zone),
        case("Kern", "no_unless", ["r-kern"], **shallow, evidence=core),
        case("Schets", "no_unless", ["r-schets"], ["r-diep"], evidence=drawn("schets", "reserve")),
        case("Breuk", "conditional", ["r-breuk"], evidence=drawn("breuk", "breuk", within_m=400)),
        case("Diep", "attention", ["r-diep"], ["r-breuk"], depth_m=[1250, 3000]),
        case("Natuur", "attention", ["r-natuur"], ["r-drenthe"], **salt, evidence=drawn("natuur", "natuur")),
        case("Drenthe", "conditional", ["r-drenthe"], ["r-natuur"], **salt, province="PV22"),
        case("Ondiep", "no_known_constraint", [], ["r-zone", "r-schuin"], **shallow, evidence=zone),
    ]


def tiny_tables() -> Tables:
    """The knowledge about the drawing, per file; change it before writing."""
    concerns = [
        concern("zorg-overal"),
        concern("zorg-noord", regions=["Noord"]),
        concern("zorg-breuk", families=["faults"], activities=["warmte"]),
    ]
    in_zone_a = {
        "id": "cp1",
        "name": "In zone A",
        "x": at(2.5, 2.5)[0],
        "y": at(2.5, 2.5)[1],
        "expect": [{"activity": "warmte", "verdict": "excluded"}],
        "reason_nl": "Zo is het getekend.",
        "confidence": "seen",
        "source": PAPER,
    }
    return copy.deepcopy(
        {
            "rulebase.toml": {"version": "test", "covers_from": date(2024, 1, 1), "checked_on": TODAY},
            "sources/papier.toml": {"source": PUBLICATIONS},
            "activity_groups.toml": {
                "group": [{"id": "boring", "name_nl": "Boringen", "activities": ["warmte", "bodem"]}]
            },
            "activities.toml": {
                "activity": [
                    activity("warmte", [(500, 1250), (1250, 3000)], ["potentie_zand"]),
                    activity("bodem", [(20, 80)]),
                    activity("zout", [(300, 1000)], ["potentie_zand", "potentie_zout"]),
                ]
            },
            "parameters.toml": {
                "parameter": [
                    parameter("breuk-afstand", {date(2024, 1, 1): 300, date(2026, 1, 1): 500}),
                    parameter("diep", {date(2024, 1, 1): 1250}),
                ]
            },
            "rules/test.toml": {"rule": tiny_rules()},
            "concerns/test.toml": {"concern": concerns},
            "concern_coverage.toml": {
                "section": [{"id": "A.1", "title_nl": "Zorgen", "concerns": [item["id"] for item in concerns]}]
            },
            "procedures.toml": {
                "procedure": [
                    procedure("vergunning", ["warmte"], 500, 1250),
                    procedure("diepe-vergunning", ["warmte"], 1250, 3000),
                    procedure("melding", ["bodem", "zout"], 0, 1000),
                ]
            },
            "compatibility.toml": {"pair": [pair("warmte", "bodem")]},
            "cases/test.toml": {"case": tiny_cases()},
            "control_points.toml": {"control_point": [in_zone_a]},
            "glossary.toml": {"term": [{"id": "zone", "term_nl": "zone", "meaning_nl": "Een vlak."}]},
        }
    )


def write_tables(folder: Path, tables: Tables) -> Path:
    """Write a knowledge folder; returns it."""
    for name, data in tables.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps(data), encoding="utf-8")
    return folder


# Worlds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Where a small world lies on disk."""

    shipped: Path
    knowledge: Path
    workspace: Path

    def read_knowledge(self) -> KnowledgeBase:
        """The knowledge as it stands; read once, so change it before."""
        return read_knowledge(self.knowledge)

    def open(self) -> Explorer:
        """Open it for asking."""
        return open_explorer(self.workspace, create=True, shipped=self.shipped, knowledge=self.read_knowledge())

    def home(self, layer_id: str) -> Path:
        """Folder of a shipped layer."""
        return next(self.shipped.glob(f"*/{layer_id}"))


def flat(value: object, path: str = "") -> dict[str, object]:
    """A nested answer as one table, so that numbers can be compared with a tolerance."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in flat(item, f"{path}[{i}]").items()}
    return {path: value}


def build_world(folder: Path, tables: Tables | None = None) -> World:
    """Draw the tiny world below a folder."""
    world = World(folder / "layers", folder / "knowledge", folder / "workspace")
    put_tiny_layers(world.shipped)
    write_tables(world.knowledge, tables or tiny_tables())
    return world
