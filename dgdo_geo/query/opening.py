"""Open a workspace for asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dgdo_geo import store
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.query.explorer import Explorer
from dgdo_geo.query.own_concerns import read_own_concerns


def open_explorer(
    workspace: Path | str | None = None,
    *,
    create: bool = False,
    shipped: Path | None = None,
    knowledge: KnowledgeBase | None = None,
    also: Sequence[KnowledgeBase] = (),
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
    also : sequence of KnowledgeBase
        Further knowledge bases that will be compared with it: there is evidence for their distances as well.

    Raises
    ------
    InputError, DataError, DeclarationError
        If the workspace is missing, damaged or holds a wrong declaration.
    """
    opened = store.open_workspace(Path(workspace) if workspace else None, create=create, shipped=shipped)
    states, products = store.read_layers(opened)
    base = knowledge or read_knowledge()
    own = read_own_concerns(opened.path, base)
    return Explorer(opened, states, products, replace(base, concerns=base.concerns + own) if own else base, also)
