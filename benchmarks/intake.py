"""How long an analyst waits: a GeoPackage with a million polygons, loaded, checked and stored by ``dgdo-geo add``.

    python -m benchmarks.intake [--json] [--polygons 1000000]

Exit code 0 when all was measured, 1 when the stored layer is not what was in
the file or nothing was told meanwhile, 2 for a wrong argument, 3 when loading
failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from benchmarks import machine, results, tables
from benchmarks.inputs import default_folder
from benchmarks.workload import renamed
from dgdo_geo import store
from dgdo_geo.errors import DgdoGeoError

SEED = 11
WEST, SOUTH, EAST, NORTH = 110_000.0, 390_000.0, 240_000.0, 570_000.0
"""Where the polygons lie, EPSG:28992, metres."""
BROKEN = 997
"""One in so many polygons crosses itself and has to be mended."""
KINDS = {
    "WWG": "waterwingebied",
    "GWB": "grondwaterbeschermingsgebied",
    "WWG/GWB": "waterwin_en_grondwaterbescherming",
    "BZO": "beschermingszone_oppervlaktewater",
}
"""Values in the file, and the class of each."""
LAYER = "grondwaterbescherming"
LONGEST_S = 1800.0
LIMIT_S, LIMIT_MB = 90.0, 3000.0
"""What issue 5 asks for a million polygons."""
ROOT = Path(__file__).resolve().parent.parent
# The command as somebody types it; only its largest memory is written down when it ends.
CHILD = """
import atexit, sys
from pathlib import Path
from benchmarks.child import peak_mb
report = Path(sys.argv.pop(1))
atexit.register(lambda: report.write_text(str(peak_mb())))
from dgdo_geo.cli import main
main()
"""
Figures = dict[str, Any]


def make(path: Path, count: int) -> None:
    """Write a GeoPackage with polygons beside each other, some of them broken; EPSG:28992.

    Parameters
    ----------
    path : Path
    count : int
    """
    rng = np.random.default_rng(SEED)
    columns = int(np.ceil(np.sqrt(count * (EAST - WEST) / (NORTH - SOUTH))))
    rows = -(-count // columns)
    width, height = (EAST - WEST) / columns, (NORTH - SOUTH) / rows
    number = np.arange(count)
    middle = np.stack([WEST + (number % columns + 0.5) * width, SOUTH + (number // columns + 0.5) * height], axis=1)
    corner = np.arange(8) * np.pi / 4
    far = rng.uniform(0.6, 0.98, (count, 8, 1)) / 2
    ring = middle[:, None] + far * np.stack([np.cos(corner) * width, np.sin(corner) * height], axis=1)
    broken = number % BROKEN == 0
    ring[broken] = ring[broken][:, [0, 4, 1, 2, 3, 5, 6, 7]]  # two corners in the wrong order: it crosses itself
    frame = gpd.GeoDataFrame(
        {
            "code": [f"V{n:07d}" for n in number],
            "naam": [f"Gebied {n % 5000}" for n in number],
            "soort": np.array(list(KINDS))[rng.integers(0, len(KINDS), count)],
            "hoogte": rng.normal(0, 3, count).round(2),
        },
        geometry=shapely.polygons(np.round(np.concatenate([ring, ring[:, :1]], axis=1), 3)),
        crs=28992,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with renamed(path) as temporary:
        pyogrio.write_dataframe(frame, temporary, driver="GPKG", layer="gebieden")


def measure(count: int) -> Figures:
    """Load the file in a process of its own and look at what came of it.

    Raises
    ------
    OSError
        If the command fails or does not end.
    """
    path = default_folder("intake") / f"gebieden-{count}-{SEED}.gpkg"
    if not path.exists():
        _say(f"making {count:,} polygons (once)")
        make(path, count)
    with TemporaryDirectory(prefix="dgdo-geo-benchmark-") as folder:
        workspace, report = Path(folder, "workspace"), Path(folder, "peak")
        words = ["add", str(path), "--laag", LAYER, "--klasse-kolom", "soort", "--naam-kolom", "naam", "--id-kolom"]
        words += ["code", "--bron", "Verzonnen", "--licentie", "CC0", "--datum", "2026-01-01", "--volledig"]
        words += ["--kwaliteit", "official", "--nauwkeurigheid", "10", "--opslaan", "--zonder-vergelijking"]
        words += [word for value, name in KINDS.items() for word in ("--waarde", f"{value}={name}")]
        command = [sys.executable, "-c", CHILD, str(report), *words, "--workspace", str(workspace)]
        started, processor = time.perf_counter(), os.times()
        told = at_a_terminal(command)
        wall, after = time.perf_counter() - started, os.times()
        _say("checking what was stored")
        kept = store.read_product(store.open_workspace(workspace).entries[LAYER])
        return {
            "polygons": count,
            "file_mb": path.stat().st_size / 1e6,
            "wall_s": wall,
            "processor_s": after.children_user + after.children_system - processor[2] - processor[3],
            "peak_mb": float(report.read_text()),
            "progress": progress(told),
            "wrong": differences(path, kept),
        }


def at_a_terminal(command: Sequence[str]) -> str:
    """Run a command of which standard error is a terminal, as for a person; what it said there."""
    import pty

    ours, theirs = pty.openpty()
    said = bytearray()

    def listen() -> None:
        with suppress(OSError):  # how Linux says that nobody writes there any more
            while data := os.read(ours, 65536):
                said.extend(data)

    listener = threading.Thread(target=listen, daemon=True)
    try:
        listener.start()
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, timeout=LONGEST_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise OSError(f"not finished after {LONGEST_S:.0f} s") from late
    finally:
        os.close(theirs)
        listener.join(10)
        os.close(ours)
    text = said.decode("utf-8", "replace")
    if done.returncode:
        raise OSError(f"add ended with exit code {done.returncode}: {text[-500:]}")
    return text


def progress(told: str) -> dict[str, int]:
    """How often every phase told how far it was."""
    found: dict[str, int] = {}
    for phase in re.findall(r"[\r\n]?([^\r\n\d]+?) [\d.]+/[\d.]+", told):
        found[phase.strip()] = found.get(phase.strip(), 0) + 1
    return found


def differences(path: Path, kept: gpd.GeoDataFrame) -> list[str]:
    """What the stored layer has otherwise than the file, judged by GEOS."""
    raw = pyogrio.read_dataframe(path)
    shapes = raw.geometry.to_numpy()
    wrong = ~shapely.is_valid(shapes)
    shapes[wrong] = shapely.make_valid(shapes[wrong])
    there = (
        raw.assign(kind=raw["soort"].map(KINDS), area=shapely.area(shapes)).groupby("kind")["area"].agg(["size", "sum"])
    )
    here = kept.assign(area=shapely.area(kept.geometry.to_numpy())).groupby("class")["area"].agg(["size", "sum"])
    found = [] if wrong.any() else ["nothing in the file is broken"]
    if len(kept) != len(raw) or set(kept["feature_id"]) != set(raw["code"]):
        found.append(f"{len(kept)} features instead of {len(raw)}, or others")
    if list(here.index) != list(there.index) or not np.allclose(here["sum"], there["sum"], rtol=1e-9):
        found.append("the areas of the classes differ")
    return found


def table(result: Figures) -> str:
    """The figures as Markdown."""
    rows = [
        ("wall time", f"{result['wall_s']:.1f} s", f"{LIMIT_S:.0f} s"),
        ("processor time", f"{result['processor_s']:.1f} s", ""),
        ("largest memory of the process", f"{result['peak_mb']:,.0f} MB", f"{LIMIT_MB:,.0f} MB"),
        ("times that it told how far it was", f"{sum(result['progress'].values()):,}", "1"),
    ]
    parts = [
        "## A large file",
        tables.machine(result["machine"]),
        f"`dgdo-geo add --opslaan --zonder-vergelijking` on a GeoPackage with {result['polygons']:,} polygons "
        f"({result['file_mb']:,.0f} MB, one in {BROKEN} crosses itself); starting Python included. The areas per class "
        "are those of GEOS.",
        tables.markdown(("", "measured", "limit"), rows),
    ]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description="How long a large file takes.")
    parser.add_argument("--json", action="store_true", help="only JSON on standard output")
    parser.add_argument("--polygons", type=int, default=1_000_000)
    parser.add_argument("--write-results", action="store_true", help="put the table in RESULTS.md")
    given = parser.parse_args(arguments)
    if given.polygons < 1:
        parser.error("needs 1 or more polygons")
    about = machine.describe()
    try:
        result = {**measure(given.polygons), "machine": about}
    except (DgdoGeoError, OSError) as error:
        _say(str(error))
        return 3
    print(json.dumps(result, allow_nan=False) if given.json else table(result))
    if result["wrong"] or not result["progress"]:
        _say(f"wrong: {result['wrong'] or 'it told nothing meanwhile'}")
        return 1
    if given.write_results:
        results.write("intake", table(result))
    return 0


def _say(message: str) -> None:
    print(f"intake: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
