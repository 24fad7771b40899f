"""Without internet: ``fetch`` fails fast with the reason per layer, and everything else answers as before."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from servers import Misbehaving, ok
from test_fetching import DECLARED, QUICK

from dgdo_geo.intake import freshness
from dgdo_geo.intake.fetching import FetchFile, fetch, fetch_files
from dgdo_geo.sources.http import Client

# Only this computer can be reached: a name of another one is not found, or (DROPPED) every address refuses.
GUARD = """
import errno, ipaddress, socket, sys
look_up, connect = socket.getaddrinfo, socket.socket.connect
how = sys.argv[1]
tried = []

def is_here(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

def guarded_look_up(host, *args, **named):
    if is_here(host) or host is None:
        return look_up(host, *args, **named)
    tried.append(host)
    if how == "no names":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", args[0] if args else 443))]

def guarded_connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
        tried.append(address[0])
        raise OSError(errno.ENETUNREACH, "Network is unreachable")
    return connect(self, address)

socket.getaddrinfo, socket.socket.connect = guarded_look_up, guarded_connect
from dgdo_geo.cli import main
sys.argv = ["dgdo-geo", *sys.argv[2:]]
try:
    main()
finally:
    sys.stderr.write(f"TRIED {len(tried)}")
"""
WAYS = ("no names", "unreachable")
SECONDS = 60.0
"""For all layers that ship; without the internet nobody should wait longer."""


def run(how: str, workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command where only this computer can be reached."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GUARD, how, *arguments, "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def tried(done: subprocess.CompletedProcess[str]) -> int:
    """How often something outside this computer was asked for."""
    return int(done.stderr.rpartition("TRIED ")[2])


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What stands on the screen, on one line."""
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module", params=WAYS)
def fetched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Any, float]:
    """One try to fetch everything that ships: how, where, what it said, and how long it took."""
    workspace = tmp_path_factory.mktemp("offline") / "workspace"
    start = time.monotonic()
    done = run(request.param, workspace, "fetch", "--json")
    return request.param, workspace, done, time.monotonic() - start


def test_every_layer_that_can_be_fetched_fails_with_its_own_reason_and_soon(
    fetched: tuple[str, Path, Any, float],
) -> None:
    how, workspace, done, seconds = fetched
    assert done.returncode == 3, done.stderr
    answer = json.loads(done.stdout)
    files = fetch_files()
    assert len(files) >= 4
    assert {row["layer"] for row in answer["layers"]} == set(files)
    reason = "de naam van de server is niet te vinden" if how == "no names" else "de server weigert of verbreekt"
    for row in answer["layers"]:
        host = files[row["layer"]].service.url.split("/")[2].partition(":")[0]
        assert row["status"] == "failed", row["layer"]
        assert row["checked"]
        assert host in row["message_nl"], row["layer"]
        assert reason in row["message_nl"], row["layer"]
    assert tried(done) >= len({file.service.url.split("/")[2] for file in files.values()})
    assert seconds < SECONDS
    left = [path for path in workspace.rglob("*") if path.is_file() and path.suffix != ".json"]
    assert left == [], "nothing was fetched, so nothing may be left"


def test_the_list_of_layers_tells_why_a_layer_is_not_there(fetched: tuple[str, Path, Any, float]) -> None:
    how, workspace, _, _ = fetched
    done = run(how, workspace, "layers")
    assert done.returncode == 0, done.stderr
    assert tried(done) == 0
    shown = told(done)
    for layer_id in fetch_files():
        line = shown.partition(f" {layer_id}: ")[2]
        assert "Ophalen is mislukt op " in line.partition(" km. ")[0][:3000], layer_id
    assert shown.count("Ophalen is mislukt op ") == len(fetch_files())
    assert "Deze laag was nog niet eerder opgehaald; wat er was, blijft in gebruik." in shown


def test_questions_are_answered_from_the_start_set(fetched: tuple[str, Path, Any, float], tmp_path: Path) -> None:
    how, workspace, _, _ = fetched
    question = ("ask", "--punt", "203500", "503000", "--json")
    here, elsewhere = run(how, workspace, *question), run(how, tmp_path / "never_fetched", "fetch", "natura2000")
    assert elsewhere.returncode == 3
    assert here.returncode == 0, here.stderr
    assert tried(here) == 0
    answer = json.loads(here.stdout)
    assert answer["answers"]
    layers = {layer["id"]: layer["status"] for layer in answer["receipt"]["layers"]}
    assert layers["natura2000"] == "not_loaded"
    assert layers["boringsvrije_zones"] == "available"
    causes = {
        (item["layer"], item["cause"]): item["how_to_get_nl"]
        for found in answer["answers"]
        for item in found["unanswered"]
    }
    assert causes["mijnbouwvergunningen", "not_loaded"], "it is not told how to get the layer"
    shown = told(run(how, workspace, "ask", "--punt", "203500", "503000", "--activiteit", "geothermie"))
    assert "Niet te zeggen (kaartlaag niet geladen): " in shown


def test_what_was_fetched_when_there_was_internet_stays_in_use(tmp_path: Path) -> None:
    """Fetched from this computer; then offline, with the address that ships."""
    x, y = 200_000, 500_000
    ring = [[x, y], [x + 9000, y], [x + 9000, y + 9000], [x, y + 9000], [x, y]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"naam": "Gebied a"},
    }
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    body = json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}).encode()
    with Misbehaving({"/a.geojson": ok(body)}) as server:
        file = {
            "evidence_nl": "Test.",
            "service": {"protocol": "file", "url": server.url("/a.geojson")},
            "columns": {"name": "naam"},
            "classes": {"fixed": "natura2000"},
            "declare": DECLARED,
        }
        files = {"natura2000": FetchFile.model_validate(file)}
        [good] = fetch([], tmp_path / "w", client=Client(QUICK), files=files).items
    assert good.status == "new"
    question = ("ask", "--punt", "203500", "503000", "--json")
    before = json.loads(run("no names", tmp_path / "w", *question).stdout)
    failed = run("no names", tmp_path / "w", "fetch", "natura2000")
    assert failed.returncode == 3
    assert f"De versie die we op {good.changed[:10]}" in told(failed)
    assert freshness.read(tmp_path / "w")["natura2000"].changed == good.changed
    after = json.loads(run("no names", tmp_path / "w", *question).stdout)
    assert {layer["id"]: layer["status"] for layer in after["receipt"]["layers"]}["natura2000"] == "available"
    assert after["answers"] == before["answers"]
    listed = told(run("no names", tmp_path / "w", "layers"))
    assert "Ophalen is mislukt op " in listed
    assert f"De versie die we op {good.changed[:10]}" in listed
