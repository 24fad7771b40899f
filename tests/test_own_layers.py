"""An analyst loads a layer on the page Lagen: for the session or the workspace, with a recipe that makes the same product."""

from __future__ import annotations

import json
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import pytest
from browsing import FRAME, Server, frame_of, get, rest
from shapely import Polygon, box
from test_accessibility import violations
from test_web_pages import html, run, walk

from dgdo_geo import store
from dgdo_geo.cli import main
from dgdo_geo.errors import InputError
from dgdo_geo.intake import Recipe, area_of_corners, read_recipe
from dgdo_geo.intake.upload_look import look_at_upload
from dgdo_geo.model import Family, Quality, RegionKind
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.report.making import ask
from dgdo_geo.web import load_choices, load_form, opened, own_area, own_layers, report_form, uploads
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.load_recipe import SKIP, Wanted, class_ids, recipe_layer, recipe_text
from dgdo_geo.web.places import Place
from dgdo_geo.web.state import default_view

TODAY = date.today()
INSIDE = (201_000.0, 501_500.0)
ABOUT = {"source": "Provincie X", "licence": "CC0", "on": date(2026, 1, 1), "accuracy_m": 10.0}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    open_explorer(folder, create=True)
    return folder


@pytest.fixture(scope="module", autouse=True)
def explorer(workspace: Path) -> Iterator[Explorer]:
    """The start set, opened as the server does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGDO_WORKSPACE", str(workspace))
        yield opened.explorer()


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four zones with words of their own, one of which is a formula; one zone crosses itself."""
    path = tmp_path_factory.mktemp("bestand") / "zones.gpkg"
    shapes = [box(200_000 + 3_000 * i, 500_000, 202_000 + 3_000 * i, 503_000) for i in range(3)]
    shapes.append(Polygon([(209_000, 500_000), (211_000, 503_000), (211_000, 500_000), (209_000, 503_000)]))
    values = {
        "code": ["A1", "A2", "A3", "A4"],
        "naam": ["Zone Noord", "=HYPERLINK(1)", "<b>Zone</b>", "Zone Zuid"],
        "soort": ["diep verbod", "diep verbod", "weet niet", "Boringsvrije zone"],
    }
    gpd.GeoDataFrame(values, geometry=shapes, crs=28992).to_file(path)
    return path


def wanted(explorer: Explorer, **other: Any) -> Wanted:
    values = {"diep verbod": "boringsvrije_zone", "weet niet": SKIP, "Boringsvrije zone": "boringsvrije_zone"}
    layer = explorer.states["boringsvrije_zones"].layer
    said: dict[str, Any] = {
        "layer": layer, "geometry": "polygon", "class_column": "soort", "values": values, "id_column": "code",
        "name_column": "naam", "quality": Quality.OFFICIAL, **ABOUT, **other,
    }  # fmt: skip
    return Wanted(**said)


# The look and the recipe ---------------------------------------------------------------------


def test_first_look_tells_what_a_file_is(explorer: Explorer, zones: Path) -> None:
    found = look_at_upload(zones, explorer.workspace)
    report, facts, place = found.look.report, found.look.facts, found.look.place
    assert (found.geometry, facts.rows, report.crs_used, report.repaired) == ("polygon", 4, "EPSG:28992", 1)
    assert {c.name: c.distinct for c in facts.columns} == {"code": 4, "naam": 4, "soort": 3}
    assert place.bounds == (200_000, 500_000, 211_000, 503_000)
    assert "Overijssel" in place.provinces
    assert not found.look.report.crs_doubt_nl


def test_first_look_doubts_an_old_datum(explorer: Explorer, zones: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(zones).to_crs(4326).set_crs(4289, allow_override=True)
    frame.to_file(tmp_path / "oud.gpkg")
    assert "100 m" in look_at_upload(tmp_path / "oud.gpkg", explorer.workspace).look.report.crs_doubt_nl
    with pytest.raises(InputError, match="table"):
        look_at_upload(tmp_path / "tabel.csv", explorer.workspace)


def test_the_layer_is_suggested_by_its_values(explorer: Explorer, zones: Path, tmp_path: Path) -> None:
    assert load_choices.suggested(explorer, look_at_upload(zones, explorer.workspace)) is None
    frame = gpd.read_file(zones).assign(soort=["WWG", "GWB", "GWB", "WWG"])
    frame.to_file(tmp_path / "water.gpkg")
    guess = load_choices.suggested(explorer, look_at_upload(tmp_path / "water.gpkg", explorer.workspace))
    assert guess is not None
    assert {"waterwingebied", "grondwaterbeschermingsgebied"} <= {c.id for c in explorer.states[guess].layer.classes}


def test_nothing_is_loaded_without_all_answers(explorer: Explorer) -> None:
    with pytest.raises(InputError) as caught:
        recipe_layer("zones.gpkg", "", "", wanted(explorer, source=" ", on=None, accuracy_m=None, quality=None))
    for field in ("Bron", "Stand van", "Kwaliteit", "Nauwkeurigheid"):
        assert field in caught.value.message_nl
    with pytest.raises(InputError) as caught:
        recipe_layer("zones.gpkg", "", "", wanted(explorer, values={"diep verbod": "", "": "", "x": SKIP}))
    assert caught.value.key == "own_layer_unmapped"
    assert "‘diep verbod’" in caught.value.message_nl and "(leeg)" in caught.value.message_nl
    with pytest.raises(InputError) as caught:
        recipe_layer("zones.gpkg", "", "", wanted(explorer, layer=None, class_column=None))
    assert "Naam van de kaartlaag" in caught.value.message_nl


@pytest.mark.parametrize("is_new", [False, True])
def test_a_recipe_reads_back_as_it_was(explorer: Explorer, zones: Path, tmp_path: Path, is_new: bool) -> None:
    said = wanted(explorer)
    if is_new:
        ids = class_ids({"diep verbod": 2, "weet niet": 1, "Boringsvrije zone": 1})
        said = wanted(
            explorer, layer=None, title="Mijn zones (proef)", family=Family.GROUNDWATER, description="", values=ids
        )
    item = recipe_layer("zones.gpkg", "EPSG:28992", "zones", said)
    path = tmp_path / "recept.toml"
    path.write_text(recipe_text(item), encoding="utf-8")
    assert read_recipe(path, zones.parent).layers == (item,)
    assert item.layer == ("eigen_mijn_zones_proef" if is_new else "boringsvrije_zones")
    assert len(tomllib.loads(path.read_text(encoding="utf-8"))["layer"]) == 1
    result = own_layers.check(Recipe((item,), zones.parent), explorer.workspace.path)[0]
    assert result.is_ruled is not is_new
    assert result.report.kept == (4 if is_new else 3)


def test_names_of_files_are_safe() -> None:
    for name in ("../../x.gpkg", "..\\x.gpkg", "/etc/x.gpkg", "a\0b.zip", "x" * 300 + ".gpkg", ".", "", "con:.shp"):
        safe = uploads.safe_name(name)
        assert Path(safe).name == safe and 0 < len(safe) <= uploads.LONGEST_NAME and "\0" not in safe
    assert uploads.safe_name("x" * 300 + ".gpkg").endswith(".gpkg")


# Sessions ------------------------------------------------------------------------------------


@pytest.fixture
def recipe(explorer: Explorer, zones: Path) -> Recipe:
    return Recipe((recipe_layer("zones.gpkg", "", "", wanted(explorer)),), zones.parent)


@pytest.fixture
def no_sessions() -> Iterator[None]:
    own_layers._sessions.clear()
    yield
    own_layers._sessions.clear()


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_session_has_its_layer_and_the_server_does_not(
    explorer: Explorer, recipe: Recipe, workspace: Path, no_sessions: None
) -> None:
    before = {name: content for name, content in files(workspace).items() if not name.startswith("overlay")}
    token = own_layers.new_token()
    made = own_layers.add(token, recipe, explorer)
    folder = Path(made.folder.name)
    assert made.explorer.states["boringsvrije_zones"].layer.source == "Provincie X"
    assert explorer.states["boringsvrije_zones"].layer.source != "Provincie X"
    mine = made.explorer.at_point(*INSIDE, activities=["geothermie"]).answers[0]
    theirs = explorer.at_point(*INSIDE, activities=["geothermie"]).answers[0]
    assert {c.layer.source for c in mine.constraints if c.layer and c.layer.id == "boringsvrije_zones"} == {
        "Provincie X"
    }
    assert "boringsvrije_zones" not in [c.layer.id for c in theirs.constraints if c.layer]
    assert own_layers.session(token) is not None and own_layers.session("x" * 30) is None
    key = opened.version(made.explorer)
    assert own_layers.hidden(key) is made.explorer
    assert own_layers.hidden(key[:-1] + "!") is None and own_layers.hidden(opened.version(explorer)) is None
    # A report, like the page, says what it rests on.
    crossed = area_of_corners([(201_000, 501_000), (202_000, 502_000), (202_000, 501_000), (201_000, 502_000)])
    place = Place(RegionKind.POLYGON, own_area.code_of(made.explorer, crossed))
    turn = Turn("gebied", made.explorer, replace(default_view(made.explorer, TODAY), place=place))
    notes = ask(made.explorer, report_form.asked_of(turn, place, ["geothermie"])).notes_nl
    assert "kruiste zichzelf" in notes[0] and "Boringsvrije zones (zones.gpkg)" in notes[1]
    own_layers.remove(token)
    assert own_layers.session(token) is None and own_layers.hidden(key) is None
    after = {name: content for name, content in files(workspace).items() if not name.startswith("overlay")}
    assert after == before
    assert folder.is_dir(), "as long as somebody holds the explorer"


def test_sessions_and_layers_are_bounded(
    explorer: Explorer, recipe: Recipe, no_sessions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_layers, "MOST_SESSIONS", 1)
    monkeypatch.setattr(own_layers, "MOST_LAYERS", 1)
    monkeypatch.setattr(own_layers, "_warm", lambda explorer: None)
    own_layers.add("first", recipe, explorer)
    with pytest.raises(InputError) as caught:
        own_layers.add("second", recipe, explorer)
    assert caught.value.key == "own_layers_busy"
    other = recipe.layers[0].model_copy(update={"layer": "natura2000"})
    with pytest.raises(InputError) as caught:
        own_layers.add("first", Recipe((other,), recipe.folder), explorer)
    assert caught.value.key == "own_layers_too_many"
    monkeypatch.setattr(own_layers, "BUSY_S", 0.0)
    own_layers.add("second", recipe, explorer)
    assert own_layers.session("first") is None and own_layers.session("second") is not None
    monkeypatch.setattr(own_layers, "IDLE_S", 0.0)
    assert own_layers.session("second") is None


def test_a_wrong_recipe_changes_nothing(explorer: Explorer, recipe: Recipe, no_sessions: None) -> None:
    wrong = recipe.layers[0].model_copy(update={"file": "weg.gpkg"})
    with pytest.raises(InputError):
        own_layers.add("token", Recipe((wrong,), recipe.folder), explorer)
    assert own_layers.session("token") is None


def test_saving_needs_the_operator(explorer: Explorer, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for value in ("", "0"):
            patch.setenv("DGDO_LADEN", value)
            with pytest.raises(InputError) as caught:
                own_layers.save(recipe, tmp_path / "nieuw")
            assert caught.value.key == "saving_is_off"
        assert not (tmp_path / "nieuw").exists()
        patch.setenv("DGDO_LADEN", "1")
        own_layers.save(recipe, tmp_path / "nieuw")
    found = store.open_workspace(tmp_path / "nieuw").entries["boringsvrije_zones"].layer
    assert found.source == "Provincie X"


# The page, without a browser -----------------------------------------------------------------


def upload(app: Any, name: str, content: bytes) -> None:
    app.file_uploader(key=load_form.FILE).set_value((name, content, "application/octet-stream"))
    next(button for button in app.button if button.label == "Bekijk dit bestand").click().run()


def hostile(folder: Path) -> dict[str, tuple[bytes, str]]:
    slip = folder / "slip.zip"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../weg.shp", b"x")
    formula = (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"=1+1":"=cmd()"},"geometry":null}]}'
    )
    xml = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><kml>&b;</kml>'
    return {
        "slip.zip": (slip.read_bytes(), "slip.zip"),
        "foto.gpkg": (b"\x89PNG\r\n", "foto.gpkg"),
        "=1+1.geojson": (formula, "_1_1.geojson"),
        "entiteit.kml": (xml, "entiteit.kml"),
        "tabel.csv": (b"=1+1,b\n1,2\n", "tabel"),
        "leeg.geojson": (b"", "leeg.geojson"),
    }


@pytest.mark.parametrize("name", ["slip.zip", "foto.gpkg", "=1+1.geojson", "entiteit.kml", "tabel.csv", "leeg.geojson"])
def test_a_hostile_file_gets_a_message(name: str, tmp_path: Path) -> None:
    content, words = hostile(tmp_path)[name]
    app = run("lagen")
    upload(app, name, content)
    assert not app.exception
    assert len(app.error) == 1
    said = app.error[0].value.replace("\\", "")
    assert words in said
    assert "Traceback" not in said and "/tmp" not in said and "root:" not in said
    assert not app.get("file_uploader")[0].proto.disabled


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/a.gpkg", "file:///etc/passwd", "http://localhost:22/a.gpkg", "x"]
)
def test_an_address_inside_the_network_is_not_fetched(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [field for field in run("lagen").text_input if field.key == load_form.URL], "only when online"
    monkeypatch.setenv("DGDO_ONLINE", "1")
    app = run("lagen")
    app.text_input(key=load_form.URL).set_value(url)
    next(button for button in app.button if button.label == "Bekijk dit bestand").click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert "Traceback" not in app.error[0].value and "root:" not in app.error[0].value


def test_the_page_shows_the_file_as_text(zones: Path) -> None:
    app = run("lagen")
    upload(app, "zones.gpkg", zones.read_bytes())
    assert not app.exception and not app.error
    shown = html(app)
    assert "4 vlakken" in shown and "kruiste de grens zichzelf" in shown
    assert "<b>Zone</b>" not in shown
    assert "&lt;b&gt;Zone&lt;/b&gt;" in shown


def test_an_own_layer_is_saved_for_everybody_where_that_is_allowed(
    zones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "werkmap"
    open_explorer(folder, create=True)
    monkeypatch.setenv("DGDO_WORKSPACE", str(folder))
    monkeypatch.setenv("DGDO_LADEN", "1")
    app = run("lagen")
    upload(app, "zones.gpkg", zones.read_bytes())
    app.selectbox(key="laden_doel").set_value("boringsvrije_zones").run()
    app.selectbox(key="laden_klasse-boringsvrije_zones").set_value("boringsvrije_zone")
    app.text_input(key="laden_bron").set_value("Provincie X")
    app.text_input(key="laden_licentie").set_value("CC0")
    app.date_input(key="laden_datum").set_value(date(2026, 1, 1))
    app.selectbox(key="laden_kwaliteit").set_value(Quality.OFFICIAL)
    app.number_input(key="laden_nauwkeurigheid").set_value(10.0).run()
    app.button(key="laden_controleer").click().run()
    assert not app.exception and not app.error
    app.button(key="laden_bewaar").click().run()
    assert not app.exception and not app.error
    assert "is bewaard in de werkmap" in app.success[0].value
    assert store.open_workspace(folder).entries["boringsvrije_zones"].layer.source == "Provincie X"
    assert "Provincie X" in html(app)
    monkeypatch.setenv("DGDO_LADEN", "0")
    assert "vraagt dat aan de beheerder" in " ".join(item.value for item in run("lagen").markdown)


def test_a_new_layer_shows_on_every_page_and_its_end_is_told(zones: Path, no_sessions: None) -> None:
    app = run("lagen", gemeente="GM0193", activiteit="geothermie")
    upload(app, "zones.gpkg", zones.read_bytes())
    app.radio(key="laden_nieuw").set_value(True).run()
    app.text_input(key="laden_titel").set_value("Mijn <b>zones</b>")
    app.selectbox(key="laden_familie").set_value(Family.GROUNDWATER)
    app.selectbox(key="laden_kolom").set_value("soort").run()
    app.text_input(key="laden_bron").set_value("Provincie X")
    app.text_input(key="laden_licentie").set_value("CC0")
    app.date_input(key="laden_datum").set_value(date(2026, 1, 1))
    app.selectbox(key="laden_kwaliteit").set_value(Quality.OFFICIAL)
    app.number_input(key="laden_nauwkeurigheid").set_value(10.0).run()
    app.button(key="laden_controleer").click().run()
    assert not app.exception and not app.error
    assert "Geen regel gaat over deze kaartlaag" in html(app)
    app.button(key="laden_gebruik").click().run()
    assert not app.exception and not app.error
    banner = "U kijkt met uw eigen kaartlaag, alleen in deze sessie: Mijn &lt;b&gt;zones&lt;/b&gt;."
    for path in ("", "hier", "gebied", "lagen", "regels", "uitleg"):
        walk(app, path)
        assert not app.exception and not app.error, path
        assert banner in html(app), path
        assert "eigen_mijn_b_zones_b" in str(app.query_params["lagen"]), path
    walk(app, "")
    assert "(uw eigen kaartlaag)" in html(app)
    own_layers._sessions.clear()
    walk(app, "")
    assert not app.exception
    assert "de sessie is voorbij" in app.warning[0].value
    assert banner not in html(app)


# In a browser ---------------------------------------------------------------------------------


def pick(page: Any, label: str, typed: str) -> None:
    """Choose from a list with the keyboard alone."""
    field = page.get_by_role("combobox", name=label)
    field.focus()
    page.keyboard.type(typed)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    rest(page)


def fill_in(page: Any, zones: Path) -> None:
    """Upload the file and answer the questions, but for the values."""
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(zones)
    page.get_by_role("button", name="Haal weg").wait_for()
    page.get_by_role("button", name="Bekijk dit bestand").press("Enter")
    page.get_by_role("heading", name="Wat we lezen in zones.gpkg").wait_for()
    rest(page)
    pick(page, "Welke kaartlaag", "Boringsvrije")
    pick(page, "Kolom met de soort", "soort")
    pick(page, "Kolom met de naam", "naam")
    page.get_by_label("Bron", exact=True).fill("Provincie X")
    page.get_by_label("Licentie").fill("CC0")
    page.get_by_role("spinbutton", name="dag, Stand van").click()
    page.keyboard.type("01012026")
    pick(page, "Kwaliteit", "Officieel")
    page.get_by_label("Nauwkeurigheid van een rand").fill("10")
    page.keyboard.press("Tab")
    rest(page)


@pytest.mark.browser
def test_an_analysts_story(
    page: Any, browser: Any, server: Server, zones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file with unmapped values: refused, mapped, seen on the map, asked, its recipe replayed; nobody else sees it."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{server.url}/lagen?gemeente=GM0193&activiteit=geothermie")
    page.get_by_role("heading", name="Eigen kaartlaag laden").wait_for()
    fill_in(page, zones)
    check = page.get_by_role("button", name="Controleer op proef")
    check.press("Enter")
    refused = page.get_by_text("Kies nog een soort voor 2 waarde(n)")
    refused.wait_for()
    assert "‘diep verbod’" in refused.inner_text() and "‘weet niet’" in refused.inner_text()

    pick(page, "‘diep verbod’", "Boringsvrije")
    pick(page, "‘weet niet’", "Weglaten")
    check.press("Enter")
    page.get_by_text("Boringsvrije zones: 3 van de 4 objecten.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download het recept").click()
    path = tmp_path / "recept.toml"
    download.value.save_as(path)
    page.get_by_role("button", name="Gebruik in deze sessie").click()
    page.get_by_text("is geladen, alleen in deze sessie").wait_for()
    rest(page)

    page.get_by_role("link", name="Wat kan waar").first.click()
    page.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    inside = page.frame_locator(FRAME)
    inside.locator(".leaflet-dgdo-over-boringsvrije_zones-pane path").first.wait_for()
    inside.locator("path.dgdo-excluded").first.wait_for()
    page.get_by_text("Boringsvrije zones (uw eigen kaartlaag)").first.wait_for()
    page.reload()
    page.get_by_text("U kijkt met uw eigen kaartlaag").wait_for()
    rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download dit antwoord").click()
    told = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert any("Boringsvrije zones (zones.gpkg)" in note for note in told["notes_nl"])
    mine = {layer["id"]: layer["hash"] for layer in told["receipt"]["layers"]}["boringsvrije_zones"]

    folder = tmp_path / "werkmap"
    with pytest.MonkeyPatch.context() as patch:
        arguments = ["add", str(path), "--bronmap", str(zones.parent), "--workspace", str(folder), "--opslaan"]
        patch.setattr("sys.argv", ["dgdo-geo", *arguments, "--zonder-vergelijking", "--json"])
        try:
            main()
        except SystemExit as ended:
            assert ended.code in (0, None), capsys.readouterr().err
    assert store.open_workspace(folder).entries["boringsvrije_zones"].layer.sha256 == mine
    exact = open_explorer(folder).for_region("GM0193", TODAY, activities=["geothermie"]).answers[0]
    shown = [item for item in told["answers"] if item["activity"] == "geothermie"][0]
    assert [part["area_m2"] for part in shown["areas"]] == pytest.approx([part.area_m2 for part in exact.areas])

    _nobody_else_sees_it(browser, server, page.url, [url for url in fetched if "/geo/laag/" in url])
    page.goto(f"{server.url}/lagen")
    page.get_by_role("button", name="Haal mijn eigen kaartlagen weg").click()
    page.get_by_text("U kijkt met uw eigen kaartlaag").wait_for(state="detached")
    assert get(next(url for url in fetched if "/geo/laag/" in url))[0] == 404


@pytest.mark.browser
def test_what_is_filled_in_is_accessible_and_narrow(page: Any, server: Server, zones: Path) -> None:
    """The states that a link does not reach: a file in the form, its questions, what it will be; and the own area."""
    page.goto(f"{server.url}/lagen?gemeente=GM0193&activiteit=geothermie")
    page.get_by_role("heading", name="Eigen kaartlaag laden").wait_for()
    fill_in(page, zones)
    pick(page, "‘diep verbod’", "Boringsvrije")
    pick(page, "‘weet niet’", "Weglaten")
    page.get_by_role("button", name="Controleer op proef").press("Enter")
    page.get_by_role("button", name="Gebruik in deze sessie").wait_for()
    rest(page)
    assert violations(page.main_frame) == []
    assert sideways(page) == []
    page.goto(f"{server.url}/gebied?gemeente=GM0193")
    page.get_by_text("Eigen vlak: tekenen, uploaden of intypen").click()
    page.get_by_text("Toon een kaart om op te tekenen").click()
    page.frame_locator(FRAME).locator("[data-dgdo-ready]").wait_for()
    inside = frame_of(page)
    inside.locator(".dgdo-tool-draw").click()
    page.get_by_label("Hoekpunten, op elke regel").fill("hier")
    page.get_by_role("button", name="Vraag deze hoekpunten").click()
    page.get_by_text("Regel 1 is geen hoekpunt").wait_for()
    rest(page)
    assert violations(page.main_frame) == []
    assert sideways(page) == []


def sideways(page: Any) -> list[str]:
    """What is wider than a screen of 320 pixels."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.wait_for_timeout(1_200)
    found = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMain] *')]"
        ".filter(e => e.getBoundingClientRect().right > 321 && !e.closest('.dgdo-wide, .dgdo-hidden'))"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 160))"
    )
    widest = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 1000})
    return list(found) if widest > 320 else []


def _nobody_else_sees_it(browser: Any, server: Server, link: str, fetched: list[str]) -> None:
    """The link of the analyst gives others the answer of the server; the layer is served under its key alone."""
    other = browser.new_context(locale="nl-NL").new_page()
    other.goto(link)
    other.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    assert other.get_by_text("U kijkt met uw eigen kaartlaag").count() == 0
    other.context.close()
    key = parse_qs(urlsplit(fetched[0]).query)["v"][0]
    assert "." in key and key.split(".")[1] not in link
    status, headers, body = get(fetched[0])
    assert status == 200 and b"Zone Noord" in body
    assert headers["cache-control"].startswith("private")
    status, headers, body = get(fetched[0].replace(key, key.split(".")[0]))
    assert status == 200 and b"Zone Noord" not in body
    assert get(fetched[0].replace(key, key[:-3] + "abc"))[0] == 404
