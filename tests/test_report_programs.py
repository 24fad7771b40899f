"""Reports opened by the programs that people open them with: QGIS and LibreOffice, where they are installed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.report.making import Asked, Made, make
from dgdo_geo.texts import section

ZEEWOLDE = Asked(RegionKind.MUNICIPALITY, "GM0050", activities=("geothermie", "hto"))
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def made(explorer: Explorer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(explorer, ZEEWOLDE, ["gpkg", "xlsx"], tmp_path_factory.mktemp("rapport"))


def the_file(made: Made, suffix: str) -> Path:
    (path,) = (path for path, _ in made.files if path.suffix == suffix)
    return path


def has_qgis() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    asked = [SYSTEM_PYTHON, "-c", "import qgis.core"]
    return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0


def test_qgis_draws_every_layer_with_its_own_style(made: Made, tmp_path: Path) -> None:
    if not has_qgis():
        pytest.skip("QGIS is not installed (Debian: python3-qgis)")
    path = the_file(made, ".gpkg")
    names = [str(name) for name, _ in pyogrio.list_layers(path)]
    done = subprocess.run(
        [SYSTEM_PYTHON, str(Path(__file__).with_name("qgis_layers.py")), str(path), *names],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)},
    )
    assert "warning" not in done.stderr.casefold(), done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(names)
    assert all(item["valid"] for item in found.values())
    verdicts = set(section("verdict").values())
    drawn = {name: item for name, item in found.items() if name.startswith(("oordeel_", "kaart_", "potentie_"))}
    assert len(drawn) == 9  # three for each depth
    for name, item in drawn.items():
        assert item["spatial"] and item["style"] and item["crs"] == "EPSG:28992", name
        assert item["count"] == len(gpd.read_file(path, layer=name)) > 0
        if not name.startswith("potentie_"):
            assert set(item["labels"]) == verdicts, name


def test_libreoffice_reads_the_same_cells(made: Made, tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-calc)")
    # Every sheet as text, with the values as they are and not as they are shown.
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", form, "--outdir", str(tmp_path), str(the_file(made, ".xlsx"))],
        capture_output=True,
        check=True,
        timeout=120,
    )
    sheets = {
        path.stem.removeprefix(f"{made.stem}-"): path.read_text(encoding="utf-8") for path in tmp_path.glob("*.csv")
    }
    assert len(sheets) > 8
    for name, text in sheets.items():
        assert not any(wrong in text for wrong in ("#NAME?", "#REF!", "#VALUE!", "Err:5")), name
    rows = list(csv.reader(sheets["potentie_oordeel"].splitlines()))
    (head,) = (number for number, row in enumerate(rows) if row[0].startswith("Gebied (code)"))
    column = next(i for i, title in enumerate(rows[head]) if title.endswith("(m²)") or title.endswith("(km²)"))
    unit = 1e6 if rows[head][column].endswith("(km²)") else 1.0
    band = [i for i, title in enumerate(rows[head]) if title.startswith(("Activiteit (id)", "Van"))]
    areas: dict[tuple[str, ...], float] = {}
    for row in rows[head + 1 :]:
        if row[0] == "GM0050":
            key = tuple(row[i] for i in band)
            areas[key] = areas.get(key, 0.0) + float(row[column]) * unit
    whole = gpd.read_file(the_file(made, ".gpkg"), layer="combinaties").area.sum()
    assert len(areas) == 3
    assert list(areas.values()) == pytest.approx([whole] * 3, rel=1e-6)
