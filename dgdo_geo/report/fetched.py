"""What ``fetch`` did, in words."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from dgdo_geo.intake.freshness import Freshness
from dgdo_geo.texts import number_nl, text


def print_fetched(items: Iterable[Freshness], console: Console) -> None:
    """Print per layer what happened, what changed, and why it failed."""
    for item in items:
        status = text("fetched", item.status)
        if item.status == "failed":
            console.print(f"{item.layer}: {status}. {item.message_nl}")
            kept = text("fetched", "kept", changed=item.changed) if item.changed else text("fetched", "never")
            console.print(f"  {kept}")
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
