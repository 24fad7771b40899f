"""The outcome of loading one layer: what was read and done, in words and as a dict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import geopandas as gpd

from dgdo_geo import harmonise
from dgdo_geo.intake.controls import Checked
from dgdo_geo.intake.looking import Facts, Place
from dgdo_geo.intake.proposing import NO_PROPOSAL, Proposal
from dgdo_geo.model import Family, Layer
from dgdo_geo.sources.read_options import ALL, ReadOptions
from dgdo_geo.texts import number_nl, text

COLUMNS = 16
"""Columns that are told with their values; of the others the name is told."""
PROVINCES = 12
SHOWN = 8
"""Values that a line names; the others are counted, and in the JSON."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file is, before anything in it has been translated.

    Attributes
    ----------
    report : harmonise.Report
        As far as it has come.
    facts : Facts
        Of the file as it stands.
    place : Place
        Of its geometry in RD.
    proposal : Proposal
        For columns and values; never applied by itself.
    chosen : sequence of str
        Which rows the recipe wants, in Dutch.
    """

    report: harmonise.Report
    facts: Facts
    place: Place
    proposal: Proposal = NO_PROPOSAL
    chosen: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The dict of ``add --json``, as far as the file goes."""
        return asdict(self.report) | {
            "file_facts": asdict(self.facts),
            "place": asdict(self.place),
            "proposal": asdict(self.proposal),
        }

    def describe_nl(self) -> str:
        """The file in words."""
        facts, place, report = self.facts, self.place, self.report
        how = [text("intake", "driver", driver=facts.driver or text("intake", "not_known"))]
        how += [text("intake", "source_layer", layer=facts.layer)] if facts.layer else []
        how += [text("intake", "encoding", encoding=facts.encoding)] if facts.encoding else []
        key = "file_head" if facts.rows == facts.rows_in_file else "file_head_some"
        rows = {"rows": number_nl(facts.rows), "all": number_nl(facts.rows_in_file)}
        lines = [text("intake", key, file=report.file, how=", ".join(how), **rows)]
        if facts.rows != facts.rows_in_file:
            lines += [f"  {line}" for line in self.chosen]
        for column in facts.columns[:COLUMNS]:
            values = {"kind": text("column_kind", column.kind), "distinct": number_nl(column.distinct)}
            empty = text("intake", "empty", count=number_nl(column.empty)) if column.empty else ""
            shown = ", ".join(f"‘{value}’" for value in column.examples)
            key = "column" if column.examples else "column_empty"
            lines.append(text("intake", key, name=column.name, **values, empty=empty, examples=shown))
        if len(facts.columns) > COLUMNS:
            names = ", ".join(column.name for column in facts.columns[COLUMNS:])
            lines.append(text("intake", "more_columns", count=len(facts.columns) - COLUMNS, names=names))
        if report.padded:
            lines.append(text("intake", "padded", columns=_counts(report.padded)))
        if not report.part_column:
            lines += [text("intake", "parts", **asdict(parts)) for parts in facts.parts]
        lines += _place_lines(place)
        lines += [f"  {line}" for line in self.proposal.describe_nl()]
        return "\n".join(lines)


def chosen_rows(read: ReadOptions) -> tuple[str, ...]:
    """Which rows a recipe wants, in Dutch."""
    said = [("where", column, " of ".join(values)) for column, values in read.where.items()]
    said += [("without", column, " of ".join(values)) for column, values in read.without.items()]
    said += [("contains", column, value) for column, value in read.contains.items()]
    lines = [text("intake", f"rows_{key}", column=column, value=value) for key, column, value in said]
    if read.group_by is not None:
        kind = text("geometry_kind", "one_polygon" if read.geometry == "polygon" else "one_line")
        lines.append(
            text("intake", "rows_all" if read.group_by == ALL else "rows_group", column=read.group_by, kind=kind)
        )
    elif read.geometry is not None:
        lines.append(text("intake", "rows_geometry", kind=text("geometry_kind", read.geometry)))
    return tuple(lines)


def _place_lines(place: Place) -> list[str]:
    lines = []
    if place.bounds is not None:
        west, south, east, north = (number_nl(value) for value in place.bounds)
        share = number_nl(100 * place.inside_share, 1)
        where = ", ".join(place.provinces) or text("intake", "no_province")
        if len(place.provinces) == PROVINCES:
            where = text("intake", "all_provinces")
        values = {"west": west, "south": south, "east": east, "north": north, "share": share, "where": where}
        lines.append(text("intake", "extent", **values))
    if place.vertex_m is not None:
        values = {"vertex": _metres(place.vertex_m), "scale": number_nl(place.scale or 0)}
        lines.append(text("intake", "scale_guess", **values))
    if place.smallest_m is not None:
        lines.append(text("intake", "smallest", smallest=_metres(place.smallest_m)))
    if place.area_km2 is not None:
        lines.append(text("intake", "area", area=number_nl(place.area_km2, 0 if place.area_km2 >= 100 else 2)))
    if place.rounding_m is not None:
        lines.append(text("intake", "rounding", rounding=_metres(place.rounding_m)))
    return lines


def _metres(value: float) -> str:
    return number_nl(value, 0 if value >= 10 else 1 if value >= 1 else 3)


@dataclass(frozen=True, slots=True)
class Intake:
    """The outcome of one layer: its report, declaration and frame.

    Attributes
    ----------
    look : Look or None
        What the file is; None for a grid.
    checked : sequence of Checked
        The control points of the recipe.
    is_ruled : bool
        False when no rule speaks of the layer.
    """

    report: harmonise.Report
    layer: Layer
    frame: gpd.GeoDataFrame
    look: Look | None = None
    checked: tuple[Checked, ...] = ()
    is_ruled: bool = True

    def to_dict(self) -> dict[str, object]:
        """The dict of ``add --json``."""
        base = asdict(self.report) if self.look is None else self.look.to_dict()
        controls = [asdict(item) | {"passed": item.passed} for item in self.checked]
        return base | {"controls": controls, "is_ruled": self.is_ruled}

    def describe_nl(self) -> str:
        """The dry run in words, without what :attr:`look` tells."""
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
                "intake", "counts", repaired=r.repaired, area=number_nl(r.repaired_area_m2), empty=r.without_geometry,
                kind=r.wrong_kind, outside=r.outside, double=r.duplicates,
            ),
            text("intake", "classes", classes=_counts(r.classes)),
        ]  # fmt: skip
        if r.repaired_ids:
            lines.insert(4, text("intake", "repaired_ids", ids=", ".join(r.repaired_ids)))
        if r.wholes:
            lines.append(text("intake", "wholes", rows=r.kept, wholes=r.wholes, column=r.part_column))
        if r.skipped:
            lines.append(text("intake", "skipped", values=_counts(r.skipped)))
        if r.other:
            lines.append(text("intake", "other", values=_counts(r.other)))
        if r.above_ground:
            lines.append(text("intake", "above_ground", count=r.above_ground))
        if r.crs_doubt_nl:
            lines.append(text("intake", "note", note=r.crs_doubt_nl))
        lines += [text("intake", "note", note=note) for note in r.notes_nl]
        lines += [f"  {item.describe_nl(self.layer)}" for item in self.checked]
        if self.layer.family is Family.BOUNDARIES:
            lines.append(text("intake", "boundaries"))
        elif not self.is_ruled:
            lines.append(text("intake", "no_rule"))
        return "\n".join(lines)


def _counts(values: Mapping[str, int]) -> str:
    shown = [f"{value or text('intake', 'nothing')} ({number})" for value, number in list(values.items())[:SHOWN]]
    more = len(values) - SHOWN
    return ", ".join([*shown, text("intake", "more", count=more)] if more > 0 else shown)
