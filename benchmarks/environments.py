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
from tempfile import TemporaryDirectory

from benchmarks.inputs import default_folder

HERE = Path(__file__).resolve().parent
REQUIREMENTS = {"duckdb": HERE / "requirements-duckdb.txt", "peers": HERE / "requirements-peers.txt"}


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
    return python_for(REQUIREMENTS[name], install=install) if name else Path(sys.executable)


def python_for(requirements: Path, *, install: bool) -> Path:
    """The same for a file with requirements, of the tests for instance."""
    folder = folder_of(requirements)
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    if not (folder / inside).exists():
        if not install:
            raise UnavailableError(f"its environment ({requirements.name}) is not installed")
        _say(f"making the environment of {requirements.name} (once)")
        try:
            _make(folder, inside, requirements)
        except (OSError, subprocess.CalledProcessError) as error:
            _say(f"failed: {error}")
            raise UnavailableError(f"its environment ({requirements.name}) could not be installed") from error
    return folder / inside


def folder_of(requirements: Path) -> Path:
    """Folder of an environment; another one for other requirements or another Python."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    name = requirements.stem.removeprefix("requirements-")
    return default_folder("environments") / f"{name}-{digest[:12]}"


def _make(folder: Path, inside: str, requirements: Path) -> None:
    """Make it under another name, so that it is there whole or not at all.

    Python runs under either name; a script in it does not, because it names its Python: run a module instead.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=folder.parent) as temporary:
        new = Path(temporary, folder.name)
        python = str(new / inside)
        if uv := shutil.which("uv"):
            _call(uv, "venv", "--python", sys.executable, str(new))
            _call(uv, "pip", "install", "--python", python, "--requirements", str(requirements))
        else:
            _call(sys.executable, "-m", "venv", str(new))
            _call(python, "-m", "pip", "install", "--no-compile", "--requirement", str(requirements))
        try:
            new.rename(folder)
        except OSError:
            if not (folder / inside).exists():  # unless somebody else made it meanwhile
                raise


def _call(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)


def _say(message: str) -> None:
    print(f"environments: {message}", file=sys.stderr, flush=True)
