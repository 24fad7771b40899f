"""The questions about a file that becomes a layer: which layer, which columns, which class for every value, whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dgdo_geo.intake.looking import ColumnFacts, Facts
from dgdo_geo.intake.proposing import LEAST, Proposal, propose
from dgdo_geo.intake.upload_look import UploadLook
from dgdo_geo.model import Family, Layer, Quality
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import formats
from dgdo_geo.web.load_recipe import NOT_OWN, OWN, SKIP, Wanted, class_ids

KEY = "laden_"
"""Begin of the keys of all widgets here."""
_VALUE = f"{KEY}waarde_"
LONGEST = 300
"""Characters of a text that is typed."""


def forget() -> None:
    """Nothing of the last file stays."""
    for key in [key for key in st.session_state if str(key).startswith(_VALUE)]:
        del st.session_state[key]
    for name in ("naam", "code", "kolom", "doel", "nieuw"):
        st.session_state.pop(KEY + name, None)


def suggested(explorer: Explorer, found: UploadLook) -> str | None:
    """The layer whose classes look most like the values of the file; None when no layer does."""
    best: tuple[float, str | None] = (0.0, None)
    for layer_id, layer in _replaceable(explorer, found).items():
        values = propose(found.look.facts, layer).values
        rows = sum(item.rows for item in values)
        score = sum(item.certainty * item.rows for item in values if item.class_id) / max(rows, 1)
        best = max(best, (score, layer_id), key=lambda item: item[0])
    return best[1] if best[0] >= LEAST else None


def show(explorer: Explorer, found: UploadLook, guess: str | None) -> Wanted | None:
    """Draw the questions.

    Parameters
    ----------
    guess : str or None
        Id of the layer that the file may be; see :func:`suggested`.

    Returns
    -------
    Wanted or None
        None as long as the layer to replace is not chosen.
    """
    st.subheader(text("own_layer", "what"), anchor=False)
    target = _target(explorer, found, guess)
    if target is None:
        return None
    layer, title, family, description = target
    facts = found.look.facts
    proposal = propose(facts, layer)
    columns: dict[str, Any] = {}
    st.subheader(text("own_layer", "columns"), anchor=False)
    columns["class_column"], fixed, values = _classes(facts, layer, proposal)
    names = [column.name for column in facts.columns if column.distinct]
    codes = [c.name for c in facts.columns if c.distinct == facts.rows and not c.empty]
    left, right = st.columns(2)
    with left:
        columns["name_column"] = _column("name_column", "naam", names, proposal.name.column if proposal.name else None)
    with right:
        columns["id_column"] = _column("id_column", "code", codes, proposal.id.column if proposal.id else None)
    st.subheader(text("own_layer", "about"), anchor=False)
    return Wanted(
        layer=layer, geometry=found.geometry, title=title, family=family, description=description,
        fixed=fixed, values=values, **columns, **_about(),
    )  # fmt: skip


def _replaceable(explorer: Explorer, found: UploadLook) -> dict[str, Layer]:
    """Layers that a file with this kind of geometry can take the place of."""
    return {
        layer_id: state.layer
        for layer_id, state in explorer.states.items()
        if state.layer.geometry == found.geometry and state.layer.family is not Family.BOUNDARIES
        and not layer_id.startswith(OWN)
    }  # fmt: skip


def _target(
    explorer: Explorer, found: UploadLook, guess: str | None
) -> tuple[Layer | None, str, Family | None, str] | None:
    """The layer that the file replaces; or the name, family and description of a new one. None: not chosen yet."""
    layers = _replaceable(explorer, found)
    ids = sorted(layers, key=lambda layer_id: formats.sorting(layers[layer_id].title_nl))
    is_new = st.radio(
        text("own_layer", "target"),
        (False, True) if ids else (True,),
        key=f"{KEY}nieuw",
        format_func=lambda new: text("own_layer", "target_new" if new else "target_old"),
    )
    if not is_new and ids:
        chosen = st.selectbox(
            text("own_layer", "old"),
            ids,
            index=ids.index(guess) if guess in ids else None,
            key=f"{KEY}doel",
            format_func=lambda layer_id: layers[layer_id].title_nl,
            placeholder=text("own_layer", "choose_layer"),
        )
        if chosen is None:
            return None
        if chosen == guess:
            st.markdown(text("own_layer", "guessed"))
        st.markdown(formats.literal(layers[chosen].description_nl))
        return layers[chosen], "", None, ""
    st.markdown(text("own_layer", "new_note"))
    columns = st.columns(2)
    title = columns[0].text_input(text("own_layer", "title_field"), key=f"{KEY}titel", max_chars=80)
    families = [family for family in Family if family not in NOT_OWN]
    family = columns[1].selectbox(
        text("own_layer", "family"),
        families,
        index=None,
        key=f"{KEY}familie",
        format_func=lambda item: formats.first_capital(text("family", item.value)),
        placeholder=text("own_layer", "choose"),
    )
    description = st.text_input(text("own_layer", "description"), key=f"{KEY}uitleg", max_chars=LONGEST)
    return None, title or "", family, description or ""


def _column(field: str, key: str, names: Sequence[str], guess: str | None) -> str | None:
    """The choice of one column, or none."""
    options = ["", *names]
    return (
        st.selectbox(
            text("own_layer", field),
            options,
            index=options.index(guess) if guess in options else 0,
            key=KEY + key,
            format_func=lambda name: name or text("own_layer", "no_column"),
        )
        or None
    )


def _classes(facts: Facts, layer: Layer | None, proposal: Proposal) -> tuple[str | None, str, Mapping[str, str]]:
    """The column with the class and the class of every value; or one class for all."""
    fitting = {c.name: c for c in facts.columns if c.values and c.kind in ("text", "number_text", "number", "boolean")}
    options = ["", *fitting]
    guess = proposal.columns[0] if proposal.columns else ""
    column = st.selectbox(
        text("own_layer", "class_column"),
        options,
        index=options.index(guess) if guess in options else 0,
        key=f"{KEY}kolom",
        format_func=lambda name: name or text("own_layer", "one_class"),
    )
    if column:
        return column, "", _values(facts, fitting[column], layer)
    if layer is None:
        return None, "", {}
    fixed = st.selectbox(
        text("own_layer", "fixed"),
        [c.id for c in layer.classes],
        index=0 if len(layer.classes) == 1 else None,
        key=f"{KEY}klasse-{layer.id}",
        format_func=layer.label,
        placeholder=text("own_layer", "choose"),
    )
    return None, fixed or "", {}


def _values(facts: Facts, column: ColumnFacts, layer: Layer | None) -> dict[str, str]:
    """A choice for every value, with the proposal filled in."""
    st.markdown(text("own_layer", "values_how" if layer else "values_how_new"))
    counts = dict(column.values) | ({"": column.empty} if column.empty else {})
    own = class_ids(counts)
    guessed = {} if layer is None else _guessed(facts, column, layer)
    chosen: dict[str, str] = {}
    places = st.columns(2)
    for number, (value, rows) in enumerate(counts.items()):
        options = [c.id for c in layer.classes] if layer else [own[value]]
        guess = guessed.get(value)
        if layer is None:
            guess = own[value] if value else None
        options.append(SKIP)
        shown = value if len(value) <= 60 else f"{value[:59]}…"
        label = text("own_layer", "value", value=shown or text("intake", "nothing"), rows=rows)
        with places[number % 2]:
            picked = st.selectbox(
                formats.literal(label),
                options,
                index=options.index(guess) if guess in options else None,
                key=f"{_VALUE}{layer.id if layer else ''}-{column.name}-{number}",
                format_func=lambda class_id, layer=layer: _class_label(class_id, layer),
                placeholder=text("own_layer", "choose_class"),
            )
        chosen[value] = picked or ""
    return chosen


def _guessed(facts: Facts, column: ColumnFacts, layer: Layer) -> dict[str, str | None]:
    """The class that every value may mean; one that is the name of a class means that."""
    found = propose(facts, layer, class_columns=(column.name,), counts=column.values).values
    same: dict[str, str | None] = {c.id: c.id for c in layer.classes}
    if len(layer.classes) == 1:
        return same
    return same | {item.value: item.class_id for item in found}


def _class_label(class_id: str, layer: Layer | None) -> str:
    if class_id == SKIP:
        return text("own_layer", "skip")
    return layer.label(class_id) if layer else text("own_layer", "own_class")


def _about() -> dict[str, Any]:
    """Whose it is, of when, and how good."""
    left, right = st.columns(2)
    source = left.text_input(text("own_layer", "source"), key=f"{KEY}bron", max_chars=LONGEST)
    licence = right.text_input(
        text("own_layer", "licence"), key=f"{KEY}licentie", max_chars=LONGEST,
        placeholder=text("own_layer", "licence_placeholder"),
    )  # fmt: skip
    first, second, third = st.columns(3)
    on = first.date_input(text("own_layer", "date"), value=None, key=f"{KEY}datum", format="DD-MM-YYYY")
    quality = second.selectbox(
        text("own_layer", "quality"),
        list(Quality),
        index=None,
        key=f"{KEY}kwaliteit",
        format_func=lambda item: formats.first_capital(text("quality", item.value)),
        placeholder=text("own_layer", "choose"),
    )
    accuracy = third.number_input(
        text("own_layer", "accuracy"), min_value=0.0, max_value=100_000.0, value=None, step=1.0,
        key=f"{KEY}nauwkeurigheid", format="%.10g",
    )  # fmt: skip
    is_complete = st.checkbox(text("own_layer", "complete"), key=f"{KEY}volledig")
    return {
        "source": source or "", "licence": licence or "", "on": on, "quality": quality, "accuracy_m": accuracy,
        "is_complete": bool(is_complete),
    }  # fmt: skip
