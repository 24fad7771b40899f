"""The documentation keeps its word: links lead somewhere, commands and examples work, figures are those of today."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dgdo_geo.cli import app
from dgdo_geo.query import Explorer, open_explorer

ROOT = Path(__file__).resolve().parents[1]
SHELL = ("sh", "bash", "console", "shell")
# Fast, without a file of the user: these also run. The others are parsed only.
RUN_TOO = ("ask", "layers")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: what stands after the fence, and the text."""

    info: str
    text: str

    @property
    def language(self) -> str:
        """First word after the fence."""
        return self.info.split(" ")[0]


@cache
def pages() -> dict[str, str]:
    """Every Markdown page that is, or is about to be, under version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    names = [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in sorted(names)}


FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(info.strip(), text) for info, text in FENCE.findall(pages()[page])]


def commands(text: str) -> Iterator[list[str]]:
    """Arguments of every dgdo-geo command in a shell block."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        if words and words[0] in ("./run", "dgdo-geo"):
            yield words[1:] or ["serve"]


@cache
def all_commands() -> list[tuple[str, list[str]]]:
    """Every dgdo-geo command of every page, with the page."""
    return [
        (page, words)
        for page in pages()
        for block in blocks(page)
        if block.language in SHELL
        for words in commands(block.text)
    ]


# Pages -----------------------------------------------------------------------------------


def prose(page: str) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", pages()[page]))


def anchors(text: str) -> set[str]:
    """Anchors that the headings of a page make."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_and_images_exist() -> None:
    looked, wrong = 0, []
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if re.match(r"[a-z]+:", target):
                continue
            looked += 1
            name, _, anchor = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            if not path.exists():
                wrong.append(f"{page}: {target} does not exist")
            elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
                wrong.append(f"{page}: {target} has no such heading")
    assert looked > 20
    assert wrong == []


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", prose("docs/README.md")))
    found = {(ROOT / "docs" / target).resolve() for target in linked}
    under_docs = [page for page in pages() if page.startswith("docs/") and page != "docs/README.md"]
    assert under_docs
    assert [page for page in under_docs if (ROOT / page).resolve() not in found] == []


def test_no_page_names_a_path_of_one_machine() -> None:
    folders = "|".join(("home", "root", "Users", "work", "tmp", "mnt"))
    pattern = re.compile(rf"(?<![\w.~*/-])/(?:{folders})/|[A-Z]:\\")
    assert pages()
    wrong = [
        f"{page}:{number}"
        for page, text in pages().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert wrong == []


def test_decisions_are_numbered_and_say_their_state() -> None:
    found = sorted(page for page in pages() if page.startswith("docs/adr/"))
    assert len(found) > 1
    for number, page in enumerate(found, 1):
        assert Path(page).name.startswith(f"{number:04}-"), page
        text = pages()[page]
        assert text.startswith(f"# {number}. "), page
        assert re.search(r"^Decided: .+\. Built: .+\.$", text, re.MULTILINE), page
        for heading in ("Context", "Decision", "Why", "Rejected"):
            assert f"\n## {heading}\n" in text, f"{page}: {heading}"


# Commands --------------------------------------------------------------------------------


def test_commands_in_the_pages_parse() -> None:
    group = typer.main.get_command(app)
    assert len(all_commands()) > 10
    wrong = []
    for page, (name, *rest) in all_commands():
        shown = f"{page}: {shlex.join([name, *rest])}"
        if name.startswith("-"):
            result = CliRunner().invoke(app, [name, *rest])
            wrong += [shown] if result.exit_code else []
            continue
        command = getattr(group, "commands", {}).get(name)
        if command is None:
            wrong.append(f"{shown}: no such command")
            continue
        try:
            command.make_context(name, list(rest))
        except SystemExit:
            wrong.append(shown)
        except Exception as error:  # noqa: BLE001  whatever the parser raises, the page is wrong
            if type(error).__name__ != "Exit":
                wrong.append(f"{shown}: {error}")
    assert wrong == []


def test_fast_commands_in_the_pages_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path))
    chosen = {
        shlex.join(words)
        for _, words in all_commands()
        if words[0] in RUN_TOO and "--workspace" not in words and "--vlak" not in words
    }
    assert len(chosen) > 3
    for line in sorted(chosen):
        result = CliRunner().invoke(app, shlex.split(line), catch_exceptions=False)
        assert result.exit_code == 0, line
        assert result.stdout.strip(), line


# Examples --------------------------------------------------------------------------------


def test_python_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DGDO_WORKSPACE", str(tmp_path))
    examples = [block for block in blocks("README.md") if block.language == "python"]
    assert examples
    for example in examples:
        exec(compile(example.text, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_worked_recipe_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {block.info.partition(" ")[2]: block.text for block in blocks("docs/recipes.md") if " " in block.info}
    assert set(named) == {"natuur.geojson", "recept.toml", "output"}
    for name in ("natuur.geojson", "recept.toml"):
        (tmp_path / name).write_text(named[name], encoding="utf-8")
    workspace = tmp_path / "workspace"
    monkeypatch.setenv("DGDO_WORKSPACE", str(workspace))
    recipe = str(tmp_path / "recept.toml")

    dry = CliRunner().invoke(app, ["add", recipe], catch_exceptions=False)
    assert dry.stdout == named["output"]
    assert not workspace.exists()

    saved = CliRunner().invoke(app, ["add", recipe, "--opslaan"], catch_exceptions=False)
    assert saved.exit_code == 0
    explorer = open_explorer(workspace)
    assert explorer.layer("natura2000").to_gdf()["feature_id"].tolist() == ["N1", "N2"]
    answer = explorer.at_point(201_500, 502_000, activities=["geothermie"]).answers[0]
    assert "r19-natura2000-terrein" in [constraint.rule.id for constraint in answer.constraints]


def test_figures_of_the_readme_are_those_of_today(explorer: Explorer) -> None:
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \|$", pages()["README.md"], re.MULTILINE)
    shown = {label.split(",")[0].split(":")[0]: int(number) for label, number in rows}
    knowledge, states = explorer.knowledge, explorer.states.values()
    assert shown == {
        "activities": len(knowledge.activities),
        "rules": len(knowledge.rules),
        "cases that test the rules": len(knowledge.cases),
        "control points": len(knowledge.control_points),
        "concerns raised in the regions": len(knowledge.concerns),
        "layers declared": len(explorer.states),
        "layers loaded in the start set": sum(state.status == "available" for state in states),
    }
