"""Beyond one process: a real Dask cluster gives the same table, also when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from distributed import Client, LocalCluster
from worlds import World

from dgdo_geo import scale
from dgdo_geo.errors import DataError
from dgdo_geo.overlay import engine, exact
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.planes import SparseRows, decode
from dgdo_geo.overlay.table import OverlayTable
from dgdo_geo.query import Explorer, open_explorer


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found:
        yield found


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The start set, in a workspace of its own."""
    return open_explorer(tmp_path_factory.mktemp("scale") / "workspace", create=True)


@pytest.fixture(scope="module")
def local(country: Explorer) -> OverlayTable:
    codes, polygons, encoding = country.overlay.job()
    joint = engine.joint_areas(polygons, encoding)
    assert len(joint.area_m2) > 40_000
    return OverlayTable(encoding.keys, joint.presence, joint.combination, joint.area_m2, {}, {})


def same(found: OverlayTable, wanted: OverlayTable) -> None:
    assert np.array_equal(found.presence, wanted.presence)
    assert np.array_equal(found.combination, wanted.combination)
    np.testing.assert_allclose(found.area_m2, wanted.area_m2, rtol=1e-9, atol=1e-6)


def test_a_cluster_gives_the_table_of_one_process_although_a_worker_is_killed(
    country: Explorer, local: OverlayTable, cluster: LocalCluster
) -> None:
    killed: list[tuple[str, int]] = []
    told: list[tuple[int, int]] = []

    def kill_a_busy_worker(done: int, of: int) -> None:
        told.append((done, of))
        if killed:
            return
        with Client(cluster) as client:
            busy = {address: tasks for address, tasks in client.processing().items() if tasks}
            pids = client.run(os.getpid)
        for address, tasks in busy.items():
            os.kill(pids[address], signal.SIGKILL)
            killed.append((address, len(tasks)))
            return

    table = scale.build_overlay(
        country, scheduler=cluster.scheduler_address, bands=scale.BANDS, on_progress=kill_a_busy_worker
    )
    [(address, tasks)] = killed
    assert tasks > 0, "the killed worker had nothing to do"
    with Client(cluster) as client:
        client.wait_for_workers(2)
        assert address not in client.scheduler_info()["workers"], "the worker was not killed"
    assert told[-1][0] == told[-1][1] >= 16
    same(table, local)
    assert country.overlay.is_stored()
    assert not list((country.workspace.path / "overlay").glob(".*")), "files of the bands are left behind"


@pytest.mark.parametrize("bands", [1, 5])
def test_any_number_of_bands_gives_the_same(bands: int, country: Explorer, local: OverlayTable, tmp_path: Path) -> None:
    codes, polygons, encoding = country.overlay.job()
    job = exact.job_of(polygons, encoding)
    files = scale.write_bands(job, tmp_path / "bands", bands)
    assert len(files) >= bands
    found = [SparseRows(*scale.sweep_file(str(file))) for file in files]
    joint = decode(exact.merged(found, job.words), encoding, len(polygons), 0)
    same(OverlayTable(encoding.keys, joint.presence, joint.combination, joint.area_m2, {}, {}), local)


def test_bands_hold_rasters_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    raster = RasterPlane(rng.integers(0, 3, (40, 40)).astype(np.int16), (0, 1, 2), 3, 0.0, 10_000.0, 250.0)
    polygons = np.array([shapely.box(1000, 1000, 7000.5, 8000), shapely.Point(5000, 5000).buffer(3000)])
    encoding = Encoding((), (), polygons, np.array([4, 4], np.intp), np.array([3, 3], np.int8), (raster,))
    keys = tuple(scale_key(i) for i in range(5))
    encoding = Encoding(keys, (), encoding.polygons, encoding.polygon_key, encoding.polygon_level, (raster,))
    region = [shapely.box(-500, 500, 9000, 12_000)]
    wanted = exact.joint_areas(region, encoding)
    job = exact.job_of(region, encoding)
    files = scale.write_bands(job, tmp_path / "bands", 2)
    assert len(files) > 1
    found = exact.merged([SparseRows(*scale.sweep_file(str(f))) for f in files], job.words)
    joint = decode(found, encoding, 1, 0)
    assert np.array_equal(joint.presence, wanted.presence)
    np.testing.assert_allclose(joint.area_m2, wanted.area_m2, rtol=1e-9)
    assert joint.presence[:, :4].any(axis=0).all(), "every raster class and the outside should occur"


def scale_key(i: int):  # type: ignore[no-untyped-def]
    from dgdo_geo.model import EvidenceKey

    return EvidenceKey(f"layer-{i}", "class")


def test_a_band_is_geoparquet_with_just_the_edges_that_pass_it(country: Explorer, tmp_path: Path) -> None:
    _, polygons, encoding = country.overlay.job()
    job = exact.job_of(polygons, encoding)
    files = scale.write_bands(job, tmp_path / "bands", 5)
    height = job.grid.cell * exact.BAND_ROWS
    while height * len(files) < job.grid.rows * job.grid.cell:
        height *= 2
    edges = 0
    for i, file in enumerate(files):
        frame = gpd.read_parquet(file)
        assert frame.crs.to_epsg() == 28992
        assert set(frame.columns) == {"slot", "polygon", "left", "geometry"}
        low = job.grid.south + i * height
        ends = shapely.get_coordinates(frame.geometry).reshape(-1, 2)
        single = frame.geometry[shapely.get_num_coordinates(frame.geometry) == 2].bounds
        assert (single["maxy"] >= low - 1e-6).all()
        assert (single["miny"] <= low + height + 1e-6).all()
        edges += len(ends) - len(frame)
    vertices = len(job.rings.xy) - len(job.rings.polygon)
    assert vertices <= edges < 1.05 * vertices, "every edge stands in its band, and few in two"


def test_what_was_done_before_an_interruption_is_not_done_again(
    country: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, polygons, encoding = country.overlay.job()
    job = exact.job_of(polygons, encoding)
    files = scale.write_bands(job, tmp_path / "bands", 2)
    assert len(files) > 1
    first = scale.sweep_file(str(files[0]))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exact, "bands_of", stopped)
    again = scale.sweep_file(str(files[0]))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    with pytest.raises(KeyboardInterrupt):
        scale.sweep_file(str(files[1]))
    assert scale.write_bands(job, tmp_path / "bands", 2) == files
    assert files[0].with_suffix(".npz").exists()


def test_a_band_that_fails_everywhere_stops_the_run_in_words(tmp_path: Path, cluster: LocalCluster) -> None:
    missing = tmp_path / "band-0000.parquet"
    with Client(cluster) as client, pytest.raises(DataError) as caught:
        scale.run_bands(client, [missing])
    assert caught.value.key == "scale_band_failed"
    assert "band-0000" in caught.value.message_nl


def test_a_scheduler_that_is_not_there_is_named(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "CONNECT_S", 1)
    with pytest.raises(DataError) as caught:
        scale.build_overlay(tiny_world.open(), scheduler="tcp://127.0.0.1:9")
    assert caught.value.key == "scale_no_scheduler"
    assert "tcp://127.0.0.1:9" in caught.value.message_nl
    with pytest.raises(DataError) as caught:
        scale.build_overlay(tiny_world.open(), scheduler="nonsense")
    assert caught.value.key == "scale_no_scheduler"


def test_a_worker_that_does_not_fit_is_named(
    tiny_world: World, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgdo_geo.__version__", "99.0")
    with pytest.raises(DataError) as caught:
        scale.build_overlay(tiny_world.open(), scheduler=cluster.scheduler_address)
    assert caught.value.key == "scale_worker_differs"
    assert "99.0" in caught.value.message_nl


def test_without_the_kernel_there_is_nothing_to_spread(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_ENGINE", "geos")
    with pytest.raises(DataError) as caught:
        scale.build_overlay(tiny_world.open())
    assert caught.value.key == "scale_needs_kernel"
