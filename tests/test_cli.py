"""The command line: answers, clear messages, exit codes, nothing half written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import Point, box

from dgdo_geo import cli
from dgdo_geo.report.card import band_nl, outcome_nl, potential_nl

ROOT = Path(__file__).parent.parent


def run(*arguments: str, workspace: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    extra = [] if workspace is None else ["--workspace", str(workspace)]
    return subprocess.run(
        [sys.executable, "-m", "dgdo_geo.cli", *arguments, *extra],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A default workspace of our own, that does not exist yet."""
    monkeypatch.delenv("DGDO_WORKSPACE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "dgdo-geo"


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process: exit code, standard output, standard error."""
    argv = sys.argv
    sys.argv = ["dgdo-geo", *arguments]
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = argv
    out, err = capsys.readouterr()
    return code, out, err


def test_the_answer_card_and_the_json_are_one_object(workspace, capsys, monkeypatch):
    asked = []
    from dgdo_geo.query import Explorer

    original = Explorer.for_region
    monkeypatch.setattr(
        Explorer, "for_region", lambda self, *a, **k: asked.append(original(self, *a, **k)) or asked[-1]
    )
    code, as_json, err = call(capsys, "ask", "--gemeente", "Zwolle", "--peildatum", "2026-11-23", "--json")
    assert (code, err) == (0, "")
    assert json.loads(as_json) == asked[0].to_dict()
    code, as_text, _ = call(capsys, "ask", "--gemeente", "Zwolle", "--peildatum", "2026-11-23")
    assert code == 0
    assert asked[0].to_dict() == asked[1].to_dict()
    words = " ".join(as_text.split())
    for item in asked[1].answers:
        assert f"{item.activity.name_nl}, {band_nl(item)}: {outcome_nl(item)}" in words
        assert potential_nl(item) in words
        for constraint in item.constraints:
            assert constraint.rule.title_nl in words


def test_every_activity_and_band_is_answered_in_full(workspace, capsys):
    code, out, _ = call(capsys, "ask", "--gemeente", "Venlo", "--json")
    assert code == 0
    answer = json.loads(out)
    from dgdo_geo.knowledge import read_knowledge

    knowledge = read_knowledge()
    bands = [(a.id, b.top_m, b.base_m) for a in knowledge.activities.values() for b in a.bands]
    assert [(i["activity"], i["depth"]["top"], i["depth"]["base"]) for i in answer["answers"]] == bands
    fired = 0
    for item in answer["answers"]:
        rules = {r.id for r in knowledge.rules if item["activity"] in r.activities}
        named = {c["rule"] for c in item["constraints"]} | set(item["clear"]) | {u["rule"] for u in item["unanswered"]}
        assert named <= rules
        for constraint in item["constraints"]:
            fired += 1
            assert {"layer", "features", "article", "source", "area_m2", "share", "valid_from"} <= constraint.keys()
        for open_rule in item["unanswered"]:
            assert open_rule["cause"] in ("not_loaded", "unreadable", "outside_coverage", "near_edge", "depth_unknown")
    assert fired > 20


def test_what_is_schematic_says_so_in_card_and_json(workspace, capsys):
    _, out, _ = call(capsys, "ask", "--gemeente", "Zwolle", "--json")
    answer = json.loads(out)
    assert answer["is_schematic"] is True
    assert any("schematisch" in note for note in answer["notes_nl"])
    layers = {layer["id"]: layer["quality"] for layer in answer["receipt"]["layers"]}
    for item in answer["answers"]:
        for constraint in item["constraints"]:
            assert constraint["quality"] == layers.get(constraint["layer"])
    _, out, _ = call(capsys, "ask", "--gemeente", "Zwolle")
    assert "schematische kaarten" in " ".join(out.split())
    assert "schematisch" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ask", "--gemeente", "Zwole"], 2, "Bedoelt u: Zwolle"),
        (["ask", "--gemeente", "Xyzzyx"], 2, "kennen we niet"),
        (["ask", "--gemeente", "Bergen"], 2, "meer dan één gemeente"),
        (["ask", "--provincie", "Holland"], 2, "Bedoelt u"),
        (["ask", "--regio", "Midden"], 2, "kennen we niet"),
        (["ask", "--punt", "50000", "550000"], 2, "in zee of over de grens"),
        (["ask", "--punt", "280000", "450000"], 2, "in zee of over de grens"),
        (["ask", "--punt", "503000", "203500"], 2, "omgewisseld"),
        (["ask", "--punt", "6.09", "52.51"], 2, "--lonlat"),
        (["ask", "--punt", "nan", "503000"], 2, "geen coördinaat"),
        (["ask", "--lonlat", "52.51", "6.09"], 2, "eerst de lengte"),
        (["ask", "--lonlat", "13.4", "52.5"], 2, "niet in of bij Nederland"),
        (["ask", "--gemeente", "Zwolle", "--peildatum", "1999-01-01"], 2, "hebben we geen regels"),
        (["ask", "--gemeente", "Zwolle", "--peildatum", "gisteren"], 2, "is geen datum"),
        (["ask", "--gemeente", "Zwolle", "--activiteit", "toveren"], 2, "bestaat niet. Kies uit"),
        (["ask", "--gemeente", "Zwolle", "--diepte", "500", "100"], 2, "De diepte klopt niet"),
        (["ask", "--gemeente", "Zwolle", "--diepte", "9000", "9500"], 2, "Kies een andere diepte"),
        (["ask"], 2, "precies één plaats"),
        (["ask", "--gemeente", "Zwolle", "--provincie", "Utrecht"], 2, "precies één plaats"),
        (["ask", "--vlak", "bestaat-niet.geojson"], 2, "bestaat niet"),
        (["ask", "--waterschap", "Vechtstromen"], 3, "niet geladen"),
        (["ask", "--gemeente", "Zwolle", "--workspace", "bestaat-niet"], 2, "werkmap"),
    ],
)
def test_bad_input_gets_a_clear_message(workspace, capsys, arguments, code, message):
    found, out, err = call(capsys, *arguments)
    assert found == code, err
    assert message in " ".join(err.split())
    assert out == ""
    assert not workspace.exists()


def test_a_scheduler_that_cannot_be_reached_is_named(workspace, capsys):
    code, _, err = call(capsys, "overlay", "--scheduler", "tcp://")
    assert code == 3
    assert "is niet te bereiken" in err
    assert not list(workspace.rglob("*.parquet"))


def area_file(folder: Path, name: str, *shapes, crs=28992) -> str:
    path = folder / name
    gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=crs).to_file(path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("leeg.geojson", b"", 2, "leeg.geojson is leeg"),
        ("kapot.geojson", b'{"type": "FeatureColl', 2, "niet te lezen"),
        ("niets.geojson", b'{"type": "FeatureCollection", "features": []}', 2, "niets.geojson"),
        ("foto.png", b"\x89PNG\r\n", 2, "foto.png"),
    ],
)
def test_an_unusable_area_file_is_named(workspace, tmp_path, capsys, name, content, code, message):
    (tmp_path / name).write_bytes(content)
    found, out, err = call(capsys, "ask", "--vlak", str(tmp_path / name))
    assert (found, out) == (code, "")
    assert message in err


def test_an_area_must_be_a_polygon_with_a_crs_in_the_netherlands(workspace, tmp_path, capsys):
    square = box(203_000, 502_000, 204_000, 503_000)
    refused = {
        area_file(tmp_path, "punt.gpkg", Point(203_000, 502_000)): "polygon",
        area_file(tmp_path, "zonder.shp", square, crs=None): "EPSG:28992",
        area_file(tmp_path, "zee.gpkg", box(20_000, 560_000, 30_000, 570_000)): "buiten het land",
    }
    for path, message in refused.items():
        code, out, err = call(capsys, "ask", "--vlak", path)
        assert (code, out) == (2, "")
        assert message in err
    code, out, _ = call(capsys, "ask", "--vlak", str(tmp_path / "zonder.shp"), "--crs", "EPSG:28992", "--json")
    assert code == 0
    assert json.loads(out)["region"]["area_m2"] == pytest.approx(1e6)


def test_the_part_of_an_area_outside_the_country_is_left_out_and_said(workspace, tmp_path, capsys):
    path = area_file(tmp_path, "grens.gpkg", box(205_000, 370_000, 225_000, 380_000))
    code, out, _ = call(capsys, "ask", "--vlak", path, "--activiteit", "geothermie", "--json")
    answer = json.loads(out)
    assert code == 0
    assert 0 < answer["region"]["area_m2"] < 200e6
    assert sum(part["area_m2"] for part in answer["answers"][0]["areas"]) == pytest.approx(answer["region"]["area_m2"])
    assert any("buiten het land van Nederland" in note for note in answer["notes_nl"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is beschadigd"),
        ("[]", "is beschadigd"),
        ('{"format": 99}', "indeling 99"),
    ],
)
def test_a_corrupt_workspace_is_named(workspace, capsys, content, message):
    workspace.mkdir()
    (workspace / "workspace.json").write_text(content)
    code, out, err = call(capsys, "ask", "--gemeente", "Zwolle")
    assert (code, out) == (3, "")
    assert message in err
    assert [p.name for p in workspace.iterdir()] == ["workspace.json"]


def test_a_named_workspace_that_is_not_there_is_no_start_set(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path / "verschreven"))
    code, out, err = call(capsys, "ask", "--gemeente", "Zwolle")
    assert (code, out) == (2, "")
    assert "verschreven bestaat niet" in err


def test_a_folder_of_someone_else_is_left_alone(workspace, capsys):
    workspace.mkdir()
    (workspace / "scriptie.doc").write_text("belangrijk")
    code, _, err = call(capsys, "overlay")
    assert code == 3
    assert "geen werkmap" in err
    assert [p.name for p in workspace.iterdir()] == ["scriptie.doc"]


def test_json_on_standard_output_and_nothing_else(tmp_path):
    done = run("ask", "--punt", "203500", "503000", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["region"]["kind"] == "punt"
    for item in answer["answers"]:
        assert "areas" not in item
        for constraint in item["constraints"]:
            assert "area_m2" not in constraint
            assert "share" not in constraint


def test_layers_lists_every_declared_layer_with_its_status(workspace, capsys):
    code, out, _ = call(capsys, "layers", "--json")
    rows = {row["id"]: row for row in json.loads(out)["layers"]}
    declared = {path.parent.name for path in (ROOT / "layers").glob("*/*/layer.toml")}
    assert code == 0
    assert set(rows) == declared
    assert rows["waterschappen"]["status"] == "not_loaded"
    assert rows["waterschappen"]["how_to_get_nl"]
    assert rows["gemeenten"]["features"] == 342
    code, out, _ = call(capsys, "layers")
    assert code == 0
    assert "niet geladen" in " ".join(out.split())


def test_check_passes_and_counts(workspace, capsys):
    code, out, _ = call(capsys, "check", "--json")
    result = json.loads(out)
    assert (code, result["errors"]) == (0, [])
    assert all(number > 0 for number in result["counts"].values())
    assert result["counts"]["rules"] >= 20


def test_help_names_every_command():
    done = run("--help")
    assert done.returncode == 0
    for command in ("ask", "layers", "check", "add", "overlay", "serve"):
        assert command in done.stdout


def test_help_loads_no_geo_package():
    heavy = ("geopandas", "pandas", "pyproj", "streamlit", "folium")
    code = f"import sys, dgdo_geo.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The knowledge base -------------------------------------------------------------------------


def test_the_card_shows_the_concerns_for_a_reader_and_says_that_they_do_not_count(workspace, capsys):
    _, officer, _ = call(capsys, "ask", "--gemeente", "Venlo", "--activiteit", "geothermie", "--lezer", "gemeente")
    _, adviser, _ = call(capsys, "ask", "--gemeente", "Venlo", "--activiteit", "geothermie", "--lezer", "Provincie")
    _, usual, _ = call(capsys, "ask", "--gemeente", "Venlo", "--activiteit", "geothermie")
    assert usual == officer
    assert officer != adviser
    assert "een lezer bij de provincie" in " ".join(adviser.split())
    for out in (officer, adviser):
        assert "telt niet mee in het oordeel" in " ".join(out.split())
        assert "--alle-aandachtspunten" in out


def test_every_concern_that_fits_is_one_flag_away(workspace, capsys):
    asked = ("ask", "--gemeente", "Venlo", "--activiteit", "geothermie")
    _, as_json, _ = call(capsys, *asked, "--json")
    answer = json.loads(as_json)
    fitting = {concern["id"]: concern["title_nl"] for concern in answer["concerns"]}
    for reader, first in answer["concerns_first"].items():
        _, short, _ = call(capsys, *asked, "--lezer", reader)
        _, long, _ = call(capsys, *asked, "--lezer", reader, "--alle-aandachtspunten")
        assert 1 <= len(first) <= 8
        words = " ".join(long.split())
        assert all(f"• {title}:" in words for title in fitting.values())
        shown = [i for i, title in fitting.items() if f"• {title}:" in " ".join(short.split())]
        assert sorted(shown) == sorted(first)


def test_an_unknown_reader_is_refused(workspace, capsys):
    code, _, err = call(capsys, "ask", "--gemeente", "Venlo", "--lezer", "minister")
    assert code == 2
    assert "minister" in err
    assert "waterschap" in err


def test_the_card_shows_doubt_and_law_of_every_rule_that_counts(workspace, capsys):
    _, as_json, _ = call(capsys, "ask", "--punt", "156500", "485500", "--activiteit", "geothermie", "--json")
    _, out, _ = call(capsys, "ask", "--punt", "156500", "485500", "--activiteit", "geothermie")
    words = " ".join(out.split())
    from dgdo_geo.texts import text

    found = json.loads(as_json)["answers"][0]["constraints"]
    assert found
    for constraint in found:
        assert text("act", constraint["act"]) in words
        assert text("confidence", constraint["confidence"]) in words
        for doubt in constraint["doubt"]:
            assert text("doubt", doubt) in words


def test_check_of_a_folder_of_ones_own_names_file_entry_and_key(workspace, tmp_path, capsys):
    from dgdo_geo.knowledge import KNOWLEDGE_DIR

    folder = tmp_path / "regels"
    shutil.copytree(KNOWLEDGE_DIR, folder, ignore=shutil.ignore_patterns("texts", "*.py", "__pycache__"))
    path = folder / "rules" / "beleid.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("verdict = ", "verdikt = ", 1), encoding="utf-8")
    code, _, err = call(capsys, "check", "--regels", str(folder))
    assert code == 3
    assert "rules/beleid.toml" in err
    assert "verdikt" in err
    assert "verdict" in err
    code, _, err = call(capsys, "check", "--regels", str(tmp_path / "niets"))
    assert code == 2
    assert "niets" in err


def test_rules_lists_every_rule_and_writes_a_page(workspace, tmp_path, capsys):
    from dgdo_geo.knowledge import read_knowledge

    code, out, _ = call(capsys, "rules")
    assert code == 0
    assert all(rule.id in out for rule in read_knowledge().rules)
    page = tmp_path / "regels.html"
    code, out, _ = call(capsys, "rules", "--html", str(page))
    assert code == 0
    assert str(page) in out
    assert all(f'id="regel-{rule.id}' in page.read_text(encoding="utf-8") for rule in read_knowledge().rules)
    assert [p.name for p in tmp_path.iterdir()] == ["regels.html"]
    code, _, err = call(capsys, "rules", "--html", str(page / "kan-niet.html"))
    assert code == 3
    assert "kan-niet.html" in err


def test_diff_of_a_what_if_lists_what_flips(workspace, tmp_path, capsys):
    change = tmp_path / "wat-als.toml"
    change.write_text('removed = ["r16-schaliegas"]\n', encoding="utf-8")
    code, out, err = call(capsys, "diff", "huidig", str(change), "--json")
    assert code == 0
    assert "overlay" in err
    found = json.loads(out)
    assert found["changes"] == [{"kind": "rule", "id": "r16-schaliegas", "what": "removed", "keys": []}]
    assert {flip["activity"] for flip in found["flips"]} == {"schaliegas"}
    assert len({flip["code"] for flip in found["flips"]}) == 342
    total = sum(flip["area_m2"] for flip in found["flips"])
    assert 33e9 < total < 42e9
    code, out, _ = call(capsys, "diff", "huidig", str(change))
    assert code == 0
    assert "r16-schaliegas" in out
    assert "km²" in out
    assert call(capsys, "diff", "huidig", "huidig")[1].strip().endswith("Geen enkel oordeel verandert.")


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        ('[[rule]]\nid = "r-x"\nvalid_form = 2024-01-01\n', 3, "valid_form"),
        ('removed = ["r99"]\n', 3, "r99"),
        (None, 2, "regels"),
    ],
)
def test_a_wrong_side_of_a_diff_is_refused(workspace, tmp_path, capsys, content, code, named):
    side = tmp_path / ("wat-als.toml" if content else "regels")
    if content:
        side.write_text(content, encoding="utf-8")
    got, out, err = call(capsys, "diff", "huidig", str(side))
    assert (got, out) == (code, "")
    assert named in err


def test_a_diff_with_an_unknown_layer_names_file_rule_and_key(workspace, tmp_path, capsys):
    change = tmp_path / "wat-als.toml"
    change.write_text(
        """
[[rule]]
id = "r98-nieuw"
title_nl = "Nieuw"
explanation_nl = "Stel."
activities = ["aardwarmte"]
layer = "natura20000"
verdict = "attention"
level = "none"
act = "geen"
valid_from = 2024-01-01
checked_on = 2026-11-23
confidence = "assumption"
source = { id = "eigen" }
""",
        encoding="utf-8",
    )
    code, _, err = call(capsys, "diff", "huidig", str(change))
    assert code == 2
    for word in ("wat-als.toml", "r98-nieuw", "layer", "natura2000"):
        assert word in err


def test_a_concern_of_ones_own_is_kept_and_shown(workspace, capsys):
    given = (
        "concern", "--titel", "Zorg over de dijk", "--tekst", "De dijk langs de rivier is zwak.", "--plaats", "GM0983",
        "--naam", "J. Jansen, gemeente Venlo", "--bron", "Raadsbrief van 12 mei 2026", "--van", "gemeenten",
    )  # fmt: skip
    code, out, _ = call(capsys, *given)
    assert code == 0
    assert "eigen-zorg-over-de-dijk" in out
    _, venlo, _ = call(capsys, "ask", "--gemeente", "Venlo", "--activiteit", "geothermie")
    words = " ".join(venlo.split())
    assert (
        "Zorg over de dijk: De dijk langs de rivier is zwak. (eigen aandachtspunt van J. Jansen, gemeente Venlo"
        in words
    )
    _, zwolle, _ = call(capsys, "ask", "--gemeente", "Zwolle", "--activiteit", "geothermie")
    assert "Zorg over de dijk" not in zwolle
    code, _, err = call(capsys, *given[:-4], "--bron", " ", "--van", "gemeenten")
    assert code == 2
    assert "de bron" in err
    assert [p.name for p in (workspace / "concerns").iterdir()] == ["eigen-zorg-over-de-dijk.toml"]
