"""Run by test_interrupted.py in a process of its own: fetch (a service or a file) or add, killed at random moments, again and again.

Every round starts a child that replaces the layer by its other version, kills it after a random time, and looks at what is
left: the workspace must open, with either the old or the new product, whole; with the new one when the child came to its end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from dgdo_geo import store
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.intake import recipe_from_options, run
from dgdo_geo.intake.fetching import FetchFile, fetch
from dgdo_geo.sources.http import Client, Limits

LAYER = "natura2000"
VERSIONS = (("A0", "B0"), ("A1", "B1", "C1"))


def versions(workspace: Path) -> tuple[str, ...]:
    """Ids of the features of the layer in the workspace."""
    try:
        return tuple(sorted(store.read_product(store.open_workspace(workspace).entries[LAYER])["name"]))
    except DgdoGeoError as error:
        return (str(error),)


def work(what: str, workspace: Path, turn: int) -> None:
    """Put one of the two versions in the workspace."""
    if what in ("fetch", "download"):
        file = FetchFile.model_validate(json.loads(sys.argv[4].replace("VERSION", str(turn))))
        fetch([LAYER], workspace, client=Client(Limits(tries=1)), files={LAYER: file})
        return
    path = workspace.parent / f"version{turn}.geojson"
    options = {"values": [], "class_column": None, "id_column": None, "complete": True, "crs": "EPSG:28992"}
    from datetime import date

    recipe = recipe_from_options(
        path, layer=LAYER, class_id="natura2000", name_column="naam", source="Test", licence="CC0",
        reference_date=date(2026, 1, 1), quality="official", accuracy_m=10, **options,
    )  # fmt: skip
    run(recipe, workspace, save=True)


def start(what: str, workspace: Path, turn: int) -> int:
    """A child that does the work; returns its number."""
    child = os.fork()
    if child == 0:
        work(what, workspace, turn)
        os._exit(0)
    return child


def undisturbed(what: str, workspace: Path, turn: int) -> float:
    """Seconds that the work takes when nobody kills it."""
    begin = time.monotonic()
    _, status = os.waitpid(start(what, workspace, turn), 0)
    if status:
        raise SystemExit(f"the work fails by itself: {status}")
    return time.monotonic() - begin


def main() -> None:
    what, workspace, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(7)
    work(what, workspace, 0)
    longest = max(undisturbed(what, workspace, turn) for turn in (1, 0, 1))
    reach, finished, killed, replaced = longest * 1.1, 0, 0, 0
    before = VERSIONS[1]
    # Bounded: on a machine that is quicker now than just then, hardly anything is in time to be killed.
    while killed < kills and finished < 3 * kills:
        # The version that is not there: what was killed is tried again, so that a download can go on.
        turn = 1 - VERSIONS.index(before)
        child = start(what, workspace, turn)
        time.sleep(rng.uniform(0, reach))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        was_killed = os.WIFSIGNALED(status)
        finished, killed = finished + (not was_killed), killed + was_killed
        found = versions(workspace)
        if found not in ((before, VERSIONS[turn]) if was_killed else (VERSIONS[turn],)):
            raise SystemExit(f"after {killed} kills: {found}")
        # How busy the machine is changes meanwhile: both must happen, the kill that is too early and the one that is too late.
        reach *= 1.05 if found == before else 1 if was_killed else 0.9
        replaced, before = replaced + (found != before), found
    work(what, workspace, 0)
    if versions(workspace) != VERSIONS[0]:
        raise SystemExit("the last one, which nobody killed, did not do its work")
    print(json.dumps({"finished": finished, "killed": killed, "replaced": replaced}))


if __name__ == "__main__":
    main()
