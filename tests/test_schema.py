"""The published JSON schema fits what the program answers, and refuses what it should."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import shapely
from typer.testing import CliRunner
from worlds import World, at

from dgdo_geo.check import check
from dgdo_geo.cli import app
from dgdo_geo.model import (
    Act,
    AreaAssessment,
    Assessment,
    Cause,
    Concern,
    Confidence,
    Declared,
    Doubt,
    Family,
    Fit,
    LayerStatus,
    Level,
    Phase,
    Potential,
    Procedure,
    Quality,
    RaisedBy,
    Reader,
    RegionKind,
    Verdict,
)
from dgdo_geo.model.around_dict import STEP_TEXTS
from dgdo_geo.model.fitting import SHOWN
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.own_concerns import add_concern
from dgdo_geo.query.regions import DGDO_REGIONS

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schema"
NAMES = ("ask", "layers", "check")
VERDICTS = [verdict.key for verdict in Verdict]

# What is asked of the start set: every kind of place that it knows.
PLACES = ("GM0193", "GM0363", "Vlieland", "GM0995", "PV24", "Noord", "square", "point", "point at 2 km")

Json = dict[str, Any]


@cache
def schema(name: str) -> Json:
    """One of the published schemas."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Validator that also looks at the format of dates."""
    return jsonschema.Draft202012Validator(schema(name), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def problems(name: str, document: object) -> list[str]:
    """What a document breaks, as "place: message"."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator(name).iter_errors(document)]


def words_of(kind: type[Declared], key: str) -> list[str]:
    """The words that a key of a declaration may have."""
    return list(get_args(kind.model_fields[key].annotation))


def as_read(document: object) -> Json:
    """The document as a reader of the JSON gets it."""
    return json.loads(json.dumps(document, allow_nan=False))


@pytest.fixture(scope="module")
def answers(explorer: Explorer) -> dict[str, Assessment]:
    """The answer for each of the places."""

    def ask(place: str) -> Assessment:
        if place == "square":
            return explorer.in_area(shapely.box(200_000, 499_000, 210_000, 507_000), name="vierkant")
        if place == "point":
            return explorer.at_point(203_500, 503_000)
        if place == "point at 2 km":
            return explorer.at_point(95_000, 447_500, activities=["geothermie"], depth=(1900, 2100))
        return explorer.for_region(place)

    return {place: ask(place) for place in PLACES}


@pytest.fixture(scope="module")
def documents(answers: dict[str, Assessment]) -> dict[str, Json]:
    """The same as plain data."""
    return {place: as_read(answer.to_dict()) for place, answer in answers.items()}


# The schemas themselves ------------------------------------------------------------------


def objects(node: object) -> Iterator[Json]:
    """All parts of a schema that declare an object."""
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_one_of_its_draft(name: str) -> None:
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_closed_and_every_key_described(name: str) -> None:
    found = list(objects(schema(name)))
    assert found
    for item in found:
        assert item["additionalProperties"] is False
        assert item["properties"]
        for key, value in item["properties"].items():
            target = schema(name)["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
            assert value.get("description") or target.get("description"), key


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("verdict",), VERDICTS),
        (("outcome",), [*VERDICTS, "unknown"]),
        (("potential",), [potential.key for potential in Potential]),
        (("quality",), list(Quality)),
        (("status",), list(LayerStatus)),
        (("cause",), list(Cause)),
        (("confidence",), list(Confidence)),
        (("level",), list(Level)),
        (("act",), list(Act)),
        (("doubt",), list(Doubt)),
        (("procedure_step", "properties", "phase"), list(Phase)),
        (("procedure", "properties", "act"), words_of(Procedure, "act")),
        (("concern", "properties", "raised_by"), list(RaisedBy)),
        (("concern", "properties", "theme"), words_of(Concern, "theme")),
        (("concern", "properties", "kind"), words_of(Concern, "kind")),
        (("concern", "properties", "fits", "items"), [fit for fit in Fit if fit is not Fit.READER]),
        (("dgdo_region",), list(DGDO_REGIONS)),
        (("region", "properties", "kind"), list(RegionKind)),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_words_of_the_answer_are_those_of_the_code(path: tuple[str, ...], expected: list[str]) -> None:
    node = schema("ask")["$defs"]
    for key in path:
        node = node[key]
    assert sorted(node["enum"]) == sorted(map(str, expected))


def test_every_reader_has_concerns_of_its_own_in_the_schema() -> None:
    first = schema("ask")["$defs"]["concerns_first"]
    assert list(first["properties"]) == first["required"] == [reader.value for reader in Reader]
    assert all(item["maxItems"] == SHOWN for item in first["properties"].values())


def test_the_steps_of_a_procedure_have_all_texts_of_the_schema() -> None:
    keys = schema("ask")["$defs"]["procedure_step"]["properties"]
    assert [key for key, item in keys.items() if "null" in item.get("type", "")] == list(STEP_TEXTS)


@pytest.mark.parametrize(("key", "expected"), [("quality", Quality), ("status", LayerStatus), ("family", Family)])
def test_words_of_the_layers_are_those_of_the_code(key: str, expected: type[Quality | LayerStatus | Family]) -> None:
    assert sorted(schema("layers")["$defs"][key]["enum"]) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("published", "fits"),
    [("2018", True), ("2018-03", True), ("2018-03-09", True), (None, True)]
    + [(wrong, False) for wrong in ("18", "2018-13", "2018-3", "2018-03-32", "maart 2018", "", 2018)],
)
def test_a_source_is_of_a_day_a_month_or_a_year(published: object, fits: bool) -> None:
    part = {"$ref": "#/$defs/source/properties/date", "$defs": schema("ask")["$defs"]}
    assert jsonschema.Draft202012Validator(part).is_valid(published) is fits


# Real answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_answer_fits_the_schema(place: str, documents: dict[str, Json]) -> None:
    assert problems("ask", documents[place]) == []


@pytest.mark.parametrize("place", PLACES)
def test_areas_add_up_to_the_region(place: str, documents: dict[str, Json], answers: dict[str, Assessment]) -> None:
    document = documents[place]
    assert document["answers"]
    for answer in document["answers"]:
        if not isinstance(answers[place], AreaAssessment):
            assert "areas" not in answer
            continue
        parts = answer["areas"]
        assert sum(part["share"] for part in parts) == pytest.approx(1, rel=1e-9)
        assert sum(part["area_m2"] for part in parts) == pytest.approx(document["region"]["area_m2"], rel=1e-9)


def test_the_answers_together_show_every_part_of_the_schema(documents: dict[str, Json]) -> None:
    answered = [answer for document in documents.values() for answer in document["answers"]]
    for key in ("areas", "constraints", "unanswered", "potential_layers"):
        assert any(answer.get(key) for answer in answered), key
    for key in ("procedure", "concerns", "concerns_first", "terms"):
        assert all(document[key] for document in documents.values()), key
    assert any(c["features"] for answer in answered for c in answer["constraints"])
    assert any(row["steps"] for document in documents.values() for row in document["procedure"])


def test_answers_of_complete_layers_fit_the_schema(tiny: Explorer) -> None:
    """With sketches only, no rule is ever clear; in the world of two squares some are."""
    found = [tiny.for_region(code) for code in tiny.regions.municipalities.index]
    found.append(tiny.at_point(*at(3.5, 3.5)))
    documents = [as_read(answer.to_dict()) for answer in found]
    for key in ("clear", "alternatives", "slanted", "levels"):
        assert any(answer[key] for document in documents for answer in document["answers"]), key
    assert [problem for document in documents for problem in problems("ask", document)] == []


def test_an_answer_without_a_procedure_or_a_glossary_fits_the_schema(tiny_world: World) -> None:
    bare = replace(tiny_world.read_knowledge(), procedures=(), concerns=(), glossary=())
    explorer = open_explorer(tiny_world.workspace, create=True, shipped=tiny_world.shipped, knowledge=bare)
    document = as_read(explorer.for_region("GM9001").to_dict())
    assert {row["id"] for row in document["procedure"]} == {None}
    assert (document["concerns"], document["terms"]) == ([], [])
    assert document["concerns_first"] == {"gemeente": [], "provincie": [], "waterschap": []}
    assert problems("ask", document) == []


def test_an_answer_with_a_concern_of_the_users_own_fits_the_schema(tiny_world: World) -> None:
    workspace = tiny_world.open().workspace.path
    where = {"places": ["GM9001", "WS01", "Oost"], "activities": ["bodem"]}
    add_concern(
        workspace, tiny_world.read_knowledge(), title="Put", body="Let op.", author="Ik", source="Brief", **where
    )
    document = as_read(tiny_world.open().for_region("GM9001").to_dict())
    [own] = [item for item in document["concerns"] if item["author"]]
    assert (own["places"], own["fits"], own["source"]["id"]) == (
        ["GM9001", "WS01", "Oost"],
        ["own_place", "activity"],
        "",
    )
    assert document["concerns_first"]["gemeente"][0] == own["id"]
    assert problems("ask", document) == []


def test_layers_fit_the_schema(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["layers", "--json", "--workspace", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert problems("layers", json.loads(result.stdout)) == []


def test_check_fits_the_schema(explorer: Explorer) -> None:
    assert problems("check", as_read(check(explorer).to_dict())) == []


# Tampered answers ------------------------------------------------------------------------


def change(document: Json, path: tuple[str | int, ...], value: object) -> Json:
    """A copy with one value put in, or taken out when it is None."""
    changed = copy.deepcopy(document)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("answers", 0, "areas", 0, "share"), 1.5),
        (("answers", 0, "areas", 0, "share"), -0.1),
        (("answers", 0, "areas", 0, "area_m2"), "12 km2"),
        (("answers", 0, "areas", 0, "extra"), 1),
        (("answers", 0, "areas"), None),
        (("answers", 0, "allowed"), True),
        (("answers", 0, "verdict"), "allowed"),
        (("answers", 0, "conclusive"), None),
        (("answers", 0, "potential_layers", 0, "share"), None),
        (("answers",), []),
        (("region", "kind"), "buurt"),
        (("region", "kind"), "punt"),
        (("peildatum",), "23-11-2026"),
        (("peildatum",), "2026-13-01"),
        (("receipt", "layers", 0, "quality"), "good"),
        (("receipt", "rules"), "latest"),
        (("schema",), "dgdo-geo/ask/2"),
        (("concerns_first",), None),
        (("concerns_first", "provincie"), None),
        (("concerns_first", "burger"), []),
        (("concerns_first", "gemeente"), [f"zorg-{i}" for i in range(9)]),
        (("concerns", 0, "source", "id"), None),
        (("concerns", 0, "source", "read_as_nl"), None),
        (("concerns", 0, "source", "date"), "maart 2026"),
        (("concerns", 0, "fits"), ["reader"]),
        (("concerns", 0, "author"), None),
        (("concerns", 0, "places"), ["Zwolle"]),
        (("concerns", 0, "theme"), "overig"),
        (("terms",), None),
        (("terms", 0, "forms"), []),
        (("procedure", 0, "id"), None),
        (("procedure", 0, "act"), "Wet op papier"),
        (("procedure", 0, "gaps_nl"), None),
        (("procedure", 0, "steps", 0, "phase"), "dromen"),
        (("procedure", 0, "steps", 0, "decides_nl"), ""),
        (("procedure", 0, "steps", 0, "source"), None),
        (("answers", 0, "alternatives"), None),
        (("answers", 0, "slanted"), "conditional"),
        (("answers", 0, "levels"), None),
        (("answers", 0, "constraints", 0, "act"), "grondwet"),
        (("answers", 0, "constraints", 0, "deviation_nl"), None),
        (("answers", 0, "constraints", 0, "doubt"), ["weet niet"]),
        (("answers", 0, "constraints", 0, "also"), None),
        (("answers", 0, "constraints", 0, "area_m2"), None),
    ],
    ids=str,
)
def test_tampered_answer_of_an_area_is_refused(
    path: tuple[str | int, ...], value: object, documents: dict[str, Json]
) -> None:
    assert problems("ask", change(documents["GM0193"], path, value))


def test_a_procedure_without_an_id_says_nothing_else(documents: dict[str, Json]) -> None:
    row = documents["GM0193"]["procedure"][0]
    empty = {"activity": row["activity"], "depth": row["depth"], "id": None, "steps": []}
    assert problems("ask", change(documents["GM0193"], ("procedure", 0), empty)) == []
    for wrong in ({**row, "id": None}, {**empty, "steps": row["steps"]}, {**empty, "id": "vergunning"}):
        assert problems("ask", change(documents["GM0193"], ("procedure", 0), wrong))


@pytest.mark.parametrize(
    ("place", "extra"), [((3.5, 3.5), {"area_m2": 1.0}), ((3.5, 3.5), {"share": 1.0}), (None, {"area_m2": None})]
)
def test_another_way_has_an_area_where_a_constraint_has_one(
    tiny: Explorer, place: tuple[float, float] | None, extra: Json
) -> None:
    found = tiny.for_region("GM9001") if place is None else tiny.at_point(*at(*place))
    document = as_read(found.to_dict())
    row = next(i for i, answer in enumerate(document["answers"]) if answer["alternatives"])
    for key in ("alternatives", "constraints"):
        for name, value in extra.items():
            assert problems("ask", change(document, ("answers", row, key, 0, name), value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("answers", 0, "areas"), [{}]),
        (("answers", 0, "unanswered", 0, "area_m2"), 1.0),
        (("answers", 0, "unanswered", 0, "share"), 1.0),
        (("region", "area_m2"), 1.0),
        (("region", "kind"), "gemeente"),
    ],
    ids=str,
)
def test_tampered_answer_at_a_point_is_refused(
    path: tuple[str | int, ...], value: object, documents: dict[str, Json]
) -> None:
    assert problems("ask", change(documents["point"], path, value))


def test_tampered_layers_and_check_are_refused() -> None:
    counts = dict.fromkeys(schema("check")["properties"]["counts"]["required"], 1)
    good = {"counts": counts, "errors": [], "warnings": []}
    assert problems("check", good) == []
    assert problems("check", change(good, ("counts", "rules"), -1))
    assert problems("check", change(good, ("counts", "rules"), None))
    assert problems("check", {**good, "ok": True})
    assert problems("layers", {"layers": []})
    assert problems("layers", {"layers": [{"id": "gemeenten"}]})
