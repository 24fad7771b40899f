"""How the kernel is compiled: without the interpreter lock, and kept on disk between runs.

Numba keeps compiled code per source file and does not see that a function of
another file, which it has built in, has changed. So the code is kept in a
folder of its own for each state of the sources together.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numba
import platformdirs

Function = TypeVar("Function", bound=Callable[..., Any])
SOURCES = ("bands.py", "compiled.py", "kernel.py", "places.py", "scanline.py", "sweep.py", "tally.py")


def cache_folder() -> Path:
    """Where the compiled code of these sources is kept."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in SOURCES:
        path = Path(__file__).with_name(source)
        digest.update(path.read_bytes() if path.exists() else b"")
    return Path(platformdirs.user_cache_dir("dgdo-geo", appauthor=False)) / f"kernel-{digest.hexdigest()[:16]}"


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]


def compiled(inline: Literal["never", "always"] = "never") -> Callable[[Function], Function]:
    """Decorator of every function of the kernel: ``@compiled()``, or ``@compiled(inline="always")``."""

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(cache=True, nogil=True, inline=inline)(function))
        except RuntimeError:
            # Nowhere to keep it: then it is compiled anew in every process.
            return cast(Function, numba.njit(nogil=True, inline=inline)(function))

    return decorate
