"""A report as tables of raw values: what the writers of spreadsheets, CSV and Word put down, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from dgdo_geo.model import Answer
from dgdo_geo.report import tables_around as around
from dgdo_geo.report.document import Amount, Comparison, Report, reports_of
from dgdo_geo.texts import section, text

Kind = Literal["text", "km2", "share", "number"]
Value = str | float | int | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class DataColumn:
    """A column.

    Attributes
    ----------
    key : str
        Name in CSV files.
    title : str
        Head in a spreadsheet; names the whole of a share.
    kind : {"text", "km2", "share", "number"}
        Shares lie between 0 and 1.
    """

    key: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table.

    Attributes
    ----------
    key : str
        Name of the sheet, the file and the table.
    note : str
        What is counted, and of what the percentages are.
    """

    key: str
    title: str
    note: str
    columns: tuple[DataColumn, ...]
    rows: tuple[Row, ...]


Rows = Callable[[Report], Iterable[Row]]

_BAND = ("activiteit", "activiteit_naam", "top_m", "basis_m")


def tables_of(document: Report | Comparison, keys: Iterable[str] = ()) -> tuple[DataTable, ...]:
    """All tables of a report, or some; of a comparison the same tables, with the rows of all regions."""
    return tuple(_table(key, *TABLES[key], document) for key in (tuple(keys) or TABLES))


def table_with(key: str, rows: Iterable[Row]) -> DataTable:
    """One of the tables, with rows that were kept."""
    return DataTable(key, text("report_tables", key), text("report_notes", key), _heads(TABLES[key][0]), tuple(rows))


def _table(key: str, columns: tuple[str, ...], rows: Rows, document: Report | Comparison) -> DataTable:
    found: list[Row] = []
    for report in reports_of(document):
        region = report.answer.region
        found += [(region.code, region.name, *row) for row in rows(report)]
    return DataTable(key, text("report_tables", key), text("report_notes", key), _heads(columns), tuple(found))


def _heads(columns: tuple[str, ...]) -> tuple[DataColumn, ...]:
    titles = section("report_columns")
    return tuple(DataColumn(name, titles[name], _kind(name)) for name in ("gebied_code", "gebied", *columns))


def _kind(column: str) -> Kind:
    if column.startswith("km2"):
        return "km2"
    if column.startswith("deel"):
        return "share"
    return "number" if column in _NUMBERS else "text"


_NUMBERS = frozenset({"top_m", "basis_m", "afstand_m", "aantal", "rang", "grens_km", "nauwkeurigheid_m", "objecten"})


def band_cells(item: Answer) -> Row:
    """The activity and the depths of an answer."""
    return (item.activity.id, item.activity.name_nl, item.band.top_m, item.band.base_m)


def km2(amount: Amount) -> float:
    """Square kilometres, unrounded."""
    return amount.area_m2 / 1e6


def _summary(report: Report) -> Iterable[Row]:
    for band in report.bands:
        groups = {"km2_nee": 0.0, "km2_milder": 0.0, "km2_onbekend": 0.0}
        offered = 0.0
        for part in band.parts:
            group = {"excluded": "km2_nee", "no_unless": "km2_nee", "unknown": "km2_onbekend"}
            groups[group.get(part.outcome, "km2_milder")] += part.amount.area_m2
            offered += part.amount.area_m2 if part.potential.key in ("promising", "possible") else 0.0
        numbers = [offered, *groups.values()]
        shares = [value / report.area_m2 for value in numbers]
        pairs = [one for value, share in zip(numbers, shares, strict=True) for one in (value / 1e6, share)]
        yield (*band_cells(band.answer), text("verdict", band.answer.outcome), *pairs)


def _parts(report: Report) -> Iterable[Row]:
    for band in report.bands:
        for part in band.parts:
            yield (
                *band_cells(band.answer),
                text("potential", part.potential.key),
                _yes(part.potential_certain),
                text("verdict", part.outcome),
                text("verdict", part.indication.key),
                km2(part.amount),
                part.amount.share,
            )


def _ranked(report: Report) -> Iterable[Row]:
    for band in report.bands:
        for rank, item in enumerate(band.ranked, 1):
            layer = item.layer.title_nl if item.layer is not None else ""
            yield (
                *band_cells(band.answer),
                rank,
                item.rule.id,
                item.rule.title_nl,
                layer,
                text("verdict", item.rule.verdict.key),
                km2(item.drawn),
                item.drawn.share,
                km2(item.certain),
                item.certain.share,
            )


def _alone(report: Report) -> Iterable[Row]:
    for band in report.bands:
        for item in band.alone:
            layer = item.layer.title_nl if item.layer is not None else ""
            yield (
                *band_cells(band.answer),
                text("report_words", "whole_layer" if item.is_layer else "one_rule"),
                "; ".join(rule.id for rule in item.rules),
                "; ".join(rule.title_nl for rule in item.rules),
                layer,
                km2(item.opens),
                item.opens.share,
                km2(item.opens_with_potential),
                item.opens_with_potential.share,
                km2(item.becomes_unknown),
                item.becomes_unknown.share,
            )


def _claims(report: Report) -> Iterable[Row]:
    for item in report.claims:
        family = text("family", item.layer.family.value)
        yield (item.layer.id, item.layer.title_nl, family, item.within_m, km2(item.covers), item.covers.share)


def _family_overlaps(report: Report) -> Iterable[Row]:
    for item in report.family_overlaps:
        names = (text("family", item.row), text("family", item.column))
        yield (item.row, item.column, *names, km2(item.of_region), item.of_region.share, item.of_row.share)


def _layer_overlaps(report: Report) -> Iterable[Row]:
    titles = {claim.layer.id: claim.layer.title_nl for claim in report.claims}
    for item in report.layer_overlaps:
        names = (titles[item.row], titles[item.column])
        yield (item.row, item.column, *names, km2(item.of_region), item.of_region.share, item.of_row.share)


def _stacked(report: Report) -> Iterable[Row]:
    for item in report.stacked:
        yield (item.claims, km2(item.amount), item.amount.share)


def _municipalities(report: Report) -> Iterable[Row]:
    for item in report.municipalities:
        yield (
            item.code,
            item.name,
            item.province,
            *band_cells(item.answer),
            text("potential", item.potential.key),
            text("verdict", item.outcome),
            km2(item.amount),
            item.amount.share,
        )


def _neighbours(report: Report) -> Iterable[Row]:
    for item in report.neighbours:
        layers = "; ".join(layer.title_nl for layer in item.crossing)
        yield (
            item.code,
            item.name,
            item.province,
            item.border_m / 1e3,
            _yes(item.is_other_province),
            layers,
        )


def _yes(value: bool) -> str:
    return text("report_words", "yes" if value else "no")


_RULE = ("regels", "regels_naam", "laag")
_PAIR = ("rij", "kolom", "rij_naam", "kolom_naam", "km2", "deel", "deel_van_rij")

TABLES: dict[str, tuple[tuple[str, ...], Rows]] = {
    "samenvatting": (
        (
            *_BAND, "oordeel_grootste", "km2_kansrijk", "deel_kansrijk", "km2_nee", "deel_nee", "km2_milder",
            "deel_milder", "km2_onbekend", "deel_onbekend",
        ),
        _summary,
    ),
    "potentie_oordeel": (
        (*_BAND, "potentie", "potentie_zeker", "oordeel", "kaart_wijst_op", "km2", "deel"), _parts,
    ),
    "beperkingen": (
        (*_BAND, "rang", *_RULE, "oordeel", "km2", "deel", "km2_zeker", "deel_zeker"), _ranked,
    ),
    "alleen_beslissend": (
        (
            *_BAND, "wat_weg", *_RULE, "km2_opent", "deel_opent", "km2_opent_potentie", "deel_opent_potentie",
            "km2_wordt_onbekend", "deel_wordt_onbekend",
        ),
        _alone,
    ),
    "claims": (("laag_id", "laag", "familie", "afstand_m", "km2", "deel"), _claims),
    "overlap_families": (_PAIR, _family_overlaps),
    "overlap_lagen": (_PAIR, _layer_overlaps),
    "stapeling": (("aantal", "km2", "deel"), _stacked),
    "gemeenten": (
        ("gemeente_code", "gemeente", "provincie", *_BAND, "potentie", "oordeel", "km2", "deel_gemeente"),
        _municipalities,
    ),
    "buren": (("gemeente_code", "gemeente", "provincie", "grens_km", "andere_provincie", "lagen"), _neighbours),
    "aandachtspunten": (("titel", "tekst", "wie", "bron", "paragraaf", "adres"), around.concerns),
    "procedures": (
        (
            "procedure", "samenvatting", "wet", "fase", "stap", "beslist", "adviseert", "rol_gemeente",
            "rol_provincie", "rol_waterschap", "bron",
        ),
        around.procedures,
    ),
    "niet_te_zeggen": (
        ("laag_id", "laag", "oorzaak", "aantal", "activiteiten", "strengste", "km2", "deel", "hoe"), around.gaps,
    ),
    "bronnen": (
        (
            "laag_id", "laag", "familie", "status", "kwaliteit", "datum", "schaal", "nauwkeurigheid_m", "dekking",
            "eigenaar", "bron", "adres", "licentie", "naamsvermelding", "objecten", "kenmerk",
        ),
        around.layers,
    ),
    "regels": (
        (
            "regels", "regels_naam", "oordeel", "niveau", "laag_id", "uitleg", "voorwaarde", "geldig_vanaf",
            "gecontroleerd", "zekerheid", "bron", "adres",
        ),
        around.rules,
    ),
    "verantwoording": (("wat", "waarde"), around.receipt),
}  # fmt: skip
"""Columns and rows of every table, in order."""
