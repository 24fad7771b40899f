"""Loading own GIS files: recipe -> dry run -> layer in the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import geopandas as gpd
import pyproj
import shapely
from pydantic import ValidationError

from dgdo_geo import harmonise, store
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.intake.recipe import Recipe, RecipeLayer
from dgdo_geo.model import Family, Layer
from dgdo_geo.sources.files import read_file
from dgdo_geo.texts import text
from dgdo_geo.toml_files import describe_validation

REACH_M = 400.0
"""Vertices closer than this to a known province boundary count in the CRS test."""
DOUBT_RATIO = 0.6
"""Another CRS that brings boundaries this much closer makes the declared one doubtful."""


@dataclass(frozen=True, slots=True)
class Intake:
    """The outcome of one layer: its report, declaration and frame."""

    report: harmonise.Report
    layer: Layer
    frame: gpd.GeoDataFrame

    def to_dict(self) -> dict[str, object]:
        """The dict of ``add --json``."""
        return asdict(self.report)

    def describe_nl(self) -> str:
        """The dry run in words."""
        r = self.report
        accuracy = text("intake", "not_known")
        if r.operation_accuracy_m is not None:
            accuracy = f"{r.operation_accuracy_m:g} m"
        declared = r.crs_declared or text("intake", "not_named")
        lines = [
            text("intake", "head", layer=r.layer, kept=r.kept, read=r.read, file=r.file),
            text("intake", "crs", used=r.crs_used, declared=declared),
            text("intake", "operation", operation=r.operation, accuracy=accuracy),
            text(
                "intake", "counts", repaired=r.repaired, area=f"{r.repaired_area_m2:.0f}", empty=r.without_geometry,
                kind=r.wrong_kind, outside=r.outside, double=r.duplicates,
            ),
            text("intake", "classes", classes=_counts(r.classes)),
        ]  # fmt: skip
        if r.skipped:
            lines.append(text("intake", "skipped", values=_counts(r.skipped)))
        return "\n".join([*lines, *(text("intake", "note", note=note) for note in r.notes_nl)])


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{value} ({number})" for value, number in values.items())


def run(
    recipe: Recipe,
    workspace: Path | None = None,
    *,
    save: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Intake]:
    """Read and harmonise every layer; with ``save`` put them in the workspace, but only if all are right.

    Raises
    ------
    InputError, DataError
        At the first layer that is wrong; then nothing has been written.
    """
    opened = store.open_workspace(workspace, create=save, missing_ok=True)
    results = []
    for done, item in enumerate(recipe.layers, start=1):
        results.append(take_in(item, recipe.folder, opened))
        if on_progress is not None:
            on_progress(done, len(recipe.layers))
    if save:
        store.write_layers(opened, [(result.layer, result.frame) for result in results])
    return results


def take_in(item: RecipeLayer, folder: Path, workspace: store.Workspace) -> Intake:
    """Read one file and bring it into our schema.

    Raises
    ------
    InputError
        If anything in the file or the recipe is wrong; the message says what and what to do.
    """
    if item.layer not in workspace.entries:
        raise InputError("layer_unknown", id=item.layer, known=", ".join(workspace.entries))
    return bring_in(read_file(folder / item.file, item.read), item, workspace)


def bring_in(raw: gpd.GeoDataFrame, item: RecipeLayer, workspace: store.Workspace) -> Intake:
    """Bring features as they stand in their source into our schema.

    Raises
    ------
    InputError
        If anything in the features or the recipe is wrong; the message says what and what to do.
    """
    layer = declared_layer(item, workspace.entries[item.layer].layer)
    report = harmonise.Report(file=item.file, layer=item.layer)
    report.read = len(raw)
    frame = harmonise.to_rd(raw, item.crs, report)
    if item.crs is None:
        doubt_crs(raw, frame, layer, workspace, report)
    elif item.why_crs_nl:
        report.notes_nl.append(item.why_crs_nl)
    frame = harmonise.repair(frame, layer.geometry, report)
    frame = harmonise.drop_outside(frame, report)
    known = [c.id for c in layer.classes]
    if item.classes.fixed is not None:
        if item.classes.fixed not in known:
            raise InputError("class_unknown", layer=item.layer, classes=item.classes.fixed, known=", ".join(known))
        frame = frame.assign(**{"class": item.classes.fixed})
    elif item.classes.columns:
        frame = harmonise.map_classes(
            frame, item.classes.columns, item.classes.values, item.classes.skip, known, report
        )
    elif len(known) == 1:
        frame = frame.assign(**{"class": known[0]})
    else:
        raise InputError("class_needed", layer=item.layer, known=", ".join(known))
    if layer.family is Family.BOUNDARIES:
        frame = harmonise.clean_coverage(frame, report)
    frame = harmonise.to_schema(
        frame,
        report,
        id_column=item.columns.id,
        name_column=item.columns.name,
        depth_columns=item.columns.depths,
        accuracy_m=None,
        source=item.declare.source,
        extra=item.columns.extra,
    )
    for column, lookup in item.columns.lookup.items():
        frame = harmonise.look_up(frame, column, lookup.column, lookup.values, report)
    return Intake(report, layer.model_copy(update={"complete_classes": complete_classes(item, layer)}), frame)


def complete_classes(item: RecipeLayer, layer: Layer) -> tuple[str, ...]:
    """Classes that the file speaks of: only of these does an empty place say that there is none."""
    known = [c.id for c in layer.classes]
    if item.classes.fixed is not None:
        named = {item.classes.fixed}
    elif item.classes.columns:
        named = set(item.classes.values.values()) or set(known)
    else:
        named = set(known)
    return () if named >= set(known) else tuple(c for c in known if c in named)


def declared_layer(item: RecipeLayer, shipped: Layer) -> Layer:
    """The shipped declaration with what the recipe says about this file."""
    changed = item.declare.model_dump(exclude_none=True, exclude={"label_nl"})
    data = {**shipped.model_dump(mode="python"), **changed, "product": "product.parquet", "sha256": "0" * 64}
    data["how_to_get_nl"] = ""
    data["attribution"] = item.declare.attribution or item.declare.source
    data["scale_nl"] = item.declare.scale_nl or text("intake", "scale", metres=f"{item.declare.accuracy_m:g}")
    try:
        return Layer.model_validate(data)
    except ValidationError as error:
        raise InputError("recipe_wrong", file=item.file, problems=describe_validation(error)) from error


def doubt_crs(
    raw: gpd.GeoDataFrame,
    frame: gpd.GeoDataFrame,
    layer: Layer,
    workspace: store.Workspace,
    report: harmonise.Report,
) -> None:
    """Refuse a CRS tag that does not fit: a wrong datum moves everything by about 100 m.

    Administrative boundaries should lie on the known province boundaries. If
    they lie much closer to them when the coordinates are read as WGS84, the
    tag is wrong. For other layers there is nothing to compare with; a
    geographic CRS on the old datum (EPSG:4289) is then refused as doubtful.

    Raises
    ------
    InputError
        With both distances and what to do.
    """
    used = raw.crs
    if used is None or not used.is_geographic or used.to_epsg() in (4326, 4258):
        return
    if layer.family is not Family.BOUNDARIES:
        raise InputError("crs_doubtful", file=report.file, crs=used.to_string())
    provinces = store.read_product(workspace.entries["provincies"])
    lines = shapely.union_all(shapely.boundary(provinces.geometry.to_numpy()))
    other = raw.set_crs(pyproj.CRS("EPSG:4326"), allow_override=True).to_crs(frame.crs)
    as_declared = harmonise.median_distance(frame, lines, REACH_M)
    as_wgs84 = harmonise.median_distance(other, lines, REACH_M)
    if as_wgs84 < DOUBT_RATIO * as_declared:
        raise InputError(
            "crs_wrong_tag",
            file=report.file,
            crs=used.to_string(),
            declared=f"{as_declared:.0f}",
            other=f"{as_wgs84:.0f}",
        )


def read_area(path: Path, crs: str | None = None) -> shapely.Geometry:
    """Read a file with the area of a question; several polygons count as one area.

    Returns
    -------
    shapely polygon or multipolygon
        EPSG:28992.

    Raises
    ------
    InputError
        If the file is not right.
    """
    report = harmonise.Report(file=path.name, layer="vlak")
    frame = harmonise.to_rd(read_file(path), crs, report)
    if crs is None and frame.crs is not None and report.crs_declared == "EPSG:4289":
        raise InputError("crs_doubtful", file=path.name, crs=report.crs_declared)
    frame = harmonise.repair(frame, "polygon", report)
    try:
        return shapely.union_all(frame.geometry.to_numpy())
    except shapely.errors.GEOSException as error:
        raise DataError("area_union", file=path.name, reason=error) from error
