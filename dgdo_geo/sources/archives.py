"""Hostile until proven otherwise: names, zips, XML, JSON and SQLite looked through before a reader opens them.

A file of somebody else may be made to read other files, to call a web
address, to write outside its folder or to fill the memory. Everything here
looks at bytes only, a piece at a time.
"""

from __future__ import annotations

import codecs
import json
import mmap
import re
import shutil
import sqlite3
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np

from dgdo_geo.errors import InputError

MAX_BYTES = 512 * 1024**2
"""Largest file, and largest sum of what a zip unpacks to."""
MAX_VERTICES = 10_000_000
MAX_MEMBERS = 1000
MAX_DIRECTORY = 4 * 1024**2
"""Largest list of members in a zip: Python reads it at once."""
MAX_RATIO = 200
RATIO_FROM = 10 * 1024**2
"""A member smaller than this may be packed as well as it likes."""
MAX_DEPTH = 64
MAX_NAME = 200
CHUNK = 1024**2

ARCHIVES = (".zip", ".kmz", ".7z", ".rar", ".gz", ".bz2", ".xz", ".tar", ".tgz", ".jar")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
ENCODINGS = re.compile(r"utf-?8|us-ascii|ascii|utf-?16(le|be)?|iso-?8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)
DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
REFERS = re.compile(
    rb"<\s*(OGR\w*DataSource|VRTDataset|GDAL_W\w+|WMS_\w+|GDALTileIndexDataset)|gdal_streamed_alg", re.IGNORECASE
)
CRS_MEMBER = re.compile(rb"[\"']crs[\"']", re.IGNORECASE)
HIDDEN_LETTER = re.compile(rb"\\u00(?:[46][1-9a-f]|[57][0-9a])", re.IGNORECASE)
QUOTE, BACKSLASH = ord('"'), ord("\\")


def shown(name: str) -> str:
    """A name that is safe to show: hidden characters as codes, and not too long.

    >>> shown("a\\u202eb.gpkg")
    'a\\\\u202eb.gpkg'
    """
    plain = "".join(c if _is_plain(c) else c.encode("unicode_escape").decode("ascii") for c in name)
    return plain if len(plain) <= 80 else plain[:77] + "..."


def _is_plain(character: str) -> bool:
    # Cc control, Cf format (right-to-left marks, zero width), Cs and Co: no glyph of their own.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def is_strange(name: str) -> bool:
    """True for a file name that tricks a reader or a file system."""
    stem = name.split(".")[0].strip().casefold()
    return not name or len(name) > MAX_NAME or stem in RESERVED or not all(map(_is_plain, name)) or "\\" in name


def check_path(path: Path) -> None:
    """Refuse web addresses, virtual paths of GDAL, strange names, and files that are not there, empty or too large.

    Raises
    ------
    InputError
    """
    text = path.as_posix()
    if text.startswith("/vsi") or re.match(r"[a-z][a-z0-9+.]+:/", text, re.IGNORECASE):
        raise InputError("file_not_on_disk", file=shown(text))
    if is_strange(path.name):
        raise InputError("file_name_strange", file=shown(path.name))
    if not path.is_file():
        raise InputError("file_missing", file=path.name)
    size = path.stat().st_size
    if size == 0:
        raise InputError("file_empty", file=path.name)
    if size > MAX_BYTES:
        raise InputError("file_too_large", file=path.name, megabytes=size // 1024**2, limit=MAX_BYTES // 1024**2)


# Zips ------------------------------------------------------------------------------------


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip of which every member has been checked, by what the zip says about it.

    Raises
    ------
    InputError
        If it is no zip, is locked, or holds a member with a path, a size or a kind that is not accepted.
    """
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
        raise InputError("archive_broken", file=path.name, reason=error) from error
    with archive:
        _check_members(path, archive.infolist())
        yield archive


def _check_directory(path: Path) -> None:
    """Look at the end of a zip before Python reads the whole list of members."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise InputError("archive_broken", file=path.name, reason="no end of a zip")
    count, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    # The 64-bit form is for more members or bytes than we take, and overrules the numbers read here.
    if count > MAX_MEMBERS or length > MAX_DIRECTORY or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
        raise InputError("archive_many_members", file=path.name, limit=MAX_MEMBERS)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise InputError("archive_many_members", file=path.name, limit=MAX_MEMBERS)
    seen: set[str] = set()
    total = 0
    for member in members:
        name = member.orig_filename
        label = shown(name)
        if _leaves_folder(name) or stat.S_ISLNK(member.external_attr >> 16):
            raise InputError("archive_path", file=path.name, member=label)
        if name.casefold() in seen:
            raise InputError("archive_twice", file=path.name, member=label)
        seen.add(name.casefold())
        if member.flag_bits & 0x1:
            raise InputError("archive_encrypted", file=path.name)
        if name.casefold().endswith(ARCHIVES):
            raise InputError("archive_nested", file=path.name, member=label)
        # bzip2 and lzma of Python unpack a piece without bound.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError("archive_broken", file=path.name, reason=f"compression {member.compress_type}")
        total += member.file_size
        too_dense = member.file_size > RATIO_FROM and member.file_size > MAX_RATIO * max(member.compress_size, 1)
        if total > MAX_BYTES or too_dense:
            raise InputError("archive_bomb", file=path.name, member=label)


def _leaves_folder(name: str) -> bool:
    parts = PurePosixPath(name.rstrip("/")).parts
    if name.startswith("/") or "\\" in name or "\0" in name or re.match("[A-Za-z]:", name) or not parts:
        return True
    return any(part == ".." or is_strange(part) for part in parts)


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write one member to a file, counting the real bytes.

    Raises
    ------
    InputError
        If the member is broken, or larger than the zip says.
    """
    file = Path(archive.filename or "zip").name
    written = 0
    try:
        with archive.open(member) as source, target.open("xb") as out:
            while piece := source.read(CHUNK):
                written += len(piece)
                if written > min(member.file_size, MAX_BYTES):
                    raise InputError("archive_bomb", file=file, member=shown(member.filename))
                out.write(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError("archive_broken", file=file, reason=error) from error


def unpack_map(path: Path, folder: Path, suffixes: tuple[str, ...], wanted: str | None) -> Path:
    """Unpack the one map file of a zip under a name of ours.

    Parameters
    ----------
    folder : Path
        Empty.
    suffixes : tuple of str
        Kinds that can be read.
    wanted : str, optional
        Name of the file, without suffix, when there are several.

    Raises
    ------
    InputError
    """
    with open_zip(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
        maps = [m for m in members if PurePosixPath(m.filename).suffix.casefold() in suffixes]
        if len(maps) > 1 and wanted is not None:
            maps = [m for m in maps if PurePosixPath(m.filename).stem == wanted]
        if not maps:
            raise InputError("archive_nothing", file=path.name, known=", ".join(suffixes))
        if len(maps) > 1:
            names = ", ".join(shown(m.filename) for m in maps[:20])
            raise InputError("archive_many", file=path.name, members=names)
        main = PurePosixPath(maps[0].filename)
        beside = (".shp", ".shx", ".dbf", ".prj", ".cpg") if main.suffix.casefold() == ".shp" else ()
        target = folder / f"kaart{main.suffix.casefold()}"
        for member in members:
            name = PurePosixPath(member.filename)
            is_beside = name.suffix.casefold() in beside and name.with_suffix("") == main.with_suffix("")
            if member is maps[0] or is_beside:
                unpack(archive, member, folder / f"kaart{name.suffix.casefold()}")
    return target


def copy_alone(path: Path, folder: Path) -> Path:
    """A copy without its neighbours: GDAL writes beside a GML file, and follows what stands there."""
    return Path(shutil.copyfile(path, folder / f"kaart{path.suffix.casefold()}"))


# XML and JSON ----------------------------------------------------------------------------


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def check_encoding(head: bytes, path: Path) -> None:
    """Refuse an XML encoding in which ``<!DOCTYPE`` would not stand in these letters.

    Raises
    ------
    InputError
    """
    if declared := DECLARATION.search(head.replace(b"\0", b"")):
        encoding = declared[1].decode("ascii")
        if not ENCODINGS.fullmatch(encoding):
            raise InputError("xml_encoding", file=path.name, encoding=encoding)


def check_xml(path: Path, root: str) -> None:
    """Refuse XML with a DOCTYPE or ENTITY, of another kind, or in an encoding that could hide them.

    Parameters
    ----------
    root : str
        Text that must stand in the first 64 kB.

    Raises
    ------
    InputError
    """
    with _mapped(path) as data:
        head = bytes(data[:65_536])
        check_encoding(head, path)
        for word in ("<!DOCTYPE", "<!ENTITY"):
            # Both byte orders of UTF-16 and UTF-32 hold the letters with zeros between them.
            letters = rb"\x00{0,3}".join(re.escape(c.encode()) for c in word)
            if re.search(letters, data, re.IGNORECASE):
                raise InputError("xml_doctype", file=path.name)
        if found := REFERS.search(data):
            raise InputError("file_refers_elsewhere", file=path.name, what=found[0].decode("ascii", "replace"))
    plain = head.replace(b"\0", b"")
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        plain = plain.removeprefix(mark)
    if not plain.lstrip().startswith(b"<") or root.encode() not in plain:
        raise InputError("file_unreadable", file=path.name, reason=f"no {root}")


def check_json(path: Path) -> None:
    """Refuse JSON that is nested deeply, holds too many vertices, or names its coordinate system by web address.

    Raises
    ------
    InputError
    """
    with _mapped(path) as data:
        head = bytes(data[:1024]).removeprefix(codecs.BOM_UTF8).lstrip()
        if not head.startswith(b"{"):
            raise InputError("file_unreadable", file=path.name, reason="no JSON object")
        if found := REFERS.search(data):
            raise InputError("file_refers_elsewhere", file=path.name, what=found[0].decode("ascii", "replace"))
        if HIDDEN_LETTER.search(data):
            raise InputError("file_hidden_text", file=path.name)
        depth, vertices = _measure(data)
        if depth > MAX_DEPTH:
            raise InputError("file_nested", file=path.name, limit=MAX_DEPTH)
        if vertices > MAX_VERTICES:
            raise InputError("too_many_vertices", file=path.name, count=vertices, limit=MAX_VERTICES)
        for place in CRS_MEMBER.finditer(data):
            if _is_linked(bytes(data[place.end() : place.end() + 65_536])):
                raise InputError("file_refers_elsewhere", file=path.name, what="crs")


def _is_linked(after: bytes) -> bool:
    """True when a coordinate system is, or may be, named by web address: GDAL would fetch it."""
    text = after.decode("utf-8", "ignore").lstrip()
    if not text.startswith(":"):
        return not text.startswith((",", "}", "]"))
    text = text[1:].lstrip()
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return True
    if not isinstance(value, dict):
        return False
    # GDAL looks at names without regard to capitals.
    kinds = [str(kind).casefold() for key, kind in value.items() if key.casefold() == "type"]
    return bool(value) and (len(kinds) != 1 or kinds[0] not in ("name", "epsg", "ogc"))


def _measure(data: mmap.mmap) -> tuple[int, int]:
    """Deepest nesting, and the number of lists without lists in them (a vertex is such a list)."""
    depth = deepest = leaves = 0
    in_string, last_opens, carry = False, False, b""
    for start in range(0, len(data), CHUNK):
        piece = carry + data[start : start + CHUNK]
        ending = len(piece) - len(piece.rstrip(b"\\"))
        carry = piece[-1:] if ending % 2 else b""
        piece = piece[:-1] if carry else piece
        if BACKSLASH in piece:
            piece = re.sub(rb"\\.", b"", piece, flags=re.DOTALL)
        codes = np.frombuffer(piece, np.uint8)
        inside = (np.cumsum(codes == QUOTE) + in_string) % 2 == 1
        in_string = bool(inside[-1]) if len(inside) else in_string
        marks = codes[~inside]
        marks = marks[np.isin(marks, np.frombuffer(b"[]{}", np.uint8))]
        if not len(marks):
            continue
        opens = (marks == ord("[")) | (marks == ord("{"))
        levels = depth + np.cumsum(np.where(opens, 1, -1))
        depth, deepest = int(levels[-1]), max(deepest, int(levels.max()))
        before = np.concatenate([[last_opens], marks[:-1] == ord("[")])
        leaves += int(np.count_nonzero((marks == ord("]")) & before))
        last_opens = bool(marks[-1] == ord("["))
    return deepest, leaves


# SQLite ----------------------------------------------------------------------------------


def check_sqlite(path: Path) -> frozenset[str]:
    """Look at the tables of a GeoPackage, read-only; nothing in it is run.

    Returns
    -------
    frozenset of str
        Names of views and virtual tables, which cannot be layers.

    Raises
    ------
    InputError
        If it is no SQLite file, or another program has it open.
    """
    beside = path.with_name(path.name + "-wal")
    if beside.is_file() and beside.stat().st_size:
        raise InputError("file_open_elsewhere", file=path.name)
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise InputError("file_unreadable", file=path.name, reason="no GeoPackage (SQLite)")
    address = f"file:{quote(path.resolve().as_posix())}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as base:
            rows = base.execute("SELECT type, name, sql FROM sqlite_master").fetchmany(10_000)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError("file_unreadable", file=path.name, reason=error) from error
    return frozenset(
        str(name) for kind, name, sql in rows if kind == "view" or re.match(r"\s*create\s+virtual", sql or "", re.I)
    )
