"""Files of a report, for whoever asks: command line, web app or notebook. Written beside their place, then renamed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import AreaAssessment, Region, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.query.regions import letters
from dgdo_geo.report.building import comparison_of, report_of
from dgdo_geo.report.document import Comparison, Report, reports_of
from dgdo_geo.report.tables import Row, tables_of

if TYPE_CHECKING:  # not at run time: pictures are drawn for the formats for reading only
    from dgdo_geo.report.blocks import Booklet

FORMATS = ("pdf", "html", "docx", "xlsx", "csv", "gpkg", "tif")
"""Forms in which a report can be written."""
MANIFEST = ".rapport.json"
"""End of the name of the file that tells what belongs together."""
MOST_NAMED = 3
"""So many activities stand in the name of a file; more are counted."""
UNFINISHED = ".bezig-"
"""Begin of the name of a folder with files that are not finished."""

Progress = Callable[[int, int], None]


class CancelledError(Exception):
    """The user stopped the work; nothing half is left."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A region to report on, and how.

    Attributes
    ----------
    kind : RegionKind
    wanted : str
        Code or name; the name of an area of one's own.
    shape : shapely polygon, optional
        Of an area of one's own, EPSG:28992.
    on : date, optional
        Peildatum; today when None.
    activities, depth
        As in :meth:`~dgdo_geo.query.Explorer.for_region`.
    remarks_nl : tuple of str
        What the reader of the answer must know besides: what was done to an area of one's own before it was asked.
    """

    kind: RegionKind
    wanted: str
    shape: shapely.Geometry | None = None
    on: date | None = None
    activities: tuple[str, ...] = ()
    depth: tuple[float, float] | None = None
    remarks_nl: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """The files of one report.

    Attributes
    ----------
    files : tuple of (path, sha256)
    summary : tuple of tuple
        Rows of the table "samenvatting".
    """

    stem: str
    snapshot: str
    name: str
    is_schematic: bool
    files: tuple[tuple[Path, str], ...]
    summary: tuple[Row, ...]


def ask(explorer: Explorer, asked: Asked) -> AreaAssessment:
    """The answer that a report is about, always from the overlay table of the country where that can be.

    Raises
    ------
    InputError, NotInForceError, DataError
        As :meth:`~dgdo_geo.query.Explorer.for_region`.
    """
    if asked.shape is not None:
        answer = explorer.in_area(
            asked.shape, asked.on, name=asked.wanted, activities=asked.activities, depth=asked.depth
        )
    else:
        explorer.overlay.table()
        answer = explorer.for_region(
            asked.wanted, asked.on, kind=asked.kind, activities=asked.activities, depth=asked.depth
        )
    return replace(answer, notes_nl=(*asked.remarks_nl, *answer.notes_nl)) if asked.remarks_nl else answer


def document_of(explorer: Explorer, asked: Sequence[Asked]) -> Report | Comparison:
    """The report about one region, or the comparison of two to four.

    Raises
    ------
    InputError, NotInForceError, DataError
        As :func:`ask`; InputError also for a comparison of too many regions.
    """
    reports = [
        report_of(explorer, ask(explorer, one), one.shape, activities=one.activities, depth=one.depth) for one in asked
    ]
    return reports[0] if len(reports) == 1 else comparison_of(reports)


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Formats as they are typed, without doubles.

    Raises
    ------
    InputError
        If one is unknown, or there is none.
    """
    found = tuple(dict.fromkeys(name.strip().casefold() for name in formats if name.strip()))
    strange = [name for name in found if name not in FORMATS]
    if strange or not found:
        raise InputError("report_format", formats=", ".join(strange) or "?", known=", ".join(FORMATS))
    return found


def make(
    explorer: Explorer,
    asked: Asked | Sequence[Asked],
    formats: Sequence[str],
    folder: Path,
    *,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the files of a report.

    Parameters
    ----------
    explorer : Explorer
    asked : Asked or sequence of Asked
        One region, or two to four to compare.
    formats : sequence of str
        Of :data:`FORMATS`.
    folder : Path
        Is made when it is not there.
    on_progress : callable, optional
        Called with (files done, files to do).
    is_cancelled : callable
        Asked before every file; nothing is left when it says True.

    Raises
    ------
    InputError, NotInForceError, DataError
        As :func:`document_of`; DataError also if a file cannot be written.
    CancelledError
        If the user stopped it.
    """
    chosen = check_formats(formats)
    places = [asked] if isinstance(asked, Asked) else list(asked)
    document = document_of(explorer, places)
    stem = stem_of(document)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder) as unfinished:
            booklet = cache(lambda: _booklet(explorer, document, places))
            for done, name in enumerate(chosen):
                if is_cancelled():
                    raise CancelledError
                if on_progress is not None:
                    on_progress(done, len(chosen))
                _write(explorer, document, booklet, name, Path(unfinished) / stem)
            if on_progress is not None:
                on_progress(len(chosen), len(chosen))
            return _put(document, stem, Path(unfinished), folder)
    except OSError as error:
        raise DataError("report_not_written", path=str(folder), detail=error.strerror or str(error)) from error


def stem_of(document: Report | Comparison) -> str:
    """Begin of the names of the files."""
    reports = reports_of(document)
    first = reports[0]
    return stem_from([one.answer.region for one in reports], first.answer.on, first.activities, first.depth)


def stem_from(
    regions: Sequence[Region],
    on: date,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> str:
    """Codes and names of the regions, the day, and what was chosen: another choice is another file.

    >>> from dgdo_geo.model import Region, RegionKind
    >>> zwolle = [Region(RegionKind.MUNICIPALITY, "GM0193", "Zwolle")]
    >>> stem_from(zwolle, date(2026, 11, 23))
    'gm0193-zwolle_2026-11-23'
    >>> stem_from(zwolle, date(2026, 11, 23), ["geothermie"], (1500, 2500))
    'gm0193-zwolle_2026-11-23_geothermie_1500-2500m'
    """
    named = "_".join(_slug(f"{region.code} {region.name}")[:60] for region in regions)
    chosen = sorted(set(activities))
    parts = [named, on.isoformat()]
    if len(chosen) > MOST_NAMED:
        parts.append(f"{len(chosen)}-activiteiten-{zlib.crc32(' '.join(chosen).encode()):08x}")
    elif chosen:
        parts.append("-".join(_slug(name) for name in chosen))
    if depth is not None:
        parts.append(f"{depth[0]:g}-{depth[1]:g}m")
    return "_".join(parts)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", letters(name)).strip("-") or "gebied"


def _write(
    explorer: Explorer, document: Report | Comparison, booklet: Callable[[], Booklet], name: str, target: Path
) -> None:
    """One format, with the package that it needs imported only then."""
    path = target.with_name(f"{target.name}.{'csv.zip' if name == 'csv' else name}")
    if name == "xlsx":
        from dgdo_geo.report.xlsx import xlsx_of

        path.write_bytes(xlsx_of(document))
    elif name == "csv":
        from dgdo_geo.report.csv import csv_of

        path.write_bytes(csv_of(document))
    elif name == "gpkg":
        from dgdo_geo.report.gpkg import write_gpkg

        write_gpkg(explorer, document, path)
    elif name == "tif":
        _write_tiffs(explorer, document, target)
    elif name == "pdf":
        from dgdo_geo.report.pdf import pdf_of

        path.write_bytes(pdf_of(booklet()))
    elif name == "docx":
        from dgdo_geo.report.docx import docx_of

        path.write_bytes(docx_of(booklet()))
    else:
        from dgdo_geo.report.html import html_of

        path.write_text(html_of(booklet()), encoding="utf-8")


def _write_tiffs(explorer: Explorer, document: Report | Comparison, target: Path) -> None:
    from dgdo_geo.report.geotiff import tiffs_of

    for report in reports_of(document):
        for item, content in tiffs_of(explorer, report):
            band = f"{item.activity.id}_{item.band.top_m:g}_{item.band.base_m:g}"
            code = _slug(report.answer.region.code)
            target.with_name(f"{target.name}_{code}_{band}.tif").write_bytes(content)


def _booklet(explorer: Explorer, document: Report | Comparison, asked: Sequence[Asked]) -> Booklet:
    """What the formats for reading say."""
    from dgdo_geo.report import contents

    if isinstance(document, Comparison):
        own = {i: one.shape for i, one in enumerate(asked) if one.shape is not None}
        answers = [report.answer for report in document.reports]
        return contents.comparison_of(explorer, answers, own, document.reports)
    return contents.booklet_of(explorer, document.answer, document.shape, document)


def _put(document: Report | Comparison, stem: str, unfinished: Path, folder: Path) -> Made:
    """Move the files to their place; the manifest last, so that it speaks only of what is there."""
    files = []
    for path in sorted(unfinished.iterdir()):
        files.append((folder / path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
        path.replace(folder / path.name)
    reports = reports_of(document)
    name = ", ".join(report.answer.region.name for report in reports)
    summary = tables_of(document, ("samenvatting",))[0].rows
    made = Made(stem, document.snapshot, name, any(r.is_schematic for r in reports), tuple(files), summary)
    write_manifest(made, folder)
    return made


def write_manifest(made: Made, folder: Path) -> None:
    """What belongs together, for a later run."""
    data = {
        "snapshot": made.snapshot,
        "name": made.name,
        "is_schematic": made.is_schematic,
        "files": {path.name: digest for path, digest in made.files},
        "summary": [list(row) for row in made.summary],
    }
    path = folder / f"{made.stem}{MANIFEST}"
    fresh = path.with_name(f"{UNFINISHED}{path.name}")
    fresh.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    fresh.replace(path)


def read_manifest(folder: Path, stem: str) -> Made | None:
    """What an earlier run made, when every file is still there as it was; else None."""
    try:
        data = json.loads((folder / f"{stem}{MANIFEST}").read_text(encoding="utf-8"))
        files = tuple((folder / Path(name).name, str(digest)) for name, digest in data["files"].items())
        if any(hashlib.sha256(path.read_bytes()).hexdigest() != digest for path, digest in files):
            return None
        summary = tuple(tuple(row) for row in data["summary"])
        return Made(stem, data["snapshot"], data["name"], bool(data["is_schematic"]), files, summary)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def clear_unfinished(folder: Path) -> None:
    """Take away what a run that was killed left behind."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
