"""The command ``dgdo-geo``: ask, layers, add, overlay and serve; those about rules stand in ``cli_knowledge``.

Geo packages are imported inside the commands, so that ``--help`` is instant.
Exit codes: 0 answered, 2 wrong input, 3 a source or data failure.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgdo_geo import __version__
from dgdo_geo.cli_knowledge import JsonOption, WorkspaceOption, print_json, progress, read_date
from dgdo_geo.cli_knowledge import app as knowledge_app
from dgdo_geo.errors import DataError, DgdoGeoError, InputError
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

app.add_typer(knowledge_app)


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

    return explorer.in_area(read_area(area, crs), on, name=area.name, **options)


def _reader(value: str | None) -> Reader | None:
    from dgdo_geo.model import Reader

    if value is None:
        return None
    try:
        return Reader(value.strip().casefold())
    except ValueError:
        raise InputError("reader_unknown", value=value) from None


@app.command(help=text("cli", "layers"))
def layers(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the layers with their quality, source, date and status."""
    from dgdo_geo.intake import freshness
    from dgdo_geo.model.as_dict import layer_dict

    explorer = _open(workspace)
    fetched = freshness.read(explorer.workspace.path)
    if as_json:
        rows = [
            layer_dict(state, asdict(fetched[layer_id]) if layer_id in fetched else None)
            for layer_id, state in explorer.states.items()
        ]
        print_json({"layers": rows})
        return
    from rich.console import Console

    from dgdo_geo.report.card import print_layers

    print_layers(explorer.states.values(), Console(highlight=False, markup=False), fetched)


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


@app.command(help=text("cli", "add"))
def add(
    bestand: Annotated[Path, typer.Argument(metavar="BESTAND|RECEPT.toml", help=text("cli", "add_file"))],
    laag: Annotated[str | None, typer.Option(metavar="ID", help=text("cli", "add_layer"))] = None,
    crs: Annotated[str | None, typer.Option(metavar="EPSG:N", help=text("cli", "crs"))] = None,
    klasse: Annotated[str | None, typer.Option(metavar="ID", help=text("cli", "add_class"))] = None,
    klasse_kolom: Annotated[str | None, typer.Option(metavar="KOLOM", help=text("cli", "add_column"))] = None,
    waarde: Annotated[list[str] | None, typer.Option(metavar="OUD=KLASSE", help=text("cli", "add_value"))] = None,
    naam_kolom: Annotated[str | None, typer.Option(metavar="KOLOM", help=text("cli", "add_name"))] = None,
    id_kolom: Annotated[str | None, typer.Option(metavar="KOLOM", help=text("cli", "add_id"))] = None,
    bron: Annotated[str | None, typer.Option(metavar="TEKST", help=text("cli", "add_source"))] = None,
    licentie: Annotated[str | None, typer.Option(metavar="TEKST", help=text("cli", "add_licence"))] = None,
    datum: Annotated[str | None, typer.Option(metavar="JJJJ-MM-DD", help=text("cli", "add_date"))] = None,
    kwaliteit: Annotated[str | None, typer.Option(metavar="WOORD", help=text("cli", "add_quality"))] = None,
    nauwkeurigheid: Annotated[float | None, typer.Option(metavar="METER", help=text("cli", "add_accuracy"))] = None,
    volledig: Annotated[bool, typer.Option("--volledig", help=text("cli", "add_complete"))] = False,
    bronmap: Annotated[Path | None, typer.Option(metavar="MAP", help=text("cli", "add_folder"))] = None,
    opslaan: Annotated[bool, typer.Option("--opslaan", help=text("cli", "add_save"))] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a GIS file as a layer: a dry run, unless ``--opslaan`` is given."""
    from dgdo_geo import intake

    if bestand.suffix.casefold() == ".toml":
        recipe = intake.read_recipe(bestand, bronmap)
    else:
        recipe = intake.recipe_from_options(
            bestand,
            layer=laag,
            crs=crs,
            class_id=klasse,
            class_column=klasse_kolom,
            values=waarde or [],
            name_column=naam_kolom,
            id_column=id_kolom,
            source=bron,
            licence=licentie,
            reference_date=read_date(datum),
            quality=kwaliteit,
            accuracy_m=nauwkeurigheid,
            complete=volledig,
        )
    results = intake.run(recipe, workspace, save=opslaan, on_progress=progress(text("cli", "reading")))
    if as_json:
        print_json({"layers": [result.to_dict() for result in results], "saved": opslaan})
    else:
        for result in results:
            typer.echo(result.describe_nl())
        typer.echo(text("cli", "add_saved" if opslaan else "add_dry_run"))


@app.command(help=text("cli", "fetch"))
def fetch(
    laag: Annotated[list[str] | None, typer.Argument(metavar="[LAAG]...", help=text("cli", "fetch_layer"))] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch official open data into the workspace, layer by layer."""
    from dataclasses import asdict

    from dgdo_geo.intake.fetching import fetch as run

    results = run(tuple(laag or ()), workspace, on_progress=_fetching)
    if as_json:
        print_json({"layers": [asdict(item) for item in results]})
    else:
        from rich.console import Console

        from dgdo_geo.report.fetched import print_fetched

        print_fetched(results, Console(highlight=False, markup=False))
    if any(item.status == "failed" for item in results):
        raise typer.Exit(DataError.exit_code)


def _fetching(layer: str, done: int, total: int | None) -> None:
    if sys.stderr.isatty():
        of = "" if total is None else f"/{total}"
        sys.stderr.write(f"\r{text('cli', 'fetching', layer=layer)} {done}{of}   ")
        sys.stderr.flush()


@app.command(help=text("cli", "serve"))
def serve(
    port: Annotated[int | None, typer.Option(metavar="N", help=text("cli", "port"))] = None,
    host: Annotated[str, typer.Option(metavar="ADRES", help=text("cli", "host"))] = "127.0.0.1",
    workspace: WorkspaceOption = None,
) -> None:
    """Start the web app."""
    from dgdo_geo.overlay import engine
    from dgdo_geo.web.server import serve as run

    if not engine.is_exact_available():
        typer.echo(text("cli", "slow_engine"), err=True)
    raise typer.Exit(run(port, host, workspace))


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
