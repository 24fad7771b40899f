"""What a measurement was made on. Names no host, no user and no folder: it is published."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.environments import REQUIREMENTS

PACKAGES = ("dgdo-geo", "numpy", "numba", "shapely", "geopandas", "pyarrow", "rasterio", "exactextract", "scipy")
PEERS = ("duckdb", "duckdb-extension-spatial", "rusterize", "rasterstats", "atlite")


def describe() -> dict[str, Any]:
    """Date, processor, memory, system and versions."""
    import rasterio
    import shapely

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "cores": cores,
        "memory_gb": memory_gb(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "GEOS": shapely.geos_version_string,
            "GDAL": rasterio.__gdal_version__,
            **{name: number for name, number in pinned().items() if name in PEERS},
        },
    }


def processor() -> str:
    """Model name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """Memory of the machine in GB (10^9 bytes)."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def version(name: str) -> str:
    """Version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def pinned() -> dict[str, str]:
    """Versions that the environments of the peers pin."""
    lines = [line for path in REQUIREMENTS.values() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
