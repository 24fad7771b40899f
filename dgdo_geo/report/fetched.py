"""What ``fetch`` did, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console

from dgdo_geo.texts import number_nl, text

if TYPE_CHECKING:
    from dgdo_geo.intake.freshness import Freshness


def print_fetched(items: Iterable[Freshness], console: Console) -> None:
    """Print per layer what happened, what changed, and why it failed."""
    for item in items:
        status = text("fetched", item.status)
        if item.status == "failed":
            console.print(f"{item.layer}: {status}. {item.message_nl}")
            console.print(f"  {_kept(item)}")
            continue
        console.print(
            text(
                "fetched",
                "line",
                layer=item.layer,
                status=status,
                features=number_nl(item.features),
                bytes=number_nl(item.bytes),
                seconds=number_nl(item.seconds, 1),
            )
        )
        if item.status == "changed":
            found = item.changes
            console.print(
                "  "
                + text(
                    "fetched",
                    "changes",
                    added=found.added,
                    gone=found.gone,
                    moved=found.moved,
                    reclassified=found.reclassified,
                    altered=found.altered,
                    more=number_nl(found.added_m2 / 1e6, 2),
                    less=number_nl(found.gone_m2 / 1e6, 2),
                )
            )


def last_fetch(item: Freshness) -> str:
    """One line on the last fetch of a layer, for a list of layers."""
    if item.status == "failed":
        told = text("fetched", "failed_on", checked=_moment(item.checked), reason=item.message_nl)
        return f"{told} {_kept(item)}"
    return text("fetched", "seen", checked=_moment(item.checked), changed=_moment(item.changed))


def _kept(item: Freshness) -> str:
    if item.changed:
        return text("fetched", "kept", changed=_moment(item.changed))
    return text("fetched", "never")


def _moment(iso: str) -> str:
    """Day and time as the reader's clock gave them, without seconds and time zone."""
    return iso[:16].replace("T", " ")
