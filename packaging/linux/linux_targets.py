"""Archive and Debian package, made from the one-dir bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
APPLICATION = "io.github.apus_chat.ApusChat"
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

CONTROL = """\
Package: apus-chat
Version: {version}
Architecture: {architecture}
Maintainer: APUS Chat <apus-chat@users.noreply.github.com>
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: fonts-noto-cjk
Section: science
Priority: optional
Homepage: https://github.com/apus-chat/apus-chat
Description: chat with very large Mixture-of-Experts models on your own desktop
 APUS Chat shows which quantisation of a model fits your GPUs, downloads and
 verifies it, splits it over your GPUs and lets you chat in Chinese or English.
 Conversations stay on your machine.
"""
DEPENDS = (
    *("libc6 (>= 2.31)", "libegl1", "libgl1", "libfontconfig1", "libdbus-1-3", "libxkbcommon-x11-0", "libxcb-cursor0"),
    *("libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-render-util0", "libxcb-shape0"),
)
BACKEND_DEPENDS = {"cpu": (), "vulkan": ("libvulkan1",), "cuda": ()}


def archive(bundle: Path, dist: Path, version: str, backend: str) -> Path:
    """Build ``apus-chat-VERSION-BACKEND-linux-ARCH.tar.xz``, which runs from any folder."""
    made = dist / f"apus-chat-{version}-{backend}-linux-{os.uname().machine}.tar.xz"
    # The fastest preset: a third of the content is a model file that cannot be compressed.
    command = ["xz", "-1", "-T0", "--stdout"]
    with made.open("wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out) as packing:
        with tarfile.open(fileobj=packing.stdin, mode="w|") as tar:
            tar.add(bundle, arcname=f"apus-chat-{version}", filter=_owned_by_root)
        assert packing.stdin is not None
        packing.stdin.close()
    if packing.returncode:
        raise SystemExit(f"xz failed ({packing.returncode})")
    return made


def deb(bundle: Path, dist: Path, version: str, backend: str) -> Path:
    """Build ``apus-chat_VERSION-BACKEND_ARCH.deb``: menu entry, icon, file type .gguf and the command apus-chat."""
    architecture = ARCHITECTURES[os.uname().machine]
    root = ROOT / "build" / "deb"
    shutil.rmtree(root, ignore_errors=True)
    program = root / "opt" / "apus-chat"
    shutil.copytree(bundle, program, symlinks=True)
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "apus-chat").symlink_to("/opt/apus-chat/apus-chat")
    share = root / "usr" / "share"
    for source, place in (
        (f"{APPLICATION}.desktop", "applications"),
        (f"{APPLICATION}.metainfo.xml", "metainfo"),
        (f"{APPLICATION}.mime.xml", "mime/packages"),
    ):
        (share / place).mkdir(parents=True)
        shutil.copy(HERE / source, share / place / source.replace(".mime.xml", ".xml"))
    _icons(share / "icons" / "hicolor")
    documents = share / "doc" / "apus-chat"
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents / "copyright")
    control = root / "DEBIAN"
    control.mkdir()
    kilobytes = sum(each.lstat().st_size for each in root.rglob("*") if each.is_file()) // 1024
    depends = ", ".join((*DEPENDS, *BACKEND_DEPENDS[backend]))
    (control / "control").write_text(
        CONTROL.format(version=version, architecture=architecture, kilobytes=kilobytes, depends=depends)
    )
    for path in (root, *root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    made = dist / f"apus-chat_{version}-{backend}_{architecture}.deb"
    # zstd would be faster, but Debian 11 cannot read it.
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return made


def _icons(folder: Path) -> None:
    source = ROOT / "resources" / "icons" / "app"
    scalable = folder / "scalable" / "apps"
    scalable.mkdir(parents=True)
    shutil.copy(source / "apus-chat.svg", scalable / f"{APPLICATION}.svg")
    for size in ICON_SIZES:
        picture = source / f"apus-chat-{size}.png"
        if picture.is_file():
            place = folder / f"{size}x{size}" / "apps"
            place.mkdir(parents=True)
            shutil.copy(picture, place / f"{APPLICATION}.png")


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return entry
