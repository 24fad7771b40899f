"""How long a visitor waits: a point, an area and the country, on the layers that come with the program.

    python -m benchmarks.queries [--json] [--points 10000] [--seconds 120]

Exit code 0 when all was measured, 1 when an answer is about another place, 2
for a wrong argument, 3 when data are missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks import machine, results, tables
from benchmarks.task import NothingComparedError
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import Verdict
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.point import point_index
from dgdo_geo.query import Explorer, open_explorer

SEED = 3
COUNTRY = 40
"""Times that the country is assessed."""
CHECKED = 1000
"""Points of which the answer of the index is compared with GEOS."""
Place = tuple[float, float]
"""x and y, EPSG:28992, metres."""
Figures = dict[str, Any]


def measure(points: int, budget_s: float) -> Figures:
    """Measure every kind of question.

    Parameters
    ----------
    points : int
        Random places in the country.
    budget_s : float
        A kind of question stops after this many seconds; the report says how many were asked.
    """
    with TemporaryDirectory(prefix="dgdo-geo-benchmark-") as workspace:
        explorer, open_s = timed(lambda: open_explorer(workspace, create=True))
        _, warm_s = timed(explorer.warm)
        areas = explorer.regions.municipalities
        shapes = areas.geometry.to_numpy()
        places, municipality = random_places(shapes, points)
        _say("point index")
        encoding, tree = explorer.encoded.of()
        held, kernel = each(index_kernel(encoding, tree), places, budget_s, sorted)
        right = [sorted(tree.query(shapely.Point(place), predicate="intersects")) for place in places[:CHECKED]]
        wrong = sum(a != b for a, b in zip(held, right, strict=False))
        _say("points")
        found, whole = each(
            lambda place: explorer.at_point(*place), places, budget_s, lambda answer: answer.region.name
        )
        expected = areas["name"].to_numpy()[municipality[: len(found)]]
        elsewhere = int((np.array(found) != expected).sum())
        _say("areas")
        _, area = each(explorer.in_area, shapes, budget_s)
        _say("country")
        rows, overlay_s = timed(explorer.build_overlay)
        _, first_s = timed(explorer.assess_country)
        _, again = each(lambda _: explorer.assess_country(), range(COUNTRY), budget_s)
        # Days on which nothing else holds: the conditions are filled in anew.
        days = [date(2025, 1, 1) + timedelta(days=i) for i in range(COUNTRY)]
        _, dated = each(explorer.assess_country, days, budget_s)
        _, ruled = each(lambda i: with_changed_rule(explorer, i), range(COUNTRY), budget_s)
    return {
        "open_s": open_s,
        "warm_s": warm_s,
        "point_index": latency(kernel),
        "point": latency(whole),
        "wrong": {"point_index": wrong, "point": elsewhere},
        "area": latency(area),
        "country": {"overlay_s": overlay_s, "rows": rows, "first_s": first_s},
        "country_again": latency(again),
        "country_date": latency(dated),
        "country_rule": latency(ruled),
    }


def index_kernel(encoding: Encoding, tree: shapely.STRtree) -> Callable[[Place], NDArray[np.integer]]:
    """What looks up which polygons hold a point, without judging them; GEOS where nothing can be compiled."""
    index = point_index(encoding, tree)
    if index is None:
        return lambda place: tree.query(shapely.Point(place), predicate="intersects")
    return lambda place: index.polygons_at(*place)


def with_changed_rule(explorer: Explorer, i: int) -> Any:
    """Every activity and depth band in the country, after one rule got another verdict."""
    rules = list(explorer.knowledge.rules)
    at = i % len(rules)
    verdict = Verdict.ATTENTION if rules[at].verdict is not Verdict.ATTENTION else Verdict.EXCLUDED
    rules[at] = rules[at].model_copy(update={"verdict": verdict})
    return explorer.assess_country(knowledge=replace(explorer.knowledge, rules=tuple(rules)))


def random_places(shapes: NDArray[np.object_], count: int) -> tuple[list[Place], NDArray[np.intp]]:
    """Random coordinates in the municipalities, and the position of the municipality of each; EPSG:28992."""
    tree = shapely.STRtree(shapes)
    west, south, east, north = shapely.total_bounds(shapes)
    rng = np.random.default_rng(SEED)
    found: NDArray[np.float64] = np.empty((0, 2))
    owner = np.empty(0, np.intp)
    while len(found) < count:
        drawn = rng.uniform((west, south), (east, north), (4 * count, 2))
        point, shape = tree.query(shapely.points(drawn), predicate="within")
        found, owner = np.vstack([found, drawn[point]]), np.append(owner, shape)
    return [(float(x), float(y)) for x, y in found[:count]], owner[:count]


def each(
    ask: Callable[[Any], Any],
    things: Sequence[Any],
    budget_s: float,
    keep: Callable[[Any], Any] = lambda answer: None,
) -> tuple[list[Any], list[float]]:
    """Ask one thing after another until the time is up: what is kept of each answer, and seconds."""
    if not len(things):
        raise NothingComparedError("nothing to ask")
    ask(things[0])  # what is only done once is not in the figures
    kept: list[Any] = []
    seconds: list[float] = []
    until = time.perf_counter() + budget_s
    for thing in things:
        started = time.perf_counter()
        answer = ask(thing)
        seconds.append(time.perf_counter() - started)
        kept.append(keep(answer))
        if time.perf_counter() > until:
            break
    return kept, seconds


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Outcome and wall time in seconds."""
    started = time.perf_counter()
    outcome = work()
    return outcome, time.perf_counter() - started


def latency(seconds: Sequence[float]) -> Figures:
    """Number, median and 99th percentile in milliseconds."""
    milliseconds = np.asarray(seconds) * 1e3
    return {
        "count": len(milliseconds),
        "median_ms": float(np.median(milliseconds)),
        "p99_ms": float(np.percentile(milliseconds, 99)),
    }


def table(result: Figures) -> str:
    """The figures as Markdown."""
    country = result["country"]
    rows = [
        (title, f"{result[key]['count']:,}", f"{result[key]['median_ms']:.3g}", f"{result[key]['p99_ms']:.3g}")
        for title, key in (
            ("layer classes at a point (index only)", "point_index"),
            ("answer at a point", "point"),
            ("answer for a municipality as a polygon", "area"),
            ("all activities in all municipalities", "country_again"),
            ("the same on another date", "country_date"),
            ("the same after a rule has changed", "country_rule"),
        )
    ]
    once = [
        ("open the program's layers and rules", f"{result['open_s']:.2f}"),
        ("make ready for questions", f"{result['warm_s']:.2f}"),
        (f"overlay of the country ({country['rows']:,} rows)", f"{country['overlay_s']:.2f}"),
        ("all activities in all municipalities, for the first time", f"{country['first_s']:.2f}"),
    ]
    parts = [
        "## Questions",
        tables.machine(result["machine"]),
        "On the layers that come with the program; every activity and depth band is assessed.",
        tables.markdown(("question", "asked", "median ms", "p99 ms"), rows),
        tables.markdown(("once", "s"), once),
    ]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries", description="How long a visitor waits.")
    parser.add_argument("--json", action="store_true", help="only JSON on standard output")
    parser.add_argument("--points", type=int, default=10_000, help="random places")
    parser.add_argument("--seconds", type=float, default=120.0, help="longest time for one kind of question")
    parser.add_argument("--write-results", action="store_true", help="put the tables in RESULTS.md")
    given = parser.parse_args(arguments)
    if given.points < 1 or not given.seconds > 0:
        parser.error("needs 1 or more points, and more than 0 seconds")
    about = machine.describe()
    try:
        result = {**measure(given.points, given.seconds), "machine": about}
    except (DgdoGeoError, NothingComparedError, OSError) as error:
        _say(str(error))
        return 3
    print(json.dumps(result, allow_nan=False) if given.json else table(result))
    if any(result["wrong"].values()):
        _say(f"wrong answers: {result['wrong']} (the index against GEOS; the municipality of the answer)")
        return 1
    if given.write_results:
        results.write("queries", table(result))
    return 0


def _say(message: str) -> None:
    print(f"queries: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
