"""Choice of the engine backend and detection of a built one."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import start
from start import Machine


@pytest.mark.parametrize(
    ("machine", "backend", "better"),
    [
        (Machine("linux"), "cpu", ""),
        (Machine("win32", nvcc="C:/cuda/bin/nvcc.exe", nvidia_gpu=True), "cuda", ""),
        (Machine("linux", nvcc="/usr/bin/nvcc"), "cpu", ""),  # a compiler without a card
        (Machine("linux", nvidia_gpu=True), "cpu", "cuda"),
        (Machine("linux", vulkan_tools=True, vulkan_gpu=True), "vulkan", ""),
        (Machine("linux", vulkan_tools=True), "cpu", ""),  # nothing but a software device
        (Machine("linux", vulkan_gpu=True), "cpu", "vulkan"),
        (Machine("linux", nvidia_gpu=True, vulkan_tools=True, vulkan_gpu=True), "vulkan", ""),
        (Machine("linux", nvcc="/usr/bin/nvcc", nvidia_gpu=True, vulkan_tools=True, vulkan_gpu=True), "cuda", ""),
        (Machine("darwin"), "metal", ""),
        (Machine("linux", hip_tools=True), "cpu", ""),  # HIP only on request
    ],
)
def test_auto_chooses_a_backend_that_can_be_built_and_used(machine, backend, better):
    assert start.choose_backend(machine) == (backend, better)


@pytest.mark.parametrize("backend", start.BACKENDS[1:])
def test_every_build_has_rpc_and_at_most_one_gpu_backend(backend):
    arguments = start.cmake_arguments(backend, Machine("linux", nvcc="/opt/cuda/bin/nvcc"), Path("/a b/engine.cmake"))
    switched_on = {word[2:-3] for word in arguments if word.endswith("=ON")}
    assert switched_on == {"GGML_RPC"} | ({f"GGML_{backend.upper()}"} - {"GGML_CPU"})
    assert ("-DCMAKE_CUDA_COMPILER=/opt/cuda/bin/nvcc" in arguments) == (backend == "cuda")
    # CMAKE_ARGS is split as a shell does it: a folder with a space in its name has to survive that
    assert "-DCMAKE_PROJECT_llama.cpp_INCLUDE=/a b/engine.cmake" in shlex.split(shlex.join(arguments))


@pytest.mark.parametrize(
    ("files", "backends"),
    [
        (["libggml.so", "libggml-base.so.0", "libggml-base.so", "libggml-cpu.so", "libggml-rpc.so", "libllama.so"],
         {"base", "cpu", "rpc"}),
        (["ggml.dll", "ggml-base.dll", "ggml-cuda.dll", "llama.dll"], {"base", "cuda"}),
        (["libggml-metal.dylib", "libggml-metal.0.dylib", "libggml-blas.dylib"], {"metal", "blas"}),
        ([], set()),
    ],
)  # fmt: skip
def test_backends_are_read_from_the_library_files(tmp_path, files, backends):
    for name in files:
        (tmp_path / name).touch()
    assert start.built_backends(tmp_path) == backends


def test_the_installed_engine_has_rpc():
    if Path(sys.prefix) != start.VENV:
        pytest.skip("the tests run in another environment than start.py makes")
    engine = next(start.VENV.glob("**/site-packages/llama_cpp/lib"))
    assert {"cpu", "rpc"} <= start.built_backends(engine)


def test_pyproject_pins_the_engine_to_one_release():
    dependencies = tomllib.loads((start.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert [text.partition("==")[1] for text in dependencies if text.startswith(start.ENGINE)] == ["=="]


LOADER = """
#include <stdint.h>
#include <string.h>
struct request { int32_t kind; const void *next; uint32_t flags; const void *app; uint32_t n1; const void *p1;
                 uint32_t n2; const void *p2; };
struct properties { uint32_t api, driver, vendor, device; int32_t kind; char rest[804]; };
static int32_t kinds[] = { KINDS };
int vkCreateInstance(const struct request *r, const void *allocator, void **instance) {
    if (r->kind != 1 || r->next || r->flags || r->app || r->n1 || r->p1 || r->n2 || r->p2 || allocator) return -3;
    *instance = (void *)0x7f0000000001; return 0;
}
int vkEnumeratePhysicalDevices(void *instance, uint32_t *count, void **devices) {
    if (instance != (void *)0x7f0000000001) return -3;
    *count = sizeof kinds / sizeof *kinds;
    for (uint32_t i = 0; devices && i < *count; i++) devices[i] = &kinds[i];
    return 0;
}
void vkGetPhysicalDeviceProperties(int32_t *device, struct properties *p) {
    memset(p, 0, sizeof *p); p->kind = *device;
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a stand-in for the Vulkan loader is a shared object")
@pytest.mark.parametrize(
    ("kinds", "devices"), [("4", "software"), ("4, 2", "software gpu"), ("1, 3, 0", "gpu gpu software")]
)
def test_vulkan_hardware_and_software_devices_are_distinguished(tmp_path, kinds, devices):
    (tmp_path / "loader.c").write_text(LOADER.replace("KINDS", kinds))
    library = tmp_path / "libvulkan.so.1"
    subprocess.run(["g++", "-xc", "-shared", "-fPIC", "-o", library, tmp_path / "loader.c"], check=True)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    question = [sys.executable, "-c", "import start; print(*start.vulkan_devices())"]
    asked = subprocess.run(question, cwd=start.ROOT, env=environment, check=True, capture_output=True, text=True)
    assert asked.stdout == devices + "\n"
