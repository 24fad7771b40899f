"""Loading one's own files: dry run, repairs in words, refusals, nothing half written."""

from __future__ import annotations

import json
import sys
from datetime import date

import geopandas as gpd
import pytest
from shapely import LineString, MultiPoint, Point, Polygon, box
from shapely.geometry import mapping

from dgdo_geo import cli, intake, store
from dgdo_geo.catalogue import read_layer
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.model import LayerClass
from dgdo_geo.query import open_explorer

DETAILS = {
    "source": "Provincie Overijssel (voorbeeld)", "licence": "CC0-1.0", "reference_date": date(2026, 1, 1),
    "quality": "official", "accuracy_m": 10.0, "complete": True,
}  # fmt: skip
SQUARE = box(200_000, 500_000, 202_000, 501_000)


def recipe(path, **changes):
    options = {
        "layer": "natura2000", "crs": None, "class_id": None, "class_column": None, "values": [],
        "name_column": None, "id_column": None, **DETAILS, **changes,
    }  # fmt: skip
    return intake.recipe_from_options(path, **options)


def write(folder, name, geometry, crs=28992, **columns):
    path = folder / name
    gpd.GeoDataFrame(columns or {"id": range(len(geometry))}, geometry=geometry, crs=crs).to_file(path)
    return path


def refused(path, workspace, **changes) -> InputError:
    with pytest.raises(DgdoGeoError) as caught:
        intake.run(recipe(path, **changes), workspace, save=True)
    assert not (workspace / "layers").exists()
    return caught.value


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "werkmap"


def test_a_dry_run_writes_nothing_and_tells_what_it_read(tmp_path, workspace):
    path = write(tmp_path, "n2000.gpkg", [SQUARE, box(203_000, 500_000, 204_000, 501_000)])
    (result,) = intake.run(recipe(path), workspace)
    assert not workspace.exists()
    assert (result.report.read, result.report.kept, result.report.repaired) == (2, 2, 0)
    assert result.report.classes == {"natura2000": 2}
    assert "2 van 2 objecten" in result.describe_nl()


def test_a_saved_layer_answers_the_rules_that_wait_for_it(tmp_path, workspace):
    path = write(tmp_path, "n2000.gpkg", [SQUARE])
    before = open_explorer(tmp_path / "leeg", create=True).at_point(201_000, 500_500)
    intake.run(recipe(path), workspace, save=True)
    explorer = open_explorer(workspace)
    inside, outside = explorer.at_point(201_000, 500_500), explorer.at_point(201_000, 501_500)

    def state(answer):
        (found,) = [a for a in answer.answers if a.activity.id == "geothermie"]
        if any(c.rule.id == "r19-natura2000-terrein" for c in found.constraints):
            return "fires"
        return "clear" if any(r.id == "r19-natura2000-terrein" for r in found.clear) else "unanswered"

    assert (state(before), state(inside), state(outside)) == ("unanswered", "fires", "clear")


def test_the_frame_that_answers_rest_on_is_the_one_that_was_loaded(tmp_path, workspace):
    path = write(tmp_path, "n2000.gpkg", [SQUARE], naam=["Vecht"], code=["NL1"])
    intake.run(recipe(path, name_column="naam", id_column="code"), workspace, save=True)
    frame = open_explorer(workspace).layer("natura2000").to_gdf()
    assert frame[["feature_id", "name", "class"]].to_numpy().tolist() == [["NL1", "Vecht", "natura2000"]]
    assert frame.geometry.iloc[0].equals(SQUARE)


def test_longitude_and_latitude_are_transformed_and_the_operation_is_named(tmp_path, workspace):
    path = tmp_path / "n2000.geojson"
    gpd.GeoDataFrame(geometry=[SQUARE], crs=28992).to_crs(4326).to_file(path)
    (result,) = intake.run(recipe(path), workspace)
    assert result.frame.geometry.iloc[0].hausdorff_distance(SQUARE) < 0.5
    assert result.report.operation
    assert result.report.operation_accuracy_m is not None


def test_a_broken_polygon_is_repaired_and_counted(tmp_path, workspace):
    bow_tie = Polygon([(200_000, 500_000), (202_000, 502_000), (202_000, 500_000), (200_000, 502_000)])
    path = write(tmp_path, "vlinder.gpkg", [bow_tie, SQUARE])
    (result,) = intake.run(recipe(path), workspace)
    assert result.report.repaired == 1
    assert result.frame.geometry.is_valid.all()
    assert result.frame.geometry.iloc[0].area == pytest.approx(2e6)


def test_a_feature_abroad_is_left_out_and_counted(tmp_path, workspace):
    path = write(tmp_path, "n2000.gpkg", [SQUARE, box(600_000, 500_000, 601_000, 501_000)])
    (result,) = intake.run(recipe(path), workspace)
    assert (result.report.kept, result.report.outside) == (1, 1)


def test_values_are_translated_and_the_left_out_ones_are_counted(tmp_path, workspace):
    path = write(tmp_path, "zones.gpkg", [SQUARE] * 3, soort=["WWG", "GWB", "WWG"])
    asked = recipe(
        path, layer="grondwaterbescherming", class_column="soort",
        values=["WWG=waterwingebied", "GWB=grondwaterbeschermingsgebied"],
    )  # fmt: skip
    (result,) = intake.run(asked, workspace)
    assert result.report.classes == {"grondwaterbeschermingsgebied": 1, "waterwingebied": 2}


def test_a_value_without_translation_is_refused_with_its_name(tmp_path, workspace):
    path = write(tmp_path, "zones.gpkg", [SQUARE] * 2, soort=["WWG", "XYZ"])
    error = refused(path, workspace, layer="grondwaterbescherming", class_column="soort", values=["WWG=waterwingebied"])
    assert error.key == "values_unmapped"
    assert "‘XYZ’" in error.message_nl


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("leeg.geojson", "", "file_empty"),
        ("kapot.geojson", '{"type": "FeatureCollection", "features": [', "file_unreadable"),
        ("kapot.gpkg", "dit is geen geopackage", "file_unreadable"),
        ("niets.geojson", '{"type": "FeatureCollection", "features": []}', "file_no_features"),
        ("tabel.csv", "a,b\n1,2\n", "csv_no_columns"),
    ],
)
def test_an_unusable_file_is_refused(tmp_path, workspace, name, content, key):
    path = tmp_path / name
    path.write_text(content)
    error = refused(path, workspace)
    assert error.key in (key, "file_no_geometry")
    assert name in error.message_nl
    assert error.exit_code == 2


def test_a_truncated_geopackage_is_refused(tmp_path, workspace):
    path = write(tmp_path, "heel.gpkg", [SQUARE] * 500)
    half = tmp_path / "half.gpkg"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert refused(half, workspace).exit_code == 2


@pytest.mark.parametrize(
    ("geometry", "key"),
    [
        ([Point(200_000, 500_000)], "geometry_kind"),
        ([LineString([(200_000, 500_000), (201_000, 501_000)])], "geometry_kind"),
        ([MultiPoint([(200_000, 500_000), (201_000, 501_000)])], "geometry_kind"),
    ],
)
def test_geometry_of_another_kind_is_refused(tmp_path, workspace, geometry, key):
    error = refused(write(tmp_path, "punten.gpkg", geometry), workspace)
    assert error.key == key
    assert "polygon" in error.message_nl


def test_a_file_without_crs_is_refused_with_a_guess(tmp_path, workspace):
    error = refused(write(tmp_path, "zonder.shp", [SQUARE], crs=None), workspace)
    assert error.key == "crs_missing"
    assert "EPSG:28992" in error.message_nl
    (result,) = intake.run(recipe(tmp_path / "zonder.shp", crs="EPSG:28992"), workspace)
    assert result.report.crs_declared == ""


def test_rd_metres_tagged_as_degrees_are_refused(tmp_path, workspace):
    path = write(tmp_path, "graden.gpkg", [SQUARE], crs=4326)
    error = refused(path, workspace)
    assert error.key == "crs_impossible"
    assert "EPSG:28992" in error.message_nl


def test_everything_abroad_points_to_a_wrong_crs(tmp_path, workspace):
    error = refused(write(tmp_path, "duits.gpkg", [SQUARE], crs=25832), workspace)
    assert error.key == "file_outside"


def test_the_old_datum_is_doubted_when_there_is_nothing_to_compare_with(tmp_path, workspace):
    path = tmp_path / "zones.gpkg"
    frame = gpd.GeoDataFrame(geometry=[SQUARE], crs=28992).to_crs(4326).set_crs(4289, allow_override=True)
    frame.to_file(path)
    assert refused(path, workspace).key == "crs_doubtful"
    (result,) = intake.run(recipe(path, crs="EPSG:4326"), workspace)
    assert "EPSG:4289" in result.describe_nl()


def test_ids_must_be_unique_when_a_column_is_named(tmp_path, workspace):
    path = write(tmp_path, "dubbel.gpkg", [SQUARE, SQUARE], code=["a", "a"])
    assert refused(path, workspace, id_column="code").key == "ids_not_unique"


@pytest.mark.parametrize("gone", ["source", "licence", "reference_date", "quality", "accuracy_m", "layer"])
def test_a_file_without_provenance_is_refused(tmp_path, gone):
    with pytest.raises(InputError) as caught:
        recipe(tmp_path / "x.gpkg", **{gone: None})
    assert caught.value.key == "options_missing"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("layer = 3", "recipe_wrong"),
        ("[[layer]]\nlayer = 'natura2000'", "recipe_wrong"),
        ("[[lagen]]\nlayer = 'natura2000'", "recipe_wrong"),
        ("[[layer]", "declaration_unreadable"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_name(tmp_path, content, key):
    path = tmp_path / "recept.toml"
    path.write_text(content)
    with pytest.raises(DgdoGeoError) as caught:
        intake.read_recipe(path)
    assert caught.value.key == key
    assert "recept.toml" in caught.value.message_nl


def test_when_the_second_layer_of_a_recipe_is_wrong_the_first_is_not_written(tmp_path, workspace):
    good = recipe(write(tmp_path, "goed.gpkg", [SQUARE])).layers[0]
    bad = recipe(write(tmp_path, "fout.gpkg", [Point(200_000, 500_000)])).layers[0]
    with pytest.raises(InputError):
        intake.run(intake.Recipe((good, bad), tmp_path), workspace, save=True)
    assert not (workspace / "layers").exists()


def test_a_failing_replacement_leaves_the_old_layer_whole(tmp_path, workspace, monkeypatch):
    intake.run(recipe(write(tmp_path, "oud.gpkg", [SQUARE])), workspace, save=True)
    before = sorted(p.relative_to(workspace).as_posix() for p in workspace.rglob("*") if p.is_file())

    def full_disk(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_atomic", full_disk)
    with pytest.raises(DgdoGeoError) as caught:
        intake.run(recipe(write(tmp_path, "nieuw.gpkg", [SQUARE.buffer(500)])), workspace, save=True)
    assert caught.value.key == "workspace_not_writable"
    monkeypatch.undo()
    frame = open_explorer(workspace).layer("natura2000").to_gdf()
    assert frame.geometry.iloc[0].equals(SQUARE)
    assert set(before) <= {p.relative_to(workspace).as_posix() for p in workspace.rglob("*") if p.is_file()}


def test_csv_with_coordinates_needs_a_recipe_and_names_the_bad_line(tmp_path, workspace):
    (tmp_path / "bevingen.csv").write_text("lon;lat;plaats\n6.5;53.2;Loppersum\nx;53.3;Zeerijp\n")
    item = {
        "layer": "bevingen_knmi", "file": "bevingen.csv", "crs": "EPSG:4326",
        "read": {"x": "lon", "y": "lat", "separator": ";"}, "classes": {"fixed": "geinduceerd"},
        "declare": {
            "source": "s", "licence": "l", "reference_date": date(2026, 1, 1), "quality": "official",
            "accuracy_m": 1000, "absence": "unknown",
        },
    }  # fmt: skip
    asked = intake.Recipe((intake.RecipeLayer.model_validate(item),), tmp_path)
    with pytest.raises(InputError) as caught:
        intake.run(asked, workspace)
    assert "regel 3" in caught.value.message_nl
    (tmp_path / "bevingen.csv").write_text("lon;lat;plaats\n6.5;53.2;Loppersum\n6.6;53.3;Zeerijp\n")
    (result,) = intake.run(asked, workspace)
    assert result.report.kept == 2


def test_the_command_says_that_a_dry_run_saved_nothing(tmp_path, monkeypatch, capsys):
    path = write(tmp_path, "n2000.gpkg", [SQUARE])
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path / "werkmap"))
    options = "--laag natura2000 --bron x --licentie CC0 --datum 2026-01-01 --kwaliteit official --nauwkeurigheid 10"
    for extra, message, exists in (([], "niets bewaard", False), (["--opslaan"], "Bewaard", True)):
        monkeypatch.setattr(sys, "argv", ["dgdo-geo", "add", str(path), *options.split(), *extra])
        try:
            cli.main()
        except SystemExit as stop:
            assert not stop.code
        assert message in capsys.readouterr().out
        assert (tmp_path / "werkmap").exists() is exists


@pytest.mark.parametrize("accuracy", [float("inf"), float("nan"), -1.0])
def test_an_accuracy_that_is_none_is_refused(tmp_path, accuracy):
    with pytest.raises(DgdoGeoError) as caught:
        intake.run(recipe(write(tmp_path, "n2000.gpkg", [SQUARE]), accuracy_m=accuracy), tmp_path / "werkmap")
    assert "accuracy_m" in str(caught.value)


def test_columns_with_our_names_and_with_lists_are_kept_under_another_name(tmp_path, workspace):
    path = tmp_path / "n2000.geojson"
    square = gpd.GeoSeries([SQUARE], crs=28992).to_crs(4326).iloc[0]
    feature = {
        "type": "Feature",
        "geometry": mapping(square),
        "properties": {"name": "a", "source_name": "b", "x": [1]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    intake.run(recipe(path, name_column="name"), workspace, save=True)
    frame = open_explorer(workspace).layer("natura2000").to_gdf()
    assert frame["name"].tolist() == ["a"]
    assert {"source_name", "source_name_2"} <= set(frame.columns)


def test_when_the_second_product_cannot_be_written_no_layer_changes(tmp_path, workspace, monkeypatch):
    good = recipe(write(tmp_path, "goed.gpkg", [SQUARE])).layers[0]
    other = recipe(write(tmp_path, "ook.gpkg", [SQUARE]), layer="waddenzee").layers[0]
    staged = []

    def second_fails(workspace, layer, frame):
        staged.append(layer.id)
        if len(staged) == 2:
            raise OSError(28, "No space left on device")
        return real(workspace, layer, frame)

    real = store._stage_product
    monkeypatch.setattr(store, "_stage_product", second_fails)
    with pytest.raises(DgdoGeoError):
        intake.run(intake.Recipe((good, other), tmp_path), workspace, save=True)
    assert staged == ["natura2000", "waddenzee"]
    assert not list(workspace.glob("layers/*/*/layer.toml"))


def test_complete_for_one_class_clears_no_rule_on_another(tmp_path, workspace):
    path = write(tmp_path, "wwg.gpkg", [SQUARE])
    intake.run(recipe(path, layer="grondwaterbescherming", class_id="waterwingebied"), workspace, save=True)
    (found,) = open_explorer(workspace).at_point(190_000, 520_000, activities=["geothermie"]).answers
    clear = {r.id for r in found.clear}
    assert "r01-waterwingebied" in clear
    assert "r02-grondwaterbeschermingsgebied" not in clear
    assert "r02-grondwaterbeschermingsgebied" in {u.rule.id for u in found.unanswered}


def test_municipalities_of_one_province_give_no_totals_of_another(tmp_path, workspace):
    start = open_explorer(tmp_path / "leeg", create=True)
    few = start.layer("gemeenten").to_gdf().query("province == 'PV20'")[["feature_id", "name", "province", "geometry"]]
    path = tmp_path / "groningen.gpkg"
    few.rename(columns={"feature_id": "code", "name": "naam", "province": "prov"}).to_file(path)
    item = recipe(path, layer="gemeenten", id_column="code", name_column="naam").layers[0]
    columns = item.columns.model_copy(update={"extra": {"province": "prov"}})
    intake.run(intake.Recipe((item.model_copy(update={"columns": columns}),), tmp_path), workspace, save=True)
    explorer = open_explorer(workspace)
    assert explorer.for_region("PV20", activities=["geothermie"]).region.area_m2 > 2e9
    for wanted in ("NL", "PV23", "Oost"):
        with pytest.raises(DgdoGeoError) as caught:
            explorer.for_region(wanted, activities=["geothermie"])
        assert caught.value.key == "boundaries_incomplete"
    with pytest.raises(DgdoGeoError) as caught:
        explorer.at_point(203_500, 503_000)
    assert caught.value.key == "municipality_not_loaded"


def test_a_layer_with_other_classes_than_the_rules_expect_is_unreadable(tmp_path, workspace):
    intake.run(recipe(write(tmp_path, "n2000.gpkg", [SQUARE])), workspace, save=True)
    (path,) = workspace.glob("layers/*/natura2000/layer.toml")
    product = next(path.parent.glob("*.parquet"))
    gpd.read_parquet(product).assign(**{"class": "anders"}).to_parquet(product)
    changed = {"classes": (LayerClass(id="anders", label_nl="Anders"),), "sha256": store.file_hash(product)}
    path.write_text(store.layer_toml(read_layer(path).model_copy(update=changed)))
    state = open_explorer(workspace).states["natura2000"]
    assert state.status == "unreadable"
    assert "past niet bij regel" in state.detail_nl


def test_a_file_of_another_source_does_not_keep_the_owner_and_address_of_the_shipped_one(tmp_path, workspace):
    path = write(tmp_path, "n2000.gpkg", [SQUARE])
    shipped = store.open_workspace(workspace, missing_ok=True).entries["natura2000"].layer
    assert shipped.source_url and shipped.owner != DETAILS["source"]
    (other,) = intake.run(recipe(path), workspace)
    assert (other.layer.owner, other.layer.source_url) == (DETAILS["source"], "")
    (same,) = intake.run(recipe(path, source=shipped.source), workspace)
    assert (same.layer.owner, same.layer.source_url) == (shipped.owner, shipped.source_url)
    (named,) = intake.run(recipe(path, source_url="https://voorbeeld.nl/n2000"), workspace)
    assert named.layer.source_url == "https://voorbeeld.nl/n2000"
