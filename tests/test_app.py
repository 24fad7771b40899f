"""The page "Wat kan waar", run without a browser on the start set."""

from __future__ import annotations

import dataclasses
import doctest
import json
import re
import socket
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import folium
import pytest
from markupsafe import escape
from streamlit.testing.v1 import AppTest

from dgdo_geo import maps
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import (
    Answer,
    AreaAssessment,
    Assessment,
    Confidence,
    Constraint,
    Doubt,
    Level,
    Phase,
    Reader,
    RegionKind,
    Rule,
    Term,
    Verdict,
    Wordbook,
)
from dgdo_geo.model.patterns import OUTCOME_PATTERNS, PATTERNS
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.own_concerns import add_concern
from dgdo_geo.report import written
from dgdo_geo.report.written import TermLinks
from dgdo_geo.texts import TEXTS_DIR, section, text
from dgdo_geo.web import card, card_parts, controls, formats, mapview, opened, places, server, state
from dgdo_geo.web.places import Place
from dgdo_geo.web.screens import what_where
from dgdo_geo.web.state import View

ROOT = Path(__file__).parents[1]
MAIN = ROOT / "dgdo_geo" / "web" / "main.py"
TODAY = date.today()
ZEEWOLDE, ZWOLLE = "GM0050", "GM0193"
IN_ZEEWOLDE, IN_ZWOLLE = (Place(RegionKind.MUNICIPALITY, code) for code in (ZEEWOLDE, ZWOLLE))
IN_THE_ZONE = (159_178.0, 484_914.0)
"""In the middle of the drilling-free zone of Zuidelijk Flevoland."""
ZONES = {"Zuidelijk Flevoland": (156_500.0, 485_500.0), "Salland Diep": (211_400.0, 483_600.0)}
ZONES["Roerdalslenk"] = (190_100.0, 351_000.0)


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
    return opened.area_answer(explorer, IN_ZEEWOLDE, TODAY)


def run(**params: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in params.items():
        app.query_params[key] = value
    return app.run()


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def html(app: AppTest) -> str:
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith(("<style", "<script")))


def test_start_asks_for_a_place() -> None:
    app = run()
    assert not app.exception
    assert not app.error
    assert [t.value for t in app.title] == ["Wat kan waar in de diepe ondergrond"]
    assert app.selectbox(key="plaats").value is None
    assert len(app.selectbox(key="plaats").options) == 342 + 12 + 4 + 1
    assert app.query_params == {}


def test_choosing_a_municipality_shows_the_card_and_fills_the_address(explorer: Explorer) -> None:
    app = run()
    app.selectbox(key="plaats").set_value(IN_ZEEWOLDE).run()
    app.selectbox(key="activiteit").select("hto").run()
    assert not app.exception
    assert app.query_params == {
        "gemeente": ZEEWOLDE,
        "activiteit": "hto",
        "diepte": "100-500",
        "peildatum": TODAY.isoformat(),
    }
    bands = sum(len(a.bands) for a in explorer.knowledge.activities.values())
    table = html(app).split("<caption>Alle activiteiten")[1].split("</table>")[0]
    assert table.count('target="_self"') == bands
    assert [h.value for h in app.header][:2] == [
        "Kaart: Warmteopslag in de bodem (HTO) in Zeewolde",
        "Antwoord voor Zeewolde",
    ]


def test_link_reproduces_the_view() -> None:
    app = run(gemeente="Zwolle", activiteit="zoutwinning", diepte="800-1800", peildatum="2026-03-01", kaart="potentie")
    assert not app.error
    assert app.selectbox(key="plaats").value == IN_ZWOLLE
    assert app.selectbox(key="activiteit").value == "zoutwinning"
    assert app.selectbox(key="diepte-zoutwinning").value == 1
    assert app.date_input(key="peildatum").value == date(2026, 3, 1)
    assert app.radio(key="kaart").value == "potential"
    assert "1 maart 2026" in html(app)


def test_card_shows_the_numbers_of_the_answer(zeewolde: AreaAssessment) -> None:
    shown = html(run(gemeente=ZEEWOLDE, weergave="volledig"))
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
    assert app.selectbox(key="plaats").value == IN_ZEEWOLDE
    assert "Antwoord voor punt X 159178, Y 484914 in Zeewolde" in [h.value for h in app.header]
    answer = opened.point_answer(explorer, x, y, TODAY).answers[0]
    assert answer.outcome == "excluded"
    shown = html(app)
    assert "<strong>nee</strong> voor diepe aardwarmte" in shown
    assert answer.constraints[0].rule.title_nl in shown
    assert answer.constraints[0].features[0].name in shown
    press(app, text("web", "drop_point", name="Zeewolde"))
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
        ({"gemeente": ZWOLLE, "lezer": "burgemeester"}, "‘burgemeester’ is geen lezer"),
        ({"provincie": "Overijsel"}, "Bedoelt u"),
        ({"regio": "Midden"}, "kennen we niet"),
        ({"land": "BE"}, "Bedoelt u: NL"),
        ({"waterschap": "Drents Overijsselse Delta"}, "niet geladen"),
        ({"gemeente": ZWOLLE, "weergave": "lang"}, "weergave=lang"),
        ({"gemeente": ZWOLLE, "kaart": "mooi"}, "kaart=mooi"),
        ({"punt": "203000,503000", "naast": "203000"}, "geen coördinaat"),
        ({"provincie": "PV23", "vergelijk": "PV99"}, "kennen we niet"),
        ({"land": "NL", "vergelijk": "PV20,PV21,PV22,PV23,PV24"}, "hoogstens 4"),
        ({"gemeente": ZWOLLE, "lagen": "weg"}, "‘weg’ uit de link is er niet"),
        ({"gemente": ZWOLLE}, "Bedoelt u ‘gemeente’"),
    ],
)
def test_wrong_input_is_said_in_dutch(params: dict[str, str], key: str) -> None:
    app = run(**params)
    assert not app.exception
    assert len(app.error) == 1
    assert key in app.error[0].value
    assert "Traceback" not in app.error[0].value


@pytest.mark.parametrize("key", state.KEYS)
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
    yield View("geothermie", TODAY, IN_ZEEWOLDE)
    yield View("geothermie", TODAY, IN_ZEEWOLDE, 0, IN_THE_ZONE)
    yield View("hto", TODAY, IN_ZEEWOLDE, 1, None, "potential")
    yield View("hto", TODAY, IN_ZEEWOLDE, 0, None, "found")
    yield View("hto", TODAY, IN_ZEEWOLDE, 0, None, "verdict", Reader.WATER_BOARD)
    yield View("hto", TODAY, Place(RegionKind.PROVINCE, "PV24"), 0, IN_THE_ZONE, beside=(203_000.0, 503_000.0))
    yield View("hto", TODAY, Place(RegionKind.DGDO_REGION, "Oost"), is_full=True)
    yield View("wko", date(2025, 1, 1), Place(RegionKind.COUNTRY, "NL"), compared=(IN_ZEEWOLDE, IN_ZWOLLE))
    yield View("wko", TODAY, IN_ZWOLLE, layers=("provincies", "boringsvrije_zones"))


def chosen(explorer: Explorer, view: View) -> Answer | None:
    if view.place is None:
        return None
    found = opened.area_answer(explorer, view.place, view.on)
    return [a for a in found.answers if a.activity.id == view.activity][view.band]


def test_no_map_asks_another_server(explorer: Explorer) -> None:
    for view in views():
        base = mapview.base_map(explorer, view.place)
        assert maps.foreign_addresses(base) == []
        for layers in mapview.changing_layers(explorer, view, chosen(explorer, view)):
            assert maps.foreign_addresses(layers) == []
    assert maps.foreign_addresses(folium.Map()), "the guard must see what folium does by default"


def test_schematic_data_are_marked_in_the_picture(explorer: Explorer) -> None:
    view = View("geothermie", TODAY, IN_ZEEWOLDE)
    answer = chosen(explorer, view)
    assert answer is not None and card.is_schematic(answer)
    names = [
        child._name for group in mapview.changing_layers(explorer, view, answer) for child in group._children.values()
    ]
    assert "Watermark" in names
    assert "schematische kaarten" in html(run(gemeente=ZEEWOLDE))


def test_every_word_has_its_own_pattern() -> None:
    assert set(OUTCOME_PATTERNS) == {v.key for v in Verdict} | {"unknown"}
    for patterns in PATTERNS.values():
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
    files = sorted(TEXTS_DIR.glob("web*.toml"))
    assert len(files) > 2
    for path in files:
        assert "toegestaan" not in path.read_text(encoding="utf-8").casefold(), path.name


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
    assert json.loads(what_where.as_json(zeewolde)) == zeewolde.to_dict()


def test_view_survives_the_address(explorer: Explorer) -> None:
    for view in views():
        again, problems = state.from_params(state.to_params(view, explorer), explorer, TODAY)
        assert (again, problems) == (view, [])


def test_point_outside_the_place_goes_to_its_municipality(explorer: Explorer) -> None:
    x, y = IN_THE_ZONE
    where = {"provincie": "PV24", "regio": "West", "land": "NL"}
    inside = {
        places.holding(explorer, places.find(explorer, RegionKind(kind), code), x, y) for kind, code in where.items()
    }
    home = explorer.regions.parents(RegionKind.DGDO_REGION)[ZEEWOLDE]
    assert Place(RegionKind.PROVINCE, "PV24") in inside and Place(RegionKind.COUNTRY, "NL") in inside
    assert (Place(RegionKind.DGDO_REGION, "West") in inside) == (home == "West")
    assert places.holding(explorer, Place(RegionKind.PROVINCE, "PV23"), x, y) == IN_ZEEWOLDE
    assert places.holding(explorer, None, x, y) == IN_ZEEWOLDE


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


SHORT = {
    "t": "web_card",
    "o": "web_out",
    "h": "web_here",
    "g": "web_area",
    "s": "web_layers",
    "r": "web_rules",
    "u": "web_explained",
}
"""Names that the templates use for the sections of the texts."""


def test_every_text_of_the_templates_exists() -> None:
    looked = 0
    for path in (MAIN.parent / "templates").glob("*"):
        for name, key in re.findall(r'\b([tohgsru])\("([a-z_]+)"[,)]', path.read_text(encoding="utf-8")):
            assert key in section(SHORT[name]), (path.name, key)
            looked += 1
    assert looked > 100
    assert text("web", "title")


def test_examples_in_the_docstrings_hold() -> None:
    for module in (controls, formats, places, state, written):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed


# What stands around the verdict --------------------------------------------------------------


class Outline(HTMLParser):
    """Ids, in-page links and what stands inside what."""

    EMPTY = {"br", "hr", "img", "input"}
    CLICKABLE = {"a", "summary", "h1", "h2", "h3", "h4"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.nested: list[str] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if known.get("id"):
            self.ids.append(str(known["id"]))
        href = known.get("href")
        if tag == "a" and href and href.startswith("#"):
            self.targets.append(href[1:])
            if self.CLICKABLE & set(self._open):
                self.nested.append(href)
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)


def whole_card(
    assessment: Assessment, answer: Answer, explorer: Explorer, reader: Reader = Reader.MUNICIPALITY
) -> dict[str, str]:
    """The parts of the card as the page draws them."""
    mark = TermLinks(assessment.wordbook)
    return {
        "summary": card.summary(assessment, answer, "verdict"),
        "details": card.details(assessment, answer, mark),
        "geology": card_parts.geology(assessment, answer, explorer.knowledge.parameters, mark),
        "concerns": card_parts.concerns(assessment, answer, reader, mark),
        "procedures": card_parts.procedures(assessment, answer, reader, mark),
        "glossary": card_parts.glossary(assessment, mark),
    }


def plain(html: str) -> str:
    """The words of some HTML."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


@pytest.fixture(scope="module")
def found(explorer: Explorer) -> list[tuple[Assessment, Answer]]:
    """Answers in the zones, at a point, and of a whole municipality."""
    asked: list[Assessment] = [opened.point_answer(explorer, *place, TODAY) for place in ZONES.values()]
    asked.append(opened.area_answer(explorer, IN_ZEEWOLDE, TODAY))
    return [(one, answer) for one in asked for answer in one.answers]


def with_rule(constraint: Constraint, **changes: object) -> Constraint:
    return dataclasses.replace(constraint, rule=constraint.rule.model_copy(update=changes))


def test_every_card_is_whole_and_every_link_in_it_arrives(
    explorer: Explorer, found: list[tuple[Assessment, Answer]]
) -> None:
    for assessment, answer in found:
        parts = whole_card(assessment, answer, explorer)
        outlines = {name: Outline(html) for name, html in parts.items()}
        ids = Counter(i for outline in outlines.values() for i in outline.ids)
        assert [i for i, count in ids.items() if count > 1] == []
        for name, outline in outlines.items():
            assert outline.wrong == [], (name, answer.activity.id)
            assert outline.nested == [], (name, answer.activity.id)
            assert set(outline.targets) <= set(ids), (name, answer.activity.id)
            assert "None" not in parts[name]


def test_reader_chooses_which_concerns_come_first(explorer: Explorer) -> None:
    app = run(gemeente=ZEEWOLDE, activiteit="geothermie")
    assert app.radio(key="lezer").value is Reader.MUNICIPALITY
    assert "lezer" not in app.query_params
    shown = {}
    for reader in Reader:
        app.radio(key="lezer").set_value(reader).run()
        assert not app.exception and not app.error
        shown[reader] = html(app).split('class="dgdo-cards"')[1].split("</ul>")[0]
    assert "lezer=waterschap" in html(app), "the links of the overview keep the reader"
    assert app.query_params["lezer"] == "waterschap"
    assert shown[Reader.MUNICIPALITY] != shown[Reader.PROVINCE]
    assessment = opened.area_answer(explorer, IN_ZEEWOLDE, TODAY)
    for reader, cards in shown.items():
        first, rest = assessment.concerns_for(reader, "geothermie")
        assert 0 < len(first) <= 8 < len(rest)
        assert cards.count("<li>") == len(first)
        for item in first:
            assert escape(item.concern.title_nl) in cards
            assert all(text("fit", fit.value) in cards for fit in item.fits)
    app.radio(key="lezer").set_value(Reader.MUNICIPALITY).run()
    assert "lezer" not in app.query_params, "the default needs no place in the link"


def test_other_concerns_are_one_click_away(zeewolde: AreaAssessment) -> None:
    answer = zeewolde.answers[0]
    for reader in Reader:
        first, rest = zeewolde.concerns_for(reader, answer.activity.id)
        shown = card_parts.concerns(zeewolde, answer, reader)
        open_part, _, folded = shown.partition("<details>")
        assert "telt niet mee in het oordeel" in open_part
        assert f"Nog {len(rest)} andere aandachtspunten" in folded
        assert "<details" not in folded, "not two clicks"
        words = plain(folded)
        for item in rest:
            assert re.sub(r"\s+", " ", item.concern.text_nl) in words
        assert folded.count("<li>") == len(rest)
        assert open_part.count("<li>") == len(first)


def test_link_keeps_the_reader() -> None:
    app = run(gemeente=ZWOLLE, activiteit="geothermie", lezer="provincie")
    assert not app.error
    assert app.radio(key="lezer").value is Reader.PROVINCE
    assert app.query_params["lezer"] == "provincie"
    app.selectbox(key="activiteit").select("zoutwinning").run()
    assert app.query_params["lezer"] == "provincie"
    assert "Rol van de provincie" in html(app)


def test_wrong_reader_in_a_link_leaves_the_default() -> None:
    app = run(gemeente=ZWOLLE, lezer="burgemeester")
    assert app.radio(key="lezer").value is Reader.MUNICIPALITY
    assert "lezer" not in app.query_params


def test_clearing_the_municipality_and_choosing_again() -> None:
    app = run(gemeente=ZWOLLE, lezer="provincie", kaart="potentie")
    app.selectbox(key="plaats").set_value(None).run()
    assert not app.exception
    assert "gemeente" not in app.query_params
    app.selectbox(key="plaats").set_value(IN_ZEEWOLDE).run()
    assert not app.exception and not app.error
    assert app.query_params["gemeente"] == ZEEWOLDE


def test_concerns_never_change_the_verdict(zeewolde: AreaAssessment) -> None:
    without = dataclasses.replace(zeewolde, concerns=())
    for answer in zeewolde.answers:
        assert card.summary(without, answer, "verdict") == card.summary(zeewolde, answer, "verdict")
        assert card.details(without, answer) == card.details(zeewolde, answer)
    empty = card_parts.concerns(without, zeewolde.answers[0], Reader.PROVINCE)
    assert text("web_card", "no_concerns") in empty


def test_own_concern_shows_its_author_without_a_restart(explorer: Explorer) -> None:
    before = html(run(gemeente=ZWOLLE))
    own = add_concern(
        explorer.workspace.path,
        explorer.knowledge,
        title="Past dit <bij> onze kernen?",
        body="<script>alert(1)</script> Dorpsraad vraagt om uitleg.",
        places=[ZWOLLE],
        author="Piet & Co",
        source="Brief van de dorpsraad",
    )
    try:
        shown = html(run(gemeente=ZWOLLE))
        assert "Dorpsraad" not in before
        assert "Eigen aandachtspunt van Piet &amp; Co" in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt; Dorpsraad" in shown
        assert "Brief van de dorpsraad" in shown
        assert text("fit", "own_place") in shown
        assert "Dorpsraad" not in html(run(gemeente=ZEEWOLDE))
    finally:
        (explorer.workspace.path / "concerns" / f"{own.id}.toml").unlink()
    assert "Dorpsraad" not in html(run(gemeente=ZWOLLE))


# Rules ---------------------------------------------------------------------------------------


def shown_rules(answer: Answer) -> Iterator[Rule]:
    yield from (item.rule for item in (*answer.constraints, *answer.alternatives, *answer.unanswered))
    yield from answer.clear


def in_words(doubt: tuple[Doubt, ...]) -> str:
    return "; ".join(text("doubt", one.value) for one in doubt)


def test_no_uncertain_rule_without_its_doubt(explorer: Explorer, found: list[tuple[Assessment, Answer]]) -> None:
    looked = 0
    for assessment, answer in (*found, first_difference(explorer)):
        shown = card.details(assessment, answer)
        chunks = re.findall(r"<article.*?</article>|<li>.*?</li>", shown, re.DOTALL)
        for rule in shown_rules(answer):
            if rule.confidence is Confidence.UNCERTAIN:
                title = re.escape(str(escape(rule.title_nl))) + r"(</a>|:? <span)"
                places = [plain(chunk) for chunk in chunks if re.search(title, chunk)]
                assert places, rule.id
                assert all(in_words(rule.doubt) in words for words in places), rule.id
                looked += 1
        strictest = card.strictest_rule(answer)
        if strictest is not None and strictest.confidence is Confidence.UNCERTAIN:
            assert in_words(strictest.doubt) in plain(card.summary(assessment, answer, "verdict"))
    assert looked


def test_rule_says_which_law_who_may_deviate_and_all_its_sources(found: list[tuple[Assessment, Answer]]) -> None:
    further = deviations = 0
    for assessment, answer in found:
        for article in re.findall(r"<article.*?</article>", card.details(assessment, answer), re.DOTALL):
            rule_id = re.search(r'id="regel-([^"]+)"', article)
            assert rule_id
            items = (*answer.constraints, *answer.alternatives)
            rule = next(item.rule for item in items if item.rule.id == rule_id[1])
            words = plain(article)
            assert text("act", rule.act.value) in words
            assert rule.deviation_nl in words
            assert in_words(rule.doubt) in words
            assert all(source.title in words and source.read_as_nl in words for source in (rule.source, *rule.also))
            further += len(rule.also)
            deviations += bool(rule.deviation_nl)
    assert further and deviations


def test_slanted_well_stands_beside_the_verdict(explorer: Explorer) -> None:
    shown = 0
    for x, y in ZONES.values():
        assessment = opened.point_answer(explorer, x, y, TODAY)
        answer = next(a for a in assessment.answers if a.activity.id == "geothermie")
        html = card.details(assessment, answer)
        assert ('id="schuine-put"' in html) == bool(answer.alternatives)
        assert ("#schuine-put" in card.summary(assessment, answer, "verdict")) == bool(answer.alternatives)
        if not answer.alternatives:
            continue
        shown += 1
        block = html.split('id="schuine-put"')[1].split("</section>")[0]
        assert "Dit is niet het oordeel." in block
        for item in answer.alternatives:
            assert f"{item.rule.title_nl}: ten minste {text('verdict', item.rule.verdict.key)}" in plain(block)
            assert f'id="regel-{item.rule.id}"' not in html.split('id="schuine-put"')[0]
        without = dataclasses.replace(answer, alternatives=())
        assert card.outcome_word(without) == card.outcome_word(answer)
        assert card.reason(without) == card.reason(answer)
    assert shown


def first_difference(explorer: Explorer) -> tuple[Assessment, Answer]:
    """The first municipality of the start set where levels of government differ."""
    for code in explorer.regions.municipalities.index:
        assessment = opened.area_answer(explorer, Place(RegionKind.MUNICIPALITY, code), TODAY)
        for answer in assessment.answers:
            if answer.level_differences:
                return assessment, answer
    raise AssertionError("no place in the start set where levels of government differ")


def test_levels_of_government_that_differ_are_all_shown(explorer: Explorer) -> None:
    assessment, answer = first_difference(explorer)
    html = card.details(assessment, answer)
    block = html.split('id="bestuurslagen"')[1].split("</section>")[0]
    words = plain(block)
    for difference in answer.level_differences:
        assert difference.layer.title_nl in words
        assert f"telt de strengste: {text('level', difference.decides.value)}." in words
        for level, verdict in difference.verdicts:
            assert f"{formats.first_capital(text('level', level.value))}: {text('verdict', verdict.key)}" in words
    assert "#bestuurslagen" in card.summary(assessment, answer, "verdict")
    same = dataclasses.replace(answer, constraints=())
    assert 'id="bestuurslagen"' not in card.details(assessment, same)


def test_state_and_province_about_the_same_zone(explorer: Explorer) -> None:
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    answer = assessment.answers[0]
    first = next(item for item in answer.constraints if item.layer is not None)
    state_says = with_rule(first, id="a", level=Level.NATIONAL, verdict=Verdict.EXCLUDED, title_nl="Regel A")
    milder = with_rule(first, id="b", level=Level.PROVINCIAL, verdict=Verdict.CONDITIONAL, title_nl="Regel <B>")
    mildest = with_rule(first, id="c", level=Level.PROVINCIAL, verdict=Verdict.ATTENTION, title_nl="Regel C")
    answer = dataclasses.replace(answer, constraints=(state_says, milder, mildest))
    block = card.details(assessment, answer).split('id="bestuurslagen"')[1].split("</section>")[0]
    assert "Rijk en provincie oordelen verschillend" in block
    assert '<a href="#regel-a">Regel A</a>' in block and "Regel &lt;B&gt;" in block
    assert "Regel C" not in block, "the province says 'ja, mits' because of rule B"
    assert "telt de strengste: Rijk." in block


# Activity, procedure, words ------------------------------------------------------------------


def test_activity_shows_its_policy_and_how_sure_it_is(found: list[tuple[Assessment, Answer]]) -> None:
    for assessment, answer in found:
        words = plain(card.details(assessment, answer))
        activity = answer.activity
        assert f"Beleid: {text('policy_status', activity.status)}." in words
        assert f"Stand van {written.day(activity.policy_date)}." in words
        assert text("confidence", activity.confidence.value) in words
        assert in_words(activity.doubt) in words


def test_requirements_show_the_number_of_the_day(explorer: Explorer, found: list[tuple[Assessment, Answer]]) -> None:
    parameters = explorer.knowledge.parameters
    numbers = 0
    for assessment, answer in found:
        activity = answer.activity
        words = plain(card_parts.geology(assessment, answer, parameters))
        assert activity.needs_nl in words and activity.well_needs_nl in words
        for requirement in activity.requirements:
            assert requirement.text_nl in words
            assert in_words(requirement.doubt) in words
            for name, sign in ((requirement.at_least, "minstens"), (requirement.at_most, "hoogstens")):
                if name is not None:
                    numbers += 1
                    value = parameters[name].at(assessment.on)
                    assert value is not None
                    assert f"{sign} {formats.quantity(value, parameters[name].unit)}" in words
                    assert in_words(parameters[name].doubt) in words
    assert numbers


def test_requirement_before_its_number_says_so(explorer: Explorer) -> None:
    parameters = explorer.knowledge.parameters
    activity = next(a for a in explorer.knowledge.activities.values() if any(r.at_least for r in a.requirements))
    first = min(value.valid_from for p in parameters.values() for value in p.values)
    thresholds = [t for need in card_parts.needs(activity, parameters, first - timedelta(1)) for t in need.thresholds]
    assert thresholds
    assert all("gold hier nog geen getal" in item.words for item in thresholds)


def test_procedure_shows_every_step_in_order_of_time(found: list[tuple[Assessment, Answer]]) -> None:
    order, looked = list(Phase), 0
    for assessment, answer in found:
        for procedure in answer.procedures:
            shown = card_parts.in_order(procedure)
            phases = [order.index(group.phase) for group in shown.phases]
            assert phases == sorted(phases)
            steps = [item for group in shown.phases for item in group.steps]
            assert [item.number for item in steps] == list(range(1, len(procedure.steps) + 1))
            assert {id(item.step) for item in steps} == {id(step) for step in procedure.steps}
        words = plain(card_parts.procedures(assessment, answer, Reader.WATER_BOARD))
        assert ("hebben wij voor deze activiteit en diepte nog niet uitgezocht" in words) != bool(answer.procedures)
        for procedure in answer.procedures:
            assert all(gap in words for gap in procedure.gaps_nl)
            for step in procedure.steps:
                looked += 1
                texts = (step.step_nl, step.decides_nl, step.advises_nl, step.municipality_nl, step.province_nl)
                texts += (step.water_board_nl, step.participation_nl, step.appeal_nl, in_words(step.doubt))
                assert all(re.sub(r"\s+", " ", value) in words for value in texts)
                assert all(source.title in words for source in (step.source, *step.also))
    assert looked


def test_what_was_not_looked_up_is_said(found: list[tuple[Assessment, Answer]]) -> None:
    assessment, answer = next((one, a) for one, a in found if a.procedures and a.procedures[0].steps)
    empty = ("advises_nl", "municipality_nl", "province_nl", "water_board_nl", "participation_nl", "appeal_nl")
    step = answer.procedures[0].steps[0].model_copy(update=dict.fromkeys(empty, "") | {"decides_nl": "de minister"})
    procedure = answer.procedures[0].model_copy(update={"steps": (step,)})
    answer = dataclasses.replace(answer, procedures=(procedure,))
    for reader in Reader:
        shown = card_parts.procedures(assessment, answer, reader)
        assert shown.count(text("web_card", "not_looked_up")) == len(empty)
        visible = shown.split("Advies, andere overheden")[0]
        assert visible.count(text("web_card", "not_looked_up")) == 1
    none = card_parts.procedures(assessment, dataclasses.replace(answer, procedures=()), Reader.PROVINCE)
    assert text("web_card", "no_procedure") in none


def test_words_are_explained(explorer: Explorer, found: list[tuple[Assessment, Answer]]) -> None:
    links = 0
    for assessment, answer in found:
        parts = whole_card(assessment, answer, explorer)
        words = plain(parts["glossary"])
        assert assessment.terms
        for term in assessment.terms:
            assert f'<dt id="{written.anchor(term)}">' in parts["glossary"]
            assert term.meaning_nl in words
        linked = re.findall(r'class="dgdo-term" href="#([^"]+)"', parts["details"] + parts["geology"])
        assert len(linked) == len(set(linked)), "only the first use of a word is a link"
        links += len(linked)
    assert links


def test_words_in_hostile_text_stay_text() -> None:
    asv = Term(id="asv", term_nl="voorraad (ASV)", meaning_nl='Water "voor" <later>')
    mark = TermLinks(Wordbook([asv]))
    shown = mark('<img src=x onerror="alert(1)"> ASV & <a href="#">voorraad</a>')
    assert shown.count("<") == 2, "one link, opened and closed"
    assert 'href="#woord-asv"' in shown
    assert 'title="Water &#34;voor&#34; &lt;later&gt;">ASV</a>' in shown
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in shown
    assert plain(shown) == '<img src=x onerror="alert(1)"> ASV & <a href="#">voorraad</a>'
    assert "<" not in mark("ASV")
    mark.start_again()
    assert "<a " in mark("ASV")


def test_texts_of_rules_cannot_bring_html(explorer: Explorer) -> None:
    evil = "<script>alert(1)</script>"
    assessment = opened.point_answer(explorer, *IN_THE_ZONE, TODAY)
    answer = assessment.answers[0]
    texts = dict.fromkeys(("title_nl", "explanation_nl", "condition_nl", "deviation_nl"), evil)
    source = answer.constraints[0].rule.source.model_copy(update={"quote_nl": evil, "read_as_nl": evil, "title": evil})
    bad = with_rule(answer.constraints[0], **texts, source=source, also=(source,), not_modelled=(evil,))
    activity = answer.activity.model_copy(update=dict.fromkeys(("policy_nl", "needs_nl", "well_needs_nl"), evil))
    procedures = tuple(
        p.model_copy(
            update={"gaps_nl": (evil,), "steps": tuple(s.model_copy(update={"decides_nl": evil}) for s in p.steps)}
        )
        for p in answer.procedures
    )
    answer = dataclasses.replace(
        answer, constraints=(bad,), alternatives=(bad,), activity=activity, procedures=procedures
    )
    for html in whole_card(assessment, answer, explorer).values():
        assert "<script>" not in html


def test_sources_show_the_date_that_is_known(explorer: Explorer) -> None:
    shown = {written.day(source.published) for source in explorer.knowledge.citations()}
    assert {len(words.split()) for words in shown} >= {0, 1, 3}, "without a date, a year and a day"
