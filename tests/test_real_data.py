"""Real files: loaded with the one command of the docs, answered, and compared with a plain overlay."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from dgdo_geo import intake
from dgdo_geo.errors import InputError
from dgdo_geo.model import Presence
from dgdo_geo.query import open_explorer

pytestmark = pytest.mark.real_data

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "docs" / "recipes" / "real-data.toml"
ON = date(2026, 11, 23)
LICENCES = "mijnbouwvergunningen"


@pytest.fixture(scope="module")
def loaded(real_data, tmp_path_factory):
    """A workspace made by the command that the recipe names."""
    workspace = tmp_path_factory.mktemp("echt") / "werkmap"
    done = subprocess.run(
        [sys.executable, "-m", "dgdo_geo.cli", "add", str(RECIPE), "--bronmap", str(real_data), "--opslaan",
         "--workspace", str(workspace)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return workspace, done.stdout


@pytest.fixture(scope="module")
def real(loaded):
    return open_explorer(loaded[0])


def test_the_report_says_what_was_changed_on_the_way(loaded):
    report = loaded[1]
    for words in ("gemeenten: 342 van 342", "noemt EPSG:4289", "breuken_groningen: 1037 van 1037", "EXP|CO2 (15)"):
        assert words in report
    assert "bevingen_knmi: 1394 van 1396" in report
    assert "gasleidingen: 38 van 39" in report


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("admin/gemeenten_342_met_provincie_veiligheidsregio.geojson", ("gemeenteCode", "gemeenteNaam")),
        ("admin/provincies_generalised.geojson", ("provincieCode", "provincie")),
    ],
)
def test_the_wrong_crs_tag_is_refused_with_the_measured_distances(real_data, tmp_path, name, columns):
    layer = "gemeenten" if "gemeenten" in name else "provincies"
    recipe = intake.recipe_from_options(
        real_data / name, layer=layer, crs=None, class_id=None, class_column=None, values=[], id_column=columns[0],
        name_column=columns[1], source="x", licence="x", reference_date=ON, quality="generalised", accuracy_m=100.0,
        complete=True,
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        intake.run(recipe, tmp_path / "werkmap", save=True)
    assert caught.value.key == "crs_wrong_tag"
    assert float(str(caught.value.values["other"])) < 0.6 * float(str(caught.value.values["declared"]))
    assert "--crs EPSG:4326" in caught.value.message_nl
    assert not (tmp_path / "werkmap" / "layers").exists()


@pytest.mark.parametrize("province", ["PV20", "PV26"])
def test_areas_per_licence_type_agree_with_a_plain_overlay(real, province):
    codes = real.regions.municipality_codes(real.regions.find(province_kind(), province))
    evidence = real.overlay.evidence(codes)
    rows_of = np.repeat(np.arange(len(codes)), [len(real.overlay.evidence([c])) for c in codes])
    licences = real.layer(LICENCES).to_gdf()
    municipalities = real.regions.municipalities.loc[codes, ["geometry"]].reset_index()
    compared = 0
    for class_id in sorted(set(licences["class"])):
        merged = licences[licences["class"] == class_id].dissolve()[["geometry"]]
        plain = gpd.overlay(municipalities, merged, how="intersection")
        wanted = plain.assign(area=plain.area).groupby(municipalities.columns[0])["area"].sum()
        columns = [
            i for i, k in enumerate(evidence.keys) if (k.layer, k.class_id, k.within_m) == (LICENCES, class_id, 0)
        ]
        assert columns
        is_in = (evidence.presence[:, columns] >= Presence.RIM).any(axis=1)
        for i, code in enumerate(codes):
            found = evidence.area_m2[is_in & (rows_of == i)].sum()
            expected = wanted.get(code, 0.0)
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-2), (code, class_id)
            compared += expected > 0
    assert compared > 10


def province_kind():
    from dgdo_geo.model import RegionKind

    return RegionKind.PROVINCE


@pytest.mark.parametrize(("province", "number"), [("PV20", 10), ("PV26", 26)])
def test_every_municipality_is_answered_and_rests_on_the_licences(real, province, number):
    codes = real.regions.municipality_codes(real.regions.find(province_kind(), province))
    assert len(codes) == number
    fired, clear = set(), set()
    for code in codes:
        answer = real.for_region(code, ON, activities=["geothermie", "gaswinning", "zoutwinning", "h2_caverne", "hto"])
        for item in answer.answers:
            assert sum(part.share for part in item.areas) == pytest.approx(1.0, rel=1e-9)
            fired |= {c.layer.id for c in item.constraints if c.layer is not None}
            clear |= {rule.layer for rule in item.clear}
            assert LICENCES not in {u.layer.id for u in item.unanswered if u.layer and u.cause == "not_loaded"}
    assert LICENCES in fired
    assert LICENCES in clear
    if province == "PV20":
        assert {"breuken_groningen", "bevingen_knmi"} <= fired


def test_the_receipt_names_the_loaded_files_and_their_dates(real):
    answer = real.for_region("GM0014", ON, activities=["geothermie"]).to_dict()
    layers = {layer["id"]: layer for layer in answer["receipt"]["layers"]}
    assert layers[LICENCES]["date"] == "2026-01-01"
    assert layers[LICENCES]["quality"] == "official"
    assert layers["gemeenten"]["source"].startswith("CBS")
    assert len(layers[LICENCES]["hash"]) == 64
