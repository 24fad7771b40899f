"""The beginning of a recipe that `add --schrijf-recept` writes: certain things filled in, the rest to choose."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box
from typer.testing import CliRunner

from dgdo_geo import intake
from dgdo_geo.cli import app
from dgdo_geo.errors import DgdoGeoError

SAID = ("--bron", "Provincie (voorbeeld)", "--licentie", "CC0", "--datum", "2026-01-01", "--kwaliteit", "example")


def zones(folder: Path, values: list[str]) -> Path:
    path = folder / "zones.gpkg"
    shapes = [box(200_000 + 2000 * i, 500_000, 201_000 + 2000 * i, 501_000) for i in range(len(values))]
    names = [f"Zone {chr(65 + i)}" for i in range(len(values))]
    codes = [f"Z{i}" for i in range(len(values))]
    gpd.GeoDataFrame({"zone_code": codes, "naam": names, "soort": values}, geometry=shapes, crs=28992).to_file(path)
    return path


def draft(folder: Path, file: Path, *options: str) -> tuple[str, str]:
    """What is said, and what is written."""
    recipe = folder / "recept.toml"
    words = ["add", str(file), "--schrijf-recept", str(recipe), "--workspace", str(folder / "werkmap"), *options]
    said = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    return said, recipe.read_text(encoding="utf-8")


def test_what_is_certain_is_filled_in_and_the_recipe_can_be_replayed(tmp_path: Path) -> None:
    file = zones(tmp_path, ["WWG", "BVZ", "XYZ", "GWB"])
    said, written = draft(tmp_path, file, "--laag", "grondwaterbescherming", *SAID, "--nauwkeurigheid", "10")
    assert "Er is niets bewaard" in said
    assert not (tmp_path / "werkmap").exists()
    (entry,) = tomllib.loads(written)["layer"]
    assert entry["columns"]["id"] == "zone_code"
    assert entry["classes"]["columns"] == ["soort"]
    assert entry["classes"]["values"] == {"WWG": "waterwingebied", "GWB": "grondwaterbeschermingsgebied"}
    assert entry["declare"]["absence"] == "unknown"
    assert '# XYZ = ""  # 1 rijen; kies een klasse' in written
    # As it stands it is refused, naming the value that waits for a choice.
    with pytest.raises(DgdoGeoError) as caught:
        intake.run(intake.read_recipe(tmp_path / "recept.toml"), tmp_path / "werkmap")
    assert caught.value.key == "values_unmapped"
    edited = written.replace("# skip = []", 'skip = ["XYZ", "BVZ"]')
    (tmp_path / "recept.toml").write_text(edited, encoding="utf-8")
    (result,) = intake.run(intake.read_recipe(tmp_path / "recept.toml"), tmp_path / "werkmap")
    assert (result.report.kept, result.report.skipped) == (2, {"BVZ": 1, "XYZ": 1})


def test_a_table_without_a_layer_asks_for_what_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "punten.csv"
    file.write_text("nr;Oost;Noord\nA;200000;500000\nB;201000;500100\n", encoding="utf-8")
    _, written = draft(tmp_path, file, "--crs", "EPSG:28992")
    (entry,) = tomllib.loads(written)["layer"]
    assert entry == {
        "file": "punten.csv", "crs": "EPSG:28992", "read": {"x": "Oost", "y": "Noord"}, "columns": {"id": "nr"},
        "declare": {"absence": "unknown"},
    }  # fmt: skip
    for key in ("layer", "source", "licence", "reference_date", "quality", "accuracy_m", "family", "label_nl"):
        assert re.search(rf"^# {key} = ", written, re.MULTILINE), key
    assert '# geometry = "point"' in written


def test_values_of_a_file_cannot_leave_their_line(tmp_path: Path) -> None:
    nasty = ['a"\nlayer = "b', "]] # '''", "=HYPERLINK(1)", "\x1b[31m"]
    _, written = draft(tmp_path, zones(tmp_path, [*nasty, "WWG"]), "--laag", "grondwaterbescherming")
    data = tomllib.loads(written)
    assert [entry["layer"] for entry in data["layer"]] == ["grondwaterbescherming"]
    assert "\x1b" not in written
    for line in written.splitlines():
        assert not line.startswith("layer = ") or line == 'layer = "grondwaterbescherming"'


def test_a_recipe_is_never_overwritten_nor_drafted_from_a_recipe(tmp_path: Path) -> None:
    file = zones(tmp_path, ["WWG"])
    _, written = draft(tmp_path, file, "--laag", "grondwaterbescherming")
    recipe = tmp_path / "recept.toml"
    for source, key in ((file, "draft_exists"), (recipe, "draft_of_recipe")):
        with pytest.raises(DgdoGeoError) as caught:
            CliRunner().invoke(app, ["add", str(source), "--schrijf-recept", str(recipe)], catch_exceptions=False)
        assert caught.value.key == key
    assert recipe.read_text(encoding="utf-8") == written


@pytest.mark.parametrize("option", [("--crs", "EPSG:28992"), ("--nauwkeurigheid", "0"), ("--volledig",)])
def test_options_that_a_recipe_decides_are_refused_beside_it(tmp_path: Path, option: tuple[str, ...]) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("", encoding="utf-8")
    with pytest.raises(DgdoGeoError) as caught:
        CliRunner().invoke(app, ["add", str(recipe), *option], catch_exceptions=False)
    assert (caught.value.key, option[0] in caught.value.message_nl) == ("options_beside_recipe", True)


def test_a_refused_file_is_still_told_column_by_column(tmp_path: Path) -> None:
    file = zones(tmp_path, ["WWG", "QQQ"])
    words = [
        "add",
        str(file),
        "--laag",
        "grondwaterbescherming",
        "--klasse-kolom",
        "soort",
        *SAID,
        "--nauwkeurigheid",
        "5",
    ]
    done = CliRunner().invoke(app, [*words, "--workspace", str(tmp_path / "werkmap")])
    assert done.exit_code != 0
    assert "kolom soort: tekst, 2 verschillend" in done.stdout
    assert "‘WWG’ (1 rij) = waterwingebied" in done.stdout
