"""One engine in one process: load its input, run it a few times, leave the outcome in files.

    python -m benchmarks.child REQUEST.json

Started by :mod:`benchmarks.measure`, possibly with the Python of another
environment; so nothing here needs more than numpy.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.task import Inputs, Task


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes).

    ``ru_maxrss`` would also do, but Linux hands the peak of the process that
    started us down to us; the peak in ``/proc`` begins anew with the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    in_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * in_bytes / 1e6


def main(request_path: str) -> None:
    """Do what the request asks and write the report beside it."""
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    module, _, name = request["function"].partition(":")
    make = getattr(importlib.import_module(module), name)
    inputs = Inputs(Path(request["workload"]), Path(request["scratch"]))
    task: Task = make(inputs, **request["options"])
    input_mb = peak_mb()
    seconds: list[float] = []
    processor_seconds: list[float] = []
    outcome = None
    while len(seconds) < request["repeat"] and (not seconds or sum(seconds) < request["budget_s"]):
        outcome = None  # not two outcomes in memory at once
        wall, processor = time.perf_counter(), time.process_time()
        outcome = task.run()
        seconds.append(time.perf_counter() - wall)
        processor_seconds.append(time.process_time() - processor)
    report = {
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "process_cpu_s": time.process_time(),
        "input_mb": input_mb,
        "peak_mb": peak_mb(),
        "about": task.about,
    }
    kept = dict(task.keep(outcome))
    np.savez(request["outcome"], allow_pickle=False, **kept)
    Path(request["report"]).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
