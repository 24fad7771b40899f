"""The command ``report``: which regions it takes for which names."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dgdo_geo.cli import app


@pytest.mark.parametrize(
    ("first", "beside", "codes"),
    [
        ("--provincie=Overijssel", "Flevoland", ["PV23", "PV24"]),
        ("--provincie=Overijssel", "Utrecht", ["PV23", "PV26"]),
        ("--gemeente=Zwolle", "Utrecht", ["GM0193", "GM0344"]),
        ("--gemeente=Zwolle", "Flevoland", ["GM0193", "PV24"]),
        ("--provincie=Overijssel", "Zwolle", ["PV23", "GM0193"]),
        ("--gemeente=Zwolle", "oost", ["GM0193", "Oost"]),
    ],
)
def test_a_region_beside_another_is_of_the_same_kind_where_it_can(
    tmp_path: Path, first: str, beside: str, codes: list[str]
) -> None:
    options = ["--activiteit", "geothermie", "--formaat", "csv", "--uit", str(tmp_path / "uit"), "--json"]
    done = CliRunner().invoke(app, ["report", first, "--vergelijk", beside, *options, "--workspace", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (made,) = json.loads(done.stdout)["files"]
    with zipfile.ZipFile(made["path"]) as tables:
        rows = csv.DictReader(io.StringIO(tables.read("samenvatting.csv").decode("utf-8-sig")))
        assert list(dict.fromkeys(row["gebied_code"] for row in rows)) == codes


def test_a_region_beside_another_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    options = ["--vergelijk", "Flevopolder", "--uit", str(tmp_path / "uit"), "--workspace", str(tmp_path)]
    done = CliRunner().invoke(app, ["report", "--provincie", "Overijssel", *options])
    assert done.exit_code != 0 and not (tmp_path / "uit").exists()
    assert "provincie" in str(done.exception) or "provincie" in done.output
