"""Concerns beside the verdict: which ones a reader sees first, and those that a user adds."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from rich.console import Console
from worlds import TODAY, World, at, concern, declared, flat, square, tiny_tables, write_tables

from dgdo_geo.errors import DataError, DeclarationError, DgdoGeoError, InputError
from dgdo_geo.knowledge import KNOWLEDGE_DIR
from dgdo_geo.model import Assessment, Concern, Fit, FittingConcern, RaisedBy, Reader, RegionKind
from dgdo_geo.model.fitting import OF_ONE_SUBJECT, OF_THE_REGION, POINTS, SHOWN, for_reader
from dgdo_geo.query import Explorer
from dgdo_geo.query.own_concerns import add_concern, read_own_concerns
from dgdo_geo.report.card import print_card

ONE_PER_REGION = {"Noord": "GM0014", "Oost": "GM0193", "Zuid": "GM0983", "West": "GM0503"}
READERS = (Reader.MUNICIPALITY, Reader.PROVINCE)


def told(found: Assessment) -> dict[str, object]:
    """All that the answers say, without the concerns beside them."""
    document = found.to_dict()
    return flat({key: document[key] for key in ("answers", "procedure", "quality", "region")})


def ids(concerns: Iterable[FittingConcern]) -> list[str]:
    return [item.concern.id for item in concerns]


# Who sees what first: by hand --------------------------------------------------------------


def fitting(concern_id: str, *fits: Fit, by: RaisedBy = RaisedBy.ALL, **changes: Any) -> FittingConcern:
    """A concern that fits for these reasons; about a subject of its own unless said otherwise."""
    draft = concern(concern_id, raised_by=by.value, **{"subject": concern_id} | changes)
    return FittingConcern(declared(Concern, draft), fits)


def first_ids(concerns: list[FittingConcern], reader: Reader = Reader.MUNICIPALITY) -> list[str]:
    return ids(for_reader(concerns, reader)[0])


@pytest.mark.parametrize("number", [0, 1, SHOWN - 1, SHOWN, SHOWN + 1, 30])
def test_not_more_than_eight_stand_first(number: int) -> None:
    concerns = [fitting(f"c{i:02}") for i in range(number)]
    first, rest = for_reader(concerns, Reader.MUNICIPALITY)
    assert len(first) == min(number, SHOWN) <= 8
    assert ids(first) + ids(rest) == ids(concerns)


def test_of_one_subject_only_some_stand_first() -> None:
    schools = [fitting(f"school-{i}", Fit.ACTIVITY, subject="scholen") for i in range(5)]
    others = [fitting(f"c{i}") for i in range(SHOWN)]
    shown = Counter(item.concern.subject for item in for_reader(schools + others, Reader.MUNICIPALITY)[0])
    assert shown["scholen"] == OF_ONE_SUBJECT <= 3
    assert sum(shown.values()) == SHOWN


def test_where_there_is_no_other_subject_the_next_in_line_stand_first() -> None:
    schools = [fitting(f"school-{i}", subject="scholen") for i in range(SHOWN + 2)]
    assert first_ids(schools) == ids(schools)[:SHOWN]


def test_the_region_as_a_whole_leaves_room_for_the_readers_own_level() -> None:
    regional = [fitting(f"r{i}", Fit.REGION, Fit.CONSTRAINT) for i in range(SHOWN)]
    mine = [fitting(f"m{i}", by=RaisedBy.MUNICIPALITIES) for i in range(SHOWN)]
    shown = first_ids(regional + mine)
    assert [i for i in shown if i.startswith("r")] == ids(regional)[:OF_THE_REGION]
    assert len(shown) == SHOWN
    assert first_ids(regional) == ids(regional)


def test_the_order_is_that_of_relevance_and_then_of_the_files() -> None:
    concerns = [
        fitting("c-any"),
        fitting("c-unanswered", Fit.UNANSWERED),
        fitting("c-activity", Fit.ACTIVITY),
        fitting("c-mine", by=RaisedBy.MUNICIPALITIES),
        fitting("c-constraint", Fit.CONSTRAINT),
        fitting("c-region", Fit.REGION),
        fitting("c-own", Fit.OWN_PLACE, author="Ik", places=["GM9001"]),
        fitting("c-other"),
    ]
    expected = ["own", "region", "mine", "activity", "constraint", "unanswered", "any", "other"]
    assert first_ids(concerns) == [f"c-{name}" for name in expected]


def test_a_concern_of_the_users_own_outweighs_everything() -> None:
    everything = sum(points for fit, points in POINTS.items() if fit is not Fit.OWN_PLACE)
    assert POINTS[Fit.OWN_PLACE] > everything
    strong = [
        fitting(f"s{i}", Fit.REGION, Fit.ACTIVITY, Fit.CONSTRAINT, by=RaisedBy.MUNICIPALITIES) for i in range(SHOWN)
    ]
    own = [fitting(f"own{i}", Fit.OWN_PLACE, author="Ik", places=["GM9001"], subject="put") for i in range(5)]
    assert first_ids(strong + own)[:5] == ids(own)


@pytest.mark.parametrize("reader", Reader)
def test_what_only_another_level_raised_stands_among_the_others(reader: Reader) -> None:
    voices = {voice: fitting(f"c-{number}", Fit.REGION, by=voice) for number, voice in enumerate(RaisedBy)}
    first, rest = for_reader(list(voices.values()), reader)
    mine = {RaisedBy.ALL, reader.voice}
    assert {item.concern.raised_by for item in first} == mine
    assert {item.concern.raised_by for item in rest} == set(RaisedBy) - mine
    assert [Fit.READER in item.fits for item in first] == [True, False]
    assert all(Fit.READER not in item.fits for item in rest)


def test_with_an_activity_only_its_concerns_and_general_ones_are_left() -> None:
    concerns = [fitting("any"), fitting("heat", activities=["warmte"]), fitting("salt", activities=["zout"])]
    first, rest = for_reader(concerns, Reader.MUNICIPALITY, "warmte")
    assert (ids(first), rest) == (["any", "heat"], ())


# The shipped register ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def answered(explorer: Explorer) -> dict[str, Assessment]:
    """The answer for one municipality per DGDO region."""
    return {region: explorer.for_region(code) for region, code in ONE_PER_REGION.items()}


@pytest.mark.parametrize("region", ONE_PER_REGION)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_a_few_concerns_of_its_own_first(
    answered: dict[str, Assessment], region: str, reader: Reader
) -> None:
    found = answered[region]
    assert found.region.dgdo_regions == (region,)
    first, rest = found.concerns_for(reader)
    assert 1 <= len(first) <= 8
    assert {item.concern.raised_by for item in first} <= {RaisedBy.ALL, reader.voice}
    assert any(item.concern.raised_by is reader.voice for item in first)
    assert [item.relevance for item in first] == sorted((item.relevance for item in first), reverse=True)
    every = ids(first) + ids(rest)
    assert len(every) == len(set(every))
    assert set(every) == set(ids(found.concerns))


@pytest.mark.parametrize("region", ONE_PER_REGION)
@pytest.mark.parametrize("reader", READERS)
def test_the_region_is_heard_first_and_no_other_region_at_all(
    answered: dict[str, Assessment], explorer: Explorer, region: str, reader: Reader
) -> None:
    first, rest = answered[region].concerns_for(reader)
    for item in (*first, *rest):
        assert not item.concern.regions or region in item.concern.regions, item.concern.id
        assert (Fit.REGION in item.fits) is bool(item.concern.regions)
    assert any(item.concern.regions for item in first)
    regional = [item for item in first if item.concern.regions]
    assert 1 <= len(regional) <= OF_THE_REGION
    # What the region raised without regard to activity or map is never left out.
    always = {c.id for c in explorer.knowledge.concerns if c.regions == (region,) and not c.activities + c.families}
    assert always <= set(ids((*first, *rest)))


def test_readers_and_regions_see_different_concerns(answered: dict[str, Assessment]) -> None:
    shown = {
        (region, reader): frozenset(ids(found.concerns_for(reader)[0]))
        for region, found in answered.items()
        for reader in READERS
    }
    assert len(set(shown.values())) == len(ONE_PER_REGION) * len(READERS)
    for region in ONE_PER_REGION:
        assert shown[region, Reader.MUNICIPALITY] != shown[region, Reader.PROVINCE]


@pytest.mark.parametrize(
    ("place", "reader"),
    [("GM0193", Reader.MUNICIPALITY), ("PV23", Reader.PROVINCE), ("Oost", Reader.PROVINCE)],
)
def test_who_reads_follows_from_the_place(explorer: Explorer, place: str, reader: Reader) -> None:
    found = explorer.for_region(place, activities=["geothermie"])
    assert found.default_reader is reader
    assert ids(found.concerns_for()[0]) == ids(found.concerns_for(reader)[0])


def test_a_water_board_is_read_by_a_water_board(tiny: Explorer) -> None:
    found = tiny.for_region("GM9001", TODAY)
    board = replace(found, region=replace(found.region, kind=RegionKind.WATER_BOARD))
    assert board.default_reader is Reader.WATER_BOARD
    assert tiny.for_region("NL", TODAY).default_reader is Reader.PROVINCE
    assert tiny.at_point(*at(1, 1), TODAY).default_reader is Reader.MUNICIPALITY


def test_verdicts_are_the_same_whatever_concerns_there_are(explorer: Explorer, answered: dict[str, Assessment]) -> None:
    bare = Explorer(
        explorer.workspace,
        dict(explorer.states),
        {layer_id: explorer.layer(layer_id).to_gdf() for layer_id in explorer._products},
        replace(explorer.knowledge, concerns=()),
    )
    for region, code in ONE_PER_REGION.items():
        found = bare.for_region(code)
        assert found.concerns == ()
        assert told(found) == pytest.approx(told(answered[region]))
        # The first answers may come from the slower engine.
        assert replace(found.receipt, engine="") == replace(answered[region].receipt, engine="")


# Concerns of the user's own ----------------------------------------------------------------

OWN = {
    "title": "Oude put",
    "body": "Hier ligt een put van voor 1950.",
    "author": "Gemeente Westdorp",
    "source": "Brief",
}


def add(world: World, places: list[str], **changes: Any) -> Concern:
    """Add one as the command line does: beside the shipped knowledge."""
    given: dict[str, Any] = OWN | {"places": places} | changes
    return add_concern(world.open().workspace.path, world.read_knowledge(), **given)


def stored(world: World) -> list[Path]:
    """Everything in the folder of own concerns, temporary files included."""
    return sorted(path for path in (world.workspace / "concerns").glob("*") if path.is_file())


def asked(explorer: Explorer) -> dict[str, Assessment]:
    """All kinds of places, in and outside Westdorp."""
    return {
        "Westdorp": explorer.for_region("GM9001", TODAY),
        "Overijssel": explorer.for_region("PV23", TODAY),
        "Oost": explorer.for_region("Oost", TODAY),
        "NL": explorer.for_region("NL", TODAY),
        "point in Westdorp": explorer.at_point(*at(7, 7), TODAY),
        "square in Westdorp": explorer.in_area(square(6, 6, 7, 7), TODAY),
        "square across": explorer.in_area(square(9, 6, 11, 7), TODAY),
        "Oostdorp": explorer.for_region("GM9002", TODAY),
        "Drenthe": explorer.for_region("PV22", TODAY),
        "Noord": explorer.for_region("Noord", TODAY),
        "point in Oostdorp": explorer.at_point(*at(12, 7), TODAY),
        "square in Oostdorp": explorer.in_area(square(12, 6, 13, 7), TODAY),
    }


WEST = {"Westdorp", "Overijssel", "Oost", "NL", "point in Westdorp", "square in Westdorp", "square across"}
EAST = {"Oostdorp", "Drenthe", "Noord", "NL", "point in Oostdorp", "square in Oostdorp", "square across"}


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (["GM9001"], WEST),
        (["PV23"], WEST),
        (["Oost"], WEST),
        (["GM9002"], EAST),
        (["PV22"], EAST),
        (["Noord"], EAST),
        (["GM9001", "GM9002"], WEST | EAST),
        (["GM1234"], set()),
        (["Zuid"], set()),
    ],
)
def test_an_own_concern_is_shown_in_its_place_and_nowhere_else(
    tiny_world: World, places: list[str], expected: set[str]
) -> None:
    before = {name: told(found) for name, found in asked(tiny_world.open()).items()}
    added = add(tiny_world, places)
    after = asked(tiny_world.open())
    assert {name for name, found in after.items() if added.id in ids(found.concerns)} == expected
    for name, found in after.items():
        assert told(found) == pytest.approx(before[name])
        if name in expected:
            for reader in Reader:
                first = found.concerns_for(reader)[0]
                assert (first[0].concern.id, first[0].fits[0]) == (added.id, Fit.OWN_PLACE)
                assert first[0].concern.is_own
        assert [i for i in ids(found.concerns) if i != added.id]


def test_an_own_concern_comes_first_where_the_map_says_most(tiny_world: World) -> None:
    """A concern of the region about an activity and a constraint here, raised by the reader's own level."""
    tables = tiny_tables()
    strong = concern("zorg-sterk", regions=["Oost"], activities=["warmte"], families=["groundwater"])
    tables["concerns/test.toml"]["concern"].insert(0, strong)
    tables["concern_coverage.toml"]["section"][0]["concerns"].append("zorg-sterk")
    write_tables(tiny_world.knowledge, tables)
    added = add(tiny_world, ["GM9001"])
    found = tiny_world.open().at_point(*at(2.5, 2.5), TODAY)
    assert ids(found.concerns_for(Reader.MUNICIPALITY)[0])[:2] == [added.id, "zorg-sterk"]


def test_an_own_concern_is_marked_with_who_added_it(tiny_world: World) -> None:
    added = add(tiny_world, ["GM9001"], raised_by="gemeenten", raised_on=date(2026, 5, 1), activities=["bodem"])
    found = tiny_world.open().for_region("GM9001", TODAY)
    document = found.to_dict()
    assert isinstance(document["concerns"], list)
    own = {item["id"]: item for item in document["concerns"]}[added.id]
    assert (own["author"], own["places"], own["raised_on"]) == ("Gemeente Westdorp", ["GM9001"], "2026-05-01")
    assert own["source"]["title"] == "Brief"
    assert [item["author"] for item in document["concerns"] if item["id"] != added.id] == ["", ""]
    first = document["concerns_first"]
    assert isinstance(first, dict)
    assert first["gemeente"][0] == added.id
    assert added.id not in first["provincie"]
    printed = StringIO()
    print_card(found, Console(file=printed, width=100))
    assert "Gemeente Westdorp" in " ".join(printed.getvalue().split())


def test_an_own_concern_about_one_activity_is_not_shown_with_another(tiny_world: World) -> None:
    added = add(tiny_world, ["GM9001"], activities=["zout"])
    explorer = tiny_world.open()
    assert added.id in ids(explorer.for_region("GM9001", TODAY, activities=["zout"]).concerns)
    assert added.id not in ids(explorer.for_region("GM9001", TODAY, activities=["bodem"]).concerns)


def test_adding_leaves_the_shipped_concerns_alone(tiny_world: World) -> None:
    files = {
        path: path.read_bytes() for path in (*KNOWLEDGE_DIR.rglob("*.toml"), *tiny_world.knowledge.rglob("*.toml"))
    }
    shipped = tiny_world.read_knowledge().concerns
    first = add(tiny_world, ["GM9001"])
    kept = stored(tiny_world)[0].read_bytes()
    add(tiny_world, ["GM9001"], title="Nog een put")
    assert {path: path.read_bytes() for path in files} == files
    explorer = tiny_world.open()
    assert explorer.knowledge.concerns[: len(shipped)] == shipped
    assert len(explorer.knowledge.concerns) == len(shipped) + 2
    assert (tiny_world.workspace / "concerns" / f"{first.id}.toml").read_bytes() == kept
    assert explorer.knowledge.hash == tiny_world.read_knowledge().hash


def test_what_is_added_reads_back_the_same(tiny_world: World) -> None:
    body = 'Regel "een".\nRegel \\twee\\ met é, €, ” en\ttab.'
    added = add(tiny_world, ["GM9001", "Noord", "WS01"], body=body, title="  Put 'x'  ", activities=["bodem"])
    [read] = read_own_concerns(tiny_world.workspace, tiny_world.read_knowledge())
    assert read == added
    assert (read.text_nl, read.title_nl) == (body, "Put 'x'")
    [path] = stored(tiny_world)
    assert path.name == f"{added.id}.toml"
    assert tomllib.loads(path.read_text(encoding="utf-8"))["concern"][0]["id"] == added.id


def test_the_same_title_twice_gives_two_ids(tiny_world: World) -> None:
    added = [add(tiny_world, ["GM9001"], body=f"Tekst {i}.") for i in range(3)]
    assert [c.id for c in added] == ["eigen-oude-put", "eigen-oude-put-2", "eigen-oude-put-3"]
    found = tiny_world.open().for_region("GM9001", TODAY)
    assert {"eigen-oude-put", "eigen-oude-put-2", "eigen-oude-put-3"} <= set(ids(found.concerns))
    assert {c.text_nl for c in read_own_concerns(tiny_world.workspace, tiny_world.read_knowledge())} == {
        "Tekst 0.",
        "Tekst 1.",
        "Tekst 2.",
    }


@pytest.mark.parametrize(
    ("title", "concern_id"),
    [
        ("Zoë's waterput (2e)", "eigen-zoe-s-waterput-2e"),
        ("../../etc/passwd", "eigen-etc-passwd"),
        ("井", "eigen-aandachtspunt"),
        ("x" * 120, "eigen-" + "x" * 50),
        ("a/b\\c:d", "eigen-a-b-c-d"),
    ],
)
def test_any_title_gives_a_file_in_the_folder(tiny_world: World, title: str, concern_id: str) -> None:
    assert add(tiny_world, ["GM9001"], title=title).id == concern_id
    assert [path.name for path in stored(tiny_world)] == [f"{concern_id}.toml"]
    assert tiny_world.open().knowledge.concerns[-1].title_nl == title


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, ["de titel", "niets bewaard"]),
        ({"title": "   "}, ["de titel", "niets bewaard"]),
        ({"title": "x" * 121}, ["de titel", "120", "niets bewaard"]),
        ({"body": ""}, ["de tekst", "niets bewaard"]),
        ({"body": " \n "}, ["de tekst", "niets bewaard"]),
        ({"body": "x" * 2001}, ["de tekst", "2000", "niets bewaard"]),
        ({"author": ""}, ["uw naam", "niets bewaard"]),
        ({"author": " "}, ["uw naam", "niets bewaard"]),
        ({"source": ""}, ["de bron", "niets bewaard"]),
        ({"source": "  "}, ["de bron", "niets bewaard"]),
        ({"places": []}, ["de plaats", "niets bewaard"]),
        ({"places": ["GM9001", "Zwolle"]}, ["‘Zwolle’", "GM0193", "niets bewaard"]),
        ({"places": ["GM901"]}, ["‘GM901’", "niets bewaard"]),
        ({"places": ["gm9001"]}, ["‘gm9001’", "niets bewaard"]),
        ({"places": [""]}, ["‘’", "niets bewaard"]),
        ({"activities": ["magie"]}, ["‘magie’", "warmte, bodem, zout"]),
        ({"raised_by": "burgers"}, ["wie het inbracht", "gemeenten", "niets bewaard"]),
    ],
)
def test_a_concern_that_lacks_something_is_refused_in_dutch_and_nothing_is_written(
    tiny_world: World, changes: dict[str, Any], words: list[str]
) -> None:
    add(tiny_world, ["GM9001"])
    before = {path: path.read_bytes() for path in stored(tiny_world)}
    with pytest.raises(InputError) as caught:
        add(tiny_world, **{"places": ["GM9001"]} | changes)
    for word in words:
        assert word in caught.value.message_nl
    assert caught.value.exit_code == 2
    assert {path: path.read_bytes() for path in stored(tiny_world)} == before


@pytest.mark.parametrize("length", [120, 2000])
def test_the_longest_title_and_text_are_taken(tiny_world: World, length: int) -> None:
    add(tiny_world, ["GM9001"], **{"title" if length == 120 else "body": "x" * length})
    assert len(stored(tiny_world)) == 1


def test_a_write_that_fails_leaves_nothing_behind(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tiny_world, ["GM9001"])
    before = {path: path.read_bytes() for path in stored(tiny_world)}

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(DataError) as caught:
            add(tiny_world, ["GM9001"], title="Nieuwe put")
    assert "No space left" in caught.value.message_nl
    assert {path: path.read_bytes() for path in stored(tiny_world)} == before
    assert len(read_own_concerns(tiny_world.workspace, tiny_world.read_knowledge())) == 1


def own_entry(**changes: Any) -> dict[str, Any]:
    """An own concern as somebody may write it by hand; None takes a key away."""
    entry: dict[str, Any] = {
        "id": "put",
        "title_nl": "Put",
        "text_nl": "Let op de put.",
        "raised_by": "alle",
        "places": ["GM9001"],
        "author": "Ik",
        "raised_on": TODAY,
        "source": {"title": "Brief"},
    } | changes
    return {key: value for key, value in entry.items() if value is not None}


def write_own(world: World, *entries: dict[str, Any], name: str = "x.toml") -> None:
    path = world.workspace / "concerns" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps({"concern": list(entries)}), encoding="utf-8")


def test_a_file_written_by_hand_is_read_with_its_groups_of_activities(tiny_world: World) -> None:
    tiny_world.open()
    write_own(tiny_world, own_entry(activities=["boring"]), own_entry(id="put-2", places=["Oost"]))
    explorer = tiny_world.open()
    assert explorer.knowledge.concerns[-2].activities == ("warmte", "bodem")
    assert ids(explorer.for_region("GM9001", TODAY, activities=["bodem"]).concerns)[:2] == ["put", "put-2"]


@pytest.mark.parametrize(
    ("changes", "entry", "key"),
    [
        ({"titel": "Put"}, "concern 'put'", "titel"),
        ({"text_nl": None}, "concern 'put'", "text_nl"),
        ({"text_nl": "x" * 2001}, "concern 'put'", "text_nl"),
        ({"author": None}, "concern 'put'", "author"),
        ({"author": " "}, "concern 'put'", "author"),
        ({"places": None}, "concern 'put'", "places"),
        ({"places": ["Zwolle"]}, "concern 'put'", "places"),
        ({"places": "GM9001"}, "concern 'put'", "places"),
        ({"source": None}, "concern 'put'", "source"),
        ({"source": {"title": " "}}, "concern 'put'", "source"),
        ({"source": {"id": "papier"}}, "concern 'put'", "source.title"),
        ({"raised_by": "burgers"}, "concern 'put'", "raised_by"),
        ({"raised_on": "gisteren"}, "concern 'put'", "raised_on"),
        ({"activities": ["magie"]}, "concern 'put'", "activity"),
        ({"id": "zorg-overal"}, "concern 'zorg-overal'", "id"),
        ({"id": "Put 1"}, "concern 'Put 1'", "id"),
        ({"id": None}, "concern 'number 1'", "id"),
    ],
)
def test_a_broken_file_gives_one_message_with_file_entry_and_key(
    tiny_world: World, changes: dict[str, Any], entry: str, key: str
) -> None:
    tiny_world.open()
    write_own(tiny_world, own_entry(**changes))
    with pytest.raises(DeclarationError) as caught:
        tiny_world.open()
    message = str(caught.value)
    place, _, problem = message.partition(f"{entry}: ")
    assert place.endswith("concerns/x.toml: ")
    assert key in problem
    assert "; " not in problem.replace("; known: ", "")
    assert str(tiny_world.workspace) not in message
    assert caught.value.message_nl != message


@pytest.mark.parametrize("content", [b'[[concern]]\nid = "a"\nid = "b"\n', b"\xff\xfe", b"[concern]\n", b"[[zorg]]\n"])
def test_a_file_that_is_something_else_is_named(tiny_world: World, content: bytes) -> None:
    tiny_world.open()
    write_own(tiny_world)
    (tiny_world.workspace / "concerns" / "x.toml").write_bytes(content)
    with pytest.raises(DgdoGeoError, match=r"concerns/x\.toml: "):
        tiny_world.open()


def test_an_id_in_two_files_is_refused(tiny_world: World) -> None:
    tiny_world.open()
    write_own(tiny_world, own_entry(), name="a.toml")
    write_own(tiny_world, own_entry(), name="b.toml")
    with pytest.raises(DeclarationError, match=r"concerns/b\.toml: concern 'put': id: stands twice"):
        tiny_world.open()


def test_an_id_in_a_file_with_another_name_is_taken_too(tiny_world: World) -> None:
    tiny_world.open()
    write_own(tiny_world, own_entry(id="eigen-oude-put"))
    assert add(tiny_world, ["GM9001"]).id == "eigen-oude-put-2"
    tiny_world.open()
