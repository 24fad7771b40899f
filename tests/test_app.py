"""The page "Wat kan waar", run without a browser on the start set."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import folium
import pytest
from streamlit.testing.v1 import AppTest

from dgdo_geo import maps
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import Answer, AreaAssessment, Assessment, Verdict
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.texts import TEXTS_DIR, text
from dgdo_geo.web import card, formats, mapview, opened, page, server, state
from dgdo_geo.web.state import View

ROOT = Path(__file__).parents[1]
MAIN = ROOT / "dgdo_geo" / "web" / "main.py"
TODAY = date.today()
ZEEWOLDE, ZWOLLE = "GM0050", "GM0193"
IN_THE_ZONE = (159_178.0, 484_914.0)
"""In the middle of the drilling-free zone of Zuidelijk Flevoland."""


@pytest.fixture(scope="module", autouse=True)
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The start set, opened as the server does, in a workspace of its own."""
    workspace = tmp_path_factory.mktemp("workspace")
    open_explorer(workspace, create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGDO_WORKSPACE", str(workspace))
        yield opened.explorer()


@pytest.fixture(scope="module")
def zeewolde(explorer: Explorer) -> AreaAssessment:
    return opened.area_answer(explorer, ZEEWOLDE, TODAY)


def run(**params: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in params.items():
        app.query_params[key] = value
    return app.run()


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html")[1:])


def test_start_asks_for_a_municipality() -> None:
    app = run()
    assert not app.exception
    assert not app.error
    assert [t.value for t in app.title] == ["Wat kan waar in de diepe ondergrond"]
    assert app.selectbox(key="gemeente").value is None
    assert len(app.selectbox(key="gemeente").options) == 342
    assert app.query_params == {}


def test_choosing_a_municipality_shows_the_card_and_fills_the_address(explorer: Explorer) -> None:
    app = run()
    app.selectbox(key="gemeente").select(ZEEWOLDE).run()
    app.selectbox(key="activiteit").select("hto").run()
    assert not app.exception
    assert app.query_params == {
        "gemeente": ZEEWOLDE,
        "activiteit": "hto",
        "diepte": "100-500",
        "peildatum": TODAY.isoformat(),
    }
    bands = sum(len(a.bands) for a in explorer.knowledge.activities.values())
    assert html(app).count('target="_self"') == bands
    assert [h.value for h in app.header][:2] == [
        "Kaart: Warmteopslag in de bodem (HTO) in Zeewolde",
        "Antwoord voor Zeewolde",
    ]


def test_link_reproduces_the_view() -> None:
    app = run(gemeente="Zwolle", activiteit="zoutwinning", diepte="800-1800", peildatum="2026-03-01", kaart="potentie")
    assert not app.error
    assert app.selectbox(key="gemeente").value == ZWOLLE
    assert app.selectbox(key="activiteit").value == "zoutwinning"
    assert app.selectbox(key="diepte-zoutwinning").value == 1
    assert app.date_input(key="peildatum").value == date(2026, 3, 1)
    assert app.radio(key="kaart").value == "potential"
    assert "1 maart 2026" in html(app)


def test_card_shows_the_numbers_of_the_answer(zeewolde: AreaAssessment) -> None:
    shown = html(run(gemeente=ZEEWOLDE))
    for answer in zeewolde.to_dict()["answers"]:  # type: ignore[attr-defined]
        sums: dict[str, list[float]] = {}
        for part in answer["areas"]:
            total = sums.setdefault(part["outcome"], [0.0, 0.0])
            total[0] += part["area_m2"]
            total[1] += part["share"]
        for area_m2, share in sums.values():
            assert f"{formats.area(area_m2)} ({formats.percent(share)})".replace("<", "&lt;") in shown
        assert sum(share for _, share in sums.values()) == pytest.approx(1)


def test_point_in_a_link_gives_the_answer_of_that_point(explorer: Explorer) -> None:
    x, y = IN_THE_ZONE
    app = run(gemeente=ZWOLLE, activiteit="geothermie", punt=f"{x:.0f},{y:.0f}")
    assert app.selectbox(key="gemeente").value == ZEEWOLDE
    assert "Antwoord voor punt X 159178, Y 484914 in Zeewolde" in [h.value for h in app.header]
    answer = opened.point_answer(explorer, x, y, TODAY).answers[0]
    assert answer.outcome == "excluded"
    shown = html(app)
    assert "<strong>nee</strong> voor diepe aardwarmte" in shown
    assert answer.constraints[0].rule.title_nl in shown
    assert answer.constraints[0].features[0].name in shown
    press(app, text("web", "drop_point"))
    assert "punt" not in app.query_params


def test_typed_coordinates_choose_the_point() -> None:
    app = run(gemeente=ZWOLLE)
    app.text_input(key="rd_x").set_value("159.178")
    app.text_input(key="rd_y").set_value("484 914")
    press(app, text("web_map", "show_point"))
    assert not app.error
    assert app.query_params["punt"] == "159178,484914"
    assert app.query_params["gemeente"] == ZEEWOLDE


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"gemeente": "Zwole"}, "Bedoelt u"),
        ({"gemeente": "Hengelo", "activiteit": "goud"}, "‘goud’ bestaat niet"),
        ({"gemeente": ZWOLLE, "activiteit": "zoutwinning", "diepte": "1-2"}, "dieptetraject"),
        ({"gemeente": ZWOLLE, "peildatum": "gisteren"}, "is geen datum"),
        ({"gemeente": ZWOLLE, "peildatum": "1999-01-01"}, "hebben we geen regels"),
        ({"punt": "503000,203000"}, "omgewisseld"),
        ({"punt": "20000,560000"}, "in zee of over de grens"),
        ({"punt": "280000,450000"}, "in zee of over de grens"),
        ({"punt": "6.1,52.5"}, "lengte- en breedtegraad"),
        ({"punt": "9999999,1"}, "ver buiten Nederland"),
        ({"punt": "hier,daar"}, "geen coördinaat"),
    ],
)
def test_wrong_input_is_said_in_dutch(params: dict[str, str], key: str) -> None:
    app = run(**params)
    assert not app.exception
    assert len(app.error) == 1
    assert key in app.error[0].value
    assert "Traceback" not in app.error[0].value


@pytest.mark.parametrize("key", ["gemeente", "activiteit", "peildatum", "punt", "diepte"])
def test_words_in_a_link_never_become_a_picture_or_a_link(key: str) -> None:
    app = run(**{"gemeente": ZWOLLE, key: "![x](http://evil.invalid/p.png) [klik](http://evil.invalid) <b>"})
    assert not app.exception
    shown = [element.value for kind in (app.error, app.markdown, app.header) for element in kind]
    assert shown
    for words in shown:
        assert not re.search(r"(?<!\\)[\[<].*evil", words)
        assert "http://evil" not in words


def test_missing_workspace_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path / "nergens"))
    app = run(gemeente=ZWOLLE)
    assert not app.exception
    assert "bestaat niet" in app.error[0].value


def views() -> Iterator[View]:
    yield View("geothermie", TODAY)
    yield View("geothermie", TODAY, ZEEWOLDE)
    yield View("geothermie", TODAY, ZEEWOLDE, 0, IN_THE_ZONE)
    yield View("hto", TODAY, ZEEWOLDE, 1, None, "potential")
    yield View("hto", TODAY, ZEEWOLDE, 0, None, "found")


def chosen(explorer: Explorer, view: View) -> Answer | None:
    if view.municipality is None:
        return None
    found = opened.area_answer(explorer, view.municipality, view.on)
    return [a for a in found.answers if a.activity.id == view.activity][view.band]


def test_no_map_asks_another_server(explorer: Explorer) -> None:
    for view in views():
        base = mapview.base_map(explorer, view.municipality)
        assert maps.foreign_addresses(base) == []
        for layers in mapview.changing_layers(explorer, view, chosen(explorer, view)):
            assert maps.foreign_addresses(layers) == []
    assert maps.foreign_addresses(folium.Map()), "the guard must see what folium does by default"


def test_schematic_data_are_marked_in_the_picture(explorer: Explorer) -> None:
    view = View("geothermie", TODAY, ZEEWOLDE)
    answer = chosen(explorer, view)
    assert answer is not None and card.is_schematic(answer)
    names = [
        child._name for group in mapview.changing_layers(explorer, view, answer) for child in group._children.values()
    ]
    assert "Watermark" in names
    assert "schematische kaarten" in html(run(gemeente=ZEEWOLDE))


def test_every_word_has_its_own_pattern() -> None:
    assert set(maps.OUTCOME_PATTERNS) == {v.key for v in Verdict} | {"unknown"}
    for patterns in maps.PATTERNS.values():
        assert len({p.motif for p in patterns.values()}) == len(patterns)
        assert len({p.colour for p in patterns.values()}) == len(patterns)


def test_open_questions_never_look_like_yes_or_no(zeewolde: AreaAssessment) -> None:
    for answer in zeewolde.answers:
        for part in answer.areas:
            if not part.conclusive and part.verdict < Verdict.NO_UNLESS:
                assert part.outcome == "unknown"
        if answer.outcome == "unknown":
            assert card.outcome_word(answer) == "onbekend"
    assert card.lower_bound_word("no_unless", conclusive=False) == "ten minste nee, tenzij"
    assert card.lower_bound_word("no_unless", conclusive=True) == "nee, tenzij"


def test_own_texts_never_say_allowed() -> None:
    assert "toegestaan" not in (TEXTS_DIR / "web.toml").read_text(encoding="utf-8").casefold()


def test_layer_attributes_cannot_bring_html(explorer: Explorer) -> None:
    found = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    answer = found.answers[0]
    first = answer.constraints[0]
    evil = dataclasses.replace(first.features[0], name="<script>alert(1)</script>", note="<b>vet</b>")
    answer = dataclasses.replace(answer, constraints=(dataclasses.replace(first, features=(evil,)),))
    for shown in (card.details(found, answer), card.summary(found, answer, "verdict")):
        assert "<script>" not in shown
        assert "<b>" not in shown
        assert "&lt;script&gt;" in shown


def test_depth_texts_name_what_is_not_known(zeewolde: AreaAssessment) -> None:
    shown = card.details(zeewolde, zeewolde.answers[0])
    assert "ondergrens niet vastgelegd" in shown
    assert "grensdiepte niet bekend" in shown


def test_download_is_the_answer_itself(zeewolde: Assessment) -> None:
    assert json.loads(page.as_json(zeewolde)) == zeewolde.to_dict()


def test_view_survives_the_address(explorer: Explorer) -> None:
    for view in views():
        if view.municipality is not None:
            again, problems = state.from_params(state.to_params(view, explorer), explorer, TODAY)
            assert (again, problems) == (view, [])


def test_click_and_marker_are_the_same_place() -> None:
    longitude, latitude = state.lonlat(*IN_THE_ZONE)
    assert state.rd(longitude, latitude) == IN_THE_ZONE
    assert (longitude, latitude) == pytest.approx((5.45, 52.35), abs=0.02)


@pytest.mark.parametrize("value", ["", "x", "1e5", "--3", "nan", "12,34,56", "1_000"])
def test_coordinate_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(InputError) as caught:
        state.read_coordinate(value)
    assert "geen coördinaat" in caught.value.message_nl


def test_bounded_cache_forgets_the_oldest() -> None:
    cache: opened.Bounded[int] = opened.Bounded(2)
    for key in (1, 2, 1, 3):
        cache.get(key, lambda key=key: key)  # type: ignore[misc]
    assert len(cache) == 2
    assert cache.get(1, lambda: -1) == 1
    assert cache.get(2, lambda: -1) == -1


def test_settings_of_checkout_and_package_are_equal() -> None:
    assert (ROOT / ".streamlit" / "config.toml").read_text() == server.SETTINGS.read_text()
    known = server.settings()
    assert known["browser.gatherUsageStats"] is False
    assert tomllib.loads(server.SETTINGS.read_text())["client"]["showErrorDetails"] == "none"


def test_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DataError) as caught:
            server.serve(port, "127.0.0.1", None)
    assert str(port) in caught.value.message_nl


def test_workspace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        server.serve(None, "127.0.0.1", tmp_path / "nergens")


def test_every_text_of_the_templates_exists() -> None:
    for path in (MAIN.parent / "templates").glob("*.html"):
        for key in re.findall(r'\bt\("([a-z_]+)"[,)]', path.read_text(encoding="utf-8")):
            assert key in tomllib.loads((TEXTS_DIR / "web.toml").read_text(encoding="utf-8"))["web_card"], (
                path.name,
                key,
            )
    assert text("web", "title")
