"""The pages Wat kan waar, Hier, Gebied, Lagen, Regels and Uitleg, run without a browser on the start set."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
import shapely
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dgdo_geo.intake import recipe_from_options
from dgdo_geo.intake import run as load
from dgdo_geo.model import Answer, AreaAssessment, Assessment, LayerStatus, Potential, Quality, RegionKind, Verdict
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.beside import beside, first_difference
from dgdo_geo.query.elsewhere import blockers, is_no, nearby, ways_out
from dgdo_geo.texts import text
from dgdo_geo.web import card, depth_column, formats, here_parts, opened, places, profile, way_out
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.places import Place
from dgdo_geo.web.render import render
from dgdo_geo.web.screens import SCREENS, explained, layers, rules
from dgdo_geo.web.state import View, default_view, from_params, to_params

MAIN = Path(__file__).parents[1] / "dgdo_geo" / "web" / "main.py"
TODAY = date.today()
ZWOLLE, OVERIJSSEL, DRENTHE = "GM0193", "PV23", "PV22"
IN_THE_ZONE, NEAR_ZWOLLE = (159_178.0, 484_914.0), (203_000.0, 503_000.0)
PATHS = [screen.path for screen in SCREENS]


@pytest.fixture(scope="module", autouse=True)
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The start set, opened as the server does, in a workspace of its own."""
    workspace = tmp_path_factory.mktemp("workspace")
    open_explorer(workspace, create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGDO_WORKSPACE", str(workspace))
        yield opened.explorer()


def run(path: str = "", **params: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in params.items():
        app.query_params[key] = value
    return go(app, path)


def go(app: AppTest, path: str) -> AppTest:
    """Draw a page; without a path the one that the app opens with."""
    app._page_hash = calc_hash(path) if path else ""
    return app.run()


def walk(app: AppTest, path: str) -> AppTest:
    """Follow the navigation: Streamlit empties the address then."""
    app.query_params.clear()
    return go(app, path or "wat-kan-waar")


def html(app: AppTest) -> str:
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith(("<style", "<script")))


def words(shown: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", shown)))


def region(explorer: Explorer, kind: str, code: str) -> AreaAssessment:
    return opened.area_answer(explorer, Place(RegionKind(kind), code), TODAY)


def turn(explorer: Explorer, view: View | None = None, page: str = "") -> Turn:
    return Turn(page, explorer, view or default_view(explorer, TODAY))


# All pages ---------------------------------------------------------------------------------


def test_every_page_has_a_name_a_path_and_a_head() -> None:
    assert PATHS == ["", "hier", "gebied", "lagen", "regels", "uitleg"]
    titles = set()
    for screen in SCREENS:
        app = run(screen.path)
        assert not app.exception and not app.error, screen.path
        assert len(app.title) == 1
        titles.add(app.title[0].value)
    assert len(titles) == len(SCREENS)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_survives_a_wrong_link(path: str) -> None:
    wrong = {
        "gemeente": "![x](http://evil.invalid)",
        "activiteit": "goud",
        "peildatum": "ooit",
        "punt": "0,0",
        "lagen": "x",
    }
    app = run(path, **wrong)
    assert not app.exception
    assert len(app.error) == len(wrong)
    assert text("web", "way_on") in [item.value for item in app.markdown]
    for item in app.error:
        assert "http://evil" not in item.value and "Traceback" not in item.value


@pytest.mark.parametrize("path", PATHS)
def test_every_page_says_that_the_workspace_is_missing(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path / "nergens"))
    app = run(path)
    assert not app.exception
    assert "bestaat niet" in app.error[0].value


def test_choice_keeps_through_all_pages() -> None:
    wanted = {
        "provincie": OVERIJSSEL,
        "activiteit": "zoutwinning",
        "diepte": "800-1800",
        "peildatum": "2026-03-01",
        "kaart": "potentie",
        "lezer": "gemeente",
        "weergave": "volledig",
        "vergelijk": DRENTHE,
        "lagen": "provincies",
    }
    app = run(**wanted)
    assert app.query_params == wanted
    for path in (*PATHS[1:], "gebied", "hier"):
        walk(app, path)
        assert not app.exception and not app.error, path
        assert app.query_params == wanted, path
    app._page_hash = ""
    app.query_params.clear()
    app.query_params["gemeente"] = ZWOLLE
    app.run()
    assert app.selectbox(key="plaats").value == Place(RegionKind.MUNICIPALITY, ZWOLLE), "another address wins"


def test_what_is_chosen_on_one_page_is_there_on_the_next() -> None:
    app = run("gebied", gemeente=ZWOLLE)
    app.selectbox(key="plaats").set_value(Place(RegionKind.DGDO_REGION, "Oost")).run()
    app.radio(key="weergave").set_value(True).run()
    walk(app, "lagen")
    app.multiselect(key="lagen").set_value(["provincies"]).run()
    walk(app, "hier")
    assert app.query_params["regio"] == "Oost"
    assert app.query_params["weergave"] == "volledig"
    assert app.query_params["lagen"] == "provincies"
    assert app.selectbox(key="plaats").value == Place(RegionKind.DGDO_REGION, "Oost")


def test_two_sessions_do_not_touch_each_other() -> None:
    one, other = run(gemeente=ZWOLLE), run(provincie=OVERIJSSEL)
    one.selectbox(key="activiteit").select("hto").run()
    other.selectbox(key="activiteit").select("caes").run()
    assert one.query_params["activiteit"] == "hto" and one.query_params["gemeente"] == ZWOLLE
    assert other.query_params["activiteit"] == "caes" and other.query_params["provincie"] == OVERIJSSEL


def test_back_to_an_older_address_gives_the_older_view() -> None:
    app = run(gemeente=ZWOLLE, activiteit="geothermie")
    before = dict(app.query_params)
    app.selectbox(key="activiteit").select("hto").run()
    assert app.query_params["activiteit"] == "hto"
    app.query_params.clear()
    for key, value in before.items():
        app.query_params[key] = value
    app.run()
    assert app.selectbox(key="activiteit").value == "geothermie"
    assert app.query_params == before


def test_stale_bookmark_says_what_is_gone_and_uses_the_rest() -> None:
    app = run("gebied", provincie=OVERIJSSEL, lagen="opgeruimd,provincies", vergelijk="PV22,GM9999")
    assert len(app.error) == 2
    assert app.query_params["lagen"] == "provincies"
    assert app.query_params["vergelijk"] == DRENTHE
    app.run()
    assert not app.error, "said once"


def test_session_survives_a_workspace_that_changes(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = run(gemeente=ZWOLLE, activiteit="hto")
    square = shapely.box(200_000, 500_000, 210_000, 510_000)
    other = with_water_boards(tmp_path, {"Waterschap Test": square})
    monkeypatch.setenv("DGDO_WORKSPACE", str(other.workspace.path))
    app.run()
    assert not app.exception and not app.error
    assert app.query_params["gemeente"] == ZWOLLE and app.query_params["activiteit"] == "hto"


# Places ------------------------------------------------------------------------------------


def with_water_boards(folder: Path, boards: dict[str, shapely.Polygon]) -> Explorer:
    """A workspace with the boundaries of water boards."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"ws{i}", "naam": name},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for i, (name, shape) in enumerate(boards.items())
    ]
    path = folder / "waterschappen.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8")
    workspace = folder / "workspace"
    open_explorer(workspace, create=True)
    recipe = recipe_from_options(
        path,
        layer="waterschappen",
        crs=None,
        class_id="waterschap",
        class_column=None,
        values=[],
        complete=True,
        name_column="naam",
        id_column="id",
        source="getekend voor een test",
        licence="CC0",
        reference_date=date(2026, 1, 1),
        quality="official",
        accuracy_m=10,
    )
    load(recipe, workspace, save=True)
    return open_explorer(workspace)


def test_every_place_of_the_list_is_found_by_its_code_and_has_an_answer_or_a_reason(explorer: Explorer) -> None:
    listed = opened.place_labels(explorer)
    assert [kind for kind in places.PLACE_KINDS if not any(p.kind is kind for p in listed)] == [RegionKind.WATER_BOARD]
    assert len(set(listed.values())) == len(listed), "no two places with one label"
    for place in listed:
        assert places.find(explorer, place.kind, place.code) == place
        assert places.kind_of(place.code) is place.kind
    labels = list(listed.values())
    assert (
        labels.index("Zwolle (gemeente)")
        < labels.index("Overijssel (provincie)")
        < labels.index("Nederland (heel het land)")
    )
    municipalities = [places.name_of(explorer, p) for p in listed if p.kind is RegionKind.MUNICIPALITY]
    assert municipalities == sorted(municipalities, key=formats.sorting)
    assert any("Den Haag" in label for label in labels) and any("Sudwest-Fryslan" in label for label in labels)


def test_water_boards_can_be_chosen_once_they_are_loaded(tmp_path: Path) -> None:
    west, east = shapely.box(200_000, 500_000, 210_000, 510_000), shapely.box(210_000, 500_000, 215_000, 510_000)
    explorer = with_water_boards(tmp_path, {"Waterschap West": west, "Waterschap Oost": east})
    west_board, east_board = (Place(RegionKind.WATER_BOARD, code) for code in places.water_board_codes(explorer))
    assert opened.place_labels(explorer)[west_board] == "Waterschap West (waterschap)"
    assert places.find(explorer, RegionKind.WATER_BOARD, "waterschap west") == west_board
    assert places.neighbours(explorer, west_board) == [east_board]
    assert places.holding(explorer, west_board, 203_000, 503_000) == west_board
    assert places.holding(explorer, west_board, 212_000, 503_000).kind is RegionKind.MUNICIPALITY
    view, problems = from_params({"waterschap": west_board.code, "vergelijk": east_board.code}, explorer, TODAY)
    assert (view.place, view.compared, problems) == (west_board, (east_board,), [])
    assert to_params(view, explorer)["waterschap"] == west_board.code
    found = explorer.for_region(west_board.code, TODAY, kind=RegionKind.WATER_BOARD)
    assert found.region.area_m2 == pytest.approx(1e8, rel=1e-6)
    assert ways_out(explorer, found, found.answers[0]).places, "also from a water board one can look around"


def test_missing_water_boards_are_said_with_the_way_to_get_them() -> None:
    shown = "\n".join(item.value for item in run().markdown)
    assert "grenzen van de waterschappen zijn nog niet geladen" in shown
    assert "dgdo-geo fetch waterschappen" in shown


def test_neighbours_border_on_each_other(explorer: Explorer) -> None:
    town = Place(RegionKind.MUNICIPALITY, ZWOLLE)
    names = {places.name_of(explorer, place) for place in places.neighbours(explorer, town)}
    assert names == {"Dalfsen", "Hattem", "Heerde", "Kampen", "Olst-Wijhe", "Raalte", "Staphorst", "Zwartewaterland"}
    drenthe = Place(RegionKind.PROVINCE, DRENTHE)
    assert [p.code for p in places.neighbours(explorer, drenthe)] == ["PV21", "PV20", "PV23"]
    assert places.neighbours(explorer, Place(RegionKind.COUNTRY, "NL")) == []
    listed = [p for p in opened.place_labels(explorer) if p.kind in (RegionKind.PROVINCE, RegionKind.DGDO_REGION)]
    near = {place: set(places.neighbours(explorer, place)) for place in listed}
    assert all(place in near[other] for place, others in near.items() for other in others)


# Plain and full ----------------------------------------------------------------------------


def numbers(shown: str) -> set[str]:
    return set(re.findall(r"\d[\d.]*(?:,\d+)? ?(?:km²|%)", words(shown)))


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("", {"gemeente": "GM0050", "activiteit": "geothermie"}),
        ("", {"punt": "159178,484914"}),
        ("", {"provincie": "PV24"}),
        ("hier", {"punt": "159178,484914", "naast": "203000,503000"}),
        ("gebied", {"provincie": "PV24", "vergelijk": "PV23"}),
        ("lagen", {}),
        ("regels", {}),
    ],
)
def test_plain_view_hides_detail_and_shows_no_other_number(path: str, params: dict[str, str]) -> None:
    plain = html(run(path, **params))
    full = html(run(path, **params, weergave="volledig"))
    assert len(plain) < len(full)
    assert numbers(plain) <= numbers(full)
    assert numbers(full) or path in ("lagen", "regels")


def test_plain_view_still_says_what_is_unsure_and_where_it_stands(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    looked = 0
    for answer in assessment.answers:
        shown = words(card.details(assessment, answer, is_full=False))
        for item in answer.constraints:
            assert item.rule.title_nl in shown
            assert item.rule.source.title in shown
            assert all(text("doubt", doubt.value) in shown for doubt in item.rule.doubt)
            looked += 1
        assert (text("web_card", "near_edge_mark") in shown) == any(
            not item.is_certain for item in (*answer.constraints, *answer.alternatives)
        )
        assert bool(answer.unanswered) == (text("web_card", "gaps_in_full") in shown)
    assert looked


# Wat kan wél -------------------------------------------------------------------------------


def without_rules(explorer: Explorer, dropped: set[str]) -> Explorer:
    known = explorer.knowledge
    kept = tuple(rule for rule in known.rules if rule.id not in dropped)
    return open_explorer(explorer.workspace.path, knowledge=dataclasses.replace(known, rules=kept, hash="test"))


def test_blockers_are_the_smallest_set_that_makes_a_no(explorer: Explorer) -> None:
    """Without all of them the verdict is milder; as long as one is left it is still a no."""
    answers = opened.point_answer(explorer, *IN_THE_ZONE, TODAY).answers
    number = max(range(len(answers)), key=lambda i: len(blockers(answers[i])))
    ids = [item.rule.id for item in blockers(answers[number])]
    assert len(ids) > 1
    free = without_rules(explorer, set(ids)).at_point(*IN_THE_ZONE, TODAY).answers[number]
    assert free.verdict < Verdict.NO_UNLESS <= answers[number].verdict
    for one in ids:
        bound = without_rules(explorer, set(ids) - {one}).at_point(*IN_THE_ZONE, TODAY).answers[number]
        assert bound.verdict >= Verdict.NO_UNLESS, one


def test_other_depths_and_activities_are_never_a_no(explorer: Explorer) -> None:
    looked = 0
    for x, y in (IN_THE_ZONE, NEAR_ZWOLLE, (211_400.0, 483_600.0)):
        assessment = opened.point_answer(explorer, x, y, TODAY)
        for i, answer in enumerate(assessment.answers):
            way = opened.way_out(explorer, assessment, i)
            assert answer not in (*way.depths, *way.activities)
            assert all(other.activity.id == answer.activity.id for other in way.depths)
            assert all(other.activity.id != answer.activity.id for other in way.activities)
            expected = {
                id(other)
                for other in assessment.answers
                if other.outcome not in ("excluded", "no_unless")
                and not (other.potential is Potential.NONE and other.potential_certain)
                and other is not answer
            }
            assert {id(other) for other in (*way.depths, *way.activities)} == expected
            looked += len(expected)
    assert looked


def test_nearest_places_are_the_nearest_of_the_ranking(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    answer = assessment.answers[0]
    way = ways_out(explorer, assessment, answer)
    ranked = explorer.where_possible(answer.activity.id, "NL", TODAY).set_index("code")
    column = "open_m2" if way.is_open else "unknown_m2"
    good = ranked.index[ranked[column] >= 10_000]
    point = shapely.Point(*IN_THE_ZONE)
    distance = explorer.regions.municipalities.geometry[good].distance(point).sort_values(kind="stable")
    assert way.is_open == bool((ranked["open_m2"] >= 10_000).any())
    assert [near.distance_m for near in way.places] == pytest.approx(distance.iloc[:3].to_list())
    for near in way.places:
        assert near.open_m2 == ranked.loc[near.code, "open_m2"]
        assert near.unknown_m2 == ranked.loc[near.code, "unknown_m2"]


def test_municipality_is_not_sent_to_itself(explorer: Explorer) -> None:
    assessment = region(explorer, "gemeente", "GM0050")
    way = ways_out(explorer, assessment, assessment.answers[0])
    assert way.places and "GM0050" not in {near.code for near in way.places}


def test_way_out_names_blockers_with_their_article_and_never_calls_unknown_open(explorer: Explorer) -> None:
    view = dataclasses.replace(default_view(explorer, TODAY), point=IN_THE_ZONE)
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    answer = assessment.answers[0]
    shown = way_out.way_out(turn(explorer, view), assessment, answer)
    for item in blockers(answer):
        assert item.rule.title_nl in words(shown)
        assert item.rule.source.article in words(shown)
    found = opened.way_out(explorer, assessment, 0)
    assert text("web_out", "places_open" if found.is_open else "places_unknown") in words(shown)
    assert "Onbekend is geen ja" in words(shown)
    assert "Wat staat in de weg" in html(run(punt="159178,484914"))
    milder = next(
        a for a in opened.point_answer(explorer, *NEAR_ZWOLLE, TODAY).answers if a.verdict < Verdict.NO_UNLESS
    )
    assert not way_out.has_no(milder)


# Hier --------------------------------------------------------------------------------------


def test_here_lists_every_activity_and_depth_with_its_first_reason(explorer: Explorer) -> None:
    app = run("hier", punt="159178,484914")
    shown = html(app).split('id="alles-hier"')[1].split("</table>")[0]
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    rows = shown.split("<tr")[2:]
    assert len(rows) == len(assessment.answers)
    for row, answer in zip(rows, assessment.answers, strict=True):
        said = words(f"<{row}")
        assert answer.activity.name_nl in said
        assert formats.interval(answer.depth) in said
        assert card.outcome_word(answer) in said
        assert text("potential", answer.potential.key) in said
        if answer.constraints:
            assert answer.constraints[0].rule.title_nl in said
            assert answer.constraints[0].rule.source.title in said


def test_here_without_a_point_says_how_to_choose_one() -> None:
    assert [item.value for item in run("hier").info] == [text("web_here", "no_place")]
    assert [item.value for item in run("hier", gemeente=ZWOLLE).info] == [text("web_here", "no_point")]


@pytest.mark.parametrize(
    ("x", "y"), [("203000", "503000"), ("203.000", "503 000"), ("6.09429", "52.51257"), ("52,51257", "6,09429")]
)
def test_coordinates_are_read_in_metres_and_in_degrees(x: str, y: str) -> None:
    app = run("hier", gemeente=ZWOLLE)
    app.text_input(key="rd_x").set_value(x)
    app.text_input(key="rd_y").set_value(y)
    next(button for button in app.button if button.label == text("web_map", "show_point")).click().run()
    assert not app.error
    east, north = (float(value) for value in app.query_params["punt"].split(","))
    assert math.hypot(east - 203_000, north - 503_000) < 30


def test_second_point_is_chosen_kept_swapped_and_dropped() -> None:
    app = run("hier", punt="159178,484914")
    app.text_input(key="naast_x").set_value("203000")
    app.text_input(key="naast_y").set_value("503000")
    press(app, "show_beside")
    assert app.query_params["naast"] == "203000,503000"
    assert 'id="naast-elkaar"' in html(app)
    press(app, "swap")
    assert app.query_params["punt"] == "203000,503000" and app.query_params["naast"] == "159178,484914"
    assert app.query_params["gemeente"] == ZWOLLE
    press(app, "drop_beside")
    assert "naast" not in app.query_params and 'id="naast-elkaar"' not in html(app)
    app.text_input(key="naast_x").set_value("1")
    press(app, "show_beside")
    assert len(app.error) == 1 and not app.exception


def press(app: AppTest, key: str) -> None:
    next(button for button in app.button if button.label == text("web_here", key)).click().run()


def test_first_difference_explains_every_other_word(explorer: Explorer) -> None:
    spots = [IN_THE_ZONE, NEAR_ZWOLLE, (211_400.0, 483_600.0), (190_100.0, 351_000.0)]
    answers = [opened.point_answer(explorer, *spot, TODAY) for spot in spots]
    looked = 0
    for one in answers:
        for other in answers:
            for row in beside(one, other):
                if not row.is_same:
                    assert row.reason is not None, (row.here.activity.id, row.here.outcome, row.there.outcome)
                    looked += 1
    assert looked > 100


def test_difference_between_zone_and_outside_is_the_rule_of_the_zone(explorer: Explorer) -> None:
    here, there = (opened.point_answer(explorer, *spot, TODAY) for spot in (IN_THE_ZONE, NEAR_ZWOLLE))
    row = beside(here, there)[0]
    assert (row.here.outcome, row.there.outcome) == ("excluded", "unknown")
    assert row.reason is not None and row.reason.is_here
    assert row.reason.found == row.here.constraints[0]
    said, source = here_parts.difference(row.reason)
    assert said.startswith("Alleen op het eerste punt zeker: Boren door een boringsvrije zone")
    assert source
    back = first_difference(row.there, row.here)
    assert back is not None and not back.is_here and back.found == row.reason.found
    assert first_difference(row.here, row.here) is None


def test_only_a_rule_that_could_not_be_checked_differs(explorer: Explorer) -> None:
    answer = next(a for a in opened.point_answer(explorer, *NEAR_ZWOLLE, TODAY).answers if len(a.unanswered) > 1)
    worst = max(item.rule.verdict for item in answer.unanswered)
    checked = dataclasses.replace(answer, unanswered=(), conclusive=True, constraints=())
    reason = first_difference(dataclasses.replace(answer, constraints=()), checked)
    assert reason is not None and reason.is_here and reason.found.rule.verdict is worst  # type: ignore[union-attr]
    assert "niet na te lopen" in here_parts.difference(reason)[0]


def test_answers_to_other_questions_are_not_compared(explorer: Explorer) -> None:
    here = explorer.at_point(*IN_THE_ZONE, TODAY)
    with pytest.raises(ValueError, match="activities, depths and day"):
        beside(here, explorer.at_point(*NEAR_ZWOLLE, TODAY, activities=["hto"]))


def test_depth_column_draws_every_band_and_feature_at_its_depth(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    shown = depth_column.column(assessment)
    svg = ElementTree.fromstring(picture_of(shown))
    rects = svg.findall(".//{http://www.w3.org/2000/svg}rect[@stroke]")
    found = depth_column.bodies(assessment)
    assert len(rects) == len(assessment.answers) + len(found) > 25
    bottom = depth_column.deepest(assessment)
    scale = depth_column.HEIGHT / bottom
    for rect, answer in zip(rects, assessment.answers, strict=False):
        assert float(rect.attrib["y"]) == pytest.approx(depth_column.TOP + answer.band.top_m * scale, abs=0.1)
        thick = (answer.band.base_m - answer.band.top_m) * scale
        assert float(rect.attrib["height"]) == pytest.approx(thick, abs=0.1)
        assert rect.attrib["fill"] == f"url(#kolom-verdict-{answer.outcome})"
    for rect, body in zip(rects[len(assessment.answers) :], found, strict=True):
        is_known = body.depth.top_min_m == body.depth.top_max_m and body.depth.base_min_m == body.depth.base_max_m
        is_open = math.isinf(body.depth.base_min_m)
        assert ("stroke-dasharray" in rect.attrib) == (is_open or not is_known)
        assert body.feature.name in words(shown)
        assert formats.depth_range(body.depth) in words(shown)
    ids = {element.attrib["id"] for element in svg.iter("{http://www.w3.org/2000/svg}pattern")}
    assert {rect.attrib["fill"][5:-1] for rect in rects} <= ids
    assert text("web_here", "column_schematic") in words(shown)


def picture_of(shown: str) -> bytes:
    import base64

    return base64.b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', shown)[1])  # type: ignore[index]


def test_depth_column_cannot_bring_html(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    first = assessment.answers[0].constraints[0]
    evil = dataclasses.replace(first.features[0], name="<script>alert(1)</script>")
    answer = dataclasses.replace(assessment.answers[0], constraints=(dataclasses.replace(first, features=(evil,)),))
    shown = depth_column.column(dataclasses.replace(assessment, answers=(answer,)))
    assert "<script>" not in shown and b"<script>" not in picture_of(shown)


def test_municipalities_around_a_point_are_all_of_each_municipality(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *NEAR_ZWOLLE, TODAY)
    answer = assessment.answers[0]
    ranked = opened.ranked(explorer, answer.activity.id, TODAY)
    near = nearby(explorer, assessment, answer, ranked, here_parts.NEAR_M)
    assert near[0].code == ZWOLLE and near[0].distance_m == 0
    frame = explorer.regions.municipalities
    expected = frame.index[frame.geometry.distance(shapely.Point(*NEAR_ZWOLLE)) <= here_parts.NEAR_M]
    assert {item.code for item in near} == set(expected) and len(expected) > 3
    for item in near:
        total = item.open_m2 + item.unknown_m2 + item.no_m2 + item.none_m2
        assert total == pytest.approx(frame.geometry[item.code].area, rel=1e-6)


# Gebied ------------------------------------------------------------------------------------


def test_area_shows_the_shares_of_the_answer(explorer: Explorer) -> None:
    shown = (
        html(run("gebied", provincie=OVERIJSSEL, weergave="volledig")).split('id="verdeling"')[1].split("</table>")[0]
    )
    assessment = region(explorer, "provincie", OVERIJSSEL)
    rows = shown.split("<tr")[2:]
    assert len(rows) == len(assessment.answers)
    for row, answer in zip(rows, assessment.to_dict()["answers"], strict=True):  # type: ignore[call-overload]
        said = words(f"<{row}")
        for name in ("outcome", "potential"):
            sums: dict[str, list[float]] = {}
            for part in answer["areas"]:
                total = sums.setdefault(part[name], [0.0, 0.0])
                total[0] += part["area_m2"]
                total[1] += part["share"]
            assert sum(share for _, share in sums.values()) == pytest.approx(1)
            for area_m2, share in sums.values():
                assert f"{formats.area(area_m2)} ({formats.percent(share)})" in said


def test_limits_of_an_area_are_those_of_the_answers(explorer: Explorer) -> None:
    assessment = region(explorer, "provincie", "PV24")
    found = profile.limits(assessment)
    constraints = [item for answer in assessment.answers for item in answer.constraints]
    assert {limit.rule.id for limit in found} == {item.rule.id for item in constraints}
    for limit in found:
        same = [item for item in constraints if item.rule.id == limit.rule.id]
        assert limit.largest.area_m2 == max(item.area_m2 or 0 for item in same)
        assert limit.is_varying == (max(i.area_m2 or 0 for i in same) - min(i.area_m2 or 0 for i in same) > 1)
        assert limit.activities
    order = [(-limit.rule.verdict, -(limit.largest.area_m2 or 0)) for limit in found]
    assert order == sorted(order)
    assert len(found) > 5


def test_blanks_name_every_layer_and_cause_that_was_silent(explorer: Explorer) -> None:
    assessment = region(explorer, "provincie", OVERIJSSEL)
    found = profile.blanks(assessment)
    silent = {(u.layer.id if u.layer else "", u.cause) for a in assessment.answers for u in a.unanswered}
    assert {(b.layer.id if b.layer else "", b.cause) for b in found} == silent
    assert all(blank.how_nl and blank.rules and blank.activities for blank in found)
    assert any(blank.layer and explorer.states[blank.layer.id].status is LayerStatus.NOT_LOADED for blank in found)
    for blank in found:
        rules_of = {
            u.rule.id
            for a in assessment.answers
            for u in a.unanswered
            if (u.layer.id if u.layer else "", u.cause) == (blank.layer.id if blank.layer else "", blank.cause)
        }
        assert blank.rules == len(rules_of)
        assert 0 < blank.share <= 1 + 1e-9


def test_regions_beside_each_other_show_the_same_indicators(explorer: Explorer) -> None:
    app = run("gebied", provincie=OVERIJSSEL, vergelijk=f"{DRENTHE},Oost")
    assert not app.error
    shown = html(app).split('id="vergelijking"')[1]
    assert shown.count("<caption>") >= 3
    listed = [
        region(explorer, "provincie", OVERIJSSEL),
        region(explorer, "provincie", DRENTHE),
        region(explorer, "regio", "Oost"),
    ]
    for assessment in listed:
        assert assessment.region.name in words(shown)
        assert formats.area(assessment.region.area_m2) in words(shown)
        for answer in assessment.answers:
            for part in card.outcome_parts(answer):
                assert f"{part.word} {formats.percent(part.share)}" in words(shown)
    app.multiselect(key="vergelijk").set_value([]).run()
    assert "vergelijk" not in app.query_params and 'id="vergelijking"' not in html(app)
    next(b for b in app.button if b.label == text("web_area", "compare_neighbours")).click().run()
    assert app.query_params["vergelijk"] == "PV22,PV24,PV21,PV25"


def test_place_is_never_compared_with_itself(explorer: Explorer) -> None:
    view, problems = from_params({"provincie": OVERIJSSEL, "vergelijk": "PV23,PV22,PV22"}, explorer, TODAY)
    assert (view.compared, problems) == ((Place(RegionKind.PROVINCE, DRENTHE),), [])
    app = run("gebied", provincie=OVERIJSSEL, vergelijk=DRENTHE)
    app.selectbox(key="plaats").set_value(Place(RegionKind.PROVINCE, DRENTHE)).run()
    assert not app.exception and "vergelijk" not in app.query_params


def test_download_holds_every_part_of_every_answer(explorer: Explorer) -> None:
    listed = [region(explorer, "provincie", OVERIJSSEL), region(explorer, "regio", "Oost")]
    written = profile.as_csv(listed)
    assert written.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(written[1:], newline="")))
    parts = [(one, a, part) for one in listed for a in one.answers for part in a.areas]
    assert len(rows) == len(parts) > 50
    for row, (one, answer, part) in zip(rows, parts, strict=True):
        assert (row["code"], row["activiteit"]) == (one.region.code, answer.activity.id)
        assert float(row["oppervlakte_m2"]) == part.area_m2
        assert float(row["deel"]) == part.share
        assert (row["uitkomst"], row["oordeel"], row["potentie"]) == (
            part.outcome,
            part.verdict.key,
            part.potential.key,
        )
        assert row["zeker"] == str(int(part.conclusive))


@pytest.mark.parametrize("name", ["=1+1", "@x", "-2", "+31", '"quote", comma'])
def test_name_in_a_download_is_no_formula(explorer: Explorer, name: str) -> None:
    assessment = region(explorer, "gemeente", ZWOLLE)
    named = dataclasses.replace(assessment, region=dataclasses.replace(assessment.region, name=name))
    rows = list(csv.DictReader(io.StringIO(profile.as_csv([named])[1:], newline="")))
    assert rows[0]["naam"].removeprefix("'") == name
    assert rows[0]["naam"][0] not in "=+-@"


# Lagen, Regels, Uitleg -----------------------------------------------------------------------


def test_layers_page_tells_of_every_layer_what_the_command_tells(explorer: Explorer) -> None:
    shown = layers.catalogue(turn(explorer, dataclasses.replace(default_view(explorer, TODAY), is_full=True)))
    rows = re.findall(r'<tr id="laag-([^"]+)">(.*?)</tr>', shown, re.DOTALL)
    assert {layer_id for layer_id, _ in rows} == set(explorer.states) and len(rows) == len(explorer.states)
    for layer_id, row in rows:
        state, said = explorer.states[layer_id], words(row)
        assert state.layer.title_nl in said and text("status", state.status.value) in said
        assert state.layer.licence in said and state.layer.source in said
        if state.status is LayerStatus.AVAILABLE:
            assert text("quality", state.layer.quality.value) in said
            assert ("dgdo-mark" in row) == state.layer.quality.is_mark_needed
        else:
            assert re.sub(r"\s+", " ", state.detail_nl or state.layer.how_to_get_nl) in said


def test_layer_of_somebody_else_cannot_bring_html(explorer: Explorer) -> None:
    state = explorer.states["provincies"]
    layer = state.layer.model_copy(
        update=dict.fromkeys(("title_nl", "description_nl", "source", "licence", "attribution"), "<script>x</script>")
        | {"source_url": "javascript:alert(1)", "quality": Quality.SCHEMATIC}
    )
    bad = dataclasses.replace(state, layer=layer)
    shown = render("layers.html", families={layer.family: [bad]}, fetched={}, loaded=1, all=1, is_full=True)
    assert "<script>" not in shown and "javascript:" not in shown


def test_layers_over_the_map_are_in_the_link() -> None:
    app = run("lagen", gemeente=ZWOLLE)
    assert "gemeenten" not in app.multiselect(key="lagen").options
    app.multiselect(key="lagen").set_value(["provincies", "boringsvrije_zones"]).run()
    assert app.query_params["lagen"] == "provincies,boringsvrije_zones"
    app = run("lagen", lagen="natura2000")
    assert not app.exception and app.multiselect(key="lagen").value == ["natura2000"]


def test_rules_page_holds_every_rule_with_its_article_and_day(explorer: Explorer) -> None:
    app = run("regels", weergave="volledig")
    entries = re.findall(r'<details class="dgdo-rule".*?</summary>.*?</div></details>', html(app), re.DOTALL)
    assert len(entries) == len(explorer.knowledge.rules)
    said = [words(entry) for entry in entries]
    for rule in explorer.knowledge.rules:
        mine = [one for one in said if rule.id in one and rule.title_nl in one]
        assert mine, rule.id
        assert any(rule.source.article in one and rule.source.title in one for one in mine)
        assert any(text("verdict", rule.verdict.key) in one for one in mine)


def test_rules_are_found_by_theme_activity_and_word(explorer: Explorer) -> None:
    app = run("regels")
    total = len(explorer.knowledge.rules)
    assert f"{total} van de {total} regels." in words(html(app))
    app.selectbox(key="regel_activiteit").set_value("hto").run()
    about = [rule for rule in explorer.knowledge.rules if "hto" in rule.activities]
    assert f"{len(about)} van de {total} regels." in words(html(app))
    app.text_input(key="regel_zoek").set_value("BORINGSVRIJE zone").run()
    both = [rule for rule in about if rules.holds(rule, "boringsvrije zone")]
    assert 0 < len(both) < len(about)
    assert f"{len(both)} van de {total} regels." in words(html(app))
    app.text_input(key="regel_zoek").set_value("zeemeermin").run()
    assert text("web_rules", "none") in words(html(app))


def test_rule_that_does_not_hold_on_the_day_is_marked(explorer: Explorer) -> None:
    late = max(explorer.knowledge.rules, key=lambda rule: rule.valid_from)
    day = explorer.knowledge.info.covers_from
    assert late.valid_from > day
    app = run("regels", peildatum=day.isoformat())
    assert not app.error
    assert "gaat pas in op" in words(html(app))
    assert "gaat pas in op" not in words(html(run("regels", peildatum="2035-01-01")))


def test_download_of_the_rules_is_the_page_of_the_command(explorer: Explorer) -> None:
    whole = rules.whole_page(explorer, opened.rule_facts(explorer, TODAY))
    assert whole.lstrip().startswith("<!DOCTYPE html>") and '<html lang="nl">' in whole
    assert all(f'id="regel-{rule.id}' in whole for rule in explorer.knowledge.rules)


def test_examples_of_the_explanation_work(explorer: Explorer) -> None:
    found = explained.examples(turn(explorer, page="uitleg"))
    assert set(found) == {"officer", "adviser", "analyst"}
    for address in found.values():
        path, _, query = address.partition("?")
        params = dict(part.split("=") for part in query.split("&"))
        app = run("" if path == "./" else path, **params)
        assert not app.exception and not app.error
        assert params.items() <= app.query_params.items()


def test_explanation_holds_every_word_and_the_statements(explorer: Explorer) -> None:
    shown = html(run("uitleg"))
    for verdict in (*(v.key for v in Verdict), "unknown"):
        assert text("verdict_explained", verdict) in words(shown)
    for term in explorer.knowledge.wordbook.terms.values():
        assert f'id="woord-{term.id}"' in shown
    assert "Toegankelijkheid" in shown and "Privacy" in shown
    for state in explorer.states.values():
        if state.status is LayerStatus.AVAILABLE:
            assert (state.layer.attribution or state.layer.source) in words(shown)


def test_links_on_a_page_go_to_that_page_and_others_by_name(explorer: Explorer) -> None:
    view = View("geothermie", TODAY, Place(RegionKind.MUNICIPALITY, ZWOLLE))
    assert turn(explorer, view, "hier").link(view).startswith("?gemeente=GM0193")
    assert turn(explorer, view, "hier").link(view, page="gebied").startswith("gebied?")
    assert turn(explorer, view, "gebied").link(view, page="").startswith("./?")


def test_answer_helper_knows_no_from_the_largest_part(explorer: Explorer) -> None:
    answers: list[Answer] = list(region(explorer, "gemeente", "GM0050").answers)
    assessment: Assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    for answer in (*answers, *assessment.answers):
        assert is_no(answer) == (answer.outcome in ("excluded", "no_unless"))
