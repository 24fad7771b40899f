"""Run an engine in a process of its own and say how long it took and how much memory it had."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import environments
from benchmarks.task import Inputs

ROOT = Path(__file__).resolve().parents[1]
BUDGET_S = 60.0
"""An engine that has run this long in all is not repeated."""
LONGEST_S = 3600.0
"""An engine that did not finish by then is ended and reported so."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to do a task.

    Attributes
    ----------
    name : str
        Key in the JSON.
    title : str
        What it is, for people.
    function : str
        "module:function" that makes its :class:`~benchmarks.task.Task`.
    threads : int
        Threads it may use.
    options : mapping
        Keyword arguments of the function.
    environment : str
        "" for that of dgdo-geo, else the name of one in :mod:`benchmarks.environments`.
    is_slow : bool
        Whether it only runs when all peers are asked for.
    """

    name: str
    title: str
    function: str
    threads: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: str = ""
    is_slow: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What an engine took, and its outcome.

    Attributes
    ----------
    engine : Engine
    seconds : tuple of float
        Wall time of every repeat of the timed part.
    processor_s : float
        Least processor time of a repeat, over all threads.
    process_s, process_cpu_s : float
        Wall and processor time of the whole process: start, imports, reading, all repeats.
    input_mb, peak_mb : float
        Largest memory before the timed part, and in all.
    about : mapping
        What else the engine reports.
    outcome : mapping of name to array
    problem : str
        Why there is no measurement; empty when there is one.
    """

    engine: Engine
    seconds: tuple[float, ...] = ()
    processor_s: float = 0.0
    process_s: float = 0.0
    process_cpu_s: float = 0.0
    input_mb: float = 0.0
    peak_mb: float = 0.0
    about: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    problem: str = ""

    @property
    def share(self) -> float:
        """Part of the municipalities that it ran on; below 1 its time is extrapolated."""
        return len(self.about["sample"]) / self.about["of"] if "sample" in self.about else 1.0

    def time_s(self, kind: str) -> float | None:
        """Time for the whole workload in seconds; None when there is no measurement.

        Parameters
        ----------
        kind : str
            ``best`` or ``median`` wall time, or ``processor``: what all threads took
            together, which hardly depends on what else the machine does.
        """
        if not self.seconds:
            return None
        values = {"best": min(self.seconds), "median": statistics.median(self.seconds), "processor": self.processor_s}
        return values[kind] / self.share


def measure(
    engine: Engine,
    inputs: Inputs,
    *,
    repeat: int,
    install: bool,
    extra_environment: Mapping[str, str] | None = None,
) -> Measurement:
    """Run one engine in a process of its own.

    Parameters
    ----------
    engine : Engine
    inputs : Inputs
    repeat : int
        Times the timed part runs; less when it is slow.
    install : bool
        Whether an environment that is missing may be made.
    extra_environment : mapping, optional
        Environment variables to set.

    Returns
    -------
    Measurement
        With a ``problem`` when it could not be measured: a peer is never left out in silence.
    """
    try:
        python = environments.python_of(engine.environment, install=install)
    except environments.UnavailableError as error:
        return Measurement(engine, problem=str(error))
    with TemporaryDirectory(dir=inputs.scratch) as folder:
        report, outcome = Path(folder, "report.json"), Path(folder, "outcome.npz")
        request = {
            "function": engine.function,
            "workload": str(inputs.workload),
            "scratch": str(inputs.scratch),
            "options": dict(engine.options),
            "repeat": repeat,
            "budget_s": BUDGET_S,
            "report": str(report),
            "outcome": str(outcome),
        }
        Path(folder, "request.json").write_text(json.dumps(request), encoding="utf-8")
        command = [str(python), "-m", "benchmarks.child", str(Path(folder, "request.json"))]
        started = time.perf_counter()
        problem = _run(command, {**os.environ, **(extra_environment or {})})
        process_s = time.perf_counter() - started
        if problem:
            return Measurement(engine, problem=problem)
        found = json.loads(report.read_text(encoding="utf-8"))
        with np.load(outcome) as arrays:
            kept = dict(arrays)
    return Measurement(
        engine,
        tuple(found["seconds"]),
        min(found["processor_seconds"]),
        process_s,
        found["process_cpu_s"],
        found["input_mb"],
        found["peak_mb"],
        found["about"],
        kept,
    )


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a child; returns what went wrong. What it prints goes to standard error, which JSON never uses."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, timeout=LONGEST_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"not finished after {LONGEST_S:.0f} s"
    if done.returncode == 0:
        return ""
    sys.stderr.write(done.stderr)
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    # The kind of error only: its message may name folders of this machine. The whole of it is on standard error.
    last = (done.stderr.strip().splitlines() or ["unknown error"])[-1]
    return last if last.startswith("ModuleNotFoundError") else f"failed with {last.split(':')[0]}"
