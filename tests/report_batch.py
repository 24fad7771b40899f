"""A batch of reports in a process of its own, that can be killed: ``python report_batch.py WORLD FOLDER WORKERS``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from worlds import TODAY, Feature, World, build_world, frame, layer, put_layer, square

from dgdo_geo.model import RegionKind
from dgdo_geo.report.batch import make_all, municipalities_in
from dgdo_geo.report.making import Asked

COUNT = 8
FORMATS = ("xlsx", "gpkg", "csv")


def build(folder: Path) -> World:
    """The drawing with eight municipalities: four strips in either province."""
    world = build_world(folder)
    strips = [square(2.5 * i, 0, 2.5 * (i + 1), 10) for i in range(COUNT)]
    put_layer(
        world.shipped,
        layer("gemeenten", ["gemeente"], family="boundaries", quality="generalised", accuracy_m=500.0),
        frame(
            [Feature(strip, "gemeente", name=f"Strook {i}") for i, strip in enumerate(strips)],
            [f"GM{9001 + i}" for i in range(COUNT)],
            province=["PV23"] * (COUNT // 2) + ["PV22"] * (COUNT // 2),
        ),
    )
    return world


def main() -> None:
    """Make all reports, and say how many were fresh."""
    folder, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    world = World(folder / "layers", folder / "knowledge", folder / "workspace")
    explorer = world.open()
    asked = municipalities_in(explorer, Asked(RegionKind.COUNTRY, "NL", on=TODAY))
    batch = make_all(explorer, asked, FORMATS, out, workers=workers, opener=world.open)
    sys.stdout.write(json.dumps({"fresh": batch.fresh, "all": len(batch.made)}) + "\n")


if __name__ == "__main__":
    main()
