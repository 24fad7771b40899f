"""A short id of what a report rests on."""

from __future__ import annotations

import hashlib
import json

from dgdo_geo.model import AreaAssessment


def snapshot_of(*answers: AreaAssessment) -> str:
    """Equal for equal code, rules, layers and questions."""
    parts = []
    for made in (answer.receipt for answer in answers):
        layers = [(state.layer.id, state.status.value, state.layer.sha256) for state in made.layers]
        parts.append((made.code, made.engine, made.rules_hash, made.input, layers))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
