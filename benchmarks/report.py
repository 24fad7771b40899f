"""From measurements to the JSON and the tables of ``benchmarks.overlay``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks import agreement, peers
from benchmarks.inputs import Workload
from benchmarks.measure import Engine, Measurement
from benchmarks.task import compare, from_arrays

OURS = ("ours", "ours_1_thread", "ours_from_disk")
OURS_RASTERS = ("ours_rasters", "ours_rasters_1_thread")
Figures = dict[str, Any]


class NotMeasuredError(Exception):
    """Something without which there is no result could not be measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All measurements of one run, by name of the engine."""

    workload: Workload
    found: Mapping[str, Measurement]
    all_peers: bool

    def needed(self, name: str) -> Measurement:
        """A measurement without which there is no result."""
        measured = self.found[name]
        if measured.problem:
            raise NotMeasuredError(f"{name}: {measured.problem}; see the messages above")
        return measured

    def seconds(self, name: str, kind: str = "best") -> float:
        """Time of an engine; see :meth:`~benchmarks.measure.Measurement.time_s`."""
        value = self.needed(name).time_s(kind)
        if not value:
            raise NotMeasuredError(f"{name}: took no time at all")
        return value


def summary(name: str, run: Measured) -> Figures:
    """All figures of a run.

    Raises
    ------
    NotMeasuredError
        If our own engine, the dissolve or a reference failed.
    """
    ours = run.needed("ours")
    reference = from_arrays(run.needed(peers.POLYGONIZE.name).outcome)
    accuracy = compare(from_arrays(ours.outcome), reference)
    oracle = run.needed("oracle_rasters")
    chosen = np.asarray(oracle.about["sample"])
    rasters = compare(from_arrays(run.needed("ours_rasters").outcome).within(chosen), from_arrays(oracle.outcome))
    best = ratios(run, "best")
    again_s = run.seconds("ours_again")
    engines = [*joint_figures(run), *zonal_figures(run)]
    about, spec = run.workload, run.workload.spec
    return {
        "workload": name,
        "wall_s": run.seconds("ours"),
        "peak_mb": ours.peak_mb,
        "ratio_dissolve_polygonize": best["dissolve_polygonize"],
        "ratio_polygonize": best["polygonize"],
        "ratio_best_exact": best["best_exact_2_threads"],
        "max_relative_error": accuracy.max_relative_error,
        "rows": accuracy.rows,
        "peers": {one["name"]: one["best_s"] for one in engines if not one["name"].startswith("ours")},
        "ratios": best,
        "ratios_of_medians": ratios(run, "median"),
        "ratios_of_processor_time": ratios(run, "processor"),
        "drift": again_s / run.seconds("ours") - 1,
        "engine": ours.about["engine"],
        "first_call_s": ours.about["first_call_s"],
        "compile_s": run.needed("ours_compiled").about["first_call_s"] if "ours_compiled" in run.found else None,
        "from_disk_s": run.seconds("ours_from_disk"),
        "from_disk_peak_mb": run.needed("ours_from_disk").peak_mb,
        "accuracy": {**asdict(accuracy), "agrees": accuracy.agrees},
        "accuracy_rasters": {**asdict(rasters), "agrees": rasters.agrees, "municipalities": len(chosen)},
        "engines": engines,
        "not_run": [one.title for one in _all_peers() if one.is_slow and not run.all_peers],
        "data": {
            **asdict(spec),
            "polygons": about.polygons,
            "vertices": about.vertices,
            "municipality_vertices": about.municipality_vertices,
            "layers": len(about.layers),
        },
    }


def ratios(run: Measured, kind: str) -> dict[str, float]:
    """How many times longer the exact ways of others take, by best, median or processor time.

    Without a suffix: they use one thread, we use two, as the program does. With
    a suffix both use that many. ``best_exact`` is whatever exact way from raw
    layers is fastest: either dissolve and polygonize, or polygonize of the raw layers.
    """

    def seconds(name: str) -> float:
        return run.seconds(name, kind)

    merge, merge_2 = seconds("dissolve"), seconds("dissolve_2_threads")
    cut, cut_2 = seconds("polygonize"), seconds("polygonize_2_threads")
    ours, ours_1 = seconds("ours"), seconds("ours_1_thread")
    fastest = min(merge, seconds("dissolve_disjoint"))
    fastest_2 = min(fastest, merge_2, seconds("dissolve_disjoint_2_threads"))
    best = min(fastest + cut, seconds("polygonize_raw"))
    best_2 = min(best, fastest_2 + cut_2, seconds("polygonize_raw_2_threads"))
    return {
        "dissolve_polygonize": (merge + cut) / ours,
        "dissolve_polygonize_1_thread": (merge + cut) / ours_1,
        "dissolve_polygonize_2_threads": (merge_2 + cut_2) / ours,
        "dissolve_1_polygonize_2_threads": (merge + cut_2) / ours,
        "polygonize": cut / ours,
        "polygonize_1_thread": cut / ours_1,
        "polygonize_2_threads": cut_2 / ours,
        "best_exact": best / ours,
        "best_exact_1_thread": best / ours_1,
        "best_exact_2_threads": best_2 / ours,
    }


def joint_figures(run: Measured) -> list[Figures]:
    """Figures of every engine for joint combinations and what is near it; ratios to ours on two threads."""
    reference = from_arrays(run.needed(peers.POLYGONIZE.name).outcome)
    ours_s = run.seconds("ours")
    union, disjoint = run.needed(peers.DISSOLVE.name), run.needed(peers.DISJOINT.name)
    checks: list[tuple[Sequence[str], Callable[[Measurement], agreement.Verdict]]] = [
        (OURS, lambda one: agreement.exact(one, reference)),
        (OURS_RASTERS, lambda one: {}),
        (_names(peers.DISSOLVES[:2]), lambda one: agreement.dissolved(one, disjoint)),
        (_names(peers.DISSOLVES[2:]), lambda one: agreement.dissolved(one, union)),
        (_names(peers.JOINT_EXACT[:1]), lambda one: agreement.REFERENCE),
        (_names(peers.JOINT_EXACT[1:]), lambda one: agreement.exact(one, reference)),
        (_names(peers.JOINT_CELLS), lambda one: agreement.cells(one, reference)),
        (_names(peers.PER_LAYER), lambda one: agreement.per_layer(one, reference)),
        (_names(peers.ONE_ACTIVITY), lambda one: agreement.one_activity(one, reference)),
    ]
    return [
        figures(run.found[name], "overlay", ours_s, check)
        for names, check in checks
        for name in names
        if name in run.found
    ]


def zonal_figures(run: Measured) -> list[Figures]:
    """Figures of the zonal means; ratios to our product with weights that were kept."""
    reference = run.needed(peers.EXACTEXTRACT.name).outcome["mean"]

    def check(one: Measurement) -> agreement.Verdict:
        if one.engine is peers.EXACTEXTRACT:
            return agreement.REFERENCE
        return agreement.means(one, reference, whole_cells=one.engine.name == "rasterstats")

    names = ("ours_zonal", "ours_zonal_weights", *_names(peers.ZONAL_MEANS))
    ours_s = run.seconds("ours_zonal")
    return [figures(run.found[name], "zonal", ours_s, check) for name in names if name in run.found]


def figures(
    measured: Measurement, task: str, ours_s: float, check: Callable[[Measurement], agreement.Verdict]
) -> Figures:
    """One engine: times, memory, ratio and agreement; with a ``problem`` these are empty."""
    engine, best = measured.engine, measured.time_s("best")
    return {
        "name": engine.name,
        "title": engine.title,
        "task": task,
        "threads": engine.threads,
        "best_s": best,
        "median_s": measured.time_s("median"),
        "repeats": len(measured.seconds),
        "is_extrapolated": measured.share < 1,
        "processor_s": measured.time_s("processor"),
        "input_mb": measured.input_mb,
        "peak_mb": measured.peak_mb,
        "ratio": best / ours_s if best is not None else None,
        "agreement": dict(check(measured)) if not measured.problem else {},
        "about": {key: value for key, value in measured.about.items() if key != "sample"},
        "problem": measured.problem,
    }


def disagreements(result: Figures) -> list[str]:
    """Names of the engines whose answer is wrong."""
    wrong = [one["name"] for one in result["engines"] if one["agreement"].get("agrees") is False]
    return wrong + ([] if result["accuracy_rasters"]["agrees"] else ["ours_rasters"])


def _names(engines: Sequence[Engine]) -> list[str]:
    return [engine.name for engine in engines]


def _all_peers() -> list[Engine]:
    return [*peers.JOINT_EXACT, *peers.JOINT_CELLS, *peers.PER_LAYER, *peers.ONE_ACTIVITY, *peers.ZONAL_MEANS]
