"""Commands about layers: layers, add and fetch."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgdo_geo.cli_knowledge import JsonOption, WorkspaceOption, phases, print_json, progress, read_date
from dgdo_geo.errors import DataError, DgdoGeoError, InputError
from dgdo_geo.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dgdo_geo.intake import Intake, Recipe
    from dgdo_geo.intake.fetching import Step
    from dgdo_geo.intake.flips import Flips
    from dgdo_geo.intake.freshness import Freshness
    from dgdo_geo.intake.outcome import Look
    from dgdo_geo.intake.versions import Version

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

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
            layer_dict(state, fetched[layer_id].to_dict() if layer_id in fetched else None)
            for layer_id, state in explorer.states.items()
        ]
        print_json({"layers": rows})
        return
    from rich.console import Console

    from dgdo_geo.report.card import print_layers

    print_layers(explorer.states.values(), Console(highlight=False, markup=False), fetched)


@app.command(help=text("cli", "add"))
def add(
    bestand: Annotated[str, typer.Argument(metavar="BESTAND|URL|RECEPT.toml", help=text("cli", "add_file"))],
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
    schrijf_recept: Annotated[Path | None, typer.Option(metavar="RECEPT.toml", help=text("cli", "add_draft"))] = None,
    opslaan: Annotated[bool, typer.Option("--opslaan", help=text("cli", "add_save"))] = False,
    zonder_vergelijking: Annotated[bool, typer.Option("--zonder-vergelijking", help=text("flips", "without"))] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a GIS file as a layer: a dry run, unless ``--opslaan`` is given."""
    from dgdo_geo import intake

    options = {
        "--crs": crs, "--klasse": klasse, "--klasse-kolom": klasse_kolom, "--waarde": waarde,
        "--naam-kolom": naam_kolom, "--id-kolom": id_kolom, "--bron": bron, "--licentie": licentie, "--datum": datum,
        "--kwaliteit": kwaliteit, "--nauwkeurigheid": nauwkeurigheid, "--volledig": volledig,
    }  # fmt: skip
    if schrijf_recept is not None:
        _start_recipe(Path(bestand), schrijf_recept, laag, options, workspace)
        return
    with _recipe_of(bestand, bronmap, laag, options) as recipe:
        saved = _Saved(recipe, workspace) if opslaan else None
        told = _Looked(is_shown=not (opslaan or as_json))
        with told:
            results = intake.run(
                recipe, workspace, save=opslaan, on_progress=phases(), on_look=told.look, on_done=told.done
            )
    flips = saved.keep(results, skip=zonder_vergelijking) if saved is not None else None
    _tell_added(results, flips, as_json=as_json)


@contextmanager
def _recipe_of(given: str, folder: Path | None, layer: str | None, options: Mapping[str, Any]) -> Iterator[Recipe]:
    """The recipe that was given, or one for a file or a web address; what is downloaded is removed afterwards."""
    from dgdo_geo import intake
    from dgdo_geo.intake.from_url import ANALYST

    if not intake.is_url(given) and given.casefold().endswith(".toml"):
        # An accuracy of 0 was given too.
        if beside := [name for name, value in options.items() if value or isinstance(value, float)]:
            raise InputError("options_beside_recipe", options=", ".join(beside))
        recipe = intake.read_recipe(Path(given), folder)
        yield recipe if layer is None else intake.only(recipe, layer)
        return
    make = partial(
        intake.recipe_from_options,
        layer=layer,
        crs=options["--crs"],
        class_id=options["--klasse"],
        class_column=options["--klasse-kolom"],
        values=options["--waarde"] or [],
        name_column=options["--naam-kolom"],
        id_column=options["--id-kolom"],
        source=options["--bron"],
        licence=options["--licentie"],
        reference_date=read_date(options["--datum"]),
        quality=options["--kwaliteit"],
        accuracy_m=options["--nauwkeurigheid"],
        complete=options["--volledig"],
    )
    first = make(Path(given))  # what is wrong with the options shows before anything is downloaded
    if not intake.is_url(given):
        yield first
        return
    with TemporaryDirectory(prefix="dgdo-geo-") as found:
        count = progress(text("from_url", "downloading"))

        def tell(done: int, total: int | None) -> None:
            count(done // 1000, done // 1000 + 1 if total is None else total // 1000)

        # Whoever types this may reach these addresses with any other program too.
        came = intake.from_url(given, Path(found), guard=None, limits=ANALYST, on_bytes=tell)
        yield make(came.path, source_url=came.url)


def _start_recipe(
    file: Path, recipe: Path, layer_id: str | None, options: Mapping[str, Any], workspace: Path | None
) -> None:
    """Look at a file, write the beginning of a recipe, and tell both."""
    from dgdo_geo.intake.drafting import start

    given = {
        "layer": layer_id, "crs": options["--crs"], "source": options["--bron"], "licence": options["--licentie"],
        "reference_date": read_date(options["--datum"]), "quality": options["--kwaliteit"],
        "accuracy_m": options["--nauwkeurigheid"], "absence": "conclusive" if options["--volledig"] else "unknown",
    }  # fmt: skip
    typer.echo(start(file, recipe, given, workspace).describe_nl())
    typer.echo(text("draft", "written", recipe=recipe.name))


def _tell_added(results: Sequence[Intake], flips: Flips | None, *, as_json: bool) -> None:
    """What was read and, when it was saved, what that does to the answers."""
    from rich.console import Console

    from dgdo_geo.report.fetched import print_flips

    if as_json:
        told = None if flips is None else asdict(flips)
        print_json({"layers": [result.to_dict() for result in results], "saved": flips is not None, "flips": told})
        return
    for result in results if flips is not None else ():
        typer.echo(result.describe_nl())
    typer.echo(text("cli", "add_dry_run" if flips is None else "add_saved"))
    if flips is not None:
        print_flips(flips, Console(highlight=False, markup=False))


@app.command(help=text("cli", "fetch"))
def fetch(
    laag: Annotated[list[str] | None, typer.Argument(metavar="[LAAG]...", help=text("cli", "fetch_layer"))] = None,
    zonder_vergelijking: Annotated[bool, typer.Option("--zonder-vergelijking", help=text("flips", "without"))] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch official open data into the workspace, layer by layer."""
    from rich.console import Console

    from dgdo_geo import store
    from dgdo_geo.intake import freshness
    from dgdo_geo.intake.fetching import fetch as run
    from dgdo_geo.report.fetched import print_fetched, print_flips

    told = _Told()
    found = run(
        tuple(laag or ()), workspace, on_progress=told.step, on_done=told.done, keep_before=not zonder_vergelijking
    )
    told.end()
    console = Console(highlight=False, markup=False)
    if not as_json:
        print_fetched(found.items, console, found.not_done)
    items, flips = found.items, None
    if any(item.status in freshness.CHANGED for item in items):
        reason = "stopped" if found.not_done else "skipped" if zonder_vergelijking else ""
        flips = compared(found.before, workspace, reason)
        items = freshness.with_flips(store.open_workspace(workspace), items, flips)
    if as_json:
        print_json({"layers": [item.to_dict() for item in items], "not_done": list(found.not_done)})
    elif flips is not None:
        print_flips(flips, console)
    if found.not_done:
        raise typer.Exit(INTERRUPTED)
    if any(item.status == "failed" for item in items):
        raise typer.Exit(DataError.exit_code)


def compared(before: Mapping[str, Version], workspace: Path | None, reason: str = "") -> Flips:
    """What other versions of some layers do to the answers; or why that is not known.

    Parameters
    ----------
    before : mapping of layer id to Version
        What the layers were; see :func:`dgdo_geo.intake.versions.versions`.
    reason : str
        Key of the reason not to compare at all.
    """
    from dgdo_geo.intake.flips import Flips

    if reason:
        return Flips("skipped", text("flips", reason))
    try:
        from dgdo_geo.decide.layerdiff import layer_diff
        from dgdo_geo.query import open_explorer

        diff = layer_diff(open_explorer(workspace), before, on_progress=progress(text("fetch_progress", "comparing")))
    except DgdoGeoError as error:
        return Flips("failed", text("flips", "failed", reason=error.message_nl))
    except KeyboardInterrupt:
        return Flips("skipped", text("flips", "stopped"))
    return Flips.from_dict(
        {
            "status": "compared",
            "on": diff.on.isoformat(),
            "layers": diff.layers,
            "left_out": diff.left_out,
            "rows": diff.summary(),
        }
    )


class _Looked:
    """Tells a dry run layer by layer; of a layer that is refused, what its file is."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._waiting: Look | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._waiting is not None:
            typer.echo(self._waiting.describe_nl())

    def look(self, look: Look) -> None:
        """A file was looked at; what it is to become is not known yet."""
        self._waiting = look if self._is_shown else None

    def done(self, result: Intake) -> None:
        """A layer is right."""
        if self._is_shown:
            typer.echo(
                result.describe_nl() if result.look is None else f"{result.look.describe_nl()}\n{result.describe_nl()}"
            )
        self._waiting = None


class _Saved:
    """What the layers of a recipe were before they are saved; and afterwards their status, with what changed."""

    def __init__(self, recipe: Recipe, workspace: Path | None) -> None:
        from dgdo_geo import store
        from dgdo_geo.intake.versions import versions

        self.workspace = store.open_workspace(workspace, missing_ok=True)
        self.before = versions(self.workspace, [item.layer for item in recipe.layers])

    def keep(self, results: Sequence[Intake], *, skip: bool) -> Flips:
        """Write the status of every layer, and compare the answers."""
        from dgdo_geo.intake import freshness
        from dgdo_geo.intake.versions import record_added

        changed = {}
        for result in results:
            layer_id = result.layer.id
            changed[layer_id] = record_added(
                self.workspace, layer_id, result.report.file, result.frame, self.before.get(layer_id)
            )
        before = {layer_id: found for layer_id, found in self.before.items() if layer_id in changed}
        flips = compared(before, self.workspace.path, "skipped" if skip else "")
        freshness.with_flips(self.workspace, changed.values(), flips)
        return flips


class _Told:
    """A line on standard error on how far it is; only for a person at a terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes: dict[str, int] = {}
        self._layers_done = 0
        self._next = 0.0
        self._is_shown = sys.stderr.isatty()

    def step(self, step: Step) -> None:
        """Something came."""
        from dgdo_geo.report.fetched import progress_line

        with self._lock:
            self._bytes[step.layer] = step.bytes
            if not self._is_shown or time.monotonic() < self._next:
                return
            self._next = time.monotonic() + 0.1
            size = sum(self._bytes.values())
            sys.stderr.write(f"\r{progress_line(step, self._layers_done, size)}\x1b[K")
            sys.stderr.flush()

    def done(self, _: Freshness) -> None:
        """A layer is done, for good or for bad."""
        with self._lock:
            self._layers_done += 1

    def end(self) -> None:
        """Remove the line: the table follows."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
