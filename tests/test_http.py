"""The client that fetches open data: what a server can do wrong ends in one clear error, or in the right bytes."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import servers
from servers import LONG_AGO, Misbehaving

from dgdo_geo import __version__
from dgdo_geo.errors import DataError
from dgdo_geo.sources import guard, http, wire
from dgdo_geo.sources.guard import Guard, is_public
from dgdo_geo.sources.http import Client, Limits, Reply, Validators, shown

QUICK = Limits(max_bytes=1_000_000, connect_s=1.0, read_s=1.0, total_s=5.0, tries=3, backoff_s=0.01, redirects=3)
BODY = bytes(range(256)) * 1000
JSON = ("application/json",)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter pause than is polite."""
    monkeypatch.setattr(wire, "PAUSE_S", 0.001)


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with Misbehaving() as running:
        yield running


def quick(**changes: Any) -> Client:
    """A client with small limits."""
    values = {name: getattr(QUICK, name) for name in QUICK.__slots__} | changes
    return Client(Limits(**values))


def guarded(*servers: Misbehaving) -> Client:
    """A client for an address that a stranger gave; the ports of these servers count as usual ones."""
    return Client(QUICK, guard=Guard([urlsplit(running.url()).port or 0 for running in servers]))


def fails(key: str, call: Callable[[], object]) -> DataError:
    """The error of a call, which is complete in both languages."""
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.key == key, str(caught.value)
    assert caught.value.exit_code == 3
    assert str(caught.value) != caught.value.message_nl
    return caught.value


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Good answers ----------------------------------------------------------------------------


def test_a_sound_answer(server: Misbehaving):
    server.routes["/a"] = servers.ok_json({"naam": "Zandvoort ë"}, X_Test="ja")
    reply = quick().get(server.url("/a"), {"q": "één & twee", "n": "1"}, accept=JSON, headers={"X-Own": "x"})
    assert (reply.status, reply.tries, reply.json()) == (200, 1, {"naam": "Zandvoort ë"})
    assert reply.headers["x-test"] == "ja"
    assert reply.url.endswith("/a?q=%C3%A9%C3%A9n+%26+twee&n=1")
    seen = server.seen("/a")[0]
    assert seen.query == "q=%C3%A9%C3%A9n+%26+twee&n=1"
    assert seen.headers["user-agent"] == f"dgdo-geo/{__version__}"
    assert (seen.headers["accept"], seen.headers["x-own"]) == ("application/json", "x")


def test_params_join_an_existing_query_and_drop_the_fragment(server: Misbehaving):
    server.routes["/a"] = servers.ok(b"x")
    assert quick().get(server.url("/a?map=1#top"), {"b": "2"}).url == server.url("/a?map=1&b=2")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 900_000])
def test_compressed_answers_are_decoded(server: Misbehaving, coding: str, size: int):
    body = (b'{"veld": 1234567890} ' * (size // 20 + 1))[:size]
    server.routes["/a"] = servers.compressed(body, coding)
    assert quick().get(server.url("/a")).body == body


def test_gzip_in_several_members_with_rubbish_after_it(server: Misbehaving):
    members = gzip.compress(b"een ") + gzip.compress(b"twee") + b"\0rubbish"
    server.routes["/a"] = servers.ok(members, Content_Encoding="gzip")
    assert quick().get(server.url("/a")).body == b"een twee"


def test_gzip_in_gzip(server: Misbehaving):
    server.routes["/a"] = servers.ok(gzip.compress(gzip.compress(b"diep")), Content_Encoding="gzip, gzip")
    assert quick().get(server.url("/a")).body == b"diep"


def test_chunked(server: Misbehaving):
    server.routes["/a"] = servers.chunked(b'{"a": 1}', complete=True)
    assert quick().get(server.url("/a")).json() == {"a": 1}


def test_a_connection_is_used_again(server: Misbehaving):
    server.routes |= {"/a": servers.ok(BODY), "/b": servers.chunked(BODY, complete=True)}
    client = quick()
    for path in ("/a", "/b", "/a"):
        assert client.get(server.url(path)).body == BODY
    assert server.connections == 1


def test_not_changed_since(server: Misbehaving):
    server.routes |= {
        "/etag": servers.conditional(BODY, etag='"v1"'),
        "/date": servers.conditional(BODY, modified=LONG_AGO),
    }
    for path, expected in (("/etag", Validators('"v1"', "")), ("/date", Validators("", LONG_AGO))):
        first = quick().get(server.url(path))
        assert (first.status, first.validators) == (200, expected)
        again = quick().get(server.url(path), known=first.validators)
        assert (again.status, again.body, again.validators) == (304, b"", expected)
        assert quick().get(server.url(path), known=Validators('"old"', "x")).body == BODY


def test_not_changed_without_a_question_or_about_another_version(server: Misbehaving):
    server.routes |= {
        "/odd": servers.status(304),
        "/other": servers.first(1, servers.status(304, ETag='"v2"'), servers.ok(b"new", ETag='"v3"')),
    }
    assert fails("source_status", lambda: quick().get(server.url("/odd"))).values["status"] == 304
    reply = quick().get(server.url("/other"), known=Validators('"v1"'))
    assert (reply.status, reply.body, reply.tries) == (200, b"new", 1)
    assert "if-none-match" not in server.seen("/other")[1].headers


# Trying again ----------------------------------------------------------------------------


def test_busy_servers_are_asked_again_after_the_time_they_name(server: Misbehaving):
    server.routes["/a"] = servers.busy_then(servers.ok_json(1), retry_after="1")
    assert quick().get(server.url("/a")).tries == 2
    before, after = server.seen("/a")
    assert 1.0 <= after.at - before.at < 2.5


def an_hour_from_now() -> str:
    return formatdate(time.time() + 3600, usegmt=True)


@pytest.mark.parametrize("value", [lambda: "99999999999999", an_hour_from_now], ids=["seconds", "date"])
def test_the_wait_has_a_limit(server: Misbehaving, monkeypatch: pytest.MonkeyPatch, value: Callable[[], str]):
    monkeypatch.setattr(http, "LONGEST_WAIT_S", 0.2)
    server.routes["/a"] = servers.busy_then(servers.ok_json(1), retry_after=value())
    assert quick().get(server.url("/a")).tries == 2
    before, after = server.seen("/a")
    assert 0.2 <= after.at - before.at < 1.5


@pytest.mark.parametrize("value", ["soon", "-5", "", "Mon, 99 Foo 2015", LONG_AGO])
def test_a_strange_retry_after_is_ignored(server: Misbehaving, value: str):
    server.routes["/a"] = servers.busy_then(servers.ok_json(1), retry_after=value)
    assert quick().get(server.url("/a")).tries == 2


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_failing_server_gets_its_tries(server: Misbehaving, code: int):
    server.routes |= {"/a": servers.failing_then(servers.ok_json(1), 2, code), "/b": servers.status(code)}
    assert quick().get(server.url("/a")).tries == 3
    error = fails("source_status", lambda: quick().get(server.url("/b")))
    assert (error.values["status"], error.values["host"], server.count("/b")) == (code, "127.0.0.1", 3)


@pytest.mark.parametrize("code", [204, 400, 401, 403, 404, 410, 501])
def test_other_statuses_are_not_tried_again(server: Misbehaving, code: int):
    server.routes["/a"] = servers.status(code)
    assert fails("source_status", lambda: quick().get(server.url("/a"))).values["status"] == code
    assert server.count() == 1


def test_a_range_nobody_asked_for_is_refused(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = lambda x: x.answer(b"rest", 206, Content_Range="bytes 4-7/8")
    fails("source_status", lambda: quick().get(server.url("/a")))
    fails("source_status", lambda: quick().download(server.url("/a"), tmp_path / "a.bin"))
    assert files(tmp_path) == []


def test_back_off_doubles(server: Misbehaving):
    server.routes["/a"] = servers.status(503)
    fails("source_status", lambda: quick(tries=4, backoff_s=0.1).get(server.url("/a")))
    at = [seen.at for seen in server.requests]
    gaps = [later - sooner for sooner, later in zip(at, at[1:], strict=False)]
    assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4 and sum(gaps) < 2


def test_a_broken_connection_is_tried_again(server: Misbehaving):
    server.routes |= {"/a": servers.first(2, servers.reset(), servers.ok_json(1)), "/b": servers.reset()}
    assert quick().get(server.url("/a")).tries == 3
    assert fails("source_unreachable", lambda: quick().get(server.url("/b"))).values["reason"] == wire.REASONS["broken"]
    assert server.count("/b") == 3


def test_nobody_listens():
    with Misbehaving() as gone:
        url = gone.url("/x?apikey=geheim")
    error = fails("source_unreachable", lambda: quick().get(url))
    assert "127.0.0.1" in error.message_nl
    assert "geheim" not in f"{error}{error.message_nl}"


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch):
    def nowhere(*_: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    error = fails("source_unreachable", lambda: quick().get("http://bestaat-niet.invalid/"))
    assert error.values["reason"] == wire.REASONS["name"]


def test_a_silent_server(server: Misbehaving):
    server.routes["/a"] = servers.silent(1.0)
    error = fails("source_unreachable", lambda: quick(read_s=0.1, tries=2).get(server.url("/a")))
    assert (error.values["reason"], server.count()) == (wire.REASONS["timeout"], 2)


# Bodies that are not right ---------------------------------------------------------------


def test_a_body_that_is_not_complete(server: Misbehaving):
    body = b'{"a": 1}'
    cut_gzip = servers.squeeze(BODY, "gzip")[:-20]
    routes = {
        "/length": servers.truncated(body),
        "/between": servers.chunked(body, complete=False),
        "/within": servers.chunked(body, complete=False, in_chunk=True),
        "/gzip": servers.ok(cut_gzip, Content_Encoding="gzip"),
        "/noise": servers.ok(b"no gzip at all", Content_Encoding="gzip"),
    }
    for path, route in routes.items():
        server.routes |= {path: route, f"{path}-once": servers.first(1, route, servers.ok_json(1))}
        error = fails("source_truncated", lambda path=path: quick().get(server.url(path)))
        assert (server.count(path), error.values["host"]) == (3, "127.0.0.1")
        assert quick().get(server.url(f"{path}-once")).tries == 2


def test_too_large(server: Misbehaving):
    server.routes |= {
        "/fits": servers.ok(bytes(1000)),
        "/said": servers.ok(bytes(1001)),
        "/unsaid": servers.chunked(bytes(1001), complete=True),
        "/decoded": servers.compressed(bytes(1001)),
    }
    client = quick(max_bytes=1000)
    assert len(client.get(server.url("/fits")).body) == 1000
    for path in ("/said", "/unsaid", "/decoded"):
        assert fails("source_too_large", lambda path=path: client.get(server.url(path))).values["limit"] == 1000
        assert server.count(path) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_a_bomb_takes_no_memory(server: Misbehaving, tmp_path: Path, coding: str):
    server.routes["/bomb"] = servers.bomb(300, coding)
    client = quick(max_bytes=1_000_000)
    tracemalloc.start()
    try:
        fails("source_too_large", lambda: client.get(server.url("/bomb")))
        fails("source_too_large", lambda: client.download(server.url("/bomb"), tmp_path / "a.json"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert files(tmp_path) == []


def test_a_bomb_in_a_bomb(server: Misbehaving):
    inner = servers.squeeze(bytes(50_000_000), "gzip")
    server.routes["/bomb"] = servers.ok(servers.squeeze(inner, "gzip"), Content_Encoding="gzip, gzip")
    tracemalloc.start()
    try:
        fails("source_too_large", lambda: quick().get(server.url("/bomb")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


def test_an_unknown_or_endless_coding(server: Misbehaving):
    server.routes |= {
        "/br": servers.ok(b"x", Content_Encoding="br"),
        "/many": servers.ok(b"x", Content_Encoding=", ".join(["gzip"] * 500)),
    }
    for path in ("/br", "/many"):
        fails("source_content", lambda path=path: quick().get(server.url(path)))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000, b"<html>", b"1" * 5000])
def test_not_json(server: Misbehaving, body: bytes):
    server.routes["/a"] = servers.ok(body, "application/json")
    fails("source_not_json", quick().get(server.url("/a")).json)


WRONG_CONTENT = {
    "page": (servers.error_page(), JSON),
    "page said to be json": (servers.error_page("application/json"), JSON),
    "page without type words": (servers.ok(servers.ERROR_PAGE, "text/plain"), JSON),
    "page after a mark": (servers.error_page("application/json", b"\xef\xbb\xbf\r\n  " + servers.ERROR_PAGE), JSON),
    "page in UTF-16": (servers.error_page("text/plain", servers.ERROR_PAGE.decode().encode("utf-16")), JSON),
    "exception report": (servers.error_page("text/xml", servers.EXCEPTION_REPORT), JSON),
    "exception report said to be json": (servers.error_page("application/json", servers.EXCEPTION_REPORT), JSON),
    "exception report for GML": (servers.error_page("text/xml", servers.EXCEPTION_REPORT), ("application/gml+xml",)),
    "page for XML": (servers.error_page("text/xml"), ("text/xml",)),
    "XHTML for XML": (servers.error_page("text/xml", b'<?xml version="1.0"?> ' + servers.ERROR_PAGE), ("text/xml",)),
    "picture": (servers.ok(b"\x89PNG", "image/png"), JSON),
    "json for a picture": (servers.ok_json(1), ("image/*",)),
}


@pytest.mark.parametrize(("route", "accept"), WRONG_CONTENT.values(), ids=WRONG_CONTENT)
def test_an_error_page_with_status_200(server: Misbehaving, route: servers.Route, accept: tuple[str, ...]):
    server.routes["/a"] = route
    error = fails("source_content", lambda: quick().get(server.url("/a"), accept=accept))
    assert accept[0] in error.message_nl
    assert server.count() == 1


RIGHT_CONTENT = {
    "geojson": ("application/geo+json; charset=utf-8", b"{}", JSON),
    "plain text": ("text/plain", b"{}", JSON),
    "gml as xml": ("text/xml; subtype=gml/3.2", b"<wfs:FeatureCollection/>", ("application/gml+xml; version=3.2",)),
    "picture": ("image/png", b"\x89PNG", ("image/*",)),
    "drawing": ("image/svg+xml", b"<svg/>", ("image/*",)),
    "page": ("text/html", servers.ERROR_PAGE, ("text/html",)),
    "nothing asked": ("text/html", servers.ERROR_PAGE, ()),
}


@pytest.mark.parametrize(("kind", "body", "accept"), RIGHT_CONTENT.values(), ids=RIGHT_CONTENT)
def test_the_content_that_was_asked_for(server: Misbehaving, kind: str, body: bytes, accept: tuple[str, ...]):
    server.routes["/a"] = servers.ok(body, kind)
    assert quick().get(server.url("/a"), accept=accept).body == body


# Time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [False, True])
def test_a_slow_drip_ends(server: Misbehaving, head: bool):
    server.routes["/a"] = servers.drip(head=head)
    start = time.monotonic()
    error = fails("source_slow", lambda: quick(total_s=0.5).get(server.url("/a")))
    assert 0.4 < time.monotonic() - start < 2
    assert (error.values["seconds"], server.count()) == ("0.5", 1)


def test_a_drip_without_length_is_not_taken_for_the_end(server: Misbehaving):
    def route(x: servers.Exchange) -> None:
        x.start(200, Connection="close")
        for _ in range(30):
            x.send(b"1")
            time.sleep(0.05)

    server.routes["/a"] = route
    fails("source_slow", lambda: quick(total_s=0.3).get(server.url("/a")))


# Redirects -------------------------------------------------------------------------------


def test_redirects_are_followed(server: Misbehaving):
    server.routes |= dict(servers.redirect_chain("/r", 3, servers.ok_json(1)))
    reply = quick().get(server.url("/r0"))
    assert (reply.url, reply.tries) == (server.url("/r3"), 1)


def test_too_many_redirects(server: Misbehaving):
    server.routes |= dict(servers.redirect_chain("/r", 4, servers.ok_json(1))) | {"/loop": servers.redirect("/loop")}
    for path in ("/r0", "/loop"):
        error = fails("source_redirects", lambda path=path: quick().get(server.url(path)))
        assert error.values["reason"] == wire.REASONS["too_many"]
    assert (server.count("/r4"), server.count("/loop")) == (0, 4)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://x/", "http://me:pw@127.0.0.1/", "http://[", "data:,x"])
def test_redirects_to_something_else(server: Misbehaving, to: str):
    server.routes["/a"] = servers.redirect(to)
    error = fails("source_redirects", lambda: quick().get(server.url("/a")))
    assert (error.values["reason"], server.count()) == (wire.REASONS["scheme"], 1)


def test_a_redirect_without_an_address(server: Misbehaving):
    server.routes["/a"] = servers.status(302)
    fails("source_status", lambda: quick().get(server.url("/a")))


def test_secrets_do_not_go_to_another_server(server: Misbehaving):
    with Misbehaving({"/b": servers.ok_json(1)}) as other:
        server.routes |= {"/a": servers.redirect(other.url("/b")), "/c": servers.redirect("/d")}
        server.routes["/d"] = servers.ok_json(1)
        client = Client(QUICK, headers={"X-Api-Key": "geheim"})
        client.get(server.url("/a"), headers={"Authorization": "geheim"}, accept=JSON)
        client.get(server.url("/c"))
        assert server.seen("/a")[0].headers["x-api-key"] == server.seen("/d")[0].headers["x-api-key"] == "geheim"
        seen = other.seen("/b")[0].headers
        assert "geheim" not in seen.values()
        assert (seen["accept"], seen["user-agent"]) == ("application/json", f"dgdo-geo/{__version__}")


# Addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "x", "example.nl/a", "file:///etc/passwd", "ftp://example.nl", "http://", "http:///a", "http://[::1",
     "http://a:99999/", "https://me:geheim@example.nl/", "https://me@example.nl/", "//example.nl/"],
)  # fmt: skip
def test_an_address_that_cannot_be_fetched(url: str, tmp_path: Path):
    error = fails("source_address", lambda: quick().get(url))
    assert "geheim" not in f"{error}{error.message_nl}"
    fails("source_address", lambda: quick().download(url, tmp_path / "a"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.nl/x?b=1&Api_Key=geheim&c=2", "https://a.nl/x?b=1&Api_Key=***&c=2"),
        ("https://a.nl/x?access_token=geheim", "https://a.nl/x?access_token=***"),
        ("https://a.nl/x?api=geheim;token=geheim#geheim", "https://a.nl/x?api=***"),
        ("https://me:geheim@a.nl/x", "https://a.nl/x"),
        ("me:geheim@a.nl/x", "a.nl/x"),
        ("https://a.nl/\x1b[2Jx", "https://a.nl/?[2Jx"),
    ],
)
def test_messages_show_no_secrets(url: str, expected: str):
    assert shown(url) == expected


def test_an_error_of_a_server_shows_no_secrets(server: Misbehaving, tmp_path: Path):
    server.routes |= {"/a": servers.status(404), "/r": servers.redirect("ftp://x/?key=geheim")}
    for path in ("/a?key=geheim", "/r?token=geheim"):
        with pytest.raises(DataError) as caught:
            quick().get(server.url(path))
        assert "geheim" not in f"{caught.value}{caught.value.message_nl}"
        assert "=***" in caught.value.message_nl


PRIVATE = [
    "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    # Where these lead is not for us to know, also when the address in it is public.
    "::ffff:8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::808:808", "2002:808:808::", "2001:0:808:808::1", "2a00:1450::1%1",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "100.127.255.255",
    "172.31.255.255", "3fff::1", "5f00::1", "100::1", "4000::1", "fdff::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["145.131.0.1", "8.8.8.8", "192.88.98.1", "100.128.0.1", "2a00:1450::1"])
def test_public_addresses(address: str):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_private_host_is_refused_before_any_request(server: Misbehaving, host: str, tmp_path: Path):
    server.routes["/a"] = servers.ok_json(1)
    client = guarded(server)
    fails("source_private", lambda: client.get(server.url("/a", host)))
    fails("source_private", lambda: client.download(server.url("/a", host), tmp_path / "a"))
    assert (server.count(), server.connections, files(tmp_path)) == (0, 0, [])


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: list[str]) -> list[str]:
    """Let names resolve to these addresses, one list after the other; gives the questions."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **more: Any) -> object:
        if not str(host).endswith(".example"):
            return real(host, port, *args, **more)
        asked.append(host)
        found = addresses[min(len(asked), len(addresses)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_one_private_address_among_public_ones_is_refused(server: Misbehaving, monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    client = guarded(server)
    error = fails("source_private", lambda: client.get(server.url("/", "kwaad.example")))
    assert (error.values["address"], server.connections) == ("127.0.0.1", 0)


def test_a_name_that_changes_its_address_does_not_help(server: Misbehaving, monkeypatch: pytest.MonkeyPatch):
    """Every connection uses the addresses that were checked for it: a second answer is never used unchecked."""
    server.routes["/"] = servers.ok_json(1)
    asked = answers(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    dialled: list[str] = []

    def dial(address: tuple[str, int], *_: object) -> socket.socket:
        dialled.append(address[0])
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(wire, "create_connection", dial)
    client = guarded(server)
    fails("source_private", lambda: client.get(server.url("/", "kwaad.example")))
    assert (dialled, len(asked), server.connections) == (["8.8.8.8"], 2, 0)


def test_the_address_really_connected_to_counts(server: Misbehaving, monkeypatch: pytest.MonkeyPatch):
    """A detour below us (a transparent proxy, a resolver within connect) gets no request either."""
    answers(monkeypatch, ["8.8.8.8"])
    real = wire.create_connection

    def dial(address: tuple[str, int], *args: Any) -> socket.socket:
        return real(("127.0.0.1", address[1]), *args)

    monkeypatch.setattr(wire, "create_connection", dial)
    fails("source_private", lambda: guarded(server).get(server.url("/", "kwaad.example")))
    assert server.count() == 0


def test_a_redirect_to_a_private_host_is_refused(server: Misbehaving, monkeypatch: pytest.MonkeyPatch):
    with Misbehaving({"/b": servers.ok_json(1)}) as inside:
        server.routes["/a"] = servers.redirect(inside.url("/b", "binnen.example"))
        answers(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        monkeypatch.setattr(guard, "is_public", lambda address: address != "127.0.0.2")
        client = guarded(server, inside)
        error = fails("source_private", lambda: client.get(server.url("/a", "buiten.example")))
        assert (error.values["address"], error.values["host"]) == ("127.0.0.2", "binnen.example")
        assert (server.count(), inside.connections) == (1, 0)


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8000, 65535])
def test_a_stranger_gets_no_unusual_port(server: Misbehaving, monkeypatch: pytest.MonkeyPatch, port: int):
    """Not even that of a public host: its mail server would take the request for commands. Nothing is looked up."""
    asked = answers(monkeypatch, ["8.8.8.8"])
    error = fails("source_port", lambda: Client(QUICK, guard=Guard()).get(f"http://buiten.example:{port}/a"))
    assert (error.values["port"], error.values["known"]) == (port, "80, 443, 8080, 8443")
    with Misbehaving() as other:
        monkeypatch.setattr(guard, "is_public", lambda _: True)
        server.routes["/a"] = servers.redirect(other.url("/b"))
        fails("source_port", lambda: guarded(server).get(server.url("/a")))
        assert (server.count(), other.connections) == (1, 0)
    assert asked == []


@pytest.mark.parametrize("url", ["ftp://buiten.example/a", "http://me:geheim@buiten.example/", "file:///a"])
def test_a_stranger_gets_only_plain_web_addresses(server: Misbehaving, monkeypatch: pytest.MonkeyPatch, url: str):
    asked = answers(monkeypatch, ["8.8.8.8"])
    fails("source_address", lambda: Client(QUICK, guard=Guard()).get(url))
    monkeypatch.setattr(guard, "is_public", lambda _: True)
    server.routes["/a"] = servers.redirect(url)
    fails("source_redirects", lambda: guarded(server).get(server.url("/a")))
    assert (asked, server.count()) == ([], 1)


def test_a_message_to_a_stranger_does_not_tell_the_address_of_a_host_inside(monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, ["10.20.30.40"])
    error = fails("source_private", lambda: Client(QUICK, guard=Guard()).get("http://binnen.example/"))
    assert "10.20" not in f"{error}{error.message_nl}"


# TLS -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    try:
        subprocess.run(
            [*command.split(), "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Misbehaving]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Misbehaving({"/a": servers.ok_json(1), "/drip": servers.drip()}, tls=context) as running:
        yield running


def test_a_certificate_that_nobody_knows(secure: Misbehaving):
    error = fails("source_unreachable", lambda: quick().get(secure.url("/a", "localhost")))
    assert (error.values["reason"], secure.count(), secure.connections) == (wire.REASONS["certificate"], 0, 1)


def test_tls_with_a_known_certificate(secure: Misbehaving, certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    client = quick(total_s=1.0)
    assert client.get(secure.url("/a", "localhost")).json() == 1
    error = fails("source_unreachable", lambda: client.get(secure.url("/a", "127.0.0.1")))  # another name
    assert error.values["reason"] == wire.REASONS["certificate"]
    fails("source_slow", lambda: client.get(secure.url("/drip", "localhost")))
    assert client.get(secure.url("/a", "localhost")).json() == 1


def test_no_redirect_from_https_to_http(
    secure: Misbehaving, server: Misbehaving, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    server.routes |= {"/a": servers.ok_json(1), "/up": servers.redirect(secure.url("/a", "localhost"))}
    secure.routes["/down"] = servers.redirect(server.url("/a"))
    error = fails("source_redirects", lambda: quick().get(secure.url("/down", "localhost")))
    assert (error.values["reason"], server.count()) == (wire.REASONS["insecure"], 0)
    assert quick().get(server.url("/up")).json() == 1


# Downloads -------------------------------------------------------------------------------


def test_a_download(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.ok(BODY, ETag='"v1"')
    target, steps = tmp_path / "deep" / "a.gpkg", []
    reply = quick().download(server.url("/a"), target, on_bytes=lambda done, total: steps.append((done, total)))
    assert (reply.status, reply.body, reply.tries, reply.validators.etag) == (200, b"", 1, '"v1"')
    assert target.read_bytes() == BODY
    assert files(target.parent) == ["a.gpkg"]
    assert steps[-1] == (len(BODY), len(BODY))
    assert steps == sorted(steps)
    assert server.seen("/a")[0].headers["accept-encoding"] == "identity"


def test_an_empty_file_is_a_file(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.ok(b"")
    quick().download(server.url("/a"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b""


def test_a_download_that_is_still_the_newest(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.conditional(BODY, etag='"v1"')
    target = tmp_path / "a"
    known = Validators('"v1"')
    assert quick().download(server.url("/a"), target, known=known).status == 200  # there is no file yet
    target.write_bytes(b"old, but good")
    assert quick().download(server.url("/a"), target, known=known).status == 304
    assert (target.read_bytes(), files(tmp_path)) == (b"old, but good", ["a"])


BAD_DOWNLOADS = {
    "source_status": servers.status(404),
    "source_truncated": servers.truncated(BODY, kind="application/zip"),
    "source_too_large": servers.chunked(bytes(2_000_000), complete=True),
    "source_content": servers.error_page(),
    "source_slow": servers.drip(),
    "source_unreachable": servers.reset(),
    "source_redirects": servers.redirect("file:///etc/passwd"),
}


@pytest.mark.parametrize(("key", "route"), BAD_DOWNLOADS.items(), ids=BAD_DOWNLOADS)
def test_a_failed_download_leaves_the_earlier_file(server: Misbehaving, tmp_path: Path, key: str, route: servers.Route):
    server.routes["/a"] = route
    target = tmp_path / "a.zip"
    target.write_bytes(b"earlier")
    fails(key, lambda: quick(total_s=0.5).download(server.url("/a"), target))
    assert (target.read_bytes(), files(tmp_path)) == (b"earlier", ["a.zip"])


def test_a_page_may_be_downloaded_as_a_page(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.error_page()
    quick().download(server.url("/a"), tmp_path / "a.html")
    fails("source_content", lambda: quick().download(server.url("/a"), tmp_path / "b.html", accept=JSON))
    assert files(tmp_path) == ["a.html"]


RESUMABLE = {"etag": {"etag": '"v1"'}, "date": {"modified": LONG_AGO}}


@pytest.mark.parametrize("validators", RESUMABLE.values(), ids=RESUMABLE)
def test_a_next_try_asks_only_for_the_rest(server: Misbehaving, tmp_path: Path, validators: dict[str, str]):
    server.routes["/a"] = servers.ranged(BODY, cut=100_000, **validators)
    steps: list[tuple[int, int | None]] = []
    reply = quick().download(server.url("/a"), tmp_path / "a", on_bytes=lambda *step: steps.append(step))
    assert (reply.status, reply.tries) == (200, 2)
    assert (tmp_path / "a").read_bytes() == BODY
    assert server.sent["/a"] == len(BODY)
    assert server.seen("/a")[1].headers["range"] == "bytes=100000-"
    assert server.seen("/a")[1].headers["if-range"] == next(iter(validators.values()))
    assert steps[-1] == (len(BODY), len(BODY))
    assert files(tmp_path) == ["a"]


def interrupted(server: Misbehaving, target: Path, **options: Any) -> None:
    """A download with one try that is cut off after 100 000 bytes."""
    server.routes["/a"] = servers.ranged(BODY, cut=100_000, **options)
    fails("source_truncated", lambda: quick(tries=1).download(server.url("/a"), target))
    server.sent.clear()


def test_a_later_download_goes_on(server: Misbehaving, tmp_path: Path):
    target = tmp_path / "a"
    target.write_bytes(b"earlier")
    interrupted(server, target, etag='"v1"')
    assert files(tmp_path) == [".a.part", ".a.part.json", "a"]
    assert (tmp_path / ".a.part").read_bytes() == BODY[:100_000]
    assert target.read_bytes() == b"earlier"
    assert quick().download(server.url("/a"), target).tries == 1
    assert (target.read_bytes(), server.sent["/a"], files(tmp_path)) == (BODY, len(BODY) - 100_000, ["a"])


def test_a_changed_file_is_downloaded_anew(server: Misbehaving, tmp_path: Path):
    target, new = tmp_path / "a", BODY[::-1]
    interrupted(server, target, etag='"v1"')
    server.routes["/a"] = servers.ranged(new, etag='"v2"')
    assert quick().download(server.url("/a"), target).validators.etag == '"v2"'
    assert (target.read_bytes(), server.sent["/a"], files(tmp_path)) == (new, len(new), ["a"])


def test_a_changed_file_that_is_cut_off_too_leaves_no_mixed_part(server: Misbehaving, tmp_path: Path):
    interrupted(server, tmp_path / "a", etag='"v1"')
    server.routes["/a"] = servers.truncated(BODY[::-1][:120_000], kind="application/zip")
    fails("source_truncated", lambda: quick(tries=1).download(server.url("/a"), tmp_path / "a"))
    assert files(tmp_path) == []


@pytest.mark.parametrize("options", [{}, {"etag": 'W/"v1"'}, {"modified": "just now"}])
def test_without_a_sure_version_no_part_is_kept(server: Misbehaving, tmp_path: Path, options: dict[str, str]):
    if "modified" in options:  # the time of the test, not the time at which the tests were collected
        options = {"modified": formatdate(usegmt=True)}
    interrupted(server, tmp_path / "a", **options)
    assert files(tmp_path) == []
    quick().download(server.url("/a"), tmp_path / "a")
    assert "range" not in server.seen("/a")[1].headers
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_server_without_range(server: Misbehaving, tmp_path: Path):
    interrupted(server, tmp_path / "a", etag='"v1"', ranges=False)
    quick().download(server.url("/a"), tmp_path / "a")
    assert ((tmp_path / "a").read_bytes(), server.sent["/a"]) == (BODY, len(BODY))


def other_part(first: int = 100_000, last: int | None = None, **headers: str) -> servers.Route:
    """A wrong answer to Range; the right one without."""

    def route(x: servers.Exchange) -> None:
        if "range" not in x.seen.headers:
            x.answer(BODY, ETag='"v1"')
            return
        end = len(BODY) - 1 if last is None else last
        headers.setdefault("Content_Range", f"bytes {first}-{end}/{len(BODY)}")
        x.answer(bytes(end + 1 - first), 206, **headers)  # other bytes: to use them would show

    return route


WRONG_PARTS = {
    "another place": other_part(first=99_999),
    "another version": other_part(ETag='"v2"'),
    "not up to the end": other_part(last=200_000),
    "no place": other_part(Content_Range="lines 1-2/3"),
    "compressed": other_part(Content_Encoding="gzip"),
    "cannot be": lambda x: x.answer(b"", 416) if "range" in x.seen.headers else x.answer(BODY, ETag='"v1"'),
}


@pytest.mark.parametrize("route", WRONG_PARTS.values(), ids=WRONG_PARTS)
def test_a_rest_that_does_not_fit_is_not_used(server: Misbehaving, tmp_path: Path, route: servers.Route):
    interrupted(server, tmp_path / "a", etag='"v1"')
    server.routes["/a"] = route
    assert quick(tries=1).download(server.url("/a"), tmp_path / "a").tries == 1
    assert ((tmp_path / "a").read_bytes(), files(tmp_path)) == (BODY, ["a"])


@pytest.mark.parametrize("note", [None, b"", b"{", b"[]", b"{}", b'{"id": "x", "validator": "\\"v1\\""}', b"\xff"])
def test_a_part_without_a_good_note_is_not_used(server: Misbehaving, tmp_path: Path, note: bytes | None):
    interrupted(server, tmp_path / "a", etag='"v1"')
    path = tmp_path / ".a.part.json"
    if note is None:
        path.unlink()
    else:
        path.write_bytes(note)
    quick().download(server.url("/a"), tmp_path / "a")
    assert "range" not in server.seen("/a")[1].headers
    assert ((tmp_path / "a").read_bytes(), files(tmp_path)) == (BODY, ["a"])


def test_a_part_belongs_to_one_address(server: Misbehaving, tmp_path: Path):
    interrupted(server, tmp_path / "a", etag='"v1"')
    server.routes["/b"] = servers.ranged(BODY[::-1], etag='"v1"')
    quick().download(server.url("/b"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY[::-1]


def test_a_note_holds_no_secret(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.ranged(BODY, etag='"v1"', cut=1000)
    fails("source_truncated", lambda: quick(tries=1).download(server.url("/a?key=geheim"), tmp_path / "a"))
    note = (tmp_path / ".a.part.json").read_text(encoding="utf-8")
    assert "geheim" not in note
    assert json.loads(note)["validator"] == '"v1"'


def test_the_rest_counts_for_the_limit(server: Misbehaving, tmp_path: Path):
    interrupted(server, tmp_path / "a", etag='"v1"')
    fails("source_too_large", lambda: quick(max_bytes=200_000).download(server.url("/a"), tmp_path / "a"))
    assert files(tmp_path) == []


def test_a_compressed_download_is_decoded_and_never_resumed(server: Misbehaving, tmp_path: Path):
    data = servers.squeeze(BODY, "gzip")
    bad = servers.truncated(data, kind="application/zip", Content_Encoding="gzip", ETag='"v1"')
    server.routes["/a"] = servers.first(1, bad, servers.ok(data, Content_Encoding="gzip", ETag='"v1"'))
    assert quick().download(server.url("/a"), tmp_path / "a").tries == 2
    assert "range" not in server.seen("/a")[1].headers
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_file_that_cannot_be_written(server: Misbehaving, tmp_path: Path):
    server.routes["/a"] = servers.ok(BODY)
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").write_bytes(b"x")
    fails("source_not_saved", lambda: quick().download(server.url("/a"), tmp_path / "file" / "a"))
    fails("source_not_saved", lambda: quick().download(server.url("/a"), tmp_path / "folder"))
    assert files(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize("options", [{"etag": '"v1"'}, {}])
def test_a_user_who_stops_is_obeyed_and_can_go_on(server: Misbehaving, tmp_path: Path, options: dict[str, str]):
    server.routes["/a"] = servers.ranged(BODY, **options)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    client = quick()
    with pytest.raises(KeyboardInterrupt):
        client.download(server.url("/a"), tmp_path / "a", on_bytes=stop)
    assert server.count() == 1
    assert files(tmp_path) == ([".a.part", ".a.part.json"] if options else [])
    for _ in range(3):  # the places at the host are free again
        client.download(server.url("/a"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert ("range" in server.seen("/a")[1].headers) == bool(options)


# Several at once -------------------------------------------------------------------------


def test_two_at_a_time_and_safe_between_threads(server: Misbehaving):
    bodies = {f"/{number}": bytes([number]) * 50_000 for number in range(12)}

    def slowly(body: bytes) -> servers.Route:
        def route(x: servers.Exchange) -> None:
            time.sleep(0.15)
            x.answer(body)

        return route

    server.routes |= {path: slowly(body) for path, body in bodies.items()}
    client, found = quick(), {}

    def fetch(path: str) -> Reply:
        found[path] = client.get(server.url(path))
        return found[path]

    threads = [threading.Thread(target=fetch, args=(path,)) for path in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path: reply.body for path, reply in found.items()} == bodies
    assert server.most_at_once == 2


def test_a_pause_between_requests(server: Misbehaving, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "PAUSE_S", 0.1)
    server.routes["/a"] = servers.ok(b"x")
    client, start = quick(), time.monotonic()
    for _ in range(4):
        client.get(server.url("/a"))
    assert time.monotonic() - start >= 0.3


def test_two_downloads_to_one_file(server: Misbehaving, tmp_path: Path):
    def in_halves(body: bytes) -> servers.Route:
        def route(x: servers.Exchange) -> None:
            x.start(200, Content_Length=str(len(body)), ETag='"v1"')
            x.send(body[:100_000])
            time.sleep(0.05)
            x.send(body[100_000:])

        return route

    server.routes |= {"/a": in_halves(BODY), "/b": in_halves(BODY[::-1])}
    client = quick()
    threads = [
        threading.Thread(target=client.download, args=(server.url(path), tmp_path / "x")) for path in ("/a", "/b") * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "x").read_bytes() in (BODY, BODY[::-1])
    assert files(tmp_path) == ["x"]
