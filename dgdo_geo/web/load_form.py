"""The part of the page "Lagen" with which an analyst loads a layer: see the file, say what it is, check, use it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.intake import Intake, Recipe, RecipeLayer, from_url
from dgdo_geo.intake.upload_look import UploadLook, look_at_upload
from dgdo_geo.texts import text
from dgdo_geo.web import controls, formats, load_choices, opened, own_layers, uploads, visitor
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.load_recipe import recipe_layer, recipe_text
from dgdo_geo.web.online import is_online, may_save
from dgdo_geo.web.render import render

FILE, URL, CRS, INNER = "laden_bestand", "laden_adres", "laden_crs", "laden_laag"
_DRAFT, _CHECKED, _SAID, _FAILED = "_laden", "_laden_gecontroleerd", "_laden_gezegd", "_laden_fout"


@dataclass(slots=True)
class Draft:
    """A file that was uploaded, until it is a layer; its folder goes when the session forgets it."""

    folder: tempfile.TemporaryDirectory[str]
    name: str
    crs: str
    inner: str
    url: str = ""
    found: UploadLook | None = None
    guess: str | None = None

    @property
    def path(self) -> Path:
        """Where the file stands."""
        return Path(self.folder.name) / self.name


@dataclass(frozen=True, slots=True)
class Checked:
    """A dry run that went well, and the recipe that it was of."""

    recipe: str
    result: Intake


def show(turn: Turn) -> None:
    """Draw the whole."""
    session = st.session_state
    st.header(text("own_layer", "title"), anchor=False)
    st.markdown(text("own_layer", "intro"))
    st.markdown(text("own_layer", "where_server" if may_save() else "where_session"))
    if opened.own_layers(turn.explorer):
        st.button(text("own_layer", "remove"), on_click=visitor.remove)
    said = session.pop(_SAID, "")
    if said:
        st.success(formats.literal(said))
    _upload()
    draft: Draft | None = session.get(_DRAFT)
    failed = session.pop(_FAILED, "")
    if draft is not None and draft.found is None and not failed:
        failed = _look(turn, draft)
    if failed:
        st.error(formats.literal(failed))
    if draft is None or draft.found is None:
        return
    st.html(
        render("load_look.html", look=draft.found.look, report=draft.found.look.report, geometry=draft.found.geometry)
    )
    _fill_in(turn, draft, draft.found)


def _upload() -> None:
    with st.form("laden-bestand", border=True):
        st.file_uploader(text("own_layer", "file_field"), key=FILE)
        if is_online():
            st.text_input(text("own_layer", "url"), key=URL, max_chars=2_000, placeholder="https://")
        columns = st.columns(2)
        columns[0].selectbox(text("web_upload", "crs"), uploads.CRS_CHOICES, key=CRS, format_func=uploads.crs_label)
        columns[1].text_input(text("own_layer", "inner"), key=INNER, placeholder=text("own_layer", "inner_placeholder"))
        st.form_submit_button(text("own_layer", "look"), on_click=_keep)


def _keep() -> None:
    """A callback: put the file in a folder of this session."""
    session = st.session_state
    session.pop(_DRAFT, None)
    session.pop(_CHECKED, None)
    found = session.get(FILE)
    url = str(session.get(URL) or "").strip() if is_online() else ""
    if found is None and not url:
        session[_FAILED] = InputError("upload_missing").message_nl
        return
    load_choices.forget()
    folder = tempfile.TemporaryDirectory(prefix="dgdo-geo-upload-", ignore_cleanup_errors=True)
    draft = Draft(
        folder,
        uploads.safe_name("" if found is None else str(found.name)),
        str(session.get(CRS) or ""),
        str(session.get(INNER) or ""),
    )
    if found is None:
        draft.url = url
    else:
        draft.path.write_bytes(found.getvalue())
    session[_DRAFT] = draft


def _look(turn: Turn, draft: Draft) -> str:
    """Look at the file; why that cannot be done, or ""."""
    try:
        with st.spinner(text("own_layer", "looking")):
            if draft.url:
                draft.name = from_url(draft.url, Path(draft.folder.name)).path.name
            found = look_at_upload(
                draft.path, turn.explorer.workspace, crs=draft.crs or None, layer=draft.inner.strip() or None
            )
            draft.found, draft.guess = found, load_choices.suggested(turn.explorer, found)
    except DgdoGeoError as error:
        st.session_state.pop(_DRAFT, None)
        return uploads.for_the_page(error).message_nl
    return ""


# What it is ---------------------------------------------------------------------------------


def _fill_in(turn: Turn, draft: Draft, found: UploadLook) -> None:
    """Draw the questions about the file, and what comes of the answers."""
    wanted = load_choices.show(turn.explorer, found, draft.guess)
    if wanted is None:
        return
    session = st.session_state
    item: RecipeLayer | None = None
    problem = ""
    try:
        item = recipe_layer(draft.name, draft.crs, draft.inner.strip(), wanted)
    except DgdoGeoError as error:
        problem = error.message_nl
    pressed = st.button(text("own_layer", "check"), type="primary", key="laden_controleer")
    if pressed and item is not None:
        problem = _check(turn, draft, item)
    if problem:
        # Before the first check it is a hint on what is left to do.
        (st.error if pressed else st.info)(formats.literal(problem))
    checked: Checked | None = session.get(_CHECKED)
    if checked is None or item is None:
        return
    written = recipe_text(item)
    if checked.recipe != written:
        st.info(text("own_layer", "check_again"))
        return
    _checked(turn, draft, item, checked)


def _check(turn: Turn, draft: Draft, item: RecipeLayer) -> str:
    """The dry run; why it fails, or ""."""
    session = st.session_state
    session.pop(_CHECKED, None)
    try:
        with st.spinner(text("own_layer", "checking")):
            result = own_layers.check(_recipe(draft, item), turn.explorer.workspace.path)[0]
    except DgdoGeoError as error:
        return uploads.for_the_page(error).message_nl
    session[_CHECKED] = Checked(recipe_text(item), result)
    return ""


def _recipe(draft: Draft, item: RecipeLayer) -> Recipe:
    return Recipe((item,), Path(draft.folder.name))


def _checked(turn: Turn, draft: Draft, item: RecipeLayer, checked: Checked) -> None:
    """Draw what the layer will be, and what can be done with it."""
    result = checked.result
    st.subheader(text("own_layer", "will_be"), anchor=False)
    st.html(render("load_result.html", result=result, report=result.report, layer=result.layer, labels=_labels(result)))
    buttons = st.columns(3 if may_save() else 2)
    buttons[0].button(
        text("own_layer", "use"), type="primary", key="laden_gebruik", on_click=_use, args=(turn, draft, item)
    )
    buttons[1].download_button(
        text("own_layer", "download"),
        data=checked.recipe.encode(),
        file_name=f"{item.layer}.toml",
        mime="application/toml",
        on_click="ignore",
        key="laden_recept",
    )
    if may_save():
        buttons[2].button(text("own_layer", "save"), key="laden_bewaar", on_click=_save, args=(turn, draft, item))
    st.markdown(formats.literal(text("own_layer", "replay", recipe=f"{item.layer}.toml", file=draft.name)))


def _labels(result: Intake) -> Sequence[tuple[str, int]]:
    return [(result.layer.label(class_id), count) for class_id, count in result.report.classes.items()]


# Callbacks ----------------------------------------------------------------------------------


def _use(turn: Turn, draft: Draft, item: RecipeLayer) -> None:
    """A callback: the layer for this session."""
    try:
        visitor.add(_recipe(draft, item), turn.explorer)
    except DgdoGeoError as error:
        st.session_state[_FAILED] = uploads.for_the_page(error).message_nl
        return
    _done(item, "used")


def _save(turn: Turn, draft: Draft, item: RecipeLayer) -> None:
    """A callback: the layer for everybody, in the workspace of the server."""
    try:
        own_layers.save(_recipe(draft, item), opened.explorer().workspace.path)
    except DgdoGeoError as error:
        st.session_state[_FAILED] = uploads.for_the_page(error).message_nl
        return
    _done(item, "saved")


def _done(item: RecipeLayer, said: str) -> None:
    session = st.session_state
    session.pop(_DRAFT, None)
    session.pop(_CHECKED, None)
    name = item.declare.title_nl or item.layer
    session[_SAID] = text("own_layer", said, name=name)
    controls.leave_layer(item.layer)
