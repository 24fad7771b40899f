"""The same figures as Markdown, for the screen and for RESULTS.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Figures = dict[str, Any]

STEADY = 0.15
"""Largest change of our own time during a run of which the wall times are to be trusted."""
RATIOS = {
    "best_exact_2_threads": "fastest exact way of others from raw layers, both on 2 threads",
    "best_exact_1_thread": "the same, both on 1 thread",
    "best_exact": "the same, others on 1 thread, ours on 2",
    "dissolve_polygonize_2_threads": "union_all + polygonize, both on 2 threads",
    "dissolve_polygonize_1_thread": "the same, both on 1 thread",
    "dissolve_polygonize": "the same, others on 1 thread, ours on 2",
    "dissolve_1_polygonize_2_threads": "the same, union_all on 1 thread, polygonize and ours on 2",
    "polygonize_2_threads": "polygonize alone (layers already dissolved), both on 2 threads",
    "polygonize_1_thread": "the same, both on 1 thread",
    "polygonize": "the same, others on 1 thread, ours on 2",
}


def overlay(result: Figures) -> str:
    """All tables of one run of ``benchmarks.overlay``."""
    data = result["data"]
    columns = [result[key] for key in ("ratios", "ratios_of_medians", "ratios_of_processor_time")]
    parts = [
        f"## Workload {result['workload']}",
        machine(result["machine"]),
        f"{data['municipalities']} municipalities ({data['municipality_vertices']:,} vertices), {data['layers']} layers, "
        f"{data['polygons']:,} raw polygons ({data['vertices']:,} vertices), seed {data['seed']}. "
        + first_call(result),
        "### Area per municipality and combination of layers",
        engines([one for one in result["engines"] if one["task"] == "overlay"]),
        "### Ratios",
        markdown(
            ("time of others / ours", "best", "median", "processor time"),
            [(title, *(times(column[key]) for column in columns)) for key, title in RATIOS.items()],
        ),
        drift(result["drift"]),
        "### Exactness of ours",
        exactness(result),
        "### Mean of 8 rasters per municipality",
        engines([one for one in result["engines"] if one["task"] == "zonal"]),
    ]
    if result["not_run"]:
        parts.append("Not run, because slow (`--all-peers` runs them): " + "; ".join(result["not_run"]) + ".")
    return "\n\n".join(parts)


def first_call(result: Figures) -> str:
    """What the first call costs: reading machine code, or making it."""
    compiled = f", {result['compile_s']:.1f} s where it must be compiled first" if result["compile_s"] else ""
    return (
        f"Our engine: {result['engine']}. Its first call in a process took {result['first_call_s']:.2f} s{compiled}; "
        f"only the time from GeoParquet includes it."
    )


def drift(change: float) -> str:
    """How steady the machine was."""
    warning = "" if abs(change) < STEADY else " The machine was not quiet: trust the ratios of processor time only."
    return f"Ours was measured again after all the others: {change:+.0%}.{warning}"


def machine(about: Figures) -> str:
    """What it was measured on, in one paragraph."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"{about['date']}; {about['processor']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}; "
        f"load average {about['load_average']} at the start. {versions}."
    )


def engines(found: Sequence[Figures]) -> str:
    """One row for each engine, and why some could not be measured."""
    head = (
        "engine",
        "threads",
        "best s",
        "median s",
        "cpu s",
        "runs",
        "peak MB",
        "ratio",
        "error",
        "rows missed",
        "agrees",
    )
    table = markdown(head, [engine(one) for one in found])
    absent = [f"- {one['title']}: not available: {one['problem']}" for one in found if one["problem"]]
    return "\n\n".join([table, *(["\n".join(absent)] if absent else [])])


def engine(one: Figures) -> tuple[str, ...]:
    """The row of one engine."""
    if one["problem"]:
        return (one["title"], str(one["threads"]), "n/a", *[""] * 8)
    checked = one["agreement"]
    about = "~" if one["is_extrapolated"] else ""
    return (
        one["title"],
        str(one["threads"]),
        about + seconds(one["best_s"]),
        about + seconds(one["median_s"]),
        about + seconds(one["processor_s"]),
        str(one["repeats"]),
        f"{one['peak_mb']:,.0f}",
        about + times(one["ratio"]),
        f"{checked['error']:.1e}" if "error" in checked else "" if "is_reference" in checked else "see below",
        f"{checked['missing']:,} of {checked['reference_rows']:,}" if "missing" in checked else "",
        "reference" if "is_reference" in checked else {True: "yes", False: "**no**", None: ""}[checked.get("agrees")],
    )


def exactness(result: Figures) -> str:
    """Our error against GEOS, without and with rasters."""
    columns = (result["accuracy"], result["accuracy_rasters"])
    shown = [
        ("municipalities", [str(result["data"]["municipalities"]), f"{columns[1]['municipalities']} (fixed sample)"]),
        ("rows of ours", [f"{one['rows']:,}" for one in columns]),
        ("rows of the reference", [f"{one['reference_rows']:,}" for one in columns]),
        ("rows above 1 m2 missing", [str(one["missing"]) for one in columns]),
        ("rows above 1 m2 invented", [str(one["invented"]) for one in columns]),
        ("rows off by more than 1e-9 and 1e-3 m2", [str(one["beyond_tolerance"]) for one in columns]),
        ("largest error of a row, m2", [f"{one['max_absolute_error_m2']:.1e}" for one in columns]),
        ("largest relative error of a row above 1 m2", [f"{one['max_relative_error']:.1e}" for one in columns]),
        ("sum of errors / whole area", [f"{one['total_relative_error']:.1e}" for one in columns]),
    ]
    return markdown(
        ("against GEOS polygonize", "layers", "layers and rasters"), [(name, *cells) for name, cells in shown]
    )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns.

    >>> print(markdown(("a", "b"), [("1", "long")]))
    | a | b    |
    |---|------|
    | 1 | long |
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def seconds(value: float) -> str:
    """Seconds with three digits that mean something.

    >>> seconds(123.4), seconds(1.2345), seconds(0.0123456)
    ('123', '1.23', '0.0123')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def times(value: float) -> str:
    """A ratio.

    >>> times(7.94), times(123.4)
    ('7.9', '123')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
