"""Build the installable program for this system: bundle, archive and packages.

    python3 packaging/build.py [--backend cpu|vulkan|cuda] [--only bundle|archive|deb]

1. a build environment (``build/<backend>``) with the program's libraries, PyInstaller and the starter model, all of
   them the files recorded in ``packaging/locks/bundle.txt``;
2. the engine in it, for all processors of this architecture: the CPU code is built in several variants and the best
   one is chosen at run time (``GGML_CPU_ALL_VARIANTS``);
3. the one-dir bundle in ``dist/apus-chat`` (``packaging/pyinstaller``) with the licences of all libraries, and
   ``dist/engine-BACKEND`` with only the backend's module;
4. on Linux the archive and the Debian package (``packaging/linux``), on macOS the disk image (``packaging/macos``), on
   Windows the installer if Inno Setup is installed (``packaging/windows``).

Results of earlier runs are reused.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "packaging"
DIST = ROOT / "dist"
sys.path.insert(0, str(ROOT))

import start  # noqa: E402

BUNDLE = DIST / "apus-chat"
IS_WINDOWS = os.name == "nt"

CMAKE = {
    # Backends as modules loaded at run time, and one CPU module for each processor generation.
    # Without MTMD_VIDEO the image reader starts no ffmpeg.
    "cpu": (
        *("-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON", "-DGGML_RPC=ON"),
        "-DMTMD_VIDEO=OFF",
    ),
    "vulkan": ("-DGGML_VULKAN=ON",),
    "cuda": ("-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=75-virtual;80-virtual;86-real;89-real;120-virtual"),
}


def main() -> int:
    """Build everything and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the installable program.")
    parser.add_argument("--backend", choices=["cpu", "vulkan", "cuda"], default="cpu")
    parser.add_argument("--only", choices=["bundle", "archive", "deb"], help="on Linux: build only this")
    arguments = parser.parse_args()
    started = time.monotonic()
    environment = Environment(arguments.backend)
    environment.prepare()
    bundle(environment)
    if arguments.backend != "cpu":
        engine_folder(environment)
    for made in results(arguments.backend, arguments.only):
        files = made.rglob("*") if made.is_dir() else [made]
        size = sum(each.stat().st_size for each in files if each.is_file() and not each.is_symlink())
        say(f"{made.relative_to(ROOT)}: {size / 1e6:.0f} MB")
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    say(f"done in {minutes}:{seconds:02}")
    return 0


class Environment:
    """Virtual environment of a bundle."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.folder = ROOT / "build" / backend
        self.python = self.folder / ("Scripts/python.exe" if IS_WINDOWS else "bin/python")
        self._stamp = self.folder / "stamp.json"

    def prepare(self) -> None:
        """Install missing libraries and build the engine."""
        done = json.loads(self._stamp.read_text()) if self._stamp.is_file() else {}
        if not self.python.is_file():
            say("environment ...")
            run(sys.executable, "-m", "venv", str(self.folder))
        libraries = start.locked("bundle", start.OTHERS, self.folder)
        key = Path(libraries[-1]).read_text()
        if done.get("libraries") != key:
            say("libraries ...")
            self._pip("--only-binary", ":all:", *libraries)
            done["libraries"] = key
        self._stamp.write_text(json.dumps(done, indent=1))
        engine = [start.engine_pin(), *self._cmake()]
        if done.get("engine") != engine:
            say(f"engine for {self.backend} (some minutes) ...")
            self._build_engine()
            self._stamp.write_text(json.dumps({**done, "engine": engine}, indent=1))

    def libraries(self) -> Path:
        """Return the folder of the engine's libraries."""
        code = "import importlib.util as u; print(u.find_spec('llama_cpp').submodule_search_locations[0])"
        return Path(output_of(str(self.python), "-c", code)) / "lib"

    def _build_engine(self) -> None:
        include = start.ENGINE_CMAKE.as_posix()
        cmake = [*self._cmake(), f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={include}"]
        self._pip(*start.locked_engine("bundle", self.folder), CMAKE_ARGS=shlex.join(cmake))
        # llama.cpp installs its modules into bin/, beside the packages.
        for module in (self.libraries().parents[1] / "bin").glob("*ggml-*"):
            shutil.move(module, self.libraries() / module.name)
        found = {path.name for path in self.libraries().iterdir()}
        for part in ("cpu", "rpc", self.backend):
            if not any(re.match(rf"(lib)?ggml-{part}", name) for name in found):
                raise SystemExit(f"The built engine has no {part} backend: {sorted(found)}")

    def _cmake(self) -> list[str]:
        return list(dict.fromkeys((*CMAKE["cpu"], *CMAKE[self.backend])))

    def _pip(self, *arguments: str, **environment: str) -> None:
        run(str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments, **environment)


def bundle(environment: Environment) -> None:
    """Build ``dist/apus-chat``."""
    say("bundle ...")
    work = environment.folder / "pyinstaller"
    run(
        *(str(environment.python), "-m", "PyInstaller", str(HERE / "pyinstaller" / "apus-chat.spec")),
        *("--noconfirm", "--log-level", "WARN", "--distpath", str(DIST), "--workpath", str(work)),
        APUS_CHAT_BACKEND=environment.backend,
    )
    run(str(environment.python), str(HERE / "pyinstaller" / "licences.py"), str(BUNDLE / "licences"))


def engine_folder(environment: Environment) -> None:
    """Build ``dist/engine-BACKEND``: the backend's module, to add to a CPU bundle."""
    made = DIST / f"engine-{environment.backend}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for path in environment.libraries().glob(f"*ggml-{environment.backend}*"):
        shutil.copy(path, made)
    metadata = {"llama_cpp_python": start.engine_pin(), "backend": environment.backend}
    (made / "engine.json").write_text(json.dumps(metadata, indent=1))


def results(backend: str, only: str | None) -> list[Path]:
    """Build the packages of this system and return all results."""
    made = [BUNDLE]
    version = program_version()
    if sys.platform.startswith("linux"):
        sys.path.insert(0, str(HERE / "linux"))
        import linux_targets

        if only in (None, "archive"):
            made.append(linux_targets.archive(BUNDLE, DIST, version, backend))
        if only in (None, "deb") and shutil.which("dpkg-deb"):
            made.append(linux_targets.deb(BUNDLE, DIST, version, backend))
    elif sys.platform == "darwin":
        run("bash", str(HERE / "macos" / "make-dmg.sh"), str(DIST), version, backend)
        made.append(DIST / f"APUS-Chat-{version}-{backend}.dmg")
    elif iscc := shutil.which("iscc"):
        run(iscc, f"/DVersion={version}", f"/DBackend={backend}", str(HERE / "windows" / "apus-chat.iss"))
        made.append(DIST / f"APUS-Chat-{version}-{backend}-setup.exe")
    return made


def program_version() -> str:
    """Return the version of the program."""
    match = re.search(r'^__version__ = "([^"]+)"', (ROOT / "app/__init__.py").read_text("utf-8"), re.MULTILINE)
    assert match is not None
    return match[1]


def run(*command: str, **environment: str) -> None:
    """Run a command; exit if it fails."""
    done = subprocess.run(command, env={**os.environ, **environment}, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"failed ({done.returncode}): {' '.join(command[:6])} ...")


def output_of(*command: str) -> str:
    """Return the standard output of a command."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def say(text: str) -> None:
    """Print a progress message."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
