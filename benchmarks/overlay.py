"""Our overlay beside the engines that others use, in one run.

    python -m benchmarks.overlay --workload w1|w4|tiny [--json] [--data FOLDER] [--all-peers] [--repeat 3]

See README.md for what is measured and how to read it. Exit code 0 when all
was measured and agrees, 1 when an answer disagrees with the reference, 2 for
a wrong argument, 3 when data are missing or damaged or our own engine failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import machine, peers, results, tables
from benchmarks.inputs import WORKLOADS, Workload, WorkloadError, default_folder, open_workload
from benchmarks.measure import Engine, Measurement, measure
from benchmarks.report import Measured, NotMeasuredError, disagreements, summary
from benchmarks.task import Inputs, NothingComparedError
from benchmarks.workload import ensure

OURS_MODULE = "benchmarks.ours"
OURS = Engine("ours", "dgdo-geo, raw layers", f"{OURS_MODULE}:joint_areas", 2, {"workers": 2})
OURS_1 = replace(OURS, name="ours_1_thread", threads=1, options={"workers": 1})
AGAIN = replace(OURS, name="ours_again")
OURS_RASTERS = Engine(
    "ours_rasters",
    "dgdo-geo, raw layers and 8 rasters",
    f"{OURS_MODULE}:joint_areas",
    2,
    {"workers": 2, "rasters": True},
)
OURS_RASTERS_1 = replace(OURS_RASTERS, name="ours_rasters_1_thread", threads=1, options={"workers": 1, "rasters": True})
FROM_DISK = Engine(
    "ours_from_disk", "dgdo-geo, from GeoParquet to the stored table", f"{OURS_MODULE}:from_disk", 2, {"workers": 2}
)
OURS_ZONAL = Engine(
    "ours_zonal",
    "dgdo-geo: sparse product, weights kept",
    "benchmarks.ours_zonal:zonal_means",
    options={"weights_kept": True},
)
OURS_ZONAL_ALL = Engine(
    "ours_zonal_weights",
    "dgdo-geo: weights and product",
    "benchmarks.ours_zonal:zonal_means",
    options={"weights_kept": False},
)
ORACLE = Engine("oracle_rasters", "shapely: polygonize with raster outlines", "benchmarks.oracle:with_rasters")


def run(workload: Workload, *, repeat: int, all_peers: bool, install: bool) -> Measured:
    """Measure everything, always in the same order, one process at a time."""
    found: dict[str, Measurement] = {}
    with TemporaryDirectory(prefix="dgdo-geo-benchmark-") as scratch:
        inputs = Inputs(workload.folder, Path(scratch))

        def take(engine: Engine, times: int = repeat) -> None:
            if engine.is_slow and not all_peers:
                return
            _say(f"{engine.name} ...")
            found[engine.name] = measured = measure(engine, inputs, repeat=times, install=install)
            _say(f"{engine.name}: {measured.problem or tables.seconds(measured.time_s('best') or 0.0) + ' s'}")

        for engine in (OURS, OURS_1, OURS_RASTERS, OURS_RASTERS_1):
            take(engine)
        if all_peers:
            _say("ours, compiled anew ...")
            nothing_kept = {"NUMBA_CACHE_DIR": str(Path(scratch, "numba"))}
            found["ours_compiled"] = measure(OURS, inputs, repeat=1, install=False, extra_environment=nothing_kept)
        found[FROM_DISK.name] = whole_processes(FROM_DISK, inputs, repeat)
        for engine in (*peers.DISSOLVES, *peers.JOINT_EXACT, *peers.JOINT_CELLS):
            take(engine)
        for engine in (*peers.PER_LAYER, *peers.ONE_ACTIVITY, OURS_ZONAL, OURS_ZONAL_ALL, *peers.ZONAL_MEANS):
            take(engine)
        take(ORACLE, 1)
        # The first once more: how much slower or faster the machine became meanwhile.
        take(AGAIN)
    return Measured(workload, found, all_peers)


def whole_processes(engine: Engine, inputs: Inputs, repeat: int) -> Measurement:
    """Wall time of whole processes: start, imports, reading, computing and writing."""
    _say(f"{engine.name} ...")
    runs = [measure(engine, inputs, repeat=1, install=False) for _ in range(repeat)]
    if failed := [one for one in runs if one.problem]:
        return failed[0]
    seconds = tuple(one.process_s for one in runs)
    _say(f"{engine.name}: {tables.seconds(min(seconds))} s")
    return replace(
        runs[-1],
        seconds=seconds,
        processor_s=min(one.process_cpu_s for one in runs),
        input_mb=0.0,
        peak_mb=max(one.peak_mb for one in runs),
        about={**runs[-1].about, "inside_s": min(one.seconds[0] for one in runs)},
    )


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.overlay", description="Our overlay beside the engines that others use."
    )
    made.add_argument("--workload", choices=WORKLOADS, required=True, help="how much to overlay; tiny is to try it out")
    made.add_argument("--json", action="store_true", help="only JSON on standard output")
    made.add_argument("--data", type=Path, help="folder of the workload; made in the user's cache when not given")
    made.add_argument("--all-peers", action="store_true", help="the slow ones too (many minutes)")
    made.add_argument("--repeat", type=int, default=3, help="times that each is run; slow ones less often")
    made.add_argument("--no-install", action="store_true", help="make no environments for peers")
    made.add_argument("--write-results", action="store_true", help="put the tables in RESULTS.md")
    return made


def opened(name: str, folder: Path | None) -> Workload:
    """The workload to run on: the given folder as it is, or one in the cache, made when needed."""
    if folder is not None:
        return open_workload(folder.resolve(), WORKLOADS[name])
    return ensure(default_folder(name), WORKLOADS[name])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = parser().parse_args(arguments)
    if given.repeat < 1:
        parser().error("--repeat must be 1 or more")
    if given.write_results and given.workload not in results.SECTIONS:
        parser().error(f"the results of {given.workload} say nothing; --write-results takes {results.SECTIONS}")
    about = machine.describe()
    try:
        workload = opened(given.workload, given.data)
        measured = run(workload, repeat=given.repeat, all_peers=given.all_peers, install=not given.no_install)
        result: dict[str, Any] = {**summary(given.workload, measured), "machine": about}
    except (WorkloadError, NotMeasuredError, NothingComparedError, OSError) as error:
        _say(str(error))
        return 3
    text = tables.overlay(result)
    print(json.dumps(result, allow_nan=False) if given.json else text)
    wrong = disagreements(result)
    for name in wrong:
        _say(f"{name}: does not agree with the reference")
    if given.write_results and not wrong:
        results.write(given.workload, text)
    return 1 if wrong else 0


def _say(message: str) -> None:
    print(f"overlay: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
