"""Every real file loads with the command of docs/real-files.md, and each of its traps is told in words."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dgdo_geo import intake
from dgdo_geo.cli import app
from dgdo_geo.errors import InputError
from dgdo_geo.query import open_explorer
from dgdo_geo.texts import number_nl

pytestmark = pytest.mark.real_data

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "docs" / "recipes"
ROW = re.compile(r"^\| `([^`]+)` \| `(dgdo-geo add [^`]+)` \| (.+) \|$", re.MULTILINE)
NUMBER_OF_FILES = 30

NO_CRS = "(in het bestand: niet genoemd)"
SEA = "objecten liggen buiten de rechthoek rond het land"
TOLD: dict[str, tuple[str, ...]] = {
    # layer of a recipe: what the dry run must say, apart from the number of rows
    "boundaries gemeenten_cbs": (
        "342 objecten uit 343 rijen", "zonder rijen met gemeentecode: GM0998", "hersteld: 5 ", "GM0303",
        "342 van 342",
    ),
    "data gemeenten": (
        "EPSG:4326 (in het bestand: EPSG:4289)", "115 m", "veiligheidsRegioNaam (342)", "Provincie (10)", "hersteld: 6",
        "GM0293", "niet nauwkeuriger dan",
    ),
    "data provincies": ("EPSG:4326 (in het bestand: EPSG:4289)", "provincie (1)", "12 van 12"),
    "boundaries provincies": ("41.543 km²", "Bevat het bestand ook zee", "EPSG:28992 (in het bestand: EPSG:28992)"),
    "boundaries gemeenten_topo": (NO_CRS, "hersteld: 1 ", "342 van 342", "lengte- en breedtegraden"),
    "boundaries veiligheidsregios": (NO_CRS, "hersteld: 1 ", "25 van 25"),
    "boundaries landsgrens": (NO_CRS, "hersteld: 1 ", "1 van 1"),
    "data mijnbouwvergunningen": (
        "395 objecten uit 438 rijen", "alleen rijen met licence_st: EFFECTIVE of", 'part_of = "licence_cd"',
        "buiten Nederland: 88", "dubbele geometrie: 13", "EXP|CO2 (15)",
    ),
    "mining boorgaten_diep": (
        "precies 3.000 rijen", "de grens van een dienst", "ED50 of UTM 31): COORDINATE", "FIELD_NAME (1820)",
        "Observation (25)", "aardwarmte (44)", "zout (281)", "gasopslag (16)", SEA,
    ),
    "mining mijnbouwblokken": ("176 van 176", "provincies: geen", "Geen regel spreekt"),
    "mining groningenveld": (NO_CRS, "alle punten samen zijn één vlak", "1 van 1"),
    "mining velden_gem": (NO_CRS, "164 objecten uit 7.396 rijen", "country/area: Netherlands", SEA, "leeg in alle rijen"),
    "data bevingen_knmi": (NO_CRS, "afgerond op 111 m", "buiten Nederland: 2", "1394 van 1396", "dubbele geometrie: 52"),
    "geology bevingen_groningen": (NO_CRS, "1474 van 1474", "‘??’"),
    "geology veldcontour_knmi": (NO_CRS, "uit 44 rijen", "één vlak"),
    "data breuken_groningen": (NO_CRS, "1037 van 1037", "dezelfde waarde in Fault samen zijn één lijn", "op 1,0 m"),
    "geology breuken_groningen": (NO_CRS, "325 van 325", "kilometers in RD"),
    "geology breuken": ("15 van 15", "1 : 4.200.000"),
    "mining zoutcavernes_h2": ("31 van 119", "buiten Nederland: 88", SEA),
    "geology rotliegend_dikte": (NO_CRS, "cellen van 500 bij 500: 8316", "zonder: 2503", "dik (3902)"),
    "geology geologische_zones_groningen": ("162 van 162", "hersteld: 4 ", "2825", "ESRI Shapefile"),
    "geology geotop_lithologie": (NO_CRS, "zuidwesthoeken", "van zuid naar noord", "het bestand zelf zegt dat niet"),
    "geology boringen_lagen_noordzee": (
        "ED50 of UTM 31): X_TOP_UTM31_ED50, Y_TOP_UTM31_ED50", "X_TOP_UTM31_WGS84", "delen van 3 gehelen", SEA,
    ),
    "geology thermogis_utrecht": (NO_CRS, "Op blad BLT-01", "de naam van een ander blad: PKP-01", "4 van 4"),
    "geology lagen_utrecht": ("heeft geen coördinaten", "158 van 158", "delen van 4 gehelen", "leeg in alle rijen"),
    "geology chloride_hondsbossche": (NO_CRS, "zelf noemt geen stelsel", "zout (190)"),
    "data gasleidingen": (
        NO_CRS, "39 objecten uit 4.899 rijen", "38 van 39", "buiten Nederland: 1", "dubbele geometrie: 2", "2.580 m",
    ),
    "networks gasleidingen": (NO_CRS, "135 objecten uit 5.146 rijen", "lijsten van graden"),
    "networks gasnet_igginl": (NO_CRS, "107 objecten uit 2.136 rijen", "dubbele geometrie: 40"),
    "networks hoogspanning_osm": ("voltage: tekst, 59 verschillend, 557 leeg", "dubbele geometrie: 50"),
    "networks stations_osm": ("1029 van 1030", "buiten Nederland: 1"),
    "networks hoogspanning_osm_kern": ("124 van 124", "dubbele geometrie: 21"),
    "networks stations_osm_kern": ("91 van 91", "leeg in alle rijen"),
}  # fmt: skip
NEVER = {
    # what would be a false alarm
    "geology bevingen_groningen": ("ED50",),
    "geology thermogis_utrecht": ("ED50",),
    "geology boringen_lagen_noordzee": ("ED50, Y_TOP_RD", "WGS84, Y_TOP_RD"),
    "networks gasleidingen": (SEA,),
    "data gasleidingen": ("precies",),
}


@cache
def documented() -> list[tuple[str, str, str]]:
    """File, command, and what the page says is told."""
    return ROW.findall((ROOT / "docs" / "real-files.md").read_text(encoding="utf-8"))


def key_of(command: str) -> str:
    words = shlex.split(command)
    return f"{Path(words[2]).stem.removeprefix('real-')} {words[words.index('--laag') + 1]}"


@cache
def provenance(real_data: Path) -> dict[str, str]:
    """File -> the first number of the column ``n``, as it is written on screen."""
    rows = re.findall(
        r"^\| `([^`]+)` \|(.+)\|$", (real_data / "PROVENANCE.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    found = {}
    for file, rest in rows:
        n = rest.split(" | ")[2]
        by = [int(v) for v in re.findall(r"\d+", n)[:2]] if " x " in n else []
        # Of a grid the page gives its sides; the command tells its cells.
        found[file] = number_nl(by[0] * by[1] if by else int(re.match(r"[\d,]+", n).group().replace(",", "")))
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("echt") / "werkmap"


def run(command: str, real_data: Path, workspace: Path, *more: str) -> str:
    words = [str(real_data) if word == "MAP" else word for word in shlex.split(command)[1:]]
    words[1] = str(ROOT / words[1])
    done = CliRunner().invoke(app, [*words, *more, "--workspace", str(workspace)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_page_names_every_file_and_this_test_every_command(real_data):
    there = {p.relative_to(real_data).as_posix() for p in real_data.rglob("*") if p.is_file() and p.suffix != ".md"}
    assert len(there) == NUMBER_OF_FILES
    assert {file for file, _, _ in documented()} == there == set(provenance(real_data))
    assert [key_of(command) for _, command, _ in documented()] == list(TOLD)


@pytest.mark.parametrize(("file", "command"), [(f, c) for f, c, _ in documented()], ids=lambda value: Path(value).name)
def test_the_command_of_the_page_reads_the_file_and_tells_its_traps(real_data, workspace, file, command):
    said = run(command, real_data, workspace)
    key = key_of(command)
    assert [words for words in TOLD[key] if words not in said] == []
    assert [words for words in NEVER.get(key, ()) if words in said] == []
    assert f"uit {file}" in said
    first = next(c for f, c, _ in documented() if f == file)
    if command == first:
        # The number of the page of provenance, counted by others.
        assert re.search(rf"(?<![\d.]){re.escape(provenance(real_data)[file])}(?![\d.])", said.replace("5813", "5.813"))
    assert not workspace.exists()


@pytest.mark.parametrize("name", ["boundaries", "mining", "geology", "networks"])
def test_a_whole_recipe_is_saved_and_the_workspace_opens(real_data, tmp_path, name):
    recipe = f"dgdo-geo add docs/recipes/real-{name}.toml --bronmap MAP"
    said = run(recipe, real_data, tmp_path / "werkmap", "--opslaan", "--zonder-vergelijking")
    explorer = open_explorer(tmp_path / "werkmap")
    saved = [key.split()[1] for key in TOLD if key.split()[0] == name]
    assert len(saved) > 4
    for layer in saved:
        kept = int(re.search(rf"^Laag {layer}: (\d+) van", said, re.MULTILINE).group(1))
        assert len(explorer.layer(layer).to_gdf()) == kept > 0


@pytest.mark.parametrize(
    ("name", "layer", "changes", "key", "words"),
    [
        ("data", "gemeenten", {"crs": None}, "crs_wrong_tag", "EPSG:4326"),
        ("data", "provincies", {"crs": None}, "crs_wrong_tag", "EPSG:4326"),
        ("boundaries", "gemeenten_cbs", {"read": {}}, "code_is_no_place", "Buitenland"),
        ("boundaries", "gemeenten_topo", {"crs": None}, "crs_missing", "EPSG:4326"),
        ("geology", "breuken_groningen", {"read": {"unit_m": 1.0}}, "file_in_km", "unit_m = 1000"),
        ("geology", "geotop_lithologie", {"crs": None}, "raster_crs", "EPSG:28992"),
        ("geology", "chloride_hondsbossche", {"crs": None}, "raster_crs", "EPSG:28992"),
    ],
)
def test_without_the_careful_line_of_the_recipe_the_file_is_refused(
    real_data, tmp_path, name, layer, changes, key, words
):
    recipe = intake.only(intake.read_recipe(RECIPES / f"real-{name}.toml", real_data), layer)
    (item,) = recipe.layers
    changes = dict(changes)
    if "read" in changes:
        reset = {"without": {}} if not changes["read"] else changes["read"]
        changes["read"] = item.read.model_copy(update=reset)
    careless = intake.Recipe((item.model_copy(update=changes),), recipe.folder)
    with pytest.raises(InputError) as caught:
        intake.run(careless, tmp_path / "werkmap")
    assert (caught.value.key, words in caught.value.message_nl) == (key, True), caught.value.message_nl
