"""Our readers against servers of others, on loopback: pygeoapi, pydap, and MapServer for grids and pictures.

The vector services of MapServer are in test_services.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import realservers
import shapely
from mapserver import MapServer, mapserver, some_areas, some_heights
from scipy.io import netcdf_file

from dgdo_geo.errors import DataError
from dgdo_geo.sources import opendap, wcs, wire, wms
from dgdo_geo.sources.http import Client, Limits
from dgdo_geo.sources.service_types import Fetched, FetchedGrids, Service, Wanted
from dgdo_geo.sources.services import fetch_features, fetch_source

COUNT, PAGE = 630, 100
EAST, NORTH = 200_000 + 100 * np.arange(40), 500_000 + 100 * np.arange(30)
DEPTH = -50 + 0.5 * np.arange(5)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(wire, "PAUSE_S", 0.001)
    return Client(Limits(tries=2))


def grids(service: Service, client: Client, *wanted: Wanted) -> FetchedGrids:
    found = fetch_source(service, client, choices=list(wanted))
    assert isinstance(found, FetchedGrids)
    return found


# pygeoapi --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def geoapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pygeoapi")
    realservers.python()
    some_areas(COUNT).to_crs(4326).to_file(folder / "vlakken.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    with realservers.pygeoapi(folder, {"vlakken": folder / "vlakken.geojson"}, PAGE) as url:
        yield url


def features(url: str, client: Client, **more: Any) -> Fetched:
    return fetch_features(Service(protocol="ogc_api_features", url=url, layer="vlakken", **more), client)


def test_pygeoapi_gives_all_features_over_pages(geoapi: str, client: Client) -> None:
    pages: list[tuple[int, int | None]] = []
    service = Service(protocol="ogc_api_features", url=geoapi, layer="vlakken", page_size=1000)
    fetched = fetch_features(service, client, on_page=lambda done, total: pages.append((done, total)))
    assert len(pages) > COUNT // PAGE, "one page held them all"
    frame = fetched.frame.to_crs(28992).sort_values("nummer")
    expected = some_areas(COUNT)
    assert frame["code"].tolist() == expected["code"].tolist()
    assert frame["naam"].tolist() == expected["naam"].tolist()
    # Nine decimals of a degree; ETRS89 and WGS 84 are one here.
    assert shapely.hausdorff_distance(frame.geometry.to_numpy(), expected.geometry.to_numpy()).max() < 1.0
    assert np.allclose(frame.geometry.area, expected.geometry.area, rtol=1e-3)


def test_pygeoapi_says_which_collections_there_are(geoapi: str, client: Client) -> None:
    with pytest.raises(DataError) as caught:
        fetch_features(Service(protocol="ogc_api_features", url=geoapi, layer="bestaat_niet"), client)
    assert "vlakken" in caught.value.message_nl


# pydap -----------------------------------------------------------------------------------


def voxel(x: Any, y: Any, z: Any) -> Any:
    """A value that tells where it stands; -9999 at some places."""
    value = (x - 200_000) / 100 + 40 * (y - 500_000) / 100 + 1200 * (z + 50) * 2
    return np.where(value % 7 == 3, -9999, value)


@pytest.fixture(scope="module")
def dap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two models: voxels as GeoTOP has them (x, y, z; south-west corners), and layers as REGIS has (layer, y, x)."""
    folder = tmp_path_factory.mktemp("pydap")
    realservers.python()
    files = folder / "modellen"
    files.mkdir()
    for name, order in (("geotop", "xyz"), ("regis", "zyx")):
        axes = {"x": EAST + (50 if name == "regis" else 0), "y": NORTH + (50 if name == "regis" else 0), "z": DEPTH}
        with netcdf_file(files / f"{name}.nc", "w") as file:
            for axis in order:
                file.createDimension(axis, len(axes[axis]))
                file.createVariable(axis, "f8", (axis,))[:] = axes[axis]
            for axis in "xy":
                file.variables[axis].standard_name = f"projection_{axis}_coordinate"
            meshes = dict(zip(order, np.meshgrid(*(axes[a] for a in order), indexing="ij"), strict=True))
            values = voxel(meshes["x"] - axes["x"][0] + 200_000, meshes["y"] - axes["y"][0] + 500_000, meshes["z"])
            for variable, kind in (("strat", "i2"), ("kans", "f4")):
                made = file.createVariable(variable, kind, tuple(order))
                made[:] = values
                made._FillValue = np.array(-9999, kind)[()]
    with realservers.opendap(folder, files) as url:
        yield url


@pytest.mark.parametrize(("name", "corners"), [("geotop", True), ("regis", False)])
def test_pydap_gives_one_layer_of_a_model(
    dap: str, client: Client, monkeypatch: pytest.MonkeyPatch, name: str, corners: bool
) -> None:
    monkeypatch.setattr(opendap, "BLOCK", 500)  # asked in several pieces
    wanted = Wanted.of("strat", select={"z": -49.0}), Wanted.of("kans", select={"z": -48.5})
    service = Service(protocol="opendap", url=f"{dap}/{name}.nc", crs="EPSG:28992", corners=corners)
    found = grids(service, client, *wanted)
    for choice, z in zip(wanted, (-49.0, -48.5), strict=True):
        grid = found.grids[choice]
        assert (grid.west, grid.north, grid.cell, grid.values.shape) == (200_000, 503_000, 100, (30, 40))
        expected = voxel(EAST[None, :], NORTH[::-1, None], z).astype(float)
        expected[expected == -9999] = np.nan
        np.testing.assert_array_equal(grid.values.astype(float), expected)


def test_pydap_sends_only_the_window(dap: str, client: Client) -> None:
    whole = grids(Service(protocol="opendap", url=f"{dap}/regis.nc", crs="EPSG:28992"), client, Wanted.of("kans", select={"z": -50}))  # fmt: skip
    box = (200_510.0, 500_520.0, 200_790.0, 500_680.0)
    service = Service(protocol="opendap", url=f"{dap}/regis.nc", crs="EPSG:28992", bbox=box)
    choice = Wanted.of("kans", select={"z": -50})
    part = grids(service, client, choice)
    grid = part.grids[choice]
    assert (grid.west, grid.north, grid.values.shape) == (200_500, 500_700, (2, 3))
    assert part.bytes < whole.bytes / 2


def test_what_pydap_does_not_have_is_an_error(dap: str, client: Client) -> None:
    for url, variable, key in (
        (f"{dap}/regis.nc", "bestaat_niet", "service_variable_unknown"),
        (f"{dap}/weg.nc", "kans", "source_status"),
    ):
        with pytest.raises(DataError) as caught:
            grids(Service(protocol="opendap", url=url, crs="EPSG:28992"), client, Wanted.of(variable))
        assert caught.value.key == key


# MapServer: WCS and WMS ------------------------------------------------------------------


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MapServer]:
    with mapserver(tmp_path_factory.mktemp("mapserver"), count=200) as running:
        yield running


def test_wcs_gives_every_cell_over_tiles(maps: MapServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wcs, "TILE", 128)
    before = len(maps.asked)
    service = Service(protocol="wcs", url=maps.wfs, layer="hoogte")
    grid = grids(service, client, Wanted.of()).grids[Wanted.of()]
    assert sum("GetCoverage" in path for path in maps.asked[before:]) == 6
    assert (grid.west, grid.north, grid.cell) == (180_000, 520_000, 100)
    expected = some_heights()
    expected[expected == -9999] = np.nan
    np.testing.assert_array_equal(grid.values, expected)


def test_wcs_gives_a_part_and_says_what_there_is(maps: MapServer, client: Client) -> None:
    service = Service(protocol="wcs", url=maps.wfs, layer="hoogte", bbox=(190_010, 505_010, 190_390, 505_390))
    grid = grids(service, client, Wanted.of()).grids[Wanted.of()]
    assert (grid.west, grid.north) == (190_000, 505_400)
    np.testing.assert_array_equal(grid.values[0], some_heights()[146, 100:104])
    with pytest.raises(DataError) as caught:
        grids(Service(protocol="wcs", url=maps.wfs, layer="diepte"), client, Wanted.of())
    assert "hoogte" in caught.value.message_nl


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_wms_gives_the_shape_of_what_is_drawn(
    maps: MapServer, client: Client, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(wms, "TILE", 150)
    box = (20_000.0, 320_000.0, 50_000.0, 340_000.0)
    service = Service(protocol="wms", url=maps.wfs, layer="vlakken", version=version, cell_m=100, bbox=box)
    grid = grids(service, client, Wanted.of()).grids[Wanted.of()]
    assert sum("GetMap" in path for path in maps.asked) >= 4
    shape = shapely.union_all(maps.frame.geometry.to_numpy())
    rows, columns = np.indices(grid.values.shape)
    x, y = grid.west + (columns + 0.5) * grid.cell, grid.north - (rows + 0.5) * grid.cell
    inside, outside = (
        shapely.contains_xy(shape.buffer(by), x, y) for by in (-150, 150)
    )  # MapServer draws to whole cells
    assert inside.sum() > 500
    assert not np.isnan(grid.values[inside]).any()
    assert np.isnan(grid.values[~outside]).all()
