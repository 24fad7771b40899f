"""An id of everything that a report rests on."""

from __future__ import annotations

import hashlib
import json

from dgdo_geo.model import AreaAssessment, Receipt, Region

FORM = 1
"""Form of the documents; raise it when the files change for equal input."""


def snapshot_of(*answers: AreaAssessment) -> str:
    """Equal for equal code, rules, layers, day, regions and choices; else another one.

    The receipt holds the question with its choices, the hash of the rules and that of every layer; the code of an
    area of one's own is a hash of its polygon.
    """
    return snapshot_from(*((answer.receipt, answer.region) for answer in answers))


def snapshot_from(*made: tuple[Receipt, Region]) -> str:
    """The same from receipts alone, so that nothing needs to be judged to know it."""
    parts: list[object] = [FORM]
    for receipt, region in made:
        layers = [(state.layer.id, state.status.value, state.hash) for state in receipt.layers]
        where = (region.kind.value, region.code, region.name)
        parts.append((receipt.code, receipt.engine, receipt.rules_hash, receipt.input, where, layers))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
