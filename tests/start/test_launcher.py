"""The launcher in a wheel: everything in one private folder, beside another package named `app`."""

import json
import shutil
import subprocess
import sys

import start

LAUNCHER = start.ROOT / "packaging" / "launcher" / "apus_chat"
PROGRAM = "import json, sys\ndef main():\n    print(json.dumps([__file__, sys.argv[1:]]))\n    return 3\n"


def test_the_private_folder_takes_precedence_over_another_app_package(tmp_path):
    site = tmp_path / "site-packages"
    shutil.copytree(LAUNCHER, site / "apus_chat", ignore=shutil.ignore_patterns("__pycache__"))
    for folder, text in ((site / "apus_chat" / "app", PROGRAM), (site / "app", "raise SystemExit('foreign')")):
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "apus_chat", "doctor", "--json"], cwd=site, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == [str(site / "apus_chat" / "app" / "__main__.py"), ["doctor", "--json"]]
    assert (done.returncode, done.stderr) == (3, "")


def test_the_launcher_finds_the_source_tree():
    code = "import apus_chat; print(apus_chat.home())"
    done = subprocess.run([sys.executable, "-c", code], cwd=LAUNCHER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(start.ROOT)
