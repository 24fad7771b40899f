"""Loading own GIS files: recipe -> dry run -> layer in the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.area_codes import check_codes, compare_area
from dgdo_geo.intake.controls import check_controls, refuse_failed
from dgdo_geo.intake.declaring import complete_classes, declare, declared_layer, is_ruled
from dgdo_geo.intake.density_loading import bring_in_lines
from dgdo_geo.intake.doubt import doubt_crs
from dgdo_geo.intake.grid_loading import take_in_grid
from dgdo_geo.intake.heights import depths_of
from dgdo_geo.intake.looking import Facts, Place, look_at_columns, look_at_place, without_padding
from dgdo_geo.intake.outcome import Intake, Look, chosen_rows
from dgdo_geo.intake.proposing import Proposal, propose
from dgdo_geo.intake.recipe import Recipe, RecipeLayer
from dgdo_geo.model import Family, Layer
from dgdo_geo.sources.files import read_file
from dgdo_geo.sources.placing import beside
from dgdo_geo.texts import number_nl, text

__all__ = [
    "Intake", "Look", "bring_in", "complete_classes", "declared_layer", "doubt_crs", "run", "take_in",
]  # fmt: skip

Progress = Callable[[str, int, int], None]
"""Called with what is done (in Dutch), the features so far and their number."""
OnLook = Callable[[Look], None]
"""Called with what a file is, before anything in it is translated; the translation may then fail."""


def run(
    recipe: Recipe,
    workspace: Path | None = None,
    *,
    save: bool = False,
    on_progress: Progress | None = None,
    on_look: OnLook | None = None,
    on_done: Callable[[Intake], None] | None = None,
) -> list[Intake]:
    """Read and harmonise every layer; with ``save`` put them in the workspace, but only if all are right.

    Parameters
    ----------
    recipe : Recipe
    workspace : Path, optional
    save : bool
        False is a dry run: nothing is written.
    on_progress : callable, optional
    on_look : callable, optional
    on_done : callable, optional
        Called with every layer that has been read; none has been saved by then.

    Raises
    ------
    InputError, DataError
        At the first layer that is wrong; then nothing has been written.
    """
    opened = store.open_workspace(workspace, create=save, missing_ok=True)
    results = []
    for item in recipe.layers:
        results.append(take_in(item, recipe.folder, opened, on_progress=on_progress, on_look=on_look))
        if on_done is not None:
            on_done(results[-1])
    if save:
        for result in results:
            refuse_failed(result.checked, result.layer)
        count = sum(len(result.frame) for result in results)
        _tell(on_progress, "phase_store", 0, count)
        store.write_layers(opened, [(result.layer, result.frame) for result in results])
        _tell(on_progress, "phase_store", count, count)
    return results


def _tell(on_progress: Progress | None, phase: str, done: int, total: int) -> None:
    if on_progress is not None:
        on_progress(text("intake", phase), done, total)


def take_in(
    item: RecipeLayer,
    folder: Path,
    workspace: store.Workspace,
    *,
    on_progress: Progress | None = None,
    on_look: OnLook | None = None,
) -> Intake:
    """Read one file and bring it into our schema.

    Raises
    ------
    InputError
        If anything in the file or the recipe is wrong; the message says what and what to do.
    """
    declare(item, workspace)
    path = beside(folder, item.file)
    if item.grid is not None:
        return take_in_grid(item, path, workspace)
    raw = read_file(path, item.read, on_progress=lambda done, total: _tell(on_progress, "phase_read", done, total))
    _tell(on_progress, "phase_read", len(raw), len(raw))
    return bring_in(raw, item, workspace, folder, on_progress=on_progress, on_look=on_look)


def bring_in(
    raw: gpd.GeoDataFrame,
    item: RecipeLayer,
    workspace: store.Workspace,
    folder: Path | None = None,
    *,
    on_progress: Progress | None = None,
    on_look: OnLook | None = None,
) -> Intake:
    """Bring features as they stand in their source into our schema.

    Parameters
    ----------
    folder : Path, optional
        Where further files stand that the recipe names.

    Raises
    ------
    InputError
        If anything in the features or the recipe is wrong; the message says what and what to do.
    """
    layer = declare(item, workspace)
    report = harmonise.Report(file=item.file, layer=item.layer)
    report.read = len(raw)
    raw = without_padding(raw, report)
    facts = look_at_columns(raw)
    frame = harmonise.to_rd(raw, item.crs, report)
    if item.crs is None:
        doubt_crs(raw, frame, layer, workspace, report, item.coincides_with)
    elif item.why_crs_nl:
        report.note(item.why_crs_nl)
    if item.density is not None:
        return bring_in_lines(raw, frame, facts, item, layer, workspace, folder, report, on_look)
    frame = harmonise.repair(
        frame,
        layer.geometry,
        report,
        id_column=item.columns.id or item.columns.name,
        on_progress=lambda done, total: _tell(on_progress, "phase_repair", done, total),
    )
    frame = harmonise.drop_outside(frame, report, at_sea=item.at_sea)
    place = look_at_place(raw, frame, workspace, report)
    look = Look(report, facts, place, _proposal(facts, frame, item, layer), chosen_rows(item.read))
    if on_look is not None:
        on_look(look)
    _doubts(facts, place, layer, report)
    frame = _classified(frame, item, layer, report)
    check_codes(frame, workspace, report)
    if layer.family is Family.BOUNDARIES:
        compare_area(place.area_km2, item.layer, workspace, report)
        frame = harmonise.clean_coverage(frame, report)
    frame = _in_schema(frame, item, report)
    _tell(on_progress, "phase_columns", len(frame), len(frame))
    layer = layer.model_copy(update={"complete_classes": complete_classes(item, layer)})
    checked = check_controls(item.control, frame, layer)
    return Intake(report, layer, frame, look, checked, is_ruled(item.layer))


def _proposal(facts: Facts, frame: gpd.GeoDataFrame, item: RecipeLayer, layer: Layer) -> Proposal:
    """What may be meant where the recipe says nothing."""
    columns, counts = item.classes.columns, dict[str, int]()
    if columns and all(column in frame.columns for column in columns):
        code, values = harmonise.joined_values(frame, columns)
        counts = {value: int(n) for value, n in zip(values, np.bincount(code, minlength=len(values)), strict=True)}
    return propose(
        facts,
        None if item.classes.fixed else layer,
        id_column=item.columns.id or item.columns.part_of,
        name_column=item.columns.name,
        class_columns=columns,
        counts=counts,
        mapped=[*item.classes.values, *item.classes.skip],
    )


def _doubts(facts: Facts, place: Place, layer: Layer, report: harmonise.Report) -> None:
    """What is strange and yet not refused."""
    if place.detail_m is not None and layer.accuracy_m < place.detail_m:
        least, said = f"{place.detail_m:.3g}", f"{layer.accuracy_m:g}"
        report.note(text("intake", "accuracy_too_fine", said=said, least=least))
    if facts.is_round:
        report.note(text("intake", "cut_off", count=number_nl(facts.rows_in_file)))
    if facts.other_coordinates:
        columns = ", ".join(facts.other_coordinates)
        report.note(text("intake", "other_coordinates", columns=columns, used=report.crs_used))
    for sheet, column, value in facts.wrong_sheets:
        report.note(text("intake", "wrong_sheet", sheet=sheet, column=column, value=value))


def _classified(frame: gpd.GeoDataFrame, item: RecipeLayer, layer: Layer, report: harmonise.Report) -> gpd.GeoDataFrame:
    """The frame with its column ``class``."""
    known, chosen = [c.id for c in layer.classes], item.classes
    if chosen.fixed is not None:
        if chosen.fixed not in known:
            raise InputError("class_unknown", layer=item.layer, classes=chosen.fixed, known=", ".join(known))
        return frame.assign(**{"class": chosen.fixed})
    if chosen.columns:
        return harmonise.map_classes(
            frame, chosen.columns, chosen.values, chosen.skip, known, report, other=chosen.other
        )
    if len(known) == 1:
        return frame.assign(**{"class": known[0]})
    raise InputError("class_needed", layer=item.layer, known=", ".join(known))


def _in_schema(frame: gpd.GeoDataFrame, item: RecipeLayer, report: harmonise.Report) -> gpd.GeoDataFrame:
    columns = item.columns
    frame = harmonise.to_schema(
        frame,
        report,
        id_column=columns.id,
        name_column=columns.name,
        depth_columns={},
        accuracy_m=None,
        source=item.declare.source,
        extra=columns.extra,
        part_of=columns.part_of,
        depths=depths_of(frame, columns, report),
    )
    for column, lookup in columns.lookup.items():
        frame = harmonise.look_up(frame, column, lookup.column, lookup.values, report)
    # How a file was read is in the report; in the product it would change its hash.
    frame.attrs = {}
    return frame
