"""An area of one's own: its code in a link, what is refused or repaired, and the answer, which is that of in_area."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from browsing import FRAME, Server, rest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from test_web_pages import html, run, walk

from dgdo_geo.cli import main
from dgdo_geo.errors import InputError
from dgdo_geo.intake import OwnArea, area_of_corners, read_area
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.own_map import verdict_map_of
from dgdo_geo.web import opened, own_area, own_area_form, places, state
from dgdo_geo.web.places import Place

TODAY = date.today()
SQUARE = box(202_000, 501_000, 205_000, 503_000)
BOW_TIE = [(202_000.0, 501_000.0), (204_000.0, 503_000.0), (204_000.0, 501_000.0), (202_000.0, 503_000.0)]


@pytest.fixture(scope="module", autouse=True)
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The start set, opened as the server does."""
    workspace = tmp_path_factory.mktemp("workspace")
    open_explorer(workspace, create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGDO_WORKSPACE", str(workspace))
        yield opened.explorer()


def circle(corners: int, radius: float = 4_000.0) -> Polygon:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return Polygon(np.c_[203_000 + radius * np.cos(turn), 502_000 + radius * np.sin(turn)])


# The code -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [
        SQUARE,
        circle(60),
        Polygon(SQUARE.exterior, [box(203_000, 501_500, 204_000, 502_500).exterior]),
        MultiPolygon([SQUARE, box(210_000.125, 500_000, 211_000, 501_000.5)]),
    ],
    ids=["square", "circle", "hole", "two parts"],
)
def test_a_small_area_stands_in_its_code_to_the_millimetre(explorer: Explorer, shape: shapely.Geometry) -> None:
    code = own_area.code_of(explorer, OwnArea(shape))
    assert own_area.is_in_link(code) and len(code) <= own_area.LONGEST_CODE
    assert code.replace("-", "").replace("_", "").isalnum()
    own_area._kept.clear()
    again = own_area.area_of(code).geometry
    assert again.is_valid
    assert shapely.hausdorff_distance(again, shape) < 0.001
    assert again.area == pytest.approx(shape.area, rel=1e-7)
    assert own_area.code_of(explorer, OwnArea(again)) == code


@given(st.lists(st.tuples(*[st.integers(-9_000_000, 9_000_000)] * 2), min_size=3, max_size=40, unique=True))
def test_every_polygon_of_whole_metres_comes_back(corners: list[tuple[int, int]]) -> None:
    shape = Polygon(corners)
    assert own_area.decoded(own_area.encoded(shape, "m")).equals_exact(shape, 0)


@given(st.text(max_size=60) | st.text("mdt-_AQEzkw019", max_size=200))
def test_any_text_is_a_code_or_a_message(code: str) -> None:
    try:
        assert own_area.decoded(code).geom_type in ("Polygon", "MultiPolygon")
    except InputError as error:
        assert error.key == "own_area_damaged"


def test_a_code_that_was_cut_off_or_changed_is_damaged(explorer: Explorer) -> None:
    code = own_area.code_of(explorer, OwnArea(circle(40)))
    wrong = [code[:-1], code[:-6], code[:20] + "A" + code[21:], "", "x" + code[1:], code + "AAAA"]
    for other in wrong:
        if other == code:
            continue
        with pytest.raises(InputError, match="damaged"):
            own_area.area_of(other)


def test_a_large_area_has_an_unguessable_name_and_is_forgotten(explorer: Explorer) -> None:
    codes = [own_area.code_of(explorer, OwnArea(circle(900))) for _ in range(own_area.MOST_KEPT + 2)]
    assert len(set(codes)) == len(codes)
    assert not own_area.is_in_link(codes[-1]) and len(codes[-1]) > 20
    assert own_area.area_of(codes[-1]).geometry.equals_exact(circle(900), 0)
    assert len(own_area._kept) == own_area.MOST_KEPT
    with pytest.raises(InputError) as caught:
        own_area.area_of(codes[0])
    assert caught.value.key == "own_area_gone"


@pytest.mark.parametrize(
    ("area", "key"),
    [
        (box(20_000, 560_000, 30_000, 570_000), "area_outside"),
        (Polygon(BOW_TIE), "area_invalid"),
        (shapely.Point(203_000, 502_000), "area_not_polygon"),
        (circle(own_area.MOST_VERTICES + 5), "area_too_fine"),
    ],
)
def test_an_area_that_cannot_be_asked_is_refused(explorer: Explorer, area: shapely.Geometry, key: str) -> None:
    with pytest.raises(InputError) as caught:
        own_area.code_of(explorer, OwnArea(area))
    assert caught.value.key == key


# Corners and files --------------------------------------------------------------------------


def test_corners_that_cross_become_parts_that_do_not_and_it_is_said() -> None:
    area = area_of_corners(BOW_TIE)
    assert area.geometry.is_valid
    assert area.geometry.area == pytest.approx(2e6)
    assert "kruiste zichzelf" in area.notes_nl[0] and "2,00 km²" in area.notes_nl[0]
    assert area_of_corners([*SQUARE.exterior.coords]).notes_nl == ()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("", "area_few_corners"),
        ("202000 501000\n203000 501000", "area_few_corners"),
        ("202000 501000\n203000 501000\n202000 501000\n203000 501000", "area_few_corners"),
        ("202000 501000\n203000 501000\n204000 501000", "area_empty"),
        ("202000 501000\nhier\n204000 501000", "corner_wrong"),
        ("202000 501000\n1 2 3\n204000 501000", "corner_wrong"),
        ("1 1\n" * 6000, "corners_too_many"),
    ],
)
def test_corners_that_make_no_area_are_named(written: str, key: str) -> None:
    with pytest.raises(InputError) as caught:
        area_of_corners(own_area_form.read_corners(written))
    assert caught.value.key == key
    if key == "corner_wrong":
        assert "Regel 2" in caught.value.message_nl


@pytest.mark.parametrize(
    "written",
    ["203000 503000", "203.000 503.000", "203000, 503000", "203000,0; 503000,0", " 203000\t503000 ", "203000,503000"],
)
def test_corners_are_read_as_people_type_them(written: str) -> None:
    assert own_area_form.read_corners(written + "\n\n") == [(203_000.0, 503_000.0)]


def test_what_the_browser_draws_is_rounded_to_metres() -> None:
    ring = [state.lonlat(x + 0.3, y - 0.2) for x, y in SQUARE.exterior.coords]
    drawn = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[list(p) for p in ring]]}}
    assert area_of_corners(state.corners_of(drawn)).geometry.equals(SQUARE)
    for wrong in ({}, {"geometry": None}, {"geometry": {"type": "Polygon", "coordinates": [[["x", 1]]]}}):
        with pytest.raises(InputError):
            state.corners_of(wrong)  # type: ignore[arg-type]


def file_of(folder: Path, name: str, *shapes: shapely.Geometry, crs: object = 28992) -> Path:
    path = folder / name
    gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=crs).to_file(path)
    return path


def test_a_file_says_what_was_done_to_its_area(tmp_path: Path) -> None:
    shapes = [Polygon(BOW_TIE), box(205_000, 501_000, 206_000, 502_000)]
    area = read_area(file_of(tmp_path, "twee.gpkg", *shapes))
    assert area.geometry.area == pytest.approx(3e6)
    said = " ".join(area.notes_nl)
    assert "De grens van 1 vlak(ken) in twee.gpkg kruiste zichzelf" in said
    assert "staan 2 vlakken" in said and "3,00 km²" in said
    assert read_area(file_of(tmp_path, "een.gpkg", SQUARE)).notes_nl == ()


def test_the_command_line_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file_of(tmp_path, "strik.gpkg", Polygon(BOW_TIE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dgdo-geo", "ask", "--vlak", str(path), "--activiteit", "geothermie", "--json"])
        try:
            main()
        except SystemExit as ended:
            assert ended.code in (0, None)
    answer = json.loads(capsys.readouterr().out)
    assert "kruiste zichzelf" in answer["notes_nl"][0]


# The answer and its map ---------------------------------------------------------------------


def test_the_map_of_an_area_has_the_areas_of_its_answer(explorer: Explorer) -> None:
    """Across the border of two provinces, where other rules hold on either side."""
    shape = circle(30, 9_000)
    answer = explorer.in_area(shape, TODAY, activities=["geothermie"]).answers[0]
    frame = verdict_map_of(explorer, shape, "geothermie", TODAY)
    drawn = frame.dissolve("outcome", aggfunc="sum", as_index=True)["area_m2"]
    told: dict[str, float] = {}
    for part in answer.areas:
        told[part.outcome] = told.get(part.outcome, 0.0) + (part.area_m2 or 0.0)
    assert set(drawn.index) == set(told)
    for outcome, area in told.items():
        assert drawn[outcome] == pytest.approx(area, rel=1e-6, abs=1.0)


def test_an_area_keeps_through_the_pages_and_its_link_gives_it_back(explorer: Explorer) -> None:
    code = own_area.code_of(explorer, OwnArea(SQUARE))
    app = run("", vlak=code, activiteit="geothermie")
    assert not app.exception and not app.error
    assert "Antwoord voor het eigen vlak" in [item.value for item in app.header]
    assert app.selectbox(key="plaats").value == Place(RegionKind.POLYGON, code)
    exact = explorer.in_area(SQUARE, TODAY)
    assert exact.region.area_m2 == pytest.approx(6e6)
    for path in ("gebied", "hier", "lagen", "regels", "uitleg", ""):
        walk(app, path)
        assert not app.exception and not app.error, path
        assert param(app, "vlak") == code, path
    walk(app, "gebied")
    assert "6,00 km²" in html(app)


def test_a_link_with_a_forgotten_or_damaged_area_says_so() -> None:
    for code, words in (("tXXXXXXXXXXXXXXXXXXXXXX", "kennen we niet meer"), ("mAQE", "beschadigd")):
        app = run("", vlak=code, activiteit="geothermie")
        assert not app.exception
        assert words in app.error[0].value
        assert app.selectbox(key="plaats").value is None


@pytest.mark.parametrize("path", ["", "gebied"])
def test_corners_are_typed_into_the_page(explorer: Explorer, path: str) -> None:
    app = run(path, activiteit="geothermie")
    app.text_area(key=own_area_form.CORNERS).set_value("202000 501000\n205000 501000\n205000 503000\n202000 503000")
    submit(app, "Vraag deze hoekpunten")
    assert not app.exception and not app.error
    code = param(app, "vlak")
    assert places.geometry(explorer, Place(RegionKind.POLYGON, code)).equals(SQUARE)


def param(app: Any, key: str) -> str:
    value = app.query_params[key]
    return str(value[0] if isinstance(value, list) else value)


def submit(app: Any, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("foto.png", b"\x89PNG\r\n", "foto.png"),
        ("kapot.geojson", b'{"type": "FeatureColl', "kapot.geojson"),
        ("geen.geojson", b"{}", "niet lezen"),
        ("buiten.csv", b"a,b\n1,2\n", "buiten.csv"),
    ],
)
def test_a_file_that_is_no_area_gets_a_message_beside_its_field(name: str, content: bytes, words: str) -> None:
    app = run("", gemeente="GM0193", activiteit="geothermie")
    app.file_uploader(key=own_area_form.FILE).set_value((name, content, "application/octet-stream"))
    submit(app, "Vraag dit bestand")
    assert not app.exception
    said = " ".join(item.value for item in app.error).replace("\\", "")
    assert words in said
    assert "Traceback" not in said and "/tmp" not in said
    assert param(app, "gemeente") == "GM0193"


def test_an_uploaded_area_is_exact_and_a_large_one_says_that_the_link_does_not_hold_it(
    explorer: Explorer, tmp_path: Path
) -> None:
    shape = circle(1_500)
    path = file_of(tmp_path, "groot.shp", shape)
    packed = tmp_path / "groot.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in tmp_path.glob("groot.*"):
            if part != packed:
                archive.write(part, part.name)
    assert path.exists()
    app = run("", activiteit="geothermie")
    app.file_uploader(key=own_area_form.FILE).set_value(("groot.zip", packed.read_bytes(), "application/zip"))
    submit(app, "Vraag dit bestand")
    assert not app.exception and not app.error
    code = param(app, "vlak")
    assert not own_area.is_in_link(code)
    assert "te veel hoekpunten voor de link" in app.info[0].value
    kept = places.geometry(explorer, Place(RegionKind.POLYGON, code))
    told = explorer.in_area(shape, TODAY).region.area_m2
    shown = opened.area_answer(explorer, Place(RegionKind.POLYGON, code), TODAY).region.area_m2
    assert shown == pytest.approx(told, rel=1e-12)
    assert kept.area == pytest.approx(shape.area, rel=1e-14)


# In a browser -------------------------------------------------------------------------------


def asked(page: Any, explorer: Explorer) -> None:
    """The page shows the areas that in_area gives for the area in its link, and the link is enough."""
    page.get_by_role("heading", name="Antwoord voor het eigen vlak").wait_for()
    page.wait_for_url("**vlak=**")
    rest(page)
    code = page.url.split("vlak=")[1].split("&")[0]
    shape = own_area.area_of(code).geometry
    answer = explorer.in_area(shape, TODAY, activities=["geothermie"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download dit antwoord").click()
    told = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert told["region"]["kind"] == "vlak"
    assert told["region"]["area_m2"] == pytest.approx(answer.region.area_m2, rel=1e-12)
    mine = [item for item in told["answers"] if item["activity"] == "geothermie"][0]
    assert [part["area_m2"] for part in mine["areas"]] == pytest.approx([p.area_m2 for p in answer.answers[0].areas])
    again = page.context.new_page()
    again.goto(page.url)
    again.get_by_role("heading", name="Antwoord voor het eigen vlak").wait_for()
    again.close()


@pytest.mark.browser
def test_an_area_is_drawn_with_the_mouse(page: Any, server: Server, explorer: Explorer) -> None:
    page.goto(f"{server.url}/?gemeente=GM0193&activiteit=geothermie")
    inside = page.frame_locator(FRAME)
    inside.locator(".dgdo-tool-draw").click()
    panel = inside.get_by_role("group", name="Eigen vlak tekenen")
    done = panel.get_by_role("button", name="Vraag dit vlak")
    assert done.get_attribute("aria-disabled") == "true"
    for x, y in ((400, 220), (520, 240), (500, 360), (380, 340)):
        inside.locator("#map_div").click(position={"x": x, "y": y})
    assert "4 hoekpunten" in panel.inner_text()
    done.click()
    asked(page, explorer)
    page.frame_locator(FRAME).locator("[data-dgdo-loaded*='/vlak/']").wait_for()


@pytest.mark.browser
def test_an_area_is_drawn_with_the_keyboard(page: Any, server: Server, explorer: Explorer) -> None:
    page.goto(f"{server.url}/?gemeente=GM0193&activiteit=geothermie")
    inside = page.frame_locator(FRAME)
    inside.locator(".dgdo-tool-draw").focus()
    page.keyboard.press("Enter")
    panel = inside.get_by_role("group", name="Eigen vlak tekenen")
    box_of_map = inside.locator("#map_div")
    box_of_map.focus()
    for key in ("", "ArrowRight", "ArrowDown"):
        if key:
            page.keyboard.press(key)
            page.wait_for_timeout(600)
        page.keyboard.press("Enter")
    assert "3 hoekpunten" in panel.inner_text()
    panel.get_by_role("button", name="Vraag dit vlak").press("Enter")
    asked(page, explorer)


@pytest.mark.browser
def test_an_area_outside_the_country_is_said_beside_the_map(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/")
    inside = page.frame_locator(FRAME)
    inside.locator(".dgdo-tool-draw").click()
    for x, y in ((60, 400), (90, 400), (90, 440)):
        inside.locator("#map_div").click(position={"x": x, "y": y})
    inside.get_by_role("button", name="Vraag dit vlak").click()
    page.get_by_text("helemaal buiten het land van Nederland").wait_for()
    assert "vlak=" not in page.url


@pytest.mark.browser
def test_an_area_is_uploaded_on_the_page_gebied(page: Any, server: Server, tmp_path: Path) -> None:
    lonlat = gpd.GeoSeries([SQUARE], crs=28992).to_crs(4326)
    gpd.GeoDataFrame({"n": [1]}, geometry=lonlat).to_file(tmp_path / "vlak.geojson")
    page.goto(f"{server.url}/gebied?activiteit=geothermie")
    page.get_by_text("Eigen vlak: tekenen, uploaden of intypen").click()
    uploader = page.get_by_test_id("stFileUploader")
    uploader.get_by_role("button", name="Kies een bestand").wait_for()
    assert uploader.get_by_text("Upload", exact=True).count() == 0
    uploader.locator("input").set_input_files(tmp_path / "vlak.geojson")
    uploader.get_by_role("button", name="Haal weg").wait_for()
    page.get_by_role("button", name="Vraag dit bestand").click()
    page.get_by_role("heading", name="Oordeel en ondergrond in het eigen vlak").wait_for()
    page.get_by_text("Het eigen vlak (zelf aangegeven) is 6,00 km²").wait_for()
