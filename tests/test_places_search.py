"""The search for addresses and parcels: the protocol of the Locatieserver, on a server of our own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import (
    Exchange,
    Misbehaving,
    Query,
    bomb,
    drip,
    error_page,
    ok,
    ok_json,
    redirect,
    reset,
    serving,
    silent,
    status,
    truncated,
)
from streamlit.testing.v1 import AppTest

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.query import open_explorer
from dgdo_geo.sources import locatieserver
from dgdo_geo.sources.http import Client, Limits
from dgdo_geo.texts import text
from dgdo_geo.web import addresses

MAIN = Path(__file__).parents[1] / "dgdo_geo" / "web" / "main.py"
PARAMETERS = {"q", "fq", "fl", "rows", "start", "sort", "df", "bq", "qf", "lat", "lon", "wt"}
"""Parameters of ``/free`` in the description of the service; it refuses all others."""
CHURCH = {
    "type": "adres",
    "weergavenaam": "Grote Kerkplein 15, 8011PK Zwolle",
    "id": "adr-1",
    "centroide_rd": "POINT(202953.8 503063.4)",
    "score": 9.1,
}
PARCEL = {"type": "perceel", "weergavenaam": "Zwolle F 1234", "id": "pcl-2", "centroide_rd": "POINT(203100 503200)"}
PLACES = [
    CHURCH,
    PARCEL,
    {"type": "woonplaats", "weergavenaam": "Zwolle", "id": "wpl-3", "centroide_rd": "POINT(203000 503000)"},
]


def service(path: str, query: Query) -> object:
    """The endpoint ``free``, as its documentation describes it."""
    if path != "/free" or set(query) - PARAMETERS or not query.get("rows", "10").isdigit():
        return 400, {}, json.dumps({"message": "unknown parameter", "errors": sorted(set(query) - PARAMETERS)}).encode()
    if int(query.get("rows", "10")) > 50:
        return 400, {}, b'{"message": "rows"}'
    types = query.get("fq", "type:(adres OR weg)").removeprefix("type:(").removesuffix(")").split(" OR ")
    wanted = query["q"].casefold().split()
    found = [p for p in PLACES if p["type"] in types and all(w in str(p["weergavenaam"]).casefold() for w in wanted)]
    fields = query.get("fl", "*").split(",")
    docs = [{k: v for k, v in place.items() if k in fields} for place in found[: int(query.get("rows", "10"))]]
    return {"response": {"numFound": len(found), "start": 0, "maxScore": 9.1, "numFoundExact": True, "docs": docs}}


@pytest.fixture
def client() -> Client:
    return Client(locatieserver.LIMITS)


def answer(*documents: object) -> dict[str, object]:
    return {"response": {"numFound": len(documents), "start": 0, "docs": list(documents)}}


# The protocol ------------------------------------------------------------------------------


def test_address_becomes_a_point(client: Client) -> None:
    with serving(service) as server:
        found = locatieserver.search("  grote kerkplein  15 ", client, f"{server.url}/free")
    assert found == (locatieserver.Address("Grote Kerkplein 15, 8011PK Zwolle", "adres", 202953.8, 503063.4),)
    (query,) = server.queries
    assert query["q"] == "grote kerkplein 15"
    assert set(query) <= PARAMETERS and int(query["rows"]) <= 50
    assert set(query["fl"].split(",")) == {"id", "type", "weergavenaam", "centroide_rd"}


def test_parcel_is_asked_for_by_type(client: Client) -> None:
    with serving(service) as server:
        found = locatieserver.search("zwolle f 1234", client, f"{server.url}/free")
    assert [(item.kind, item.x, item.y) for item in found] == [("perceel", 203100.0, 503200.0)]


def test_nothing_found_is_an_empty_answer(client: Client) -> None:
    with serving(service) as server:
        assert locatieserver.search("Timboektoe", client, f"{server.url}/free") == ()


@pytest.mark.parametrize(
    ("words", "key"), [("", "address_empty"), (" -- ", "address_empty"), ("a" * 201, "address_long")]
)
def test_nothing_or_too_much_is_not_sent(client: Client, words: str, key: str) -> None:
    with serving(service) as server, pytest.raises(InputError) as caught:
        locatieserver.search(words, client, f"{server.url}/free")
    assert caught.value.key == key and server.asked == []


@pytest.mark.parametrize("words", ["a&b=c", "fq=type:*", "Súdwest #1", "q?x;y", "100%"])
def test_signs_of_an_address_stay_in_the_question(client: Client, words: str) -> None:
    with serving(service) as server:
        locatieserver.search(words, client, f"{server.url}/free")
    assert server.queries[0]["q"] == words
    assert len(server.queries[0]) == 4


@pytest.mark.parametrize(
    "document",
    [
        {},
        None,
        "tekst",
        {**CHURCH, "weergavenaam": None},
        {**CHURCH, "weergavenaam": "  "},
        {**CHURCH, "centroide_rd": None},
        {**CHURCH, "centroide_rd": "POINT(NaN NaN)"},
        {**CHURCH, "centroide_rd": "POINT(1e999 1)"},
        {**CHURCH, "centroide_rd": "POLYGON((0 0, 1 0, 1 1, 0 0))"},
        {**CHURCH, "centroide_rd": "POINT(6.09 52.51)"},
        {**CHURCH, "centroide_rd": "POINT(203000)"},
        {**CHURCH, "centroide_rd": {"x": 1}},
    ],
)
def test_place_without_a_usable_point_is_left_out(client: Client, document: object) -> None:
    with Misbehaving({"/free": ok_json(answer(document, PARCEL))}) as server:
        found = locatieserver.search("zwolle", client, server.url("/free"))
    assert [item.label for item in found] == ["Zwolle F 1234"]


def test_more_places_than_asked_for_are_cut_off(client: Client) -> None:
    with Misbehaving({"/free": ok_json(answer(*[CHURCH] * 400))}) as server:
        assert len(locatieserver.search("zwolle", client, server.url("/free"))) == locatieserver.ROWS


@pytest.mark.parametrize(
    "route",
    [
        status(500),
        status(400),
        status(429),
        error_page(),
        error_page("application/json"),
        ok(b"", "application/json"),
        ok_json([1, 2]),
        ok_json({"response": None}),
        ok_json({"response": {"docs": "x"}}),
        ok_json({"message": "Bad Request"}),
        truncated(b'{"response": {"docs": []}}'),
        reset(),
        redirect("/free"),
        redirect("file:///etc/passwd"),
        bomb(20),
    ],
)
def test_service_that_fails_is_one_sentence(client: Client, route: object) -> None:
    with Misbehaving({"/free": route}) as server, pytest.raises(DataError) as caught:  # type: ignore[dict-item]
        locatieserver.search("zwolle", client, server.url("/free"))
    assert caught.value.key == "address_failed"
    assert caught.value.message_nl.count(".") == 2 and "http" not in caught.value.message_nl


@pytest.mark.parametrize("route", [silent(20), drip(every_s=0.2), drip(every_s=0.2, head=True)])
def test_service_that_is_slow_is_given_up_after_three_seconds(client: Client, route: object) -> None:
    begin = time.monotonic()
    with Misbehaving({"/free": route}) as server, pytest.raises(DataError):  # type: ignore[dict-item]
        locatieserver.search("zwolle", client, server.url("/free"))
    assert time.monotonic() - begin < 5
    assert server.count() == 1, "no second try while a reader waits"


def test_service_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DataError) as caught:
        locatieserver.search("zwolle", Client(Limits(tries=1, connect_s=1, total_s=2)), "http://127.0.0.1:9/free")
    assert caught.value.key == "address_failed"


# On the page ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("workspace")
    open_explorer(folder, create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGDO_WORKSPACE", str(folder))
        yield


def page(monkeypatch: pytest.MonkeyPatch, url: str | None, **params: str) -> AppTest:
    if url is None:
        monkeypatch.delenv("DGDO_ONLINE", raising=False)
    else:
        monkeypatch.setenv("DGDO_ONLINE", "1")
        monkeypatch.setenv(addresses.URL_VARIABLE, url)
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in params.items():
        app.query_params[key] = value
    return app.run()


def seek(app: AppTest, words: str) -> AppTest:
    app.text_input(key="adres").set_value(words)
    return next(button for button in app.button if button.label == text("web_place", "search")).click().run()


def test_without_internet_there_is_no_field_but_a_line_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(monkeypatch, None)
    assert [item.key for item in app.text_input if item.key == "adres"] == []
    assert text("web_place", "offline") in [item.value for item in app.markdown]


def test_address_is_found_chosen_and_kept_in_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(service) as server:
        app = seek(page(monkeypatch, f"{server.url}/free", activiteit="hto"), "zwolle")
        box = app.selectbox(key="adres_keuze")
        assert box.options == [
            "Grote Kerkplein 15, 8011PK Zwolle (adres)",
            "Zwolle F 1234 (perceel)",
            "Zwolle (woonplaats)",
        ]
        assert "punt" not in app.query_params
        box.set_value(0).run()
    assert not app.exception and not app.error
    assert app.query_params["punt"] == "202954,503063"
    assert app.query_params["gemeente"] == "GM0193"
    assert app.query_params["activiteit"] == "hto"
    assert "kerkplein" not in json.dumps(app.query_params).casefold(), "what was typed stays out of the link"


@pytest.mark.parametrize("route", [status(503), error_page(), lambda x: x.hang_up()])
def test_failing_service_changes_nothing_else(monkeypatch: pytest.MonkeyPatch, route: object) -> None:
    with Misbehaving({"/free": route}) as server:  # type: ignore[dict-item]
        app = page(monkeypatch, server.url("/free"), gemeente="GM0193", activiteit="hto")
        before, heads = dict(app.query_params), [item.value for item in app.header]
        seek(app, "Kerkplein")
    assert not app.exception and not app.error
    assert len(app.warning) == 1 and "zoekdienst" in app.warning[0].value
    assert dict(app.query_params) == before
    assert [item.value for item in app.header] == heads


def test_nothing_found_and_nothing_typed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(service) as server:
        app = seek(page(monkeypatch, f"{server.url}/free"), "Timboektoe")
        assert [item.value for item in app.warning] == [text("web_place", "nothing_found")]
        seek(app, "")
        assert "Vul een adres" in app.warning[0].value
        seek(app, "zwolle")
        assert len(app.warning) == 0


def test_names_of_the_service_cannot_bring_mark_up(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = {**CHURCH, "weergavenaam": "<script>alert(1)</script> ![x](http://evil.invalid)", "type": "<b>"}
    with Misbehaving({"/free": ok_json(answer(evil))}) as server:
        app = seek(page(monkeypatch, server.url("/free")), "zwolle")
        app.selectbox(key="adres_keuze").set_value(0).run()
    assert not app.exception
    shown = [item.value for kind in (app.markdown, app.header, app.warning) for item in kind]
    assert shown and not any("evil" in words for words in shown)


def test_what_was_typed_is_not_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def route(x: Exchange) -> None:
        x.answer(b"", 500)

    with Misbehaving({"/free": route}) as server, caplog.at_level("DEBUG", "dgdo_geo"):
        seek(page(monkeypatch, server.url("/free")), "Geheimstraat 1")
    assert any("address_failed" in record.getMessage() for record in caplog.records)
    assert "Geheimstraat" not in " ".join(r.getMessage() for r in caplog.records if r.name.startswith("dgdo_geo"))
