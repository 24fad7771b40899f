"""Reports from the page "Gebied": the queue in the background, and the form."""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_web_pages import go, run

from dgdo_geo.errors import InputError
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.report.making import Asked, make
from dgdo_geo.texts import text
from dgdo_geo.web import report_jobs
from dgdo_geo.web.report_jobs import Job

ZEEWOLDE = Asked(RegionKind.MUNICIPALITY, "GM0050", activities=("geothermie",))


@pytest.fixture(autouse=True)
def no_jobs() -> Iterator[None]:
    yield
    for job in list(report_jobs._jobs.values()):
        job.stop()
        wait(job)
    report_jobs._jobs.clear()


def wait(job: Job, seconds: float = 120) -> Job:
    end = time.monotonic() + seconds
    while not job.is_over and time.monotonic() < end:
        time.sleep(0.02)
    assert job.is_over, "the report was never ready"
    return job


def started(explorer: Explorer, *formats: str) -> tuple[str, Job]:
    name = report_jobs.start(explorer, [ZEEWOLDE], formats)
    job = report_jobs.find(name)
    assert job is not None
    return name, job


def test_files_are_those_of_the_command(explorer: Explorer, tmp_path: Path) -> None:
    _, job = started(explorer, "csv", "html")
    made = wait(job).made
    assert job.state == "ready" and made is not None and (job.done, job.all) == (2, 2)
    direct = make(explorer, ZEEWOLDE, ["csv", "html"], tmp_path)
    assert made.snapshot == direct.snapshot
    assert [(p.name, digest) for p, digest in made.files] == [(p.name, digest) for p, digest in direct.files]
    with zipfile.ZipFile(BytesIO(job.zipped())) as packed:
        assert packed.testzip() is None
        assert {(n, hashlib.sha256(packed.read(n)).hexdigest()) for n in packed.namelist()} == {
            (path.name, digest) for path, digest in made.files
        }
    assert job.zipped() == job.zipped()


def test_stopping_leaves_nothing(explorer: Explorer) -> None:
    _, first = started(explorer, "html", "csv", "xlsx")
    _, second = started(explorer, "html")
    for job in (second, first):
        job.stop()
    assert wait(second).state == "stopped" and wait(first).state == "stopped"
    assert [list(Path(job.folder.name).iterdir()) for job in (first, second)] == [[], []]


def test_queue_is_short(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_jobs, "MOST_WAITING", 1)
    _, job = started(explorer, "html", "csv")
    with pytest.raises(InputError) as caught:
        report_jobs.start(explorer, [ZEEWOLDE], ["csv"])
    assert caught.value.key == "reports_busy"
    wait(job)


def test_what_is_kept_is_bounded_in_number_and_time(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_jobs, "MOST_KEPT", 2)
    names = []
    for _ in range(3):
        name, job = started(explorer, "csv")
        wait(job)
        names.append((name, Path(job.folder.name)))
    (oldest, gone), (_, kept), (newest, _) = names
    assert report_jobs.find(oldest) is None and not gone.exists()
    assert kept.exists() and report_jobs.find(newest) is not None
    monkeypatch.setattr(report_jobs, "KEPT_S", 0.0)
    assert report_jobs.find(newest) is None and not kept.exists()


def test_wrong_question_is_said(explorer: Explorer) -> None:
    name = report_jobs.start(explorer, [Asked(RegionKind.MUNICIPALITY, "GM9999")], ["csv"])
    job = report_jobs.find(name)
    assert job is not None and wait(job).state == "failed"
    assert "GM9999" in job.message_nl and "Traceback" not in job.message_nl


def buttons(app: AppTest) -> list[str]:
    return [item.proto.label for item in app.get("download_button")]


def test_form_makes_a_report_of_what_is_on_the_page() -> None:
    app = run("gebied", gemeente="GM0050", vergelijk="GM0171")
    (chosen,) = [m for m in app.multiselect if m.label == text("web_report", "formats")]
    submit = next(b for b in app.button if b.label == text("web_report", "make"))
    chosen.set_value([])
    app = go(submit.click() and app, "gebied")
    assert text("web_report", "none") in [item.value for item in app.error]
    (chosen,) = [m for m in app.multiselect if m.label == text("web_report", "formats")]
    chosen.set_value(["csv"])
    next(b for b in app.button if b.label == text("web_report", "make")).click()
    app = go(app, "gebied")
    assert not app.exception and not app.error
    (job,) = report_jobs._jobs.values()
    made = wait(job).made
    assert made is not None and "Zeewolde" in made.name and "Noordoostpolder" in made.name
    app = go(app, "gebied")
    assert text("web_report", "fetch", name=made.files[0][0].name) in buttons(app)
    report_jobs._jobs.clear()
    app = go(app, "gebied")
    assert text("web_report", "gone") in [item.value for item in app.warning]
