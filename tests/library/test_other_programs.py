"""Where other programs keep their models, on three systems, and what can be taken over from there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from model_manager.library.library import ModelLibrary
from model_manager.library.other_programs import SystemFolders, find_folders, system_folders
from model_manager.library.scan import inspect_paths


def _facts(home: Path, platform: str = "linux", **environment: str) -> SystemFolders:
    return SystemFolders(home, environment, platform)


def _found(facts: SystemFolders) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for each in find_folders(facts):
        if each.path.is_relative_to(facts.home):
            found.setdefault(each.program, []).append(each.path.relative_to(facts.home))
    return found


def _make(home: Path, *folders: str) -> None:
    for folder in folders:
        (home / folder).mkdir(parents=True)


def test_no_folders_without_other_programs(tmp_path: Path) -> None:
    for platform in ("linux", "darwin", "win32"):
        assert _found(_facts(tmp_path, platform)) == {}


@pytest.mark.parametrize(
    ("platform", "folders"),
    [
        (
            "linux",
            {
                "LM Studio": ".lmstudio/models",
                "GPT4All": ".local/share/nomic.ai/GPT4All",
                "Jan": ".local/share/Jan/data/llamacpp/models",
                "Hugging Face": ".cache/huggingface/hub",
                "llama.cpp": ".cache/llama.cpp",
                "Ollama": ".ollama/models",
            },
        ),
        (
            "darwin",
            {
                "LM Studio": ".cache/lm-studio/models",
                "GPT4All": "Library/Application Support/nomic.ai/GPT4All",
                "Jan": "Library/Application Support/Jan/data/llamacpp/models",
                "Hugging Face": ".cache/huggingface/hub",
                "llama.cpp": "Library/Caches/llama.cpp",
                "Ollama": ".ollama/models",
            },
        ),
        (
            "win32",
            {
                "LM Studio": ".lmstudio/models",
                "GPT4All": "AppData/Local/nomic.ai/GPT4All",
                "Jan": "AppData/Roaming/Jan/data/models",
                "Hugging Face": ".cache/huggingface/hub",
                "llama.cpp": "AppData/Local/llama.cpp",
                "Ollama": ".ollama/models",
            },
        ),
    ],
)
def test_default_folders(tmp_path: Path, platform: str, folders: dict[str, str]) -> None:
    _make(tmp_path, *folders.values())
    assert _found(_facts(tmp_path, platform)) == {program: [Path(path)] for program, path in folders.items()}


def test_folders_in_environment_variables(tmp_path: Path) -> None:
    _make(tmp_path, "a", "b", "c", "d/hub", "xdg/llama.cpp", "named/llamacpp/models", ".cache/huggingface/hub")
    named = _facts(tmp_path, OLLAMA_MODELS=str(tmp_path / "a"), LLAMA_CACHE="~/b", HF_HUB_CACHE=str(tmp_path / "c"))
    assert _found(named) == {"Ollama": [Path("a")], "llama.cpp": [Path("b")], "Hugging Face": [Path("c")]}
    other = _found(_facts(tmp_path, HF_HOME=str(tmp_path / "d"), XDG_CACHE_HOME=str(tmp_path / "xdg")))
    assert (other["Hugging Face"], other["llama.cpp"]) == ([Path("d/hub")], [Path("xdg/llama.cpp")])
    jan = _found(_facts(tmp_path, JAN_DATA_FOLDER=str(tmp_path / "named")))
    assert jan["Jan"] == [Path("named/llamacpp/models")]


def test_folders_in_settings_of_other_programs(tmp_path: Path) -> None:
    _make(tmp_path, "elsewhere/lm", "elsewhere/jan/llamacpp/models", "elsewhere/gpt", "moved/models", ".lmstudio")
    _make(tmp_path, ".local/share/Jan", ".config/nomic.ai")
    (tmp_path / ".lmstudio" / "settings.json").write_text(
        json.dumps({"downloadsFolder": str(tmp_path / "elsewhere/lm")})
    )
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'moved'}\n")
    settings = tmp_path / ".local/share/Jan/settings.json"
    settings.write_text(json.dumps({"data_folder": str(tmp_path / "elsewhere/jan")}))
    ini = tmp_path / ".config/nomic.ai/GPT4All.ini"
    ini.write_text(f"[General]\nmodelPath={tmp_path / 'elsewhere/gpt'}/\nlastVersionStarted=3.10.0\n")
    assert _found(_facts(tmp_path)) == {
        "LM Studio": [Path("moved/models"), Path("elsewhere/lm")],
        "Jan": [Path("elsewhere/jan/llamacpp/models")],
        "GPT4All": [Path("elsewhere/gpt")],
    }


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"downloadsFolder": 3}', b"\xff\xfe\x00", b'{"downloadsFolder": "a\\u0000b"}']
)
def test_unreadable_settings_are_ignored(tmp_path: Path, content: bytes) -> None:
    _make(tmp_path, ".lmstudio/models")
    (tmp_path / ".lmstudio" / "settings.json").write_bytes(content)
    assert _found(_facts(tmp_path)) == {"LM Studio": [Path(".lmstudio/models")]}


def test_each_folder_is_listed_once(tmp_path: Path) -> None:
    _make(tmp_path, ".lmstudio/models", ".cache")
    (tmp_path / ".cache" / "lm-studio").symlink_to(tmp_path / ".lmstudio", target_is_directory=True)
    assert _found(_facts(tmp_path)) == {"LM Studio": [Path(".lmstudio/models")]}


def test_folders_of_this_computer() -> None:
    for each in find_folders(system_folders()):
        assert each.path.is_dir()


def test_models_of_a_folder_are_candidates(tmp_path: Path, tiny: Path, tiny_legacy: Path) -> None:
    folder = tmp_path / "models" / "publisher" / "repo"
    folder.mkdir(parents=True)
    shutil.copy(tiny, folder / "good.gguf")
    shutil.copy(tiny_legacy, folder / "old.gguf")
    (folder / "cut.gguf").write_bytes(tiny.read_bytes()[:-1])
    (folder / "new.gguf.downloadInProgress").write_bytes(tiny.read_bytes())
    found = inspect_paths([tmp_path / "models"])
    assert {each.name: each.action for each in found if each.action} == {
        "good": "register",
        "old": "repair",
    }


def _ollama(folder: Path, models: dict[str, bytes], colon: bool = False) -> None:
    (folder / "blobs").mkdir(parents=True)
    for name, content in models.items():
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / f"sha256{':' if colon else '-'}{digest}").write_bytes(content)
        manifest = folder / "manifests" / "registry.ollama.ai" / Path(name)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        layers = [
            {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64, "size": 1},
            {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(content)},
        ]
        manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))


@pytest.mark.parametrize("colon", [False, True])
def test_ollama_files_are_named_after_their_manifests(
    library: ModelLibrary, tmp_path: Path, tiny: Path, tiny_legacy: Path, colon: bool
) -> None:
    folder = tmp_path / ".ollama" / "models"
    names = {
        "library/llama3.2/3b": tiny.read_bytes(),
        "library/llama3.2/latest": tiny.read_bytes(),
        "someone/tiny/latest": tiny.read_bytes() + b"another",
        "library/mixtral/old": tiny_legacy.read_bytes(),
        "library/picture/latest": b"\x89PNG",
    }
    _ollama(folder, names, colon)
    found = inspect_paths([folder])
    assert {each.name: each.action for each in found if each.action} == {
        "llama3.2-3b": "register",
        "mixtral-old": "repair",
        "someone-tiny": "register",
    }
    watched = library.add_folder(folder)
    assert {each.id for each in watched} == {"llama3.2-3b", "someone-tiny"}
    assert library.resolve("llama3.2-3b").ready
    library.remove_folder(folder)
    candidate = next(each for each in found if each.name == "llama3.2-3b")
    model = library.register(candidate.paths[0], candidate.name)
    assert (model.id, model.ready) == ("llama3.2-3b", True)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b'{"layers": 1}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": 5}]}',
    ],
)
def test_damaged_manifests_are_ignored(tmp_path: Path, tiny: Path, manifest: bytes) -> None:
    folder = tmp_path / "models"
    _ollama(folder, {"library/good/latest": tiny.read_bytes()})
    bad = folder / "manifests" / "registry.ollama.ai" / "library" / "bad" / "latest"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(manifest)
    assert [each.name for each in inspect_paths([folder])] == ["good"]
