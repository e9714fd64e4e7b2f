"""Magnet links between two libtorrent sessions on loopback."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model_manager.download.torrent import TorrentOptions, discard_magnet, download_magnet, is_magnet, magnet_bytes
from model_manager.download.transfer import DownloadStatus, Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import check_loadable, read_header
from model_manager.hub.access import Access
from model_manager.layout.origin import read_origin
from model_manager.library.library import ModelLibrary
from tests.rigs.tiny_model import write_tiny_model

lt = pytest.importorskip("libtorrent")

ROOT = Path(__file__).resolve().parents[2]
PIECE = 1 << 16
QUIET = {
    "tick_interval": 100,
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "allow_multiple_connections_per_ip": True,
}
NOWHERE = "magnet:?xt=urn:btih:" + "0123456789" * 4
Seed = Callable[..., "Seeding"]


class Seeding:
    """libtorrent session that seeds the files of a folder."""

    def __init__(self, folder: Path, *, bytes_per_s: int = 0, piece: int = PIECE, hashed: bool = True) -> None:
        """``hashed=False``: it only knows the list of files, with hashes that are none."""
        made = lt.create_torrent(lt.list_files(str(folder)), piece, lt.create_torrent.v1_only)
        if hashed:
            lt.set_piece_hashes(made, str(folder.parent))
        else:
            for number in range(made.num_pieces()):
                made.set_hash(number, b"0" * 20)
        parameters = lt.load_torrent_buffer(lt.bencode(made.generate()))
        parameters.save_path = str(folder.parent)
        if not hashed:
            parameters.flags |= lt.torrent_flags.seed_mode  # believes that all is there
        self.session = lt.session(QUIET)
        self.handle = self.session.add_torrent(parameters)
        if bytes_per_s:
            self.handle.set_upload_limit(bytes_per_s)
        while hashed and not self.handle.status().is_seeding:
            self.session.wait_for_alert(50)
            self.session.pop_alerts()
        self.uri: str = lt.make_magnet_uri(self.handle)
        self.options = TorrentOptions(
            listen="127.0.0.1:0", find_peers=False, peers=(("127.0.0.1", self.session.listen_port()),)
        )


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    running: list[Seeding] = []

    def begin(**options: Any) -> Seeding:
        running.append(Seeding(tmp_path / "seed" / "Model", **options))
        return running[-1]

    (tmp_path / "seed" / "Model").mkdir(parents=True)
    yield begin
    running.clear()


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Folder of the seeded files."""
    return tmp_path / "seed" / "Model"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def random_model(path: Path, n_bytes: int = 2 << 20) -> Path:
    """Write a valid header with random data, large enough to take a while at a limited speed."""
    write_tiny_model(path)
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(os.urandom(n_bytes))
    return path


def test_model_is_downloaded_and_loads(seed: Seed, shared: Path, models: Path) -> None:
    write_tiny_model(shared / "tiny.gguf")
    (shared / "README.md").write_text("other text " * 1000)
    seeding = seed()
    transfer = Transfer()
    (path,) = download_magnet(seeding.uri, models, Access, transfer, seeding.options)
    assert path == models / "tiny.gguf"
    assert path.read_bytes() == (shared / "tiny.gguf").read_bytes()
    assert sorted(each.name for each in models.iterdir()) == ["tiny.gguf", "tiny.gguf.origin.json"]
    check_loadable(read_header(path))
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin.parts[0].sha256 == origin.sha256
    assert origin.verified_at is not None
    library = ModelLibrary(models, find_starter=lambda: None, models_folder=models)
    (listed,) = library.list()
    assert (listed.ready, listed.sha256) == (True, origin.sha256)
    assert transfer.status.progress.done == transfer.status.progress.total > 0


def test_separate_experts_are_stacked(seed: Seed, shared: Path, models: Path) -> None:
    published = write_tiny_model(shared / "old.gguf", n_expert=4, legacy=True).read_bytes()
    seeding = seed()
    (path,) = download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    check_loadable(read_header(path))
    origin = read_origin(path)
    assert origin is not None
    assert not origin.layout.is_identity
    assert origin.parts[0].name == "old.gguf"
    assert origin.parts[0].sha256 == hashlib.sha256(published).hexdigest()
    stacked = write_tiny_model(shared.parent / "stacked.gguf", n_expert=4)
    assert (
        path.stat().st_size - read_header(path).data_offset == stacked.stat().st_size - read_header(stacked).data_offset
    )
    assert sorted(each.name for each in models.iterdir()) == ["old.gguf", "old.gguf.origin.json"]


def test_raw_parts_are_joined(seed: Seed, shared: Path, models: Path, tmp_path: Path) -> None:
    whole = write_tiny_model(tmp_path / "whole.gguf").read_bytes()
    third = len(whole) // 3
    for letter, content in zip("abc", (whole[:third], whole[third : 2 * third], whole[2 * third :]), strict=True):
        (shared / f"cut.gguf-split-{letter}").write_bytes(content)
    seeding = seed()
    (path,) = download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert (path.name, path.read_bytes()) == ("cut.gguf", whole)
    assert sorted(each.name for each in models.iterdir()) == ["cut.gguf", "cut.gguf.origin.json"]


def test_shards_stay_separate_files(seed: Seed, shared: Path, models: Path) -> None:
    write_tiny_model(shared / "split.gguf", tensors_per_file=6)
    seeding = seed()
    paths = download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert [path.name for path in paths] == [f"split-0000{n}-of-00004.gguf" for n in (1, 2, 3, 4)]
    assert all(path.read_bytes() == (shared / path.name).read_bytes() for path in paths)


def test_selection_among_several_models(seed: Seed, shared: Path, models: Path) -> None:
    write_tiny_model(shared / "a.gguf")
    write_tiny_model(shared / "b.gguf", seed=1)
    seeding = seed()
    with pytest.raises(UserError) as caught:
        download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert caught.value.code == "torrent_holds_several"
    known = caught.value.data["known"]
    assert isinstance(known, list)
    (choice,) = [each.partition(":")[0] for each in known if each.endswith(" b.gguf")]
    (path,) = download_magnet(f"{seeding.uri}&{choice}", models, Access, Transfer(), seeding.options)
    assert path.read_bytes() == (shared / "b.gguf").read_bytes()
    assert not (models / "a.gguf").exists()


def test_cancel_keeps_the_data(seed: Seed, shared: Path, models: Path) -> None:
    random_model(shared / "slow.gguf", 3 << 20)
    seeding = seed(bytes_per_s=1 << 20)
    transfer = Transfer()
    thread, raised = in_background(lambda: download_magnet(seeding.uri, models, Access, transfer, seeding.options))
    wait_for(lambda: transfer.status.progress.done > 12 * PIECE or bool(raised))
    assert not list(models.rglob("*.gguf")), "the name ends in .gguf only when it is complete"
    before = time.monotonic()
    transfer.token.cancel()
    thread.join(20)
    assert time.monotonic() - before < 10
    assert isinstance(raised[0], Cancelled)
    assert magnet_bytes(seeding.uri, models) > 8 * PIECE
    # Another seed: the first one still counts the data it had sent.
    other = seed()
    (path,) = download_magnet(other.uri, models, Access, Transfer(), other.options)
    assert path.read_bytes() == (shared / "slow.gguf").read_bytes()
    again = other.handle.status().all_time_upload
    assert again < path.stat().st_size - 8 * PIECE


def test_resume_after_a_kill(seed: Seed, shared: Path, models: Path) -> None:
    random_model(shared / "slow.gguf")
    seeding = seed(bytes_per_s=1 << 20)
    code = (
        "import sys; from pathlib import Path; from model_manager.download.transfer import Transfer; "
        "from model_manager.hub.access import Access; "
        "from model_manager.download.torrent import *; "
        "download_magnet(sys.argv[1], Path(sys.argv[2]), Access, Transfer(), TorrentOptions(listen='127.0.0.1:0', "
        "find_peers=False, peers=(('127.0.0.1', int(sys.argv[3])),)))"
    )
    port = str(seeding.session.listen_port())
    process = subprocess.Popen([sys.executable, "-c", code, seeding.uri, str(models), port], cwd=ROOT)
    wait_for(lambda: seeding.handle.status().total_payload_upload > 12 * PIECE)
    process.kill()
    process.wait()
    seeding.handle.set_upload_limit(0)
    (path,) = download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert path.read_bytes() == (shared / "slow.gguf").read_bytes()


def test_resume_while_hashing(seed: Seed, shared: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_model(shared / "old.gguf", n_expert=4, legacy=True)
    seeding = seed()

    def cancel_while_hashing(status: DownloadStatus) -> None:
        if status.state == "verifying":
            transfer.token.cancel()

    transfer = Transfer(on_status=cancel_while_hashing)
    with pytest.raises(Cancelled):
        download_magnet(seeding.uri, models, Access, transfer, seeding.options)
    no_peers = TorrentOptions(listen="127.0.0.1:0", find_peers=False)
    (path,) = download_magnet(seeding.uri, models, Access, Transfer(), no_peers)
    check_loadable(read_header(path))


def test_corrupt_pieces_are_rejected(seed: Seed, shared: Path, models: Path) -> None:
    random_model(shared / "bad.gguf", 1 << 20)
    seeding = seed()
    whole = (shared / "bad.gguf").read_bytes()
    middle = len(whole) // 2
    with (shared / "bad.gguf").open("r+b") as file:
        file.seek(middle)
        file.write(bytes([whole[middle] ^ 0xFF]))
    transfer = Transfer()
    thread, raised = in_background(lambda: download_magnet(seeding.uri, models, Access, transfer, seeding.options))
    wait_for(lambda: transfer.status.state == "waiting")
    problem = transfer.status.problem
    assert problem is not None
    assert problem.code == "torrent_no_peers"
    assert transfer.status.progress.done < transfer.status.progress.total
    assert not list(models.rglob("*.gguf"))
    transfer.token.cancel()
    thread.join(20)
    assert isinstance(raised[0], Cancelled)


def test_file_that_is_not_a_model_is_quarantined(seed: Seed, shared: Path, models: Path) -> None:
    (shared / "fake.gguf").write_bytes(b"<!DOCTYPE html>" + bytes(100_000))
    seeding = seed()
    with pytest.raises(UserError) as caught:
        download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert (caught.value.code, caught.value.data["path"]) == ("is_web_page", models / "fake.gguf.bad")
    assert [each.name for each in models.iterdir()] == ["fake.gguf.bad"]


def test_torrent_without_model_is_refused(seed: Seed, shared: Path, models: Path) -> None:
    (shared / "film.mkv").write_bytes(os.urandom(100_000))
    seeding = seed()
    with pytest.raises(UserError, match="torrent_without_model"):
        download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)


def test_existing_file_is_refused_first(seed: Seed, shared: Path, models: Path) -> None:
    write_tiny_model(shared / "tiny.gguf")
    seeding = seed()
    models.mkdir()
    (models / "tiny.gguf").write_bytes(b"my own")
    with pytest.raises(UserError, match="file_in_the_way"):
        download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)
    assert (models / "tiny.gguf").read_bytes() == b"my own"
    assert seeding.handle.status().total_payload_upload == 0


def test_insufficient_space_is_reported_first(seed: Seed, shared: Path, models: Path) -> None:
    with (shared / "large.gguf").open("wb") as file:
        file.truncate(shutil.disk_usage(shared).free + (4 << 30))
    seeding = seed(piece=1 << 26, hashed=False)
    with pytest.raises(UserError, match="disk_too_small"):
        download_magnet(seeding.uri, models, Access, Transfer(), seeding.options)


@pytest.mark.parametrize(
    "uri",
    [
        "magnet:",
        "magnet:?xt=urn:btih:xyz",
        "magnet:?dn=name",
        NOWHERE[:-1],
        "magnet:?xt=urn:sha1:" + "a" * 32,
        "http://x",
    ],
)
def test_invalid_links(models: Path, uri: str) -> None:
    with pytest.raises(UserError) as caught:
        download_magnet(uri, models, Access, Transfer())
    assert caught.value.code == "magnet_not_understood"
    assert not models.exists()


def test_cancel_without_peers(models: Path) -> None:
    transfer = Transfer()
    no_peers = TorrentOptions(listen="127.0.0.1:0", find_peers=False)
    thread, raised = in_background(lambda: download_magnet(NOWHERE, models, Access, transfer, no_peers))
    wait_for(lambda: transfer.status.state == "waiting")
    with pytest.raises(UserError, match="download_busy"):
        download_magnet(NOWHERE, models, Access, Transfer(), no_peers)
    before = time.monotonic()
    transfer.token.cancel()
    thread.join(20)
    assert time.monotonic() - before < 10
    assert isinstance(raised[0], Cancelled)
    discard_magnet(NOWHERE, models)
    assert list(models.iterdir()) == []


def test_missing_libtorrent_names_the_command(models: Path) -> None:
    code = (
        "import sys; sys.modules['libtorrent'] = None\n"
        "from pathlib import Path\n"
        "from model_manager.download.transfer import Transfer\nfrom model_manager.hub.access import Access\n"
        "from model_manager.errors import UserError\n"
        "from model_manager.download.torrent import download_magnet\n"
        "try:\n    download_magnet(sys.argv[1], Path(sys.argv[2]), Access, Transfer())\n"
        "except UserError as error:\n    print(error.code, error.data['command'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, NOWHERE, str(models)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("torrent_not_installed ")
    assert "-m pip install" in done.stdout


def test_libtorrent_is_imported_on_use() -> None:
    code = (
        "import model_manager.download.torrent, sys, threading;"
        "print('libtorrent' in sys.modules, threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]


def test_is_magnet() -> None:
    assert is_magnet(NOWHERE)
    assert is_magnet(NOWHERE.replace("magnet", "MAGNET"))
    assert not is_magnet("owner/repo:magnet.gguf")
