"""What goes wrong around the app: wrong pages, layers that vanish, two tabs, going back, a server that restarts."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from browsing import FRAME, Server, get, pick, serving, settle, start
from test_stories import shown
from test_web_pages import with_water_boards

ENGLISH_FAULTS = ("Traceback", "Exception", "Error:", "KeyError", "ValueError", "streamlit")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robust")
    square = shapely.box(196_000, 496_000, 210_000, 510_000)
    return with_water_boards(folder, {"Waterschap Test": square}).workspace.path


@pytest.fixture(scope="module")
def server(workspace: Path) -> Iterator[Server]:
    with serving(workspace) as running:
        yield running


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="nl-NL")
    made.set_default_timeout(60_000)
    yield made
    made.close()


def no_fault(page: Any) -> None:
    words = page.locator("body").inner_text()
    assert [fault for fault in ENGLISH_FAULTS if fault in words] == []
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.browser
def test_page_that_does_not_exist_leads_to_the_first_page(context: Any, server: Server) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/oude-pagina?gemeente=GM0193")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert "Deze pagina is er niet" in dialog.inner_text()
    assert "Kies in het menu een andere pagina" in dialog.inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Wat kan waar in de diepe ondergrond").wait_for()
    settle(page)
    no_fault(page)


@pytest.mark.browser
def test_stale_bookmark_names_what_is_gone_and_keeps_the_rest(context: Any, server: Server) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/?gemeente=GM0193&activiteit=turfwinning&lagen=opgeruimd&peildatum=2026-02-31&punt=1,1")
    page.get_by_text("De rest van de link hebben we wel gebruikt").wait_for()
    page.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    settle(page)
    problems = page.get_by_role("alert").all_inner_texts()
    for word in ("turfwinning", "opgeruimd", "2026-02-31"):
        assert any(word in problem for problem in problems), word
    no_fault(page)


@pytest.mark.browser
def test_two_tabs_of_one_browser_stay_apart(context: Any, server: Server) -> None:
    first, second = context.new_page(), context.new_page()
    first.goto(f"{server.url}/?gemeente=GM0193&activiteit=geothermie")
    settle(first)
    second.goto(f"{server.url}/?gemeente=GM0050&activiteit=hto&weergave=volledig")
    settle(second)
    pick(first, "Activiteit", "zoutw")
    first.wait_for_url("**activiteit=zoutwinning**")
    second.get_by_role("heading", name="Antwoord voor Zeewolde").wait_for()
    pick(second, "Activiteit", "schalie")
    second.wait_for_url("**activiteit=schaliegas**")
    assert "gemeente=GM0193" in first.url and "zoutwinning" in first.url and "volledig" not in first.url
    assert "gemeente=GM0050" in second.url and "weergave=volledig" in second.url
    first.reload()
    first.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    first.get_by_role("heading", name="Kaart: Zoutwinning in Zwolle").wait_for()


@pytest.mark.browser
def test_back_and_forward_through_choices_and_pages(context: Any, server: Server) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/?gemeente=GM0193&activiteit=geothermie")
    settle(page)
    pick(page, "Activiteit", "schalie")
    page.get_by_role("heading", name="Kaart: Schaliegas en schalieolie in Zwolle").wait_for()
    settle(page)
    page.get_by_role("link", name="Gebied").click()
    page.get_by_role("heading", name="Oordeel en ondergrond in Zwolle").wait_for()
    settle(page)
    for _ in range(4):
        if page.get_by_role("heading", name="Kaart: Diepe aardwarmte in Zwolle").count():
            break
        page.go_back()
        settle(page)
        no_fault(page)
    page.get_by_role("heading", name="Kaart: Diepe aardwarmte in Zwolle").wait_for()
    page.go_forward()
    settle(page)
    page.get_by_role("heading", name="in Zwolle").first.wait_for()
    no_fault(page)


@pytest.mark.browser
def test_server_that_restarts_gives_the_same_view_back(context: Any, workspace: Path) -> None:
    before = start(workspace)
    port = int(before.url.rsplit(":", 1)[1])
    page = context.new_page()
    page.goto(f"{before.url}/?gemeente=GM0193&activiteit=hto&diepte=500-2000&punt=203000,503000")
    page.get_by_role("heading", name="Antwoord voor punt").wait_for()
    settle(page)
    seen, address = shown(page), page.url
    before.process.terminate()
    before.process.wait(60)
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert "De verbinding is weg" in dialog.inner_text()
    assert "zodra hij er weer is, gaat u verder waar u was" in dialog.inner_text()
    after = start(workspace, port=port)
    try:
        dialog.wait_for(state="detached")
        settle(page)
        assert page.url == address
        assert shown(page) == seen
        pick(page, "Activiteit", "schalie")
        page.wait_for_url("**activiteit=schaliegas**")
        page.get_by_role("heading", name="Kaart: Schaliegas en schalieolie in Zwolle").wait_for()
        assert "punt=203000" in page.url
        no_fault(page)
    finally:
        after.process.terminate()
        after.process.wait(60)


@pytest.mark.browser
def test_layer_that_is_deleted_while_people_look_at_it(context: Any, server: Server, workspace: Path) -> None:
    """The last test: it takes the water boards away from under the server."""
    page = context.new_page()
    page.goto(f"{server.url}/?activiteit=geothermie&waterschap=ws0&lagen=waterschappen")
    page.get_by_role("heading", name="Antwoord voor Waterschap Test").wait_for()
    settle(page)
    bookmark = page.url
    outline = f"{server.url}/geo/gebied/waterschap/ws0.geojson"
    assert get(outline)[0] == 200
    folder = next(path.parent for path in workspace.rglob("layer.toml") if path.parent.name == "waterschappen")
    shutil.rmtree(folder)

    pick(page, "Activiteit", "schalie")
    page.get_by_role("alert").first.wait_for()
    said = " ".join(page.get_by_role("alert").all_inner_texts())
    assert "waterschap" in said.casefold()
    settle(page)
    no_fault(page)
    status, head, body = get(outline)
    assert (status in (404, 503), head["content-type"]) == (True, "application/json")
    assert json.loads(body)["message_nl"]

    page.goto(bookmark)
    page.get_by_role("alert").first.wait_for()
    page.get_by_text("De rest van de link hebben we wel gebruikt").wait_for()
    pick(page, "Plaats", "Zwo")
    page.get_by_role("heading", name="Antwoord voor Zwolle").wait_for()
    no_fault(page)
    with urllib.request.urlopen(f"{server.url}/gezond", timeout=30) as answer:
        assert json.load(answer)["status"] == "ok"
    assert page.locator(FRAME).count() == 1
    assert re.search(r"gemeente=GM0193", page.url)
