"""Reports that visitors ask for: made one at a time in the background, kept for a while, and then removed.

A report of a province takes seconds of both cores; in the turn of a session it
would hold up whoever asked it, without a way to stop. So there is one worker, a
short queue, and a limit to what is kept.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.query import Explorer
from dgdo_geo.report.making import Asked, CancelledError, Made, make
from dgdo_geo.texts import text

MOST_KEPT = 24
"""Reports on the server, ready or waiting; the oldest that is ready makes place."""
MOST_WAITING = 8
KEPT_S = 30 * 60.0
"""How long a report can be fetched."""

_log = logging.getLogger(__name__)


@dataclass
class Job:
    """One report.

    Attributes
    ----------
    state : {"waiting", "making", "ready", "stopped", "failed"}
    done, all : int
        Files.
    message_nl : str
        Why it failed.
    made : Made, optional
        When it is ready.
    """

    all: int
    state: str = "waiting"
    done: int = 0
    message_nl: str = ""
    made: Made | None = None
    is_stopping: bool = False
    began: float = field(default_factory=time.monotonic)
    folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="dgdo-geo-rapport-", ignore_cleanup_errors=True)
    )

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen."""
        return self.state in ("ready", "stopped", "failed")

    def stop(self) -> None:
        """Ask the work to end; nothing half is left."""
        self.is_stopping = True

    def zipped(self) -> bytes:
        """All files in one zip, with the same bytes for the same files."""
        if self.made is None:
            raise ValueError("the report is not ready")
        with tempfile.SpooledTemporaryFile(max_size=8_000_000) as target:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
                for path, _ in self.made.files:
                    packed.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
            target.seek(0)
            return target.read()


_jobs: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")


def start(explorer: Explorer, asked: Sequence[Asked], formats: Sequence[str]) -> str:
    """Put a report in the queue; gives the unguessable name to ask for it.

    Raises
    ------
    InputError
        If too many are waiting.
    """
    with _lock:
        _clean(room=1)
        if sum(not job.is_over for job in _jobs.values()) >= MOST_WAITING:
            raise InputError("reports_busy", most=MOST_WAITING)
        name, job = secrets.token_urlsafe(16), Job(len(formats))
        _jobs[name] = job
    work = _worker.submit(_run, job, explorer, tuple(asked), tuple(formats))
    work.add_done_callback(partial(_end, job))
    return name


def find(name: str) -> Job | None:
    """A report by its name, while it is kept."""
    with _lock:
        _clean()
        return _jobs.get(name)


def _run(job: Job, explorer: Explorer, asked: Sequence[Asked], formats: Sequence[str]) -> None:
    def tell(done: int, total: int) -> None:
        job.done, job.all = done, total

    if job.is_stopping:
        job.state = "stopped"
        return
    job.state = "making"
    try:
        job.made = make(
            explorer, asked, formats, Path(job.folder.name), on_progress=tell, is_cancelled=lambda: job.is_stopping
        )
    except CancelledError:
        job.state = "stopped"
    except DgdoGeoError as error:
        job.message_nl, job.state = error.message_nl, "failed"
    else:
        job.state = "ready"


def _end(job: Job, work: Future[None]) -> None:
    """An error of ours is no reason to wait forever: whoever waits hears of it, and the log holds it."""
    job.began = time.monotonic()
    if (error := work.exception()) is not None:
        _log.error("a report failed", exc_info=error)
        job.message_nl, job.state = text("web_report", "failed"), "failed"


def _clean(room: int = 0) -> None:
    """Remove what was kept long enough, or is too much with so many to come; the caller holds the lock."""
    over = time.monotonic() - KEPT_S
    gone = [name for name, job in _jobs.items() if job.is_over and job.began < over]
    ready = [name for name, job in _jobs.items() if job.is_over and name not in gone]
    gone += ready[: max(0, len(_jobs) - len(gone) + room - MOST_KEPT)]
    for name in gone:
        _jobs.pop(name).folder.cleanup()
