"""A file at a web address: for a visitor of the web app, and for an analyst at the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import servers
from servers import Misbehaving
from shapely.geometry import box

from dgdo_geo import cli, intake, store
from dgdo_geo.errors import DataError, DgdoGeoError
from dgdo_geo.intake.from_url import ANALYST, VISITOR
from dgdo_geo.query import open_explorer
from dgdo_geo.sources import guard
from dgdo_geo.sources.guard import Guard
from dgdo_geo.sources.http import Limits

OPTIONS = "--laag natura2000 --bron x --licentie CC0 --datum 2026-01-01 --kwaliteit official --nauwkeurigheid 10"
QUICK = Limits(max_bytes=500_000, connect_s=1.0, read_s=1.0, total_s=5.0, tries=1, redirects=2)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A GeoPackage with two squares."""
    path = tmp_path_factory.mktemp("bron") / "natuur.gpkg"
    squares = [box(200_000, 500_000, 200_900, 500_900), box(203_000, 500_000, 203_900, 500_900)]
    gpd.GeoDataFrame({"naam": ["A", "B"]}, geometry=squares, crs=28992).to_file(path)
    return path.read_bytes()


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetches as a web page does from a server on loopback, which counts as one on the open internet."""

    def load(server: Misbehaving, path: str, folder: Path, limits: Limits = QUICK) -> Any:
        port = int(server.url("").rpartition(":")[2])
        monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
        return intake.from_url(server.url(path), folder, guard=Guard([port, 80]), limits=limits)

    return load


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.0.0.1.:80"])
def test_a_visitor_gets_nothing_from_inside(tmp_path: Path, host: str):
    """Without any option: what a page forgets to ask for is refused."""
    with Misbehaving({"/a.gpkg": servers.ok(b"geheim")}) as server:
        port = server.url("").rpartition(":")[2]
        for address in (f"http://{host}/a.gpkg", f"http://{host.partition('.:')[0]}:{port}/a.gpkg"):
            with pytest.raises(DataError) as caught:
                intake.from_url(address, tmp_path)
            assert caught.value.key in ("source_private", "source_port", "source_unreachable")
        assert (server.connections, list(tmp_path.iterdir())) == (0, [])


def test_a_file_arrives_under_a_safe_name_and_loads_like_any_other(tmp_path: Path, package: bytes, visitor: Any):
    with Misbehaving({"/x/..%2F..%2Fmijn%20kaart.gpkg": servers.ok(package)}) as server:
        came = visitor(server, "/x/..%2F..%2Fmijn%20kaart.gpkg?token=geheim#kaart", tmp_path)
    assert (came.path, came.size) == (tmp_path / "mijn kaart.gpkg", len(package))
    assert came.url.endswith("mijn%20kaart.gpkg?token=***")
    assert [path.name for path in tmp_path.iterdir()] == ["mijn kaart.gpkg"]
    assert len(intake.read_area(came.path).geometry.geoms) == 2


@pytest.mark.parametrize(
    ("key", "route"),
    [
        ("source_too_large", servers.ok(bytes(500_001))),
        ("source_too_large", servers.bomb(10)),
        ("source_truncated", servers.truncated(b"PK" * 1000, kind="application/zip")),
        ("source_slow", servers.drip(bytes(60))),
        ("source_status", servers.status(404)),
        ("source_status", servers.status(503)),
        ("source_content", servers.error_page()),
        ("source_redirects", servers.redirect("/kaart.gpkg")),
        ("source_private", servers.redirect("http://127.0.0.2/kaart.gpkg")),
        ("source_port", servers.redirect("http://127.0.0.1:22/kaart.gpkg")),
        ("download_content", servers.ok(servers.EXCEPTION_REPORT, "text/xml")),
        ("download_content", servers.ok(b"")),
    ],
)  # fmt: skip
def test_what_is_wrong_leaves_nothing(tmp_path: Path, visitor: Any, key: str, route: servers.Route):
    other = tmp_path / "van een ander.gpkg"
    other.write_bytes(b"x")
    limits = Limits(max_bytes=500_000, connect_s=1, read_s=1, total_s=1.0, tries=1, redirects=2)
    with Misbehaving({"/kaart.gpkg": route}) as server, pytest.raises(DgdoGeoError) as caught:
        visitor(server, "/kaart.gpkg", tmp_path, limits)
    assert caught.value.key == key
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.parametrize(
    "url", ["", "kaart.gpkg", "https://", "https://a.nl/*.gpkg", "ftp://a.nl/a.gpkg", "http://a b/"]
)
def test_what_is_no_address(tmp_path: Path, url: str):
    with pytest.raises(DataError) as caught:
        intake.from_url(url, tmp_path)
    assert caught.value.key == "source_address"
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_is_not_read(tmp_path: Path, visitor: Any):
    with Misbehaving({"/recept.toml": servers.ok(b"[[layer]]")}) as server, pytest.raises(DataError) as caught:
        visitor(server, "/recept.toml", tmp_path)
    assert caught.value.key == "download_kind"
    assert list(tmp_path.iterdir()) == []


def test_a_visitor_gets_less_than_an_analyst():
    assert VISITOR.max_bytes < ANALYST.max_bytes
    assert VISITOR.total_s < ANALYST.total_s


def add(*arguments: str) -> int:
    """The command line; gives its exit code."""
    sys.argv = ["dgdo-geo", "add", *arguments]
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_command_loads_from_an_address_also_inside_the_network(
    tmp_path: Path, package: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tijdelijk"))
    (tmp_path / "tijdelijk").mkdir()
    workspace = tmp_path / "werkmap"
    with Misbehaving({"/natuur.gpkg": servers.ok(package)}) as server:
        arguments = [server.url("/natuur.gpkg?key=geheim"), *OPTIONS.split(), "--workspace", str(workspace)]
        assert add(*arguments) == 0
        assert "niets bewaard" in capsys.readouterr().out
        assert not workspace.exists()
        assert add(*arguments, "--opslaan", "--zonder-vergelijking", "--json") == 0
        assert json.loads(capsys.readouterr().out)["saved"] is True
        assert len(open_explorer(workspace).layer("natura2000").to_gdf()) == 2
        assert store.open_workspace(workspace).entries["natura2000"].layer.source_url == server.url(
            "/natuur.gpkg?key=***"
        )
        assert server.count() == 2
        assert add(server.url("/natuur.gpkg"), "--laag", "natura2000") == 2  # an option is missing
        assert server.count() == 2, "downloaded in vain"
        server.routes["/natuur.gpkg"] = servers.status(404)
        capsys.readouterr()
        assert add(*arguments) == 3
        assert "404" in capsys.readouterr().err
    assert list((tmp_path / "tijdelijk").iterdir()) == []


def test_the_size_limit_holds_at_the_command_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", [])

    def endless(x: servers.Exchange) -> None:
        x.start(200, Content_Length=str(ANALYST.max_bytes + 1))
        x.send(b"x")

    with Misbehaving({"/groot.gpkg": endless}) as server:
        assert add(server.url("/groot.gpkg"), *OPTIONS.split(), "--workspace", str(tmp_path / "w")) == 3
    assert "2000000000 bytes" in capsys.readouterr().err
