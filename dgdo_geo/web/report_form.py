"""The form on the page "Gebied" that makes a report: which files, how far it is, and the files to fetch."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import RegionKind
from dgdo_geo.report.making import FORMATS, Asked
from dgdo_geo.texts import text
from dgdo_geo.web import formats as shown
from dgdo_geo.web import frame, opened, places, report_jobs
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.places import Place
from dgdo_geo.web.report_jobs import Job

FIRST = ("pdf", "xlsx")
"""Formats that are chosen at the beginning."""
EVERY_S = 1.0
"""How often the page looks how far a report is."""
MOST_BUTTONS = 8
"""With more files there is one button, for all of them."""
MIME = {
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
    ".gpkg": "application/geopackage+sqlite3",
    ".tif": "image/tiff",
}
_JOB, _PROBLEM, _FORMATS, _ACTIVITIES = "_report_job", "_report_problem", "rapport_bestanden", "rapport_activiteiten"


def show(turn: Turn) -> None:
    """Draw the form, and the report that this visitor asked for."""
    view = turn.view
    if view.place is None:
        return
    st.header(text("web_report", "title"), anchor=False)
    st.markdown(text("web_report", "intro"))
    asked_places = [view.place, *view.compared]
    if len(asked_places) > 1:
        names = ", ".join(places.name_of(turn.explorer, place) for place in asked_places)
        st.markdown(shown.literal(text("web_report", "compares", names=names)))
    activities = turn.explorer.knowledge.activities
    with st.form("rapport", border=True):
        st.multiselect(
            text("web_report", "formats"),
            FORMATS,
            default=FIRST if _FORMATS not in st.session_state else None,
            key=_FORMATS,
            format_func=lambda name: text("web_report", f"format_{name}"),
            placeholder=text("web_report", "none"),
        )
        st.multiselect(
            text("web_report", "activities"),
            list(activities),
            key=_ACTIVITIES,
            format_func=lambda key: activities[key].name_nl,
            placeholder=text("web_report", "all_activities"),
        )
        st.form_submit_button(text("web_report", "make"), on_click=_start, args=(turn, asked_places))
    if problem := st.session_state.get(_PROBLEM):
        st.error(shown.literal(problem))
    name = st.session_state.get(_JOB)
    if name:
        job = report_jobs.find(name)
        every = None if job is None or job.is_over else EVERY_S
        st.fragment(_follow, run_every=every)(name)


def _start(turn: Turn, asked_places: Sequence[Place]) -> None:
    """A callback: put the report in the queue."""
    state = st.session_state
    state.pop(_PROBLEM, None)
    wanted = state.get(_FORMATS) or []
    if not wanted:
        state[_PROBLEM] = text("web_report", "none")
        return
    try:
        asked = [asked_of(turn, place, state.get(_ACTIVITIES) or ()) for place in asked_places]
        _stop(state.get(_JOB, ""))
        state[_JOB] = report_jobs.start(turn.explorer, asked, wanted)
    except DgdoGeoError as error:
        state[_PROBLEM] = error.message_nl


def asked_of(turn: Turn, place: Place, activities: Sequence[str]) -> Asked:
    """What a report on a place asks; the same as the page."""
    # The page asked the same a moment ago.
    answer = opened.area_answer(turn.explorer, place, turn.view.on)
    remarks, chosen = frame.remarks(turn, answer, place), tuple(activities)
    if place.kind is RegionKind.POLYGON:
        name, shape = places.name_of(turn.explorer, place), places.geometry(turn.explorer, place)
        return Asked(place.kind, name, shape, on=turn.view.on, activities=chosen, remarks_nl=remarks)
    return Asked(place.kind, place.code, on=turn.view.on, activities=chosen, remarks_nl=remarks)


def _stop(name: str) -> None:
    """A callback: stop the report; nothing half is left."""
    job = report_jobs.find(name)
    if job is not None:
        job.stop()


def _follow(name: str) -> None:
    """How far it is; drawn again every second until it is ready."""
    job = report_jobs.find(name)
    if job is None:
        st.session_state.pop(_JOB, None)
        st.warning(text("web_report", "gone"))
    elif job.state == "ready":
        _files(name, job)
    elif job.state == "stopped":
        st.info(text("web_report", "stopped"))
    elif job.state == "failed":
        st.error(shown.literal(job.message_nl))
    else:
        words = "stopping" if job.is_stopping else job.state
        st.progress(job.done / max(1, job.all), text("web_report", words, done=job.done, all=job.all))
        st.button(text("web_report", "stop"), on_click=_stop, args=(name,), disabled=job.is_stopping)
        return
    if st.session_state.get("_report_seen") != name:
        st.session_state["_report_seen"] = name
        st.rerun()  # the whole page once more, without looking every second


def _files(name: str, job: Job) -> None:
    """A button for every file, and one for all of them."""
    if job.made is None:
        return
    files = job.made.files
    count = text("web_report", "ready_one" if len(files) == 1 else "ready_more", count=len(files))
    st.success(text("web_report", "ready", count=count, minutes=round(report_jobs.KEPT_S / 60)))
    for path, _ in files if len(files) <= MOST_BUTTONS else ():
        st.download_button(
            text("web_report", "fetch", name=path.name),
            data=path.read_bytes,
            file_name=path.name,
            mime=MIME.get(path.suffix, "application/octet-stream"),
            key=f"{name}-{path.name}",
            on_click="ignore",
        )
    if len(files) > 1:
        st.download_button(
            text("web_report", "fetch_all"),
            data=job.zipped,
            file_name=f"{job.made.stem}.zip",
            mime="application/zip",
            key=f"{name}-zip",
            on_click="ignore",
        )
    st.markdown(text("web_report", "snapshot", snapshot=job.made.snapshot))
