"""Set up the environment in .venv; called by ./run and ./test, not by people.

Uses uv when it is there and pip otherwise, always with the versions and
hashes of the lock files. Runs with the standard library only.

Two calls at once are safe: the second waits for a lock on the project folder,
which the system releases when its holder ends, however it ends. An
interrupted call is safe: the stamp that marks a finished set-up is removed
first and written last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PROFILES = ("run", "dev")
MINIMUM = (3, 11)
FAILED = 3

# Settings of pip that describe this machine (index, proxy, certificates, cache) are
# kept; these change what is installed or where, and would spoil the environment.
PIP_SPOILERS = """
    BREAK_SYSTEM_PACKAGES CONSTRAINT DRY_RUN EDITABLE FORCE_REINSTALL IGNORE_INSTALLED LOG NO_BINARY NO_BUILD_ISOLATION
    NO_DEPS ONLY_BINARY PLATFORM PRE PREFIX PYTHON QUIET REPORT REQUIRE_HASHES REQUIRE_VIRTUALENV REQUIREMENT ROOT SRC
    TARGET UPGRADE UPGRADE_STRATEGY USER VERBOSE
"""
UV_SPOILERS = "FROZEN LOCKED NO_BUILD_ISOLATION NO_EDITABLE NO_SYNC PROJECT PYTHON SYSTEM_PYTHON WORKING_DIR"


class SetUpError(Exception):
    """A step of the set-up failed."""


def main(profile: str, stamp: str) -> int:
    """Make .venv ready for a profile (run or dev), unless somebody just did."""
    with locked(ROOT):
        if is_done(profile, stamp):
            return 0
        say(f"omgeving klaarzetten in {VENV} (eenmalig, enkele minuten)", f"setting up {VENV} (once, a few minutes)")
        for name in PROFILES:
            stamp_of(name).unlink(missing_ok=True)
        try:
            if not (with_uv(profile) or with_pip(profile)):
                raise SetUpError
        except SetUpError:
            say(
                "klaarzetten is niet gelukt; zie de melding hierboven. Is de pakketbron bereikbaar?",
                "the set-up failed; see the message above. Can the package index be reached?",
            )
            return FAILED
        for name in PROFILES if profile == "dev" else ("run",):
            write_stamp(stamp_of(name), stamp)
        say("klaar", "ready")
    return 0


def say(dutch: str, english: str) -> None:
    """Tell the user something, in both languages."""
    print(f"dgdo-geo: {dutch} / {english}", file=sys.stderr, flush=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder.

    Child processes inherit it: an installer that outlives us keeps others out.
    """
    handle = os.open(folder, os.O_RDONLY)
    os.set_inheritable(handle, True)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("wachten op een ander dat de omgeving klaarzet", "waiting for another set-up to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def stamp_of(profile: str) -> Path:
    """The file that marks a finished set-up."""
    return VENV / f".dgdo-geo-{profile}"


def is_done(profile: str, stamp: str) -> bool:
    """Tell whether the environment was set up for this stamp."""
    file = stamp_of(profile)
    return PYTHON.exists() and file.is_file() and file.read_text(encoding="utf-8").rstrip("\n") == stamp


def write_stamp(file: Path, stamp: str) -> None:
    """Write a stamp in one step, never half."""
    part = file.with_suffix(".part")
    part.write_text(stamp + "\n", encoding="utf-8")
    part.replace(file)


def call(command: Sequence[str | Path], *, is_probe: bool = False, **environment: str) -> bool:
    """Run a command, with its output on standard error unless it is a probe; True when it succeeded."""
    spoilers = {f"PIP_{name}" for name in PIP_SPOILERS.split()} | {f"UV_{name}" for name in UV_SPOILERS.split()}
    env = {name: value for name, value in os.environ.items() if name not in spoilers}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=env | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if is_probe else sys.stderr,
        stderr=subprocess.DEVNULL if is_probe else None,
        close_fds=False,
        check=False,
    )
    return done.returncode == 0


def is_sound(python: Path) -> bool:
    """Tell whether the environment has a Python that starts and is new enough."""
    code = f"import sys; sys.exit(sys.version_info < {MINIMUM})"
    return python.exists() and call([python, "-c", code], is_probe=True)


def with_uv(profile: str) -> bool:
    """Install with uv; False when it is not there or did not succeed."""
    uv = shutil.which("uv")
    if uv is None or not call([uv, "--version"], is_probe=True):
        return False
    command: list[str | Path] = [uv, "sync", "--frozen", "--compile-bytecode", "--no-progress", "--no-python-downloads"]
    command += ["--all-extras"] if profile == "dev" else ["--inexact", "--extra", "report"]
    if not is_sound(PYTHON):
        wipe()
        command += ["--python", sys.executable]
    if call(command, UV_PROJECT_ENVIRONMENT=str(VENV)):
        return True
    say("met uv lukte het niet, nu met pip", "uv did not succeed, trying pip")
    return False


def with_pip(profile: str) -> bool:
    """Install with pip from the lock files; each file must have its hash."""
    if not is_sound(PYTHON):
        wipe()
    pip = make_pip()
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    requirements = "requirements.lock" if profile == "dev" else "requirements-run.lock"
    files = ["-r", requirements, "-r", "requirements-build.lock"]
    return call([*install, "--require-hashes", *files]) and call(
        [*install, "--no-deps", "--no-build-isolation", "--editable", "."]
    )


def wipe() -> None:
    """Remove an environment that does not work."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.is_dir():
        shutil.rmtree(VENV)


def make_pip() -> list[str | Path]:
    """Make the environment when needed; return the command that installs into it.

    Some systems split the standard library and have no `ensurepip`; then a pip
    of the system, if any, installs into the environment.
    """
    if not PYTHON.exists() and not call([sys.executable, "-m", "venv", VENV], is_probe=True):
        wipe()
        call([sys.executable, "-m", "venv", "--without-pip", VENV])
    own = [PYTHON, "-m", "pip"]
    if call([*own, "--version"], is_probe=True) or call([PYTHON, "-m", "ensurepip"], is_probe=True):
        return list(own)
    other = [sys.executable, "-m", "pip", "--python", PYTHON]
    if call([*other, "--version"], is_probe=True):
        return list(other)
    say(
        "pip ontbreekt bij deze Python. Installeer het pakket python3-venv (Debian, Ubuntu) of uv",
        "this Python has no pip. Install the package python3-venv (Debian, Ubuntu) or uv",
    )
    raise SetUpError


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        say("afgebroken; de volgende keer gaat het verder", "interrupted; the next call continues")
        sys.exit(130)
