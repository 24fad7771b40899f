"""What was read and done, counted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What was read and done; the text of the dry run.

    Attributes
    ----------
    crs_doubt_nl : str
        Why the coordinate system is doubtful; empty when it is not.
    repaired_ids : list of str
        Up to five of the repaired features.
    padded : dict
        Columns with blanks around values, and in how many rows; they are stripped.
    part_column, wholes
        The column whose rows are parts of one thing, and how many things there are.
    other : dict
        Source values without a translation that were sent to the class for others, with their rows.
    above_ground : int
        Depths that came out above ground level, within the range of the ground level; set to 0.
    """

    file: str
    layer: str
    read: int = 0
    kept: int = 0
    crs_declared: str = ""
    crs_used: str = ""
    operation: str = ""
    operation_accuracy_m: float | None = None
    crs_doubt_nl: str = ""
    repaired: int = 0
    repaired_ids: list[str] = field(default_factory=list)
    repaired_area_m2: float = 0.0
    without_geometry: int = 0
    wrong_kind: int = 0
    duplicates: int = 0
    outside: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=dict)
    padded: dict[str, int] = field(default_factory=dict)
    part_column: str = ""
    wholes: int = 0
    above_ground: int = 0
    notes_nl: list[str] = field(default_factory=list)

    def note(self, words_nl: str) -> None:
        """Add a Dutch sentence for the user, once."""
        if words_nl not in self.notes_nl:
            self.notes_nl.append(words_nl)
