"""How long reports take: a municipality, a province, and all municipalities in processes.

    python -m benchmarks.reports [--json] [--municipalities 12] [--workers 2]

Exit code 0 when all was measured, 1 when a report is missing or a second run
made one again, 2 for a wrong argument, 3 when data are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import machine, results, tables
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.report.batch import make_all, municipalities_in
from dgdo_geo.report.making import Asked, make

FORMATS = ("pdf", "xlsx", "gpkg")
ON = date(2026, 12, 1)
LIMITS = {"municipality": 3.0, "province": 10.0, "batch": 600.0, "memory_mb": 3000.0}
"""Seconds, and MB of 10^6 bytes."""
REPEATS = 5
SEED = 3
SAMPLE_S = 0.1
"""Time between two looks at the memory."""
Figures = dict[str, Any]


def measure(count: int, workers: int) -> Figures:
    """Measure one report of each kind, and a batch.

    Parameters
    ----------
    count : int
        Municipalities in the batch, drawn at random; the rest is extrapolated.
    workers : int
        Processes.
    """
    with TemporaryDirectory(prefix="dgdo-geo-benchmark-") as folder:
        home = Path(folder)
        explorer = open_explorer(home / "workspace", create=True)
        _say("overlay")
        explorer.build_overlay()
        found = {
            "municipality": repeated(explorer, Asked(RegionKind.MUNICIPALITY, "GM0193", None, ON), home),
            "province": repeated(explorer, Asked(RegionKind.PROVINCE, "PV23", None, ON), home),
        }
        return {**found, "batch": batch(explorer, count, workers, home / "batch")}


def repeated(explorer: Explorer, asked: Asked, home: Path) -> Figures:
    """Seconds and processor seconds of the same report, after one that is not counted."""
    _say(f"{asked.kind.value} {asked.wanted}")
    make(explorer, asked, FORMATS, home / "warm")
    wall, processor = [], []
    for i in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        make(explorer, asked, FORMATS, home / f"{asked.wanted}-{i}")
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return {
        "count": REPEATS, "best_s": min(wall), "median_s": float(np.median(wall)), "processor_s": min(processor),
    }  # fmt: skip


def batch(explorer: Explorer, count: int, workers: int, folder: Path) -> Figures:
    """A batch in processes: the start of the processes apart, then the time per report; and the same once more."""
    everything = municipalities_in(explorer, Asked(RegionKind.COUNTRY, "NL", None, ON))
    chosen = np.random.default_rng(SEED).permutation(len(everything))[:count]
    asked = [everything[i] for i in sorted(chosen.tolist())]
    _say(f"batch of {len(asked)}")
    moments: list[float] = []

    def told(_done: int, _total: int) -> None:
        moments.append(time.perf_counter())

    start = time.perf_counter()
    with watched_memory() as peak:
        made = make_all(explorer, asked, FORMATS, folder, workers=workers, on_progress=told)
    total_s = time.perf_counter() - start
    again_start = time.perf_counter()
    again = make_all(explorer, asked, FORMATS, folder, workers=workers)
    again_s = time.perf_counter() - again_start
    # The first reports of all processes hold what is done only once.
    ready = moments[min(workers, len(moments) - 1)]
    later = len(moments) - 1 - min(workers, len(moments) - 1)
    each_s = (moments[-1] - ready) / later if later else total_s / len(asked)
    return {
        "municipalities": len(asked),
        "of": len(everything),
        "workers": workers,
        "seconds": total_s,
        "start_s": ready - start,
        "each_s": each_s,
        "all_s": (ready - start) + each_s * (len(everything) - workers),
        "peak_mb": max(peak, default=0.0),
        "fresh": made.fresh,
        "missing": [path.name for one in made.made for path, _ in one.files if not path.is_file()],
        "again_fresh": again.fresh,
        "again_s": again_s,
    }


# Memory -------------------------------------------------------------------------------------


@contextmanager
def watched_memory() -> Iterator[list[float]]:
    """Memory of this process and of those that it started, in MB; shared pages are divided among who shares them."""
    found: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_S):
            found.append(sum(map(memory_mb, family(os.getpid()))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def family(process: int) -> list[int]:
    """A process with its children and theirs."""
    found = [process]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            found += _numbers(path)
    return found


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text(encoding="ascii").split()]
    except OSError:
        return []


def memory_mb(process: int) -> float:
    """Memory of a process, in MB of 10^6 bytes; 0 when it has ended."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return 0.0 if found is None else int(found[1]) * 1024 / 1e6


# Report -------------------------------------------------------------------------------------


def table(result: Figures) -> str:
    """The figures as Markdown."""
    rows = [
        (
            f"report of a {kind}", str(found["count"]), f"{found['best_s']:.2f}", f"{found['median_s']:.2f}",
            f"{found['processor_s']:.2f}", f"{LIMITS[kind]:g}",
        )
        for kind, found in result.items()
        if kind in ("municipality", "province")
    ]  # fmt: skip
    b = result["batch"]
    is_all = b["municipalities"] == b["of"]
    whole = f"{b['seconds']:.0f}" if is_all else f"~{b['all_s']:.0f}"
    extrapolated = "" if is_all else ", extrapolated from the time per report once all processes run"
    parts = [
        "## Reports",
        tables.machine(result["machine"]),
        f"PDF, XLSX and GeoPackage; all activities and depth bands. Warm: after one report that is not counted. "
        f"The batch runs in {b['workers']} processes.",
        tables.markdown(("what", "times", "best s", "median s", "processor s", "limit s"), rows),
        f"Batch of {b['municipalities']} municipalities: {b['seconds']:.0f} s, of which {b['start_s']:.0f} s until every process had "
        f"made its first report; {b['each_s']:.2f} s per further report. All {b['of']}: {whole} s{extrapolated} (limit "
        f"{LIMITS['batch']:g} s). Memory of all processes together at its largest: {b['peak_mb']:,.0f} MB (limit "
        f"{LIMITS['memory_mb']:,.0f} MB). The same once more: {b['again_fresh']} made, {b['again_s']:.1f} s.",
    ]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description="How long reports take.")
    parser.add_argument("--json", action="store_true", help="only JSON on standard output")
    parser.add_argument("--municipalities", type=int, default=342, help="in the batch; fewer are extrapolated")
    parser.add_argument("--workers", type=int, default=2, help="processes of the batch")
    parser.add_argument("--write-results", action="store_true", help="put the tables in RESULTS.md")
    given = parser.parse_args(arguments)
    if given.workers < 1 or given.municipalities <= given.workers:
        parser.error("needs 1 or more processes, and more municipalities than processes")
    about = machine.describe()
    try:
        result = {**measure(given.municipalities, given.workers), "limits": LIMITS, "machine": about}
    except (DgdoGeoError, OSError) as error:
        _say(str(error))
        return 3
    print(json.dumps(result, allow_nan=False) if given.json else table(result))
    if result["batch"]["missing"] or result["batch"]["again_fresh"]:
        _say(f"missing: {result['batch']['missing']}; made again: {result['batch']['again_fresh']}")
        return 1
    if given.write_results:
        results.write("reports", table(result))
    return 0


def _say(message: str) -> None:
    print(f"reports: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
