"""Environments of the peers' own: made when they are first needed, in the user's cache.

The peers pin versions that the program itself should not be tied to, so they
never share its environment.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.inputs import default_folder

HERE = Path(__file__).resolve().parent
REQUIREMENTS = {"duckdb": HERE / "requirements-duckdb.txt", "peers": HERE / "requirements-peers.txt"}
STAMP = "finished"


class UnavailableError(Exception):
    """An environment is not there and could not, or should not, be made."""


def python_of(name: str, *, install: bool) -> Path:
    """The Python of an environment; made first when it is not there.

    Parameters
    ----------
    name : str
        Key of ``REQUIREMENTS``; "" is the environment of dgdo-geo itself.
    install : bool
        Whether it may be made, which needs a package index.

    Raises
    ------
    UnavailableError
        With a reason that names neither folders nor hosts, because it is published.
    """
    if not name:
        return Path(sys.executable)
    folder = folder_of(name)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if (folder / STAMP).exists() and python.exists():
        return python
    if not install:
        raise UnavailableError(f"its environment ({REQUIREMENTS[name].name}) is not installed")
    _say(f"making the environment of {REQUIREMENTS[name].name} (once)")
    # Without a stamp it is the remainder of an attempt that was interrupted.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _make(folder, python, REQUIREMENTS[name])
        (folder / STAMP).touch()
    except (OSError, subprocess.CalledProcessError) as error:
        _say(f"failed: {error}")
        raise UnavailableError(f"its environment ({REQUIREMENTS[name].name}) could not be installed") from error
    return python


def folder_of(name: str) -> Path:
    """Folder of an environment; another one for other requirements or another Python."""
    digest = hashlib.sha256(REQUIREMENTS[name].read_bytes() + sys.version.encode()).hexdigest()
    return default_folder("environments") / f"{name}-{digest[:12]}"


def _make(folder: Path, python: Path, requirements: Path) -> None:
    if uv := shutil.which("uv"):
        _call(uv, "venv", "--python", sys.executable, str(folder))
        _call(uv, "pip", "install", "--python", str(python), "--requirements", str(requirements))
    else:
        _call(sys.executable, "-m", "venv", str(folder))
        _call(str(python), "-m", "pip", "install", "--requirement", str(requirements))


def _call(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)


def _say(message: str) -> None:
    print(f"environments: {message}", file=sys.stderr, flush=True)
