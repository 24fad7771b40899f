"""Commands about the knowledge base: check, rules, diff and concern."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.texts import number_nl, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dgdo_geo.decide.rulediff import RuleDiff
    from dgdo_geo.knowledge import KnowledgeBase
    from dgdo_geo.model import Layer

app = typer.Typer()

WorkspaceOption = Annotated[Path | None, typer.Option("--workspace", metavar="MAP", help=text("cli", "workspace"))]
JsonOption = Annotated[bool, typer.Option("--json", help=text("cli", "json"))]
DateOption = Annotated[str | None, typer.Option("--peildatum", metavar="JJJJ-MM-DD", help=text("cli", "peildatum"))]
RulesOption = Annotated[Path | None, typer.Option("--regels", metavar="MAP", help=text("cli", "rules_folder"))]
SHIPPED = "huidig"
"""What stands for the rule base that ships with the program."""
PLACES = 20
"""Municipalities that are named at most; the rest is in the JSON."""


def read_date(value: str | None) -> date | None:
    """A date as it is typed.

    Raises
    ------
    InputError
        If it is not a date.
    """
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError("date_wrong", value=value) from None


def print_json(data: object) -> None:
    """Print JSON, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def progress(title: str) -> Callable[[int, int], None]:
    """A line on standard error that counts; only for a person at a terminal and only for long work."""

    def report(done: int, total: int) -> None:
        if total > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\r{title} {done}/{total}" + ("\n" if done == total else ""))
            sys.stderr.flush()

    return report


def phases() -> Callable[[str, int, int], None]:
    """The same for work in several phases, each with its own name."""

    def report(phase: str, done: int, total: int) -> None:
        progress(phase)(done, total)

    return report


@app.command(help=text("cli", "check"))
def check(regels: RulesOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check catalogue, rules, cases and control points."""
    from dgdo_geo.check import check as run
    from dgdo_geo.knowledge import read_knowledge
    from dgdo_geo.query import open_explorer

    knowledge = None if regels is None else read_knowledge(regels)
    result = run(open_explorer(workspace, knowledge=knowledge))
    if as_json:
        print_json(result.to_dict())
    else:
        for what, number in result.counts.items():
            typer.echo(f"{number:6}  {text('cli_counts', what)}")
        for warning in result.warnings:
            typer.echo(f"{text('cli', 'warning')}: {warning}", err=True)
        for error in result.errors:
            typer.echo(f"{text('cli', 'error')}: {error}", err=True)
        typer.echo(text("cli", "check_failed" if result.errors else "check_passed", count=len(result.errors)))
    if result.errors:
        raise typer.Exit(DataError.exit_code)


@app.command(help=text("cli", "rules"))
def rules(
    html: Annotated[Path | None, typer.Option("--html", metavar="BESTAND", help=text("cli", "rules_html"))] = None,
    regels: RulesOption = None,
    peildatum: DateOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """List the rules, or write them as a readable page."""
    from dgdo_geo import store
    from dgdo_geo.knowledge import read_knowledge
    from dgdo_geo.report.rules_page import rules_page
    from dgdo_geo.report.rules_text import rules_lines

    knowledge = read_knowledge() if regels is None else read_knowledge(regels)
    layers = {i: entry.layer for i, entry in store.open_workspace(workspace, missing_ok=True).entries.items()}
    on = read_date(peildatum) or date.today()
    if html is None:
        for line in rules_lines(knowledge, on):
            typer.echo(line)
        return
    page = rules_page(knowledge, layers, on)
    try:
        store.write_atomic(html, page.encode())
    except OSError as error:
        raise DataError("file_not_writable", file=html, reason=error.strerror or error) from error
    typer.echo(text("cli", "rules_done", file=html))


@app.command(help=text("cli", "diff"))
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=text("cli", "diff_side"))],
    b: Annotated[str, typer.Argument(metavar="B", help=text("cli", "diff_side"))],
    activiteit: Annotated[list[str] | None, typer.Option(metavar="ID", help=text("cli", "activiteit"))] = None,
    peildatum: DateOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two rule bases: what flips, where, how many km2."""
    from dgdo_geo.decide.rulediff import rule_diff
    from dgdo_geo.query import open_explorer

    before, after = _side(a), _side(b)
    explorer = open_explorer(workspace, knowledge=before, also=[after])
    for side, knowledge in ((a, before), (b, after)):
        _refuse_wrong(side, knowledge, {i: state.layer for i, state in explorer.states.items()})
    if not explorer.overlay.is_stored():
        typer.echo(text("cli", "diff_computing"), err=True)
        explorer.build_overlay(progress(text("cli", "overlaying")))
    found = rule_diff(explorer, before, after, read_date(peildatum), tuple(activiteit or ()))
    if as_json:
        print_json(found.to_dict())
    else:
        _print_diff(found)


def _side(named: str) -> KnowledgeBase:
    """The rule base that the user means: the shipped one, a folder, or a file with changes."""
    from dgdo_geo.knowledge import read_knowledge, with_changes

    if named == SHIPPED:
        return read_knowledge()
    path = Path(named)
    if path.suffix.casefold() == ".toml":
        return with_changes(read_knowledge(), path)
    return read_knowledge(path)


def _refuse_wrong(side: str, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> None:
    from dgdo_geo.check import check_rules

    problems = check_rules(knowledge, layers)
    if problems:
        raise InputError("rules_wrong", side=side, count=len(problems), problems="; ".join(problems[:5]))


def _print_diff(found: RuleDiff) -> None:
    from dgdo_geo.report.numbers import km2_nl

    typer.echo(text("cli_diff", "head", on=found.on.isoformat(), before=found.before[:12], after=found.after[:12]))
    for change in found.changes:
        keys = f" ({', '.join(change.keys)})" if change.keys else ""
        typer.echo(f"  {text('cli_diff', change.what)}: {text('cli_diff', f'{change.kind}_kind')} {change.id}{keys}")
    for side, bands in (("before", found.bands_before), ("after", found.bands_after)):
        for activity, band in bands:
            values = {"activity": activity, "top": band.top_m, "base": band.base_m}
            typer.echo(f"  {text('cli_diff', f'only_{side}', **values)}")
    if found.flips.empty:
        typer.echo(text("cli", "diff_none"))
        return
    for row in found.per_activity().to_dict("records"):
        typer.echo(
            text(
                "cli_diff",
                "activity",
                activity=row["activity_nl"],
                top=number_nl(row["top_m"]),
                base=number_nl(row["base_m"]),
                before=_word(row["before"], row["indication_before"], row["conclusive_before"]),
                after=_word(row["after"], row["indication_after"], row["conclusive_after"]),
                km2=km2_nl(row["area_m2"]),
                count=row["municipalities"],
            )
        )
    places = found.per_place()
    typer.echo(text("cli_diff", "places", count=len(places)))
    for row in places.head(PLACES).to_dict("records"):
        typer.echo(f"  {row['name']} ({row['code']}): {km2_nl(row['area_m2'])}")
    if len(places) > PLACES:
        typer.echo(f"  {text('cli_diff', 'more_places', count=len(places) - PLACES)}")


def _word(outcome: str, indication: str, conclusive: bool) -> str:
    word = text("verdict", outcome)
    if outcome != "unknown":
        return word if conclusive else text("card", "at_least", word=word)
    if indication == "no_known_constraint":
        return word
    return text("cli_diff", "hinted", word=word, hint=text("verdict", indication))


@app.command(help=text("cli", "concern"))
def concern(
    titel: Annotated[str, typer.Option(metavar="TEKST", help=text("cli", "concern_title"))],
    tekst: Annotated[str, typer.Option(metavar="TEKST", help=text("cli", "concern_text"))],
    plaats: Annotated[list[str], typer.Option(metavar="CODE", help=text("cli", "concern_place"))],
    naam: Annotated[str, typer.Option(metavar="TEKST", help=text("cli", "concern_author"))],
    bron: Annotated[str, typer.Option(metavar="TEKST", help=text("cli", "concern_source"))],
    datum: Annotated[str | None, typer.Option(metavar="JJJJ-MM-DD", help=text("cli", "concern_date"))] = None,
    van: Annotated[str, typer.Option(metavar="WIE", help=text("cli", "concern_by"))] = "alle",
    activiteit: Annotated[list[str] | None, typer.Option(metavar="ID", help=text("cli", "concern_activity"))] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Add a concern of one's own; the shipped ones stay as they are."""
    from dgdo_geo.query import open_explorer
    from dgdo_geo.query.own_concerns import add_concern

    explorer = open_explorer(workspace, create=True)
    added = add_concern(
        explorer.workspace.path,
        explorer.knowledge,
        title=titel,
        body=tekst,
        places=plaats,
        author=naam,
        source=bron,
        raised_on=read_date(datum),
        raised_by=van,
        activities=tuple(activiteit or ()),
        known_places=explorer.regions.codes,
    )
    typer.echo(text("cli", "concern_done", id=added.id))
