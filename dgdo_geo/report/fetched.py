"""What ``fetch`` did, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from dgdo_geo.report.numbers import km2_nl
from dgdo_geo.texts import number_nl, text

if TYPE_CHECKING:
    from dgdo_geo.intake.fetching import Step
    from dgdo_geo.intake.flips import Flip, Flips
    from dgdo_geo.intake.freshness import Changes, Freshness

COLUMNS = ("layer", "status", "features", "more", "less", "bytes", "seconds")
SHIFTS = 8
"""Flipped areas that are told after a fetch; the rest is in the JSON."""
SHIFTS_IN_LIST = 2
"""The same in the list of all layers."""
UNITS = ("bytes", "kB", "MB", "GB")


def print_fetched(items: Sequence[Freshness], console: Console, not_done: Sequence[str] = ()) -> None:
    """Print a row per layer, and below it what changed and why a layer failed."""
    if items:
        table = Table(box=None, pad_edge=False)
        for name in COLUMNS:
            table.add_column(text("fetch_table", name), justify="left" if name in ("layer", "status") else "right")
        for item in items:
            table.add_row(*_row(item))
        console.print(table)
    for item in items:
        if item.status == "failed":
            console.print(text("fetch_table", "failed", layer=item.layer, reason=item.message_nl))
            console.print(f"  {_kept(item)}")
        elif item.status == "changed":
            console.print(text("fetch_table", "changes", layer=item.layer, what=_what(item.changes)))
    if not_done:
        console.print(text("fetch_table", "not_done", layers=", ".join(not_done)))


def print_flips(flips: Flips, console: Console) -> None:
    """Print what the changes did to the answers."""
    for line in flip_lines(flips, SHIFTS):
        console.print(line)


def flip_lines(flips: Flips, most: int) -> Iterator[str]:
    """What the changes did to the answers: the largest shifts, one a line."""
    if flips.status != "compared":
        yield flips.message_nl
        return
    left_out = ", ".join(flips.left_out)
    if not flips.layers:
        yield text("flips", "only_boundaries", layers=left_out) if left_out else text("flips", "new_layer")
        return
    shifts = [row for row in flips.rows if row.kind != "detail"]
    about = {"on": flips.on, "layers": ", ".join(flips.layers)}
    yield text("flips", "head" if flips.rows else "none", **about)
    for row in shifts[:most]:
        yield f"  {_shift(row)}"
    if len(shifts) > most:
        yield f"  {text('flips', 'more', count=number_nl(len(shifts) - most))}"
    if details := len(flips.rows) - len(shifts):
        yield f"  {text('flips', 'detail', count=number_nl(details))}"
    if left_out:
        yield f"  {text('flips', 'left_out', layers=left_out)}"


def _shift(row: Flip) -> str:
    section = "potential" if row.kind == "potential" else "verdict"
    names = ", ".join(place.name for place in row.places)
    return text(
        "flips",
        row.kind,
        area=km2_nl(row.area_m2),
        before=text(section, row.before),
        after=text(section, row.after),
        activity=row.activity_nl.lower(),
        depth=text("flips", "depth", top=number_nl(row.top_m), base=number_nl(row.base_m)),
        places=text("flips", "most" if row.municipalities > len(row.places) else "only", places=names),
    )


def last_fetch(item: Freshness) -> str:
    """What is known of the last fetch of a layer, for a list of layers."""
    if item.status == "failed":
        told = text("fetched", "failed_on", checked=_moment(item.checked), reason=item.message_nl)
        return f"{told} {_kept(item)}"
    if item.status == "added":
        told = text("fetch_table", "own_file", checked=_moment(item.checked), file=item.source_layer)
    else:
        told = text("fetched", "seen", checked=_moment(item.checked), changed=_moment(item.changed))
    lines = [told]
    if item.history:
        lines.append(f"{text('flips', 'last')} {_what(item.history[0].changes)}.")
    if item.flips is not None:
        lines += list(flip_lines(item.flips, SHIFTS_IN_LIST))
    elif item.changed:
        lines.append(text("flips", "not_yet"))
    return "\n    ".join(lines)


def progress_line(step: Step, done: int, size: int) -> str:
    """One line on how far a run is: layers, bytes, and the layer of which something came."""
    unit = text("fetch_progress", step.unit)
    if step.total is None:
        what = text("fetch_progress", "so_far", done=number_nl(step.done), unit=unit)
    else:
        what = text("fetch_progress", "of", done=number_nl(step.done), total=number_nl(step.total), unit=unit)
    return text("fetch_progress", "line", done=done, bytes=size_nl(size), layer=step.layer, what=what)


def size_nl(size: int) -> str:
    """A number of bytes in words.

    >>> size_nl(999), size_nl(1_500), size_nl(23_400_000)
    ('999 bytes', '1,5 kB', '23,4 MB')
    """
    value, unit = float(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return text("fetch_progress", "size", value=number_nl(value, 1 if unit else 0), unit=UNITS[unit])


def _row(item: Freshness) -> Iterable[str]:
    yield item.layer
    yield text("fetched", item.status)
    if item.status == "failed":
        yield from [""] * (len(COLUMNS) - 2)
        return
    has_changed = item.status != "unchanged"
    yield number_nl(item.features)
    yield number_nl(item.changes.added_m2 / 1e6, 2) if has_changed else ""
    yield number_nl(item.changes.gone_m2 / 1e6, 2) if has_changed else ""
    yield size_nl(item.bytes)
    yield number_nl(item.seconds, 1)


def _what(changes: Changes) -> str:
    names = ("added", "gone", "moved", "reclassified", "altered")
    counts = {name: getattr(changes, name) for name in names}
    found = [text("fetch_table", name, count=number_nl(count)) for name, count in counts.items() if count]
    if changes.declaration:
        found.append(text("fetch_table", "declaration"))
    return ", ".join(found)


def _kept(item: Freshness) -> str:
    if item.changed:
        return text("fetched", "kept", changed=_moment(item.changed))
    return text("fetched", "never")


def _moment(iso: str) -> str:
    """Day and time as the reader's clock gave them, without seconds and time zone."""
    return iso[:16].replace("T", " ")
