"""``fetch`` and ``add``, killed at any moment: the workspace opens, with the old or the new product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interrupted import VERSIONS
from servers import Exchange, Given, Misbehaving, Query, Route, serving

DECLARED = {"source": "Test", "licence": "CC0", "quality": "official", "accuracy_m": 10, "absence": "conclusive"}
KILLS = {"fetch": 60, "add": 85, "download": 55}
PADDING = 1_500_000
"""Bytes behind the features of a download, so that it takes a while."""
RD = "http://www.opengis.net/def/crs/EPSG/0/28992"
ROOT = Path(__file__).resolve().parents[1]


def version(turn: int) -> dict[str, Any]:
    """One of two versions of a layer: squares near Zwolle, EPSG:28992."""
    features = []
    for number, name in enumerate(VERSIONS[turn]):
        west, south = 200_000 + 2000 * number, 500_000 + 1000 * turn
        ring = [[west, south], [west + 900, south], [west + 900, south + 900], [west, south + 900], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "id": name, "geometry": geometry, "properties": {"naam": name}})
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture
def served() -> Iterator[str]:
    """Address of a server with both versions, each behind OGC API Features."""

    def answer(path: str, _: Query) -> Given:
        body: dict[str, Any] = {"id": "natuur", "crs": [RD], "storageCrs": RD}
        if path.endswith("/items"):
            body = {**version(1 if path.startswith("/1/") else 0), "links": []}
        elif path.endswith("/collections"):
            body = {"collections": [body], "links": []}
        headers = {"Content-Type": "application/geo+json", "Content-Crs": f"<{RD}>"}
        return 200, headers, json.dumps(body).encode()

    with serving(answer) as server:
        yield server.url


def run_rounds(what: str, workspace: Path, *extra: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            str(ROOT / "tests" / "interrupted.py"),
            what,
            str(workspace),
            str(KILLS[what]),
            *extra,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(found: dict[str, Any], what: str, workspace: Path) -> None:
    assert found["killed"] == KILLS[what], "hardly anything was interrupted"
    assert found["replaced"] > 0, "nothing was ever finished"
    left = [path.name for path in workspace.rglob("*.parquet")]
    assert left


def test_the_processes_are_killed_two_hundred_times() -> None:
    assert sum(KILLS.values()) == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fetch_that_is_killed_leaves_the_old_or_the_new_version(tmp_path: Path, served: str) -> None:
    file = {
        "evidence_nl": "Test.",
        "service": {"protocol": "ogc_api_features", "url": f"{served}/VERSION", "layer": "natuur"},
        "columns": {"name": "naam"},
        "classes": {"fixed": "natura2000"},
        "declare": DECLARED,
    }
    check(run_rounds("fetch", tmp_path / "workspace", json.dumps(file)), "fetch", tmp_path / "workspace")


def slowly(turn: int) -> Route:
    """A version as a file that comes piece by piece, and of which the rest can be asked for."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    body = json.dumps({**version(turn), "crs": crs}).encode() + b" " * PADDING
    etag = f'"version {turn}"'

    def route(x: Exchange) -> None:
        asked = x.seen.headers.get("range", "") if x.seen.headers.get("if-range") == etag else ""
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        more = {"Content_Range": f"bytes {begin}-{len(body) - 1}/{len(body)}"} if begin else {}
        x.start(206 if begin else 200, Content_Length=str(len(body) - begin), ETag=etag, **more)
        for place in range(begin, len(body), 50_000):
            x.send(body[place : min(place + 50_000, len(body))])
            time.sleep(0.005)

    return route


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_download_that_is_killed_goes_on_later_and_leaves_the_old_or_the_new_version(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    routes = {f"/{turn}/natuur.geojson": slowly(turn) for turn in (0, 1)}
    with Misbehaving(routes) as server:
        file = {
            "evidence_nl": "Test.",
            "service": {"protocol": "file", "url": server.url("/VERSION/natuur.geojson")},
            "columns": {"name": "naam"},
            "classes": {"fixed": "natura2000"},
            "declare": DECLARED,
        }
        check(run_rounds("download", workspace, json.dumps(file)), "download", workspace)
        went_on = [request for request in server.requests if "range" in request.headers]
        whole = len(server.requests) - len(went_on)
        sent = sum(server.sent.values())
    assert went_on, "no download went on where it stopped"
    assert sent < len(server.requests) * PADDING
    assert whole, "every download went on"
    # What a kill left is used or removed by the next fetch of that layer that is left alone.
    assert [path.name for path in (workspace / "fetch").iterdir() if not path.name.startswith(".")] == [
        "natura2000.json"
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_add_that_is_killed_leaves_the_old_or_the_new_version(tmp_path: Path) -> None:
    for turn in (0, 1):
        (tmp_path / f"version{turn}.geojson").write_text(json.dumps(version(turn)), encoding="utf-8")
    check(run_rounds("add", tmp_path / "workspace"), "add", tmp_path / "workspace")
