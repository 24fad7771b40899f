"""The house rules, as tests. A check that looked at nothing fails."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dgdo_geo.texts import placeholders

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dgdo_geo"

LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
# "dgdo_geo/module.py" or "dgdo_geo/module.py:function" -> why it may be longer.
ALLOWED_LENGTH: dict[str, str] = {}

# Importing a page of the web app draws it.
DRAWS_ON_IMPORT = ("dgdo_geo.web",)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


# What there is to look at ----------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    """Each module of the package by its path from the root."""
    paths = sorted(PACKAGE.rglob("*.py"))
    assert paths, "no module found"
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """All nodes of some kinds, with the place to show."""
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield f"{name}:{getattr(node, 'lineno', 0)}", node


def functions() -> Iterator[tuple[str, FunctionNode]]:
    """All functions and methods, as "module:name"."""
    for place, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, FunctionNode)
        yield f"{place.split(':')[0]}:{node.name}", node


@cache
def texts() -> dict[str, dict[str, object]]:
    """All texts by section and key."""
    found: dict[str, dict[str, object]] = {}
    for path in sorted((PACKAGE / "knowledge" / "texts").glob("*.toml")):
        for section, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found.setdefault(section, {}).update(entries)
    assert found, "no text found"
    return found


def error_names() -> set[str]:
    """Names of the exceptions in errors.py."""
    tree = modules()["dgdo_geo/errors.py"]
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def called(node: ast.Call) -> str:
    """Name of the called function: "text", "texts.text"."""
    return ast.unparse(node.func)


def strings(node: ast.AST | None) -> list[str]:
    """The strings that an argument can be: a constant, or either side of a condition."""
    if isinstance(node, ast.IfExp):
        return strings(node.body) + strings(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def missing_values(node: ast.Call, template: str) -> set[str]:
    """Placeholders that a call leaves empty; none when it passes a mapping."""
    given = {keyword.arg for keyword in node.keywords}
    return set() if None in given else placeholders(template) - {name for name in given if name}


# Code ------------------------------------------------------------------------------------


def test_only_the_command_line_prints():
    calls = [(place, node) for place, node in nodes(ast.Call) if isinstance(node, ast.Call)]
    assert calls
    prints = [place for place, node in calls if called(node) == "print"]
    assert [place for place in prints if not place.startswith("dgdo_geo/cli")] == []


def test_no_except_catches_everything():
    handlers = [(place, node) for place, node in nodes(ast.ExceptHandler) if isinstance(node, ast.ExceptHandler)]
    assert handlers
    names = {"Exception", "BaseException"}
    wide = [
        place
        for place, node in handlers
        if node.type is None or names & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
    ]
    assert wide == []


def test_no_assert_in_library_code():
    assert len(modules()) > 5
    assert [place for place, _ in nodes(ast.Assert)] == []


def test_no_module_is_too_long():
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in modules()}
    assert max(lengths.values()) > 0
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}
    assert {name: lines for name, lines in too_long.items() if name not in ALLOWED_LENGTH} == {}


def code_lines(node: FunctionNode) -> int:
    """Length of a function without its docstring and decorators."""
    first = node.body[0]
    has_docstring = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def test_no_function_is_too_long():
    lengths = {name: code_lines(node) for name, node in functions()}
    assert lengths
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert {name: lines for name, lines in too_long.items() if name not in ALLOWED_LENGTH} == {}


def test_exceptions_to_the_length_are_explained_and_needed():
    known = set(modules()) | {name for name, _ in functions()}
    assert known
    assert set(ALLOWED_LENGTH) <= known
    assert all(ALLOWED_LENGTH.values())


def public(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """Public classes, functions and methods of a module or class."""
    for node in body:
        if isinstance(node, FunctionNode | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def test_everything_public_has_a_docstring():
    found = [item for name, tree in modules().items() for item in public(tree.body, f"{name}:")]
    assert found
    assert [name for name, node in found if not ast.get_docstring(node)] == []  # type: ignore[arg-type]


def test_doctests_run():
    attempted = 0
    failed = []
    for name in modules():
        dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if dotted.startswith(DRAWS_ON_IMPORT) or ">>>" not in (ROOT / name).read_text(encoding="utf-8"):
            continue
        result = doctest.testmod(importlib.import_module(dotted))
        assert result.attempted, f"{name} shows examples that are not run"
        attempted += result.attempted
        failed += [name] * result.failed
    assert attempted
    assert failed == []


# Texts -----------------------------------------------------------------------------------


def test_texts_in_code_exist_and_get_their_values():
    looked, wrong = 0, []
    for place, node in nodes(ast.Call):
        if not isinstance(node, ast.Call) or called(node) not in ("text", "texts.text", "section", "texts.section"):
            continue
        for section in strings(node.args[0] if node.args else None):
            looked += 1
            if section not in texts():
                wrong.append(f"{place}: no section [{section}]")
                continue
            for key in strings(node.args[1] if len(node.args) > 1 else None):
                template = texts()[section].get(key)
                if not isinstance(template, str):
                    wrong.append(f"{place}: no text [{section}] {key}")
                elif lacking := missing_values(node, template):
                    wrong.append(f"{place}: [{section}] {key} lacks {sorted(lacking)}")
    assert looked
    assert wrong == []


def test_errors_in_code_exist_and_get_their_values():
    looked, wrong = 0, []
    for place, node in nodes(ast.Call):
        if not isinstance(node, ast.Call) or called(node).split(".")[-1] not in error_names():
            continue
        for key in strings(node.args[0] if node.args else None):
            looked += 1
            entry = texts().get("errors", {}).get(key)
            if not isinstance(entry, dict):
                wrong.append(f"{place}: no text [errors.{key}]")
            elif lacking := missing_values(node, f"{entry.get('en', '')} {entry.get('nl', '')}"):
                wrong.append(f"{place}: [errors.{key}] lacks {sorted(lacking)}")
    assert looked
    assert wrong == []


def test_error_texts_say_the_same_in_both_languages():
    entries = texts().get("errors", {})
    assert entries
    for key, entry in entries.items():
        assert isinstance(entry, dict), key
        assert set(entry) == {"en", "nl"}, key
        # A value that is a word of ours has another name in Dutch: {field} and {field_nl}.
        dutch = {name.removesuffix("_nl") for name in placeholders(entry["nl"])}
        assert placeholders(entry["en"]) == dutch, key


def test_every_error_text_is_used():
    entries = texts().get("errors", {})
    assert entries
    used = {node.value for _, node in nodes(ast.Constant) if isinstance(node, ast.Constant)}
    assert sorted(set(entries) - used) == []


# Repository ------------------------------------------------------------------------------


def repository_files() -> list[Path]:
    """Files that are, or are about to be, under version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_text_names_a_path_of_one_machine():
    folders = ("home", "root", "Users", "work")
    pattern = re.compile(rf"(?<![\w.~*/-])/(?:{'|'.join(folders)})/|[A-Z]:\\Users")
    looked, wrong = 0, []
    for path in repository_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        looked += 1
        wrong += [f"{path.relative_to(ROOT)}:{i}" for i, line in enumerate(lines, 1) if pattern.search(line)]
    assert looked > 10
    assert wrong == []
