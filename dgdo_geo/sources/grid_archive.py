"""Find one grid: a file in a folder, or a member of a zip, by its name or by a pattern with ``*``.

A member is unpacked alone, without its folders, into a folder that is thrown
away; ``archives`` looks through the zip and its names first.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.grids import SUFFIXES

ZIP = ".zip"
SHOWN = 20
"""Names in a message, at most."""


@contextmanager
def one_grid(path: Path, wanted: str | None = None) -> Iterator[Path]:
    """The file of one grid.

    Parameters
    ----------
    path : Path
        File of the layer: a grid or a zip.
    wanted : str, optional
        Another file: of the zip when ``path`` is one, else beside ``path``. ``map.zip/name`` is a member of a zip
        beside ``path``. A ``*`` stands for any text; a name without folders fits in any folder of a zip.

    Yields
    ------
    Path
        To read at once: an unpacked member is gone afterwards.

    Raises
    ------
    InputError
        If the name leads out of the folder, or there is no such grid, or more than one.
    """
    file, member = _source(path, wanted)
    if file.suffix.casefold() != ZIP:
        yield file
        return
    archives.check_path(file)
    with tempfile.TemporaryDirectory(prefix="dgdo-geo-") as folder:
        yield _unpacked(file, member, Path(folder))


def _source(path: Path, wanted: str | None) -> tuple[Path, str | None]:
    """The file on disk, and the member that is asked of a zip."""
    if wanted is None:
        return path, None
    parts = PurePosixPath(wanted).parts
    if not parts or wanted.startswith("/") or ".." in parts or re.search(r"[\\:\0]", wanted):
        raise InputError("grid_file_outside", file=archives.shown(wanted))
    if parts[0].casefold().endswith(ZIP) and path.suffix.casefold() != ZIP:
        return _beside(path.parent, parts[0]), "/".join(parts[1:]) or None
    if path.suffix.casefold() == ZIP:
        if parts[0].casefold().endswith(ZIP):
            return _beside(path.parent, parts[0]), "/".join(parts[1:]) or None
        return path, wanted
    return _beside(path.parent, wanted), None


def _beside(folder: Path, wanted: str) -> Path:
    """The one file in a folder, or in a folder below it, that is asked."""
    if "*" not in wanted:
        found = folder / wanted
        if not found.resolve().is_relative_to(folder.resolve()):
            raise InputError("grid_file_outside", file=archives.shown(wanted))
        return found
    place = PurePosixPath(wanted)
    if "*" in place.parent.as_posix():
        raise InputError("grid_file_outside", file=archives.shown(wanted))
    inside = folder / place.parent
    names = sorted(p.name for p in inside.iterdir() if p.is_file()) if inside.is_dir() else []
    name = _only([name for name in names if fits(place.name, name)], archives.shown(wanted), wanted, names)
    return _beside(folder, (place.parent / name).as_posix())


def fits(pattern: str, name: str) -> bool:
    """True when a path ends in the pattern, at the border of a folder. Upper and lower case do not matter.

    >>> fits("RO_*_p50.nc", "6_Permian/RO (stacked)/RO_STACKED_power_p50.nc"), fits("p50.nc", "a/RO_p50.nc")
    (True, False)
    """
    text = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(rf"(?:.*/)?{text}", name, re.IGNORECASE | re.DOTALL) is not None


def _only(found: Sequence[str], file: str, wanted: str | None, known: Sequence[str]) -> str:
    """The one name that fits.

    Raises
    ------
    InputError
    """
    shown = ", ".join(archives.shown(name) for name in (found or known)[:SHOWN]) or "-"
    if len(found) > 1:
        raise InputError("grid_file_many", file=file, wanted=archives.shown(wanted or "*"), members=shown)
    if not found:
        raise InputError("grid_file_none", file=file, wanted=archives.shown(wanted or "*"), known=shown)
    return found[0]


def _unpacked(path: Path, wanted: str | None, folder: Path) -> Path:
    with archives.open_zip(path) as archive:
        members = {m.filename: m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename}
        grids = [name for name in members if PurePosixPath(name).suffix.casefold() in SUFFIXES]
        found = [name for name in grids if wanted is None or fits(wanted, name)]
        # A whole path is meant literally, also when it is the end of another one.
        name = wanted if wanted in found else _only(found, path.name, wanted, grids)
        # Names have been looked through: this one is safe, and says to the user which file a message is about.
        target = folder / PurePosixPath(name).name
        archives.unpack(archive, members[name], target)
        beside = PurePosixPath(name).with_suffix(".prj").as_posix()
        if target.suffix.casefold() == ".asc" and beside in members:
            archives.unpack(archive, members[beside], target.with_suffix(".prj"))
    return target
