"""Open a workspace for asking."""

from __future__ import annotations

from pathlib import Path

from dgdo_geo import store
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.query.explorer import Explorer


def open_explorer(
    workspace: Path | str | None = None,
    *,
    create: bool = False,
    shipped: Path | None = None,
    knowledge: KnowledgeBase | None = None,
) -> Explorer:
    """Open a workspace for asking.

    Parameters
    ----------
    workspace : path, optional
        The default workspace when None (``DGDO_WORKSPACE``, else the user's data folder).
    create : bool
        Make the folder when it is not there.
    shipped : Path, optional
        Another folder of shipped layers, for tests.
    knowledge : KnowledgeBase, optional
        Another knowledge base than the shipped one.

    Raises
    ------
    InputError, DataError, DeclarationError
        If the workspace is missing, damaged or holds a wrong declaration.
    """
    opened = store.open_workspace(Path(workspace) if workspace else None, create=create, shipped=shipped)
    states, products = store.read_layers(opened)
    return Explorer(opened, states, products, knowledge or read_knowledge())
