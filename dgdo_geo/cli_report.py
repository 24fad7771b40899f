"""The command about reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgdo_geo.cli_knowledge import JsonOption, WorkspaceOption, print_json, progress, read_date
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.texts import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from dgdo_geo.model import RegionKind
    from dgdo_geo.query import Explorer
    from dgdo_geo.report.making import Asked

app = typer.Typer()


@app.command(help=text("report_cli", "help"))
def report(
    gemeente: Annotated[str | None, typer.Option(metavar="NAAM|GM0193", help=text("cli", "gemeente"))] = None,
    provincie: Annotated[str | None, typer.Option(metavar="NAAM|PV23", help=text("cli", "provincie"))] = None,
    waterschap: Annotated[str | None, typer.Option(metavar="NAAM", help=text("cli", "waterschap"))] = None,
    regio: Annotated[str | None, typer.Option(metavar="NAAM", help=text("cli", "regio"))] = None,
    land: Annotated[bool, typer.Option("--land", help=text("report_cli", "country"))] = False,
    vlak: Annotated[Path | None, typer.Option(metavar="BESTAND", help=text("cli", "vlak"))] = None,
    crs: Annotated[str | None, typer.Option(metavar="EPSG:N", help=text("cli", "crs"))] = None,
    formaat: Annotated[str, typer.Option(metavar="LIJST", help=text("report_cli", "formats"))] = "pdf,xlsx,gpkg",
    uit: Annotated[Path, typer.Option(metavar="MAP", help=text("report_cli", "folder"))] = Path("rapporten"),
    alle_gemeenten: Annotated[bool, typer.Option("--alle-gemeenten", help=text("report_cli", "all"))] = False,
    vergelijk: Annotated[list[str] | None, typer.Option(metavar="GEBIED", help=text("report_cli", "compare"))] = None,
    activiteit: Annotated[list[str] | None, typer.Option(metavar="ID", help=text("cli", "activiteit"))] = None,
    diepte: Annotated[tuple[float, float] | None, typer.Option(metavar="TOP BASIS", help=text("cli", "diepte"))] = None,
    peildatum: Annotated[str | None, typer.Option(metavar="JJJJ-MM-DD", help=text("cli", "peildatum"))] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help=text("report_cli", "workers"))] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a region, of regions beside each other, or of all municipalities in a region."""
    from datetime import date

    from dgdo_geo.model import RegionKind
    from dgdo_geo.query import open_explorer
    from dgdo_geo.report.making import Asked, check_formats

    formats = check_formats(formaat.split(","))
    on, choices = read_date(peildatum) or date.today(), tuple(activiteit or ())
    named = {
        RegionKind.MUNICIPALITY: gemeente,
        RegionKind.PROVINCE: provincie,
        RegionKind.WATER_BOARD: waterschap,
        RegionKind.DGDO_REGION: regio,
        RegionKind.COUNTRY: "NL" if land else None,
    }
    first = _first(named, vlak, crs, on, choices, diepte)
    if alle_gemeenten and (
        vergelijk or first.kind not in (RegionKind.PROVINCE, RegionKind.DGDO_REGION, RegionKind.COUNTRY)
    ):
        raise InputError("report_all_of")
    explorer = open_explorer(workspace, create=True)
    explorer.build_overlay(progress(text("cli", "overlaying")))
    if alle_gemeenten:
        _all(explorer, first, formats, uit, workers, as_json=as_json)
        return
    beside = [(_kind_beside(explorer, name, first.kind), name) for name in vergelijk or ()]
    _one(explorer, [first, *(Asked(*one, None, on, choices, diepte) for one in beside)], formats, uit, as_json=as_json)


def _kind_beside(explorer: Explorer, wanted: str, like: RegionKind) -> RegionKind:
    """What a name means beside another region: the same kind where it can, so Utrecht beside Flevoland is the province.

    A name that nobody knows keeps the first kind, whose message then names what looks like it.
    """
    from dgdo_geo.model import RegionKind
    from dgdo_geo.query import guess_kind
    from dgdo_geo.query.regions import WATER_BOARDS, find_water_board

    kinds = [like, guess_kind(wanted), RegionKind.PROVINCE, RegionKind.MUNICIPALITY, RegionKind.WATER_BOARD]
    kinds = [kind for kind in dict.fromkeys(kinds) if kind not in (RegionKind.POLYGON, RegionKind.COUNTRY)]
    if guess_kind(wanted) is RegionKind.COUNTRY:
        return RegionKind.COUNTRY
    for kind in kinds:
        try:
            if kind is RegionKind.WATER_BOARD:
                find_water_board(explorer.layer(WATER_BOARDS).to_gdf(), wanted)
            else:
                explorer.regions.find(kind, wanted)
        except (InputError, DataError):
            continue
        return kind
    return kinds[0]


def _one(explorer: Explorer, asked: Sequence[Asked], formats: Sequence[str], folder: Path, *, as_json: bool) -> None:
    from dgdo_geo.report.making import make

    made = make(explorer, asked, formats, folder, on_progress=progress(text("report_cli", "making")))
    if as_json:
        print_json({"snapshot": made.snapshot, "name": made.name, "files": _files(made.files)})
        return
    for path, _ in made.files:
        typer.echo(text("report_cli", "done", path=path))


def _first(
    named: Mapping[RegionKind, str | None],
    area: Path | None,
    crs: str | None,
    on: date,
    activities: tuple[str, ...],
    depth: tuple[float, float] | None,
) -> Asked:
    """The region that the report is about.

    Raises
    ------
    InputError
        If there is not exactly one.
    """
    from dgdo_geo.model import RegionKind
    from dgdo_geo.report.making import Asked

    given = [(kind, wanted) for kind, wanted in named.items() if wanted is not None]
    if len(given) + (area is not None) != 1:
        raise InputError("report_place", count=len(given) + (area is not None))
    if area is not None:
        from dgdo_geo.intake import read_area

        return Asked(RegionKind.POLYGON, area.name, read_area(area, crs), on, activities, depth)
    return Asked(*given[0], None, on, activities, depth)


def _all(
    explorer: Explorer,
    like: Asked,
    formats: Sequence[str],
    folder: Path,
    workers: int | None,
    *,
    as_json: bool,
) -> None:
    from dgdo_geo.report.batch import INDEX, make_all, municipalities_in

    asked = municipalities_in(explorer, like)
    report = progress(text("report_cli", "making_all"))
    batch = make_all(explorer, asked, formats, folder, workers=workers, on_progress=report)
    if as_json:
        reports = [{"snapshot": m.snapshot, "name": m.name, "files": _files(m.files)} for m in batch.made]
        print_json({"fresh": batch.fresh, "reports": reports, "files": _files(batch.files)})
        return
    kept = len(batch.made) - batch.fresh
    typer.echo(text("report_cli", "done_all", fresh=batch.fresh, kept=kept, index=folder / INDEX))


def _files(files: Sequence[tuple[Path, str]]) -> list[dict[str, str]]:
    return [{"path": str(path), "sha256": digest} for path, digest in files]
