"""Recipes and files that would do harm further on: names that leave the folder, formulas, ten million vertices."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely
from typer.testing import CliRunner

from dgdo_geo import intake
from dgdo_geo.cli import app
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.query import open_explorer

SHAPE = "POLYGON((200000 500000,206000 500000,206000 506000,200000 506000,200000 500000))"
DECLARE = """
[layer.declare]
source = "=SOM(A1)"
licence = "-CC0"
reference_date = 2026-01-01
quality = "example"
accuracy_m = 10
absence = "unknown"
"""
OUTSIDE = ("../buiten.csv", "map/../../buiten.csv", "{folder}/buiten.csv", "..\\buiten.csv", "C:\\buiten.csv",
           "file:///buiten.csv", "http://127.0.0.1/buiten.csv", "/vsizip/buiten.zip")  # fmt: skip
HOLES = {
    # where a recipe names a file: TOML before [layer.declare]
    "file": 'file = {name}\n[layer.read]\nwkt = "wkt"\n',
    "join": 'file = "binnen.csv"\n[layer.read]\nwkt = "wkt"\njoin = {{ file = {name}, on = "code", to = "code" }}\n',
    "grid": 'file = "binnen.csv"\n[layer.grid]\nfile = {name}\nvalues = {{ 1 = "natura2000" }}\n',
    "mask": 'file = "binnen.csv"\n[layer.read]\nwkt = "wkt"\n[layer.density]\nmask = {name}\nthresholds = [1]\n'
    'classes = ["laag", "hoog"]\n',
}


def table(path: Path, *rows: tuple[str, str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("code", "naam", "wkt"), *rows])
    return path


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("hole", HOLES)
def test_a_recipe_reads_nothing_outside_its_folder(tmp_path: Path, hole: str, name: str) -> None:
    folder = tmp_path / "recept"
    folder.mkdir()
    line = "LINESTRING(200000 500000, 201000 500000)" if hole == "mask" else SHAPE
    # What the name points at is there and right: nothing but the rule on names refuses it.
    table(tmp_path / "buiten.csv", ("A", "secret", SHAPE))
    table(folder / "binnen.csv", ("A", "a", line))
    wanted = repr(name.format(folder=tmp_path))
    layer = "netwerkdichtheid" if hole == "mask" else "natura2000"
    text = f'[[layer]]\nlayer = "{layer}"\ncrs = "EPSG:28992"\n{HOLES[hole].format(name=wanted)}{DECLARE}'
    (folder / "recept.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DgdoGeoError) as caught:
        intake.run(intake.read_recipe(folder / "recept.toml"), tmp_path / "werkmap", save=True)
    assert caught.value.key in ("recipe_path", "grid_file_outside")
    assert "secret" not in caught.value.message_nl
    assert not (tmp_path / "werkmap" / "layers").exists()


def test_formulas_in_a_file_stay_text_up_to_the_exports(tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://example.org";"klik")'
    table(tmp_path / "n.csv", ("=1+1", formula, SHAPE))
    recipe = (
        '[[layer]]\nlayer = "natura2000"\nfile = "n.csv"\ncrs = "EPSG:28992"\n[layer.read]\nwkt = "wkt"\n'
        f'[layer.columns]\nid = "code"\nname = "naam"\n{DECLARE}'
    )
    (tmp_path / "recept.toml").write_text(recipe, encoding="utf-8")
    workspace = ("--workspace", str(tmp_path / "werkmap"))
    add = ["add", str(tmp_path / "recept.toml"), "--opslaan", "--zonder-vergelijking"]
    assert CliRunner().invoke(app, [*add, *workspace], catch_exceptions=False).exit_code == 0
    kept = open_explorer(tmp_path / "werkmap").layer("natura2000").to_gdf()
    assert kept[["feature_id", "name"]].to_numpy().tolist() == [["=1+1", formula]]
    words = ["report", "--gemeente", "Zwolle", "--activiteit", "geothermie", "--formaat", "csv,xlsx"]
    out = tmp_path / "uit"
    done = CliRunner().invoke(app, [*words, "--uit", str(out), *workspace], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(next(out.glob("*.xlsx")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert "=SOM(A1)" in {cell.value for cell in cells}
    with zipfile.ZipFile(next(out.glob("*.csv.zip"))) as archive:
        texts = [archive.read(name).decode("utf-8-sig") for name in archive.namelist() if name.endswith(".csv")]
    rows = [row for text in texts for row in csv.reader(io.StringIO(text))]
    assert [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))] == []
    assert any("'=SOM(A1)" in row for row in rows)


READ = """
import sys
from pathlib import Path
from dgdo_geo.errors import InputError
from dgdo_geo.sources.files import read_file
try:
    print(len(read_file(Path(sys.argv[1]))))
except InputError as error:
    print(error.key)
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of the memory is told by Linux")
@pytest.mark.parametrize(("lines", "said"), [(100, "100"), (101, "too_many_vertices")])
def test_ten_million_vertices_take_bounded_memory(tmp_path: Path, lines: int, said: str) -> None:
    """Ten million are read; a line more is refused. A vertex takes 16 bytes, so one copy is 160 MB."""
    steps = np.arange(100_000)
    xy = np.column_stack([200_000 + steps * 0.1, 500_000 + np.sin(steps)])
    shapes = [shapely.LineString(xy + [0, i]) for i in range(lines)]
    path = tmp_path / "veel.gpkg"
    gpd.GeoDataFrame(geometry=shapes, crs=28992).to_file(path)
    words = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    answer, peak_mb = done.stdout.split()
    assert answer == said
    assert int(peak_mb) < 1500
