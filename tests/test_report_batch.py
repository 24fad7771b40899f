"""Reports of many regions: killed and taken up again without loss or doubles; the command line."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import report_batch
import report_files as files
from typer.testing import CliRunner

from dgdo_geo.cli import app
from dgdo_geo.report.making import MANIFEST, UNFINISHED

RUNNER = Path(report_batch.__file__)


def start(world: Path, out: Path, workers: int = 2) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(RUNNER), str(world), str(out), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str]) -> dict[str, int]:
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return json.loads(said)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def group_is_alive(leader: int) -> bool:
    """Whether a process that the killed one started is still there."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            return True
    return False


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strips")
    report_batch.build(folder)
    return folder


@pytest.fixture(scope="module")
def whole(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a batch makes that nobody interrupts."""
    out = tmp_path_factory.mktemp("whole")
    assert finished(start(world, out)) == {"fresh": report_batch.COUNT, "all": report_batch.COUNT}
    return out


def test_killed_and_taken_up_again_without_loss_or_doubles(world, whole, tmp_path):
    process = start(world, tmp_path)
    until = time.monotonic() + 120
    while not list(tmp_path.glob(f"*{MANIFEST}")) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    until = time.monotonic() + 30
    while group_is_alive(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not group_is_alive(process.pid)
    kept = len(list(tmp_path.glob(f"*{MANIFEST}")))
    assert 0 < kept < report_batch.COUNT
    assert not (tmp_path / "index.html").exists()
    # A file that is not as it was made is made again.
    broken = sorted(tmp_path.glob("*.gpkg"))[0]
    was_listed = broken.with_name(broken.name.removesuffix(".gpkg") + MANIFEST).exists()
    broken.write_bytes(broken.read_bytes()[:-1])
    fresh = report_batch.COUNT - kept + int(was_listed)
    assert finished(start(world, tmp_path)) == {"fresh": fresh, "all": report_batch.COUNT}
    assert digests(tmp_path) == digests(whole)
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]


def test_the_index_leads_to_every_file_and_the_table_holds_every_region(whole):
    page = _Links()
    page.feed((whole / "index.html").read_text(encoding="utf-8"))
    assert set(page.found) == {path.name for path in whole.iterdir()} - {"index.html"} - {
        path.name for path in whole.glob(f"*{MANIFEST}")
    }
    table = pd.read_csv(whole / "overzicht.csv", encoding="utf-8-sig")
    assert table["gebied_code"].nunique() == report_batch.COUNT
    single = pd.concat(files.csvs(path)["samenvatting"] for path in sorted(whole.glob("*.csv.zip")))
    assert sorted(table["km2_nee"]) == pytest.approx(sorted(single["km2_nee"]), rel=1e-12)
    assert len(files.sheets(whole / "overzicht.xlsx")["samenvatting"]) == len(table)


def test_the_command_lists_its_files_with_hashes(tmp_path):
    given = ["report", "--gemeente", "Zwolle", "--activiteit", "geothermie", "--formaat", "csv,xlsx"]
    options = ["--peildatum", "2026-11-23", "--uit", str(tmp_path / "out"), "--workspace", str(tmp_path / "ws")]
    done = CliRunner().invoke(app, [*given, *options, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert {Path(item["path"]).suffix for item in said["files"]} == {".zip", ".xlsx"}
    for item in said["files"]:
        assert hashlib.sha256(Path(item["path"]).read_bytes()).hexdigest() == item["sha256"]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ([], "report_place"),
        (["--gemeente", "Zwolle", "--provincie", "PV23"], "report_place"),
        (["--gemeente", "Zwolle", "--alle-gemeenten"], "report_all_of"),
        (["--gemeente", "Zwolle", "--formaat", "doc"], "report_format"),
    ],
)
def test_a_wrong_question_is_refused(tmp_path, arguments, key):
    done = CliRunner().invoke(app, ["report", *arguments, "--workspace", str(tmp_path)])
    assert getattr(done.exception, "key", None) == key
