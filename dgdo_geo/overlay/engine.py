"""Choose the engine: the compiled kernel, or GEOS where the kernel cannot run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import shapely

from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas

EXACT = "exact-1"
"""Name and version of the compiled engine; part of the hash of stored results."""
ENGINE_VARIABLE = "DGDO_ENGINE"
RELATIVE_TOLERANCE = 1e-9
_broken: list[Exception] = []
"""Why the kernel could not be loaded, once that was tried."""


def is_exact_available() -> bool:
    """Whether the compiled kernel can run: numba is there and not switched off.

    ``DGDO_ENGINE=geos`` and numba's own ``NUMBA_DISABLE_JIT=1`` switch it off.
    """
    if _broken or os.environ.get(ENGINE_VARIABLE, "").casefold() == "geos":
        return False
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return False
    return importlib.util.find_spec("numba") is not None


def is_exact_loaded() -> bool:
    """Whether the kernel is in memory already; loading it takes about a second."""
    return "dgdo_geo.overlay.exact" in sys.modules


def load() -> ModuleType | None:
    """The compiled engine; None where it cannot be loaded.

    Warns
    -----
    RuntimeWarning
        If numba is installed and does not work. From then on GEOS is the engine.
    """
    try:
        return importlib.import_module("dgdo_geo.overlay.exact")
    except (ImportError, AttributeError, OSError, RuntimeError, SystemError, TypeError) as error:
        _broken.append(error)
        warnings.warn(f"the compiled kernel cannot be loaded ({error}); GEOS is used", RuntimeWarning, stacklevel=3)
        return None


def name() -> str:
    """Name and version of the engine for many regions."""
    return EXACT if is_exact_available() else geos.ENGINE


def name_for(regions: int) -> str:
    """Name and version of the engine that :func:`joint_areas` takes for so many regions."""
    return EXACT if is_exact_available() and (regions > 1 or is_exact_loaded()) else geos.ENGINE


def joint_areas(
    regions: Sequence[shapely.Geometry],
    encoding: Encoding,
    *,
    split: Sequence[shapely.Geometry] = (),
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> JointAreas:
    """Area of every combination of layer classes in every region, by the fastest engine that can run.

    For one region GEOS is used until the kernel is in memory: a single question
    on the command line is then answered before the kernel would be loaded. The
    engines agree to 1e-9 of the area (or 1e-3 m2).

    Parameters
    ----------
    regions : sequence of valid polygons or multipolygons
        EPSG:28992; they may overlap each other.
    encoding : Encoding
    split : sequence of polygons
        A second division (municipalities, say): rows are kept apart by it.
    workers : int
        Threads.
    on_progress : callable, optional
        Called with the number of regions done.

    Returns
    -------
    JointAreas
        Rows ordered by region, part and combination; the same for any number of workers.

    Warns
    -----
    RuntimeWarning
        If the areas of the kernel do not add up to those of the regions. Then GEOS has done the work anew.
    """
    if name_for(len(regions)) == geos.ENGINE:
        return geos.joint_areas(regions, encoding, split=split, workers=workers, on_progress=on_progress)
    exact = load()
    if exact is None:
        return geos.joint_areas(regions, encoding, split=split, workers=workers, on_progress=on_progress)
    found = exact.joint_areas(regions, encoding, split=split, workers=workers, on_progress=on_progress)
    wrong = unsound(found, regions)
    if wrong:
        warnings.warn(
            f"the areas of {len(wrong)} regions do not add up (the first is number {wrong[0]}); computed with GEOS",
            RuntimeWarning,
            stacklevel=2,
        )
        return geos.joint_areas(regions, encoding, split=split, workers=workers, on_progress=on_progress)
    return found


def unsound(found: JointAreas, regions: Sequence[shapely.Geometry]) -> list[int]:
    """Regions whose rows do not add up to their area, as they do when every edge has been counted."""
    total = np.bincount(found.region, found.area_m2, len(regions))
    area = shapely.area(np.asarray(regions, dtype=object))
    allowed = RELATIVE_TOLERANCE * area + SMALLEST_M2 + found.left_out_m2
    # Written so that "not a number" is unsound too.
    return [int(i) for i in np.flatnonzero(~(np.abs(total - area) <= allowed))]
