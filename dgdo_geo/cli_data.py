"""Commands about layers: layers, add and fetch."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dgdo_geo.cli_knowledge import JsonOption, WorkspaceOption, print_json, progress, read_date
from dgdo_geo.errors import DataError
from dgdo_geo.texts import text

app = typer.Typer()


@app.command(help=text("cli", "layers"))
def layers(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the layers with their quality, source, date and status."""
    from dgdo_geo.intake import freshness
    from dgdo_geo.model.as_dict import layer_dict
    from dgdo_geo.query import open_explorer

    explorer = open_explorer(workspace)
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
