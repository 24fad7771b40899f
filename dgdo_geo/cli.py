"""The command ``dgdo-geo``: ask, overlay and serve; those about layers, rules and reports stand in modules of their own.

Geo packages are imported inside the commands, so that ``--help`` is instant.
Exit codes: 0 answered, 2 wrong input, 3 a source or data failure.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgdo_geo import __version__
from dgdo_geo.cli_data import app as data_app
from dgdo_geo.cli_knowledge import JsonOption, WorkspaceOption, print_json, progress, read_date
from dgdo_geo.cli_knowledge import app as knowledge_app
from dgdo_geo.cli_report import app as report_app
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.texts import text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from dgdo_geo.model import Assessment, Reader, RegionKind
    from dgdo_geo.query import Explorer

app = typer.Typer(
    name="dgdo-geo",
    help=text("cli", "help"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(data_app)
app.add_typer(knowledge_app)
app.add_typer(report_app)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"dgdo-geo {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=text("cli", "version"))
    ] = False,
) -> None:
    """Take the options that hold for every command."""


@app.command(help=text("cli", "ask"))
def ask(
    gemeente: Annotated[str | None, typer.Option(metavar="NAAM|GM0193", help=text("cli", "gemeente"))] = None,
    provincie: Annotated[str | None, typer.Option(metavar="NAAM|PV23", help=text("cli", "provincie"))] = None,
    waterschap: Annotated[str | None, typer.Option(metavar="NAAM", help=text("cli", "waterschap"))] = None,
    regio: Annotated[str | None, typer.Option(metavar="NAAM", help=text("cli", "regio"))] = None,
    punt: Annotated[tuple[float, float] | None, typer.Option(metavar="X Y", help=text("cli", "punt"))] = None,
    lonlat: Annotated[tuple[float, float] | None, typer.Option(metavar="LON LAT", help=text("cli", "lonlat"))] = None,
    vlak: Annotated[Path | None, typer.Option(metavar="BESTAND", help=text("cli", "vlak"))] = None,
    activiteit: Annotated[list[str] | None, typer.Option(metavar="ID", help=text("cli", "activiteit"))] = None,
    diepte: Annotated[tuple[float, float] | None, typer.Option(metavar="TOP BASIS", help=text("cli", "diepte"))] = None,
    peildatum: Annotated[str | None, typer.Option(metavar="JJJJ-MM-DD", help=text("cli", "peildatum"))] = None,
    crs: Annotated[str | None, typer.Option(metavar="EPSG:N", help=text("cli", "crs"))] = None,
    lezer: Annotated[str | None, typer.Option(metavar="WIE", help=text("cli", "reader"))] = None,
    alle_aandachtspunten: Annotated[
        bool, typer.Option("--alle-aandachtspunten", help=text("cli", "all_concerns"))
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the answer card of one place."""
    from dgdo_geo.model import RegionKind

    named = {
        RegionKind.MUNICIPALITY: gemeente,
        RegionKind.PROVINCE: provincie,
        RegionKind.WATER_BOARD: waterschap,
        RegionKind.DGDO_REGION: regio,
    }
    places = [p for p in (*named.values(), punt, lonlat, vlak) if p is not None]
    if len(places) != 1:
        raise InputError("one_place", count=len(places))
    on, reader = read_date(peildatum), _reader(lezer)
    options = {"activities": tuple(activiteit or ()), "depth": diepte}
    explorer = _open(workspace)
    if punt is lonlat is vlak is None:
        answer = _ask_region(explorer, named, on, options)
    else:
        answer = _ask_place(explorer, punt, lonlat, vlak, crs, on, options)
    if as_json:
        print_json(answer.to_dict())
        return
    from rich.console import Console

    from dgdo_geo.report.card import print_card

    print_card(answer, Console(highlight=False, markup=False), reader, all_concerns=alle_aandachtspunten)


def _ask_region(
    explorer: Explorer, named: Mapping[RegionKind, str | None], on: date | None, options: dict[str, Any]
) -> Assessment:
    kind, wanted = next((k, w) for k, w in named.items() if w is not None)
    return explorer.for_region(wanted, on, kind=kind, on_progress=progress(text("cli", "overlaying")), **options)


def _ask_place(
    explorer: Explorer,
    point: tuple[float, float] | None,
    lonlat: tuple[float, float] | None,
    area: Path | None,
    crs: str | None,
    on: date | None,
    options: dict[str, Any],
) -> Assessment:
    if lonlat is not None:
        from dgdo_geo.harmonise import lonlat_to_rd

        point = lonlat_to_rd(*lonlat)
    if point is not None:
        return explorer.at_point(*point, on, **options)
    if area is None:
        raise InputError("one_place", count=0)
    from dgdo_geo.intake import read_area

    own = read_area(area, crs)
    answer = explorer.in_area(own.geometry, on, name=area.name, **options)
    return replace(answer, notes_nl=(*own.notes_nl, *answer.notes_nl))


def _reader(value: str | None) -> Reader | None:
    from dgdo_geo.model import Reader

    if value is None:
        return None
    try:
        return Reader(value.strip().casefold())
    except ValueError:
        raise InputError("reader_unknown", value=value) from None


@app.command(help=text("cli", "overlay"))
def overlay(
    workspace: WorkspaceOption = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help=text("cli", "workers"))] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="tcp://...", help=text("cli", "scheduler"))] = None,
) -> None:
    """Build the overlay table of all municipalities and keep it in the workspace."""
    from dgdo_geo.overlay import engine

    explorer = _open(workspace, create=True)
    if workers is None and scheduler is None:
        if not engine.is_exact_available() and not explorer.overlay.is_stored():
            typer.echo(text("cli", "slow_engine"), err=True)
        rows = explorer.build_overlay(progress(text("cli", "overlaying")))
    else:
        from dgdo_geo import scale

        report = progress(text("cli", "overlaying_bands"))
        rows = len(scale.build_overlay(explorer, scheduler=scheduler, workers=workers or 1, on_progress=report))
    typer.echo(text("cli", "overlay_done", rows=rows, hash=explorer.overlay.hash[:12]))


@app.command(help=text("cli", "serve"))
def serve(
    port: Annotated[int | None, typer.Option(metavar="N", help=text("cli", "port"))] = None,
    host: Annotated[str, typer.Option(metavar="ADRES", help=text("cli", "host"))] = "127.0.0.1",
    workspace: WorkspaceOption = None,
    online: Annotated[bool, typer.Option("--online", help=text("cli", "online"))] = False,
    laden: Annotated[bool | None, typer.Option("--laden/--geen-laden", help=text("cli", "may_load"))] = None,
) -> None:
    """Start the web app."""
    from dgdo_geo.overlay import engine
    from dgdo_geo.web.server import serve as run

    if not engine.is_exact_available():
        typer.echo(text("cli", "slow_engine"), err=True)
    raise typer.Exit(run(port, host, workspace, online=online, may_save=laden))


def _open(workspace: Path | None, *, create: bool = False) -> Explorer:
    from dgdo_geo.query import open_explorer

    return open_explorer(workspace, create=create)


def main() -> None:
    """Entry point: run a command, turn an error into a Dutch message and an exit code."""
    try:
        app()
    except DgdoGeoError as error:
        typer.echo(f"{text('cli', 'error')}: {error.message_nl}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo(text("cli", "interrupted"), err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
