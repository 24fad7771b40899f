"""The overlay on more than one process or machine: row bands on a Dask cluster.

Rows of cells do not depend on each other, and areas add up. So the edges are
written as GeoParquet, one file per band of rows with just the edges that pass
it; every task reads one file and gives the sparse rows of its band. A band
whose worker dies is done again by another one; bands that are done are kept,
so that a run that was interrupted goes on where it stopped. What a band costs
in time, memory and network, and what all of Europe would cost, is worked out
in ``docs/beyond-one-machine.md``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

import dgdo_geo
from dgdo_geo.errors import DataError
from dgdo_geo.model import RD_NEW
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import RasterPlane
from dgdo_geo.overlay.planes import SparseRows, decode
from dgdo_geo.overlay.rasterstack import fitted
from dgdo_geo.overlay.table import OverlayTable, table_of
from dgdo_geo.query import Explorer
from dgdo_geo.query.joint import MUNICIPALITY

if TYPE_CHECKING:
    from distributed import Client, Future

    from dgdo_geo.overlay.exact import Job

BANDS = 16
"""Bands that the work is cut into, at least; more than workers, so that none waits long for another."""
TRIES = 10
"""How often a band is tried on another worker before the run stops."""
CONNECT_S = 20
"""Seconds to wait for a scheduler."""


def build_overlay(
    explorer: Explorer,
    *,
    scheduler: str | None = None,
    workers: int = 2,
    bands: int = BANDS,
    on_progress: Callable[[int, int], None] | None = None,
) -> OverlayTable:
    """Compute the overlay table of all municipalities on a Dask cluster, and keep it.

    Parameters
    ----------
    explorer : Explorer
        Its workspace must lie on storage that all workers see.
    scheduler : str, optional
        Address of a running scheduler, ``tcp://...``; without one, workers are started on this machine.
    workers : int
        Worker processes to start when there is no scheduler.
    bands : int
        Bands that the work is cut into, at least.
    on_progress : callable, optional
        Called with (bands done, bands to do).

    Returns
    -------
    OverlayTable
        Equal to that of :meth:`Explorer.overlay_table`, to 1e-9 of the areas.

    Raises
    ------
    DataError
        If Dask or the compiled kernel is missing, the scheduler cannot be reached, a worker has
        another version of the program or does not see the workspace, or a band fails everywhere.
    """
    if not engine.is_exact_available():
        raise DataError("scale_needs_kernel")
    with contextlib.ExitStack() as stack:
        client = _connected(scheduler, workers, stack)
        codes, polygons, encoding = explorer.overlay.job()
        from dgdo_geo.overlay import exact

        encoding = fitted(encoding, exact.SMALLEST_CELL_M)
        job = exact.job_of(polygons, encoding)
        folder = explorer.workspace.path / "overlay" / f".bands-{explorer.overlay.hash}-{bands}"
        try:
            files = write_bands(job, folder, bands)
        except OSError as error:
            raise DataError("workspace_not_writable", path=folder, reason=error) from error
        _check_workers(client, folder)
        found = run_bands(client, files, on_progress)
    joint = decode(exact.merged(found, job.words), encoding, len(polygons), 0)
    wrong = engine.unsound(joint, polygons)
    if wrong:
        raise DataError("scale_unsound", regions=", ".join(codes[i] for i in wrong[:5]))
    table = table_of(joint, encoding.keys, MUNICIPALITY, codes, explorer.overlay.inputs)
    explorer.overlay.keep(table)
    shutil.rmtree(folder, ignore_errors=True)
    return table


def write_bands(job: Job, folder: Path, bands: int) -> list[Path]:
    """Write the edges of every band of rows as GeoParquet; files of an earlier run are kept.

    Parameters
    ----------
    job : Job
    folder : Path
        One per job: its name tells which.
    bands : int
        Bands at least; a band has a power of two of rows.

    Returns
    -------
    list of Path
        ``band-0000.parquet`` and so on, from south to north. Line strings are runs of edges; ``slot``,
        ``polygon`` and ``left`` (1 when the inside of the polygon lies to the left) belong to the run.
    """
    from dgdo_geo.overlay import exact

    rows = exact.BAND_ROWS
    while math.ceil(job.grid.rows / (2 * rows)) >= bands:
        rows *= 2
    files = [folder / f"band-{i:04d}.parquet" for i in range(math.ceil(job.grid.rows / rows))]
    if (folder / "job.json").exists() and all(file.exists() for file in files):
        return files
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".bands-new-", dir=folder.parent))
    try:
        runs = exact.sorted_runs(job.rings, job.grid, rows)
        for i, file in enumerate(files):
            mine = np.concatenate([part[start[i] : start[i + 1]] for start, part in runs])
            _edges(job, mine).to_parquet(draft / file.name, index=False, compression="zstd")
        for i, raster in enumerate(job.rasters):
            np.save(draft / f"raster-{i}.npy", raster.codes)
        (draft / "job.json").write_text(json.dumps(_about(job, rows)), encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return files


def sweep_file(file: str) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Joint areas of one band; runs on a worker.

    The result is kept beside the file, so that a run that was interrupted can go on.
    """
    from dgdo_geo.overlay import exact

    path = Path(file)
    done = path.with_suffix(".npz")
    if done.exists():
        with np.load(done) as kept:
            return kept["rows"], kept["area_m2"]
    about = json.loads((path.parent / "job.json").read_text(encoding="utf-8"))
    job, band = _job(path, about), int(path.stem.removeprefix("band-"))
    first, last = band * about["rows"], min((band + 1) * about["rows"], job.grid.rows)
    rows = exact.merged(list(exact.bands_of(job, first, last)), job.words)
    with tempfile.NamedTemporaryFile(suffix=".npz", dir=path.parent, delete=False) as draft:
        np.savez(draft, rows=rows.rows, area_m2=rows.area_m2)
    Path(draft.name).replace(done)
    return rows.rows, rows.area_m2


def run_bands(
    client: Client, files: Sequence[Path], on_progress: Callable[[int, int], None] | None = None
) -> list[SparseRows]:
    """Sweep all bands on a cluster; the results are in the order of the files.

    Raises
    ------
    DataError
        If a band fails on every worker that tries it.
    """
    from distributed import as_completed

    futures: list[Future] = client.map(sweep_file, [str(f) for f in files], retries=TRIES, pure=False)
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            if future.status != "finished":
                raise DataError("scale_band_failed", band=files[futures.index(future)].stem, reason=future.exception())
            if on_progress is not None:
                on_progress(done, len(files))
        return [SparseRows(rows, area) for rows, area in client.gather(futures)]
    finally:
        client.cancel(futures)


def _edges(job: Job, runs: NDArray[np.int32]) -> gpd.GeoDataFrame:
    """Runs of edges as line strings."""
    length = runs[:, 1] - runs[:, 0] + 1
    run = np.repeat(np.arange(len(runs)), length)
    vertex = np.arange(len(run)) - np.repeat(np.cumsum(length) - length, length) + runs[run, 0]
    lines = shapely.linestrings(job.rings.xy[vertex], indices=run) if len(runs) else np.empty(0, object)
    ring = runs[:, 2]
    polygon = job.rings.polygon[ring]
    columns = {"slot": job.rings.slot[polygon], "polygon": polygon, "left": job.rings.sign[ring]}
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=lines, crs=RD_NEW)


def _about(job: Job, rows: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "grid": list(job.grid),
        "words": job.words,
        "regions": job.rings.regions,
        "rasters": [[list(r.code_keys), r.outside_key, r.west_m, r.north_m, r.cell_m] for r in job.rasters],
    }


def _job(path: Path, about: dict[str, Any]) -> Job:
    """The job of one band, from its file."""
    from dgdo_geo.overlay import exact, kernel

    frame = gpd.read_parquet(path)
    lines = frame.geometry.to_numpy()
    start = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(shapely.get_num_coordinates(lines), out=start[1:])
    polygon, position = np.unique(frame["polygon"].to_numpy(), return_inverse=True)
    slot = np.zeros(len(polygon), np.int32)
    slot[position] = frame["slot"].to_numpy()
    rings = kernel.Rings(
        shapely.get_coordinates(lines),
        start,
        position.astype(np.int32),
        frame["left"].to_numpy().astype(np.int8),
        slot,
        about["regions"],
    )
    rasters = tuple(
        RasterPlane(np.load(path.parent / f"raster-{i}.npy", mmap_mode="r"), tuple(keys), *numbers)
        for i, (keys, *numbers) in enumerate(about["rasters"])
    )
    return exact.Job(rings, kernel.Grid(*about["grid"]), about["words"], rasters)


def _connected(scheduler: str | None, workers: int, stack: contextlib.ExitStack) -> Client:
    """A client of the given scheduler, or of workers on this machine; both end with ``stack``."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise DataError("scale_needs_dask") from error
    if scheduler is None:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))
    try:
        return stack.enter_context(Client(scheduler, timeout=CONNECT_S))
    except (OSError, TimeoutError, ValueError) as error:
        raise DataError("scale_no_scheduler", address=scheduler, reason=error) from error


def _check_workers(client: Client, folder: Path) -> None:
    """Every worker must run this version, have the kernel, and see the files."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise DataError("scale_no_workers", seconds=CONNECT_S) from error
    wanted = [dgdo_geo.__version__, engine.EXACT, True]
    for worker, found in client.run(_worker_state, str(folder)).items():
        if found != wanted:
            raise DataError("scale_worker_differs", worker=worker, found=found, wanted=wanted, path=folder)


def _worker_state(folder: str) -> list[object]:
    """What a worker has: version, engine, and whether it sees the files of the job."""
    return [dgdo_geo.__version__, engine.name(), (Path(folder) / "job.json").exists()]
