"""The lock files, the start scripts, the wheel and the Dockerfile, on a machine with nothing else."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": {"report", "scale", "dev"}, "requirements-run.lock": {"report"}}
PEAK_MB = 600
START_SECONDS = 120
# All that ./run may count on besides Python.
TOOLS = ("sh", "cat", "cksum", "dirname", "readlink")

Pin = tuple[str, str]


# Lock files ------------------------------------------------------------------------------


def uv_lock() -> list[dict]:
    """Packages of uv.lock."""
    return tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]


def project() -> dict:
    """The table [project] of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_requirements(name: str) -> dict[Pin, set[str]]:
    """Hashes of each pinned package in a requirements file."""
    found: dict[Pin, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if match := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", line):
            pin = (canonicalize_name(match[1]), match[2])
            found.setdefault(pin, set()).update(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
    return found


def hashes(package: dict) -> set[str]:
    """Hashes of the files of a locked package."""
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return {file["hash"] for file in files}


def locked_for(extras: set[str]) -> dict[Pin, set[str]]:
    """What uv.lock installs for the project with some extras: pins and their hashes."""
    packages = uv_lock()
    start = next(p for p in packages if p["name"] == "dgdo-geo")
    wanted = list(start["dependencies"])
    for extra in extras:
        wanted += start["optional-dependencies"][extra]
    seen: set[tuple[str, str | None, tuple[str, ...]]] = set()
    found: dict[Pin, set[str]] = {}
    while wanted:
        dependency = wanted.pop()
        key = (dependency["name"], dependency.get("version"), tuple(dependency.get("extra", ())))
        if key in seen:
            continue
        seen.add(key)
        for package in packages:
            if package["name"] == key[0] and key[1] in (None, package["version"]):
                found[(package["name"], package["version"])] = hashes(package)
                wanted += package.get("dependencies", [])
                for extra in key[2]:
                    wanted += package.get("optional-dependencies", {}).get(extra, [])
    return found


@pytest.mark.parametrize(("name", "extras"), LOCKS.items(), ids=LOCKS)
def test_lock_file_for_pip_says_the_same_as_uv_lock(name, extras):
    written = read_requirements(name)
    assert len(written) > 20
    assert written == locked_for(extras), "run scripts/export_locks.sh"


def test_uv_lock_follows_pyproject():
    declared = list(project()["dependencies"])
    for extra, items in project()["optional-dependencies"].items():
        declared += [f"{item}; extra == '{extra}'" for item in items]
    metadata = next(p for p in uv_lock() if p["name"] == "dgdo-geo")["metadata"]["requires-dist"]

    def plain(requirement: Requirement) -> tuple[str, str, str]:
        return canonicalize_name(requirement.name), str(requirement.specifier), str(requirement.marker or "")

    locked = [
        Requirement(item["name"] + item.get("specifier", "") + (f"; {item['marker']}" if "marker" in item else ""))
        for item in metadata
    ]
    assert sorted(map(plain, locked)) == sorted(plain(Requirement(item)) for item in declared), "run uv lock"


def test_lock_file_of_the_build_has_what_the_build_needs():
    pins = dict(list(read_requirements("requirements-build.lock")))
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert system["requires"]
    for requirement in map(Requirement, [*system["requires"], "editables"]):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_build_and_program_agree_on_what_both_install():
    build, program = read_requirements("requirements-build.lock"), read_requirements("requirements.lock")
    versions = dict(program)
    shared = {name for name, _ in build} & {name for name, _ in program}
    assert shared
    assert {pin: versions[pin] for pin in build if pin[0] in shared} == {p: build[p] for p in build if p[0] in shared}


@pytest.mark.parametrize("name", [*LOCKS, "requirements-build.lock"])
def test_lock_file_names_no_place_and_lacks_no_hash(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"(?im)^.*(?:://|--index|--extra-index|--find-links|--trusted-host).*$", text) == []
    assert read_requirements(name)
    assert all(read_requirements(name).values())


# Scripts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "test", ".ci/run", "scripts/environment.sh", "scripts/export_locks.sh"])
def test_scripts_are_plain_sh(name):
    shell = shutil.which("dash") or shutil.which("sh")
    assert shell is not None
    subprocess.run([shell, "-n", str(ROOT / name)], check=True)


@pytest.mark.parametrize("name", ["run", "test", ".ci/run"])
def test_scripts_can_be_started(name):
    assert os.access(ROOT / name, os.X_OK)


def bare_tools(folder: Path, *more: str) -> Path:
    """A folder for PATH with this Python and hardly anything else."""
    folder.mkdir()
    for name in (*TOOLS, *more):
        path = shutil.which(name)
        assert path is not None, name
        (folder / name).symlink_to(Path(path).resolve() if name != "uv" else real_uv())
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def real_uv() -> Path | None:
    """The uv that works here; a version manager may put a stand-in on PATH."""
    for folder in [Path(sys.executable).resolve().parent, *map(Path, os.environ.get("PATH", "").split(os.pathsep))]:
        path = folder / "uv"
        if path.is_file() and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path.resolve() if "shims" not in path.parts else path
    return None


def bare_environment(home: Path, path: Path) -> dict[str, str]:
    """An environment without a user: no settings or caches of ours; where the index is stays known."""
    home.mkdir()
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "DGDO_", "PYTEST_", "COV_"))
        and name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CI")
    }
    for file in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        if file.is_file():
            env.setdefault("PIP_CONFIG_FILE", str(file))
    if (file := Path.home() / ".config/uv/uv.toml").is_file():
        env.setdefault("UV_CONFIG_FILE", str(file))
    # Compiling all packages anew takes half a minute of a core and changes nothing in what is installed.
    return env | {"HOME": str(home), "PATH": str(path), "PIP_NO_COMPILE": "1"}


def checkout(folder: Path) -> Path:
    """A copy of the tracked files in a folder with a space in its name."""
    target = folder / "een map"
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        names = [name for name in done.stdout.split("\0") if name]
    else:
        skipped = {".venv", "dist", "build", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [path.as_posix() for path in paths if not skipped & set(path.parts)]
    assert len(names) > 20
    for name in names:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
sys.stdout.buffer.write(done.stdout)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
sys.stderr.write(f"PEAK {peak if sys.platform != 'darwin' else peak // 1024}")
sys.exit(done.returncode)
"""


def call(command: list[str | Path], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command; fails with everything it said."""
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


def answers_from_nothing(project: Path, env: dict[str, str], elsewhere: Path) -> str:
    """Set up and ask in an empty environment; returns what the set-up said."""
    first = call([project / "run", "--help"], elsewhere, env)
    assert "ask" in first.stdout
    assert not re.search(r"pip|uv sync|/ ready", first.stdout)
    ask = [project / "run", "ask", "--gemeente", "Zwolle", "--json"]
    answer = json.loads(call(ask, elsewhere, env).stdout)
    assert answer["region"]["code"] == "GM0193"
    assert answer["answers"]

    began = time.monotonic()
    again = call([sys.executable, "-c", PEAK, *ask], elsewhere, env)
    wall = time.monotonic() - began
    peak_mb = int(again.stderr.rsplit("PEAK ", 1)[1]) / 1024
    print(f"ask --gemeente Zwolle: {wall:.1f} s, {peak_mb:.0f} MB")
    assert json.loads(again.stdout)["answers"] == answer["answers"]
    assert peak_mb < PEAK_MB
    return first.stderr


def has_development_tools(project: Path) -> bool:
    """Tell whether the environment of a project has what only ./test needs."""
    return any(project.glob(".venv/lib/*/site-packages/pytest"))


@pytest.mark.packaging
def test_run_answers_on_a_machine_with_python_only(tmp_path):
    env = bare_environment(tmp_path / "home", bare_tools(tmp_path / "bin"))
    env |= {"PYTHONPATH": "/nonexistent", "PIP_USER": "1", "PIP_REQUIRE_HASHES": "1", "PIP_NO_DEPS": "1"}
    project = checkout(tmp_path)
    assert "ready" in answers_from_nothing(project, env, tmp_path)
    assert not has_development_tools(project)


@pytest.mark.packaging
def test_run_answers_on_a_machine_with_uv(tmp_path):
    if real_uv() is None:
        pytest.skip("uv is not installed")
    env = bare_environment(tmp_path / "home", bare_tools(tmp_path / "bin", "uv"))
    project = checkout(tmp_path)
    said = answers_from_nothing(project, env, tmp_path)
    assert "trying pip" not in said, said[-3000:]
    assert not has_development_tools(project)


def test_run_says_clearly_that_there_is_no_python(tmp_path):
    bare = bare_tools(tmp_path / "bin")
    (bare / "python3").unlink()
    env = bare_environment(tmp_path / "home", bare)
    copy = tmp_path / "een map"
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    for name in ("run", "uv.lock", "pyproject.toml", *LOCKS):
        shutil.copy2(ROOT / name, copy / name)
    done = subprocess.run([copy / "run"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "geen Python 3.11 of nieuwer gevonden" in done.stderr
    assert "found no Python 3.11 or later" in done.stderr


@pytest.fixture
def small_project(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A project with our set-up, a uv that only pretends, and a program that says its arguments."""
    project = tmp_path / "een map"
    shutil.copytree(ROOT / "scripts", project / "scripts")
    shutil.copy2(ROOT / "run", project / "run")
    for name in ("uv.lock", "pyproject.toml", *LOCKS):
        (project / name).write_text("")
    (project / "program").write_text("import sys; print(sys.argv[1:])")
    bare = bare_tools(tmp_path / "bin", "sleep", "mkdir", "ln")
    (bare / "uv").write_text(
        f"""#!{bare}/sh
        [ "$1" = sync ] || exit 0
        echo "$@" >>"{tmp_path}/calls"
        mkdir -p .venv/bin && ln -sf "{Path(sys.executable).resolve()}" .venv/bin/python
        sleep 1
        ln -sf ../../program .venv/bin/dgdo-geo
        """
    )
    (bare / "uv").chmod(0o755)
    return project, bare_environment(tmp_path / "home", bare)


def test_set_up_is_done_once_and_again_when_a_lock_file_changes(small_project, tmp_path):
    project, env = small_project
    assert call([project / "run", "ask", "a b"], tmp_path, env).stdout == "['ask', 'a b']\n"
    assert call([project / "run"], tmp_path, env).stdout == "['serve']\n"
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
    shutil.rmtree(project / ".venv")
    (project / "uv.lock").write_text("changed")
    call([project / "run"], tmp_path, env)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert "dev" not in calls[1] and "all-extras" not in calls[1]
    assert "--frozen" in calls[1] and "--no-python-downloads" in calls[1]


def test_set_up_by_two_at_once_is_done_by_one(small_project, tmp_path):
    project, env = small_project
    pair = [subprocess.Popen([project / "run", "x"], env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in pair] == ["['x']\n"] * 2
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_set_up_that_was_killed_is_done_again(small_project, tmp_path):
    project, env = small_project
    first = subprocess.Popen([project / "run"], env=env, start_new_session=True, stderr=subprocess.DEVNULL)
    while not (project / ".venv/bin/python").exists():
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not (project / ".venv/.dgdo-geo-run").exists()
    assert call([project / "run"], tmp_path, env).stdout == "['serve']\n"
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


def test_start_script_costs_next_to_nothing(small_project, tmp_path):
    project, env = small_project
    call([project / "run"], tmp_path, env)

    def least_cpu(command: list[str | Path]) -> float:
        times = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            call(command, tmp_path, env)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    overhead = least_cpu([project / "run"]) - least_cpu([project / ".venv/bin/python", project / "program"])
    print(f"overhead of ./run: {overhead * 1000:.0f} ms of processor time")
    assert overhead < 0.05


# Dockerfile, replayed without an engine --------------------------------------------------


class Recipe:
    """The steps of a Dockerfile: (instruction, text), one list a stage."""

    def __init__(self, path: Path) -> None:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
        joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
        self.stages: list[list[tuple[str, str]]] = []
        for line in filter(str.strip, joined.splitlines()):
            instruction, _, text = line.strip().partition(" ")
            if instruction == "FROM":
                self.stages.append([])
            self.stages[-1].append((instruction, text.strip()))

    def last(self, instruction: str) -> str:
        """Text of the last such instruction of the last stage."""
        return [text for name, text in self.stages[-1] if name == instruction][-1]

    def environment(self, stage: int) -> dict[str, str]:
        """The ENV of a stage."""
        texts = [text for name, text in self.stages[stage] if name == "ENV"]
        return dict(part.split("=", 1) for text in texts for part in shlex.split(text))


def replay_builder(recipe: Recipe, installed: Path, source: Path, env: dict[str, str]) -> None:
    """Do what the first stage does, with other folders for /opt/dgdo-geo and /src."""
    ran = 0
    for instruction, text in recipe.stages[0]:
        if instruction == "COPY":
            *names, target = text.split()
            for name in names:
                origin, goal = ROOT / name, source / (target if (ROOT / name).is_dir() else name)
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(origin, goal, ignore=ignored) if origin.is_dir() else shutil.copy2(origin, goal)
        elif instruction == "RUN":
            script = text.replace("/opt/dgdo-geo", shlex.quote(str(installed)))
            call(["sh", "-euc", script], source, env)
            ran += 1
    assert ran >= 2


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recipe, Path, dict[str, str], Path]]:
    """The Dockerfile, what its builder installed, the environment it ran in, and the wheel."""
    folder = tmp_path_factory.mktemp("image")
    recipe = Recipe(ROOT / "Dockerfile")
    tools = folder / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(Path(sys.executable).resolve())
    env = bare_environment(folder / "home", tools) | recipe.environment(0)
    env["PATH"] = f"{tools}{os.pathsep}{os.defpath}"
    (source := folder / "src").mkdir()
    replay_builder(recipe, folder / "installed", source, env)
    (wheel,) = (source / "wheels").glob("*.whl")
    yield recipe, folder / "installed", env, wheel


def free_port() -> int:
    """A port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str, server: subprocess.Popen) -> float:
    """Seconds until the server answers 200."""
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        assert server.poll() is None, f"the server stopped with exit code {server.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer within {START_SECONDS} s")


@pytest.mark.packaging
def test_image_starts_and_is_healthy(image, tmp_path):
    recipe, installed, env, _ = image
    port = str(free_port())
    settings = recipe.environment(-1) | {"HOME": str(tmp_path)}
    assert settings["DGDO_WORKSPACE"] == recipe.last("VOLUME")
    settings["DGDO_WORKSPACE"] = str(tmp_path / "data")
    (tmp_path / "data").mkdir()
    settings["PATH"] = f"{installed / 'bin'}{os.pathsep}{env['PATH']}"
    command = [part.replace("8501", port) for part in json.loads(recipe.last("CMD"))]
    health = json.loads(re.search(r"CMD (\[.*\])", recipe.last("HEALTHCHECK"))[1])
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen(
        command, cwd=tmp_path, env=env | settings, stdout=log, stderr=log, stdin=subprocess.DEVNULL
    )
    try:
        seconds = wait_until_healthy(f"http://127.0.0.1:{port}/gezond", server)
        print(f"healthy after {seconds:.1f} s")
        call([part.replace("8501", port) for part in health], tmp_path, env | settings)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert "<html" in page.read().decode()
    except AssertionError as error:
        log.seek(0)
        raise AssertionError(f"{error}\n{log.read()[-3000:]}") from error
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def test_dockerfile_keeps_to_what_is_expected_of_it():
    recipe = Recipe(ROOT / "Dockerfile")
    assert len(recipe.stages) == 2
    assert recipe.stages[-1][0] == ("FROM", "python:3.12-slim-bookworm")
    assert recipe.last("USER") not in ("root", "0")
    assert "/gezond" in recipe.last("HEALTHCHECK")
    assert recipe.last("EXPOSE") == "8501"
    assert recipe.last("VOLUME")
    assert json.loads(recipe.last("CMD"))[:2] == ["dgdo-geo", "serve"]


def test_docker_context_has_every_file_that_is_copied():
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    copies = [text for name, text in Recipe(ROOT / "Dockerfile").stages[0] if name == "COPY"]
    assert copies
    assert {name for text in copies for name in text.split()[:-1]} == allowed


# Wheel -----------------------------------------------------------------------------------


@pytest.mark.packaging
def test_wheel_has_layers_and_knowledge(image):
    names = set(zipfile.ZipFile(image[3]).namelist())
    for folder, pattern in (
        (ROOT, "layers/*/*/*"),
        (ROOT / "dgdo_geo", "knowledge/**/*"),
        (ROOT / "dgdo_geo", "web/**/*"),
    ):
        files = [path for path in folder.glob(pattern) if path.is_file() and "__pycache__" not in path.parts]
        assert files, pattern
        assert {f"dgdo_geo/{path.relative_to(folder).as_posix()}" for path in files} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.packaging
def test_wheel_checks_itself_in_an_empty_environment(image, tmp_path):
    _, installed, env, _ = image
    done = call([installed / "bin" / "dgdo-geo", "check", "--json"], tmp_path, env | {"DGDO_WORKSPACE": str(tmp_path)})
    answer = json.loads(done.stdout)
    assert answer["errors"] == []
    assert min(answer["counts"].values()) > 0
