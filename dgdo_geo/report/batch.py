"""Reports of many regions: in processes of their own, with progress, to be taken up where it stopped, with an index."""

from __future__ import annotations

import hashlib
import html
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.around import receipt
from dgdo_geo.report import making
from dgdo_geo.report.making import Asked, CancelledError, Made, Progress
from dgdo_geo.report.snapshot import snapshot_from
from dgdo_geo.report.tables import Row, table_with
from dgdo_geo.texts import section, text

INDEX = "index.html"
SUMMARY = "overzicht"
"""Begin of the names of the table over all reports."""
WATCH_S = 1.0
"""How often a process looks whether the one that started it is still there."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch made.

    Attributes
    ----------
    made : tuple of Made
        In the order that was asked, also those of an earlier run.
    fresh : int
        How many were made in this run.
    files : tuple of (path, sha256)
        The index and the tables over all.
    """

    made: tuple[Made, ...]
    fresh: int
    files: tuple[tuple[Path, str], ...]


def municipalities_in(explorer: Explorer, like: Asked) -> list[Asked]:
    """A question for every municipality in a province, DGDO region or the country.

    Raises
    ------
    InputError
        If the region is unknown.
    """
    region = explorer.regions.find(like.kind, like.wanted)
    codes = explorer.regions.municipality_codes(region)
    return [replace(like, kind=RegionKind.MUNICIPALITY, wanted=code) for code in codes]


def make_all(
    explorer: Explorer,
    asked: Sequence[Asked],
    formats: Sequence[str],
    folder: Path,
    *,
    workers: int | None = None,
    opener: Callable[[], Explorer] | None = None,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Batch:
    """Make the reports of many regions; what an earlier run made from the same is not made again.

    Parameters
    ----------
    explorer : Explorer
        The workers open its workspace, unless told otherwise.
    asked : sequence of Asked
        Regions with a code.
    formats, folder, on_progress, is_cancelled
        As in :func:`~dgdo_geo.report.making.make`; progress counts regions.
    workers : int, optional
        Processes; one for every core when None.
    opener : callable, optional
        Opens the explorer in a worker; for a knowledge base of one's own. Must be a function of a module.

    Raises
    ------
    InputError, NotInForceError, DataError
        As :func:`~dgdo_geo.report.making.make`.
    CancelledError
        If the user stopped it; what was finished stays.
    """
    chosen = making.check_formats(formats)
    folder.mkdir(parents=True, exist_ok=True)
    making.clear_unfinished(folder)
    explorer.overlay.table()
    found: dict[int, Made] = {}
    for i, one in enumerate(asked):
        known = _known(explorer, one, chosen, folder)
        if known is not None:
            found[i] = known
    kept, total = len(found), len(asked)
    if on_progress is not None:
        on_progress(kept, total)
    to_do = [i for i in range(total) if i not in found]
    count = max(1, min(workers or os.cpu_count() or 1, len(to_do)))
    with _pool(explorer, count, opener) as pool:
        waiting: dict[Future[Made], int] = {}
        queue = iter(to_do)
        while True:
            # A few at a time, so that stopping does not wait for a long row.
            for i in itertools.islice(queue, 2 * count - len(waiting)):
                waiting[pool.submit(_make_one, asked[i], chosen, folder)] = i
            if not waiting:
                break
            if is_cancelled():
                raise CancelledError
            done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                found[waiting.pop(future)] = future.result()
                if on_progress is not None:
                    on_progress(len(found), total)
    made = tuple(found[i] for i in range(total))
    return Batch(made, total - kept, tuple(_overview(made, asked, folder)))


def _known(explorer: Explorer, asked: Asked, formats: Sequence[str], folder: Path) -> Made | None:
    """The report of an earlier run that rests on the same and has all formats."""
    region = explorer.regions.find(asked.kind, asked.wanted)
    on = asked.on or date.today()
    codes = explorer.regions.municipality_codes(region)
    made_by = receipt(
        region, explorer.knowledge, explorer.states, on, explorer.overlay.engine_of(codes), asked.activities,
        asked.depth,
    )  # fmt: skip
    known = making.read_manifest(folder, making.stem_from([region], on, asked.activities, asked.depth))
    if known is None or known.snapshot != snapshot_from((made_by, region)):
        return None
    return known if set(formats) <= {path.suffix.lstrip(".").replace("zip", "csv") for path, _ in known.files} else None


# In the workers ------------------------------------------------------------------------------

_EXPLORER: list[Explorer] = []


@contextmanager
def _pool(explorer: Explorer, count: int, opener: Callable[[], Explorer] | None) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, and that leave Ctrl-C to it."""
    start = (opener, explorer.workspace.path, explorer.knowledge, os.getpid())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_open, initargs=start)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _open(opener: Callable[[], Explorer] | None, workspace: Path, knowledge: KnowledgeBase, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    _EXPLORER[:] = [opener() if opener is not None else open_explorer(workspace, knowledge=knowledge)]


def _watch(parent: int) -> None:
    """End when the process that started this one is gone: nobody would read the outcome."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


def _make_one(asked: Asked, formats: Sequence[str], folder: Path) -> Made:
    return making.make(_EXPLORER[0], asked, formats, folder)


# Over all ------------------------------------------------------------------------------------


def _overview(made: Sequence[Made], asked: Sequence[Asked], folder: Path) -> Iterator[tuple[Path, str]]:
    """The index page, and the summaries of all reports as one table."""
    from dgdo_geo.report.csv import csv_text
    from dgdo_geo.report.xlsx import About, book_of

    rows: list[Row] = [row for one in made for row in one.summary]
    table = table_with("samenvatting", rows)
    snapshot = hashlib.sha256(",".join(one.snapshot for one in made).encode()).hexdigest()[:16]
    is_marked = any(one.is_schematic for one in made)
    day = asked[0].on or date.today()
    about = About(text("report_index", "title", count=len(made)), snapshot, day, is_marked)
    contents = {
        f"{SUMMARY}.csv": csv_text(table).encode(),
        f"{SUMMARY}.xlsx": book_of([table], about),
        INDEX: _index(made).encode(),
    }
    for name, content in contents.items():
        fresh = folder / f"{making.UNFINISHED}{name}"
        fresh.write_bytes(content)
        fresh.replace(folder / name)
        yield folder / name, hashlib.sha256(content).hexdigest()


def _index(made: Sequence[Made]) -> str:
    """One page with a link to every file."""
    w, e = section("report_index"), html.escape
    rows = []
    for one in sorted(made, key=lambda item: (item.name, item.stem)):
        links = " ".join(
            f'<a href="{e(path.name, quote=True)}">{e(path.suffix.lstrip("."))}'
            f'<span class="v"> {e(text("report_index", "of", name=one.name))}</span></a>'
            for path, _ in one.files
            if path.suffix != ".tif"
        )
        rows.append(f'<tr><th scope="row">{e(one.name)}</th><td>{links}</td><td>{e(one.snapshot)}</td></tr>')
    mark = f"<p><strong>{e(text('report', 'mark_sentence'))}</strong></p>" if any(m.is_schematic for m in made) else ""
    title = e(text("report_index", "title", count=len(made)))
    style = (
        "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
        "table{border-collapse:collapse}th,td{border-bottom:1px solid #999;padding:.3rem .8rem;text-align:left}"
        "a{color:#154273;margin-right:.6rem}.v{position:absolute;left:-999em}"
    )
    return (
        f'<!DOCTYPE html><html lang="nl"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main><h1>{title}</h1>{mark}<p>{e(w['lead'])} "
        f'<a href="{SUMMARY}.xlsx">{e(w["all_xlsx"])}</a> <a href="{SUMMARY}.csv">{e(w["all_csv"])}</a></p>'
        f'<table><caption>{e(w["caption"])}</caption><thead><tr><th scope="col">{e(w["col_name"])}</th>'
        f'<th scope="col">{e(w["col_files"])}</th><th scope="col">{e(w["col_snapshot"])}</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table><p>{e(text('report', 'disclaimer'))}</p></main></body></html>\n"
    )
