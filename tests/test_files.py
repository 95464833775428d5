"""Files that are whole or not there; nothing of anybody else's is replaced."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax import __version__
from gan_jax.errors import UserError
from gan_jax.files import MARK, claim, claim_workdir, lock, picture_mark, replacing


def test_a_file_takes_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["numbers.txt"]
    other = tmp_path / "other.txt"
    other.write_text("")
    assert path.stat().st_mode == other.stat().st_mode  # readable by whom other files are


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="no"), replacing(path) as file:
        file.write(b"ne")
        raise ValueError("no")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["numbers.txt"]


def write(path, marked):
    match path.suffix:
        case ".npz":
            np.savez_compressed(path, images=np.zeros((2, 2)), **({MARK: __version__} if marked else {}))
        case ".json":
            report = {"results": {}, "protocol": {"versions": {"gan_jax": __version__}}} if marked else {"gan_jax": 3}
            path.write_text(json.dumps(report))
        case suffix:
            Image.new("RGB", (3, 3)).save(path, **(picture_mark(suffix) if marked else {}))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".gif", ".webp", ".npz", ".json"])
def test_only_what_this_library_made_is_replaced_and_only_if_asked(tmp_path, suffix):
    ours, other = tmp_path / f"ours{suffix}", tmp_path / f"other{suffix}"
    claim(ours)
    claim(other, overwrite=True)
    write(ours, marked=True)
    write(other, marked=False)
    for path in (ours, other):
        with pytest.raises(UserError, match=rf"--out={path} is there already: .* or replace it with --overwrite"):
            claim(path)
    claim(ours, overwrite=True)
    with pytest.raises(UserError, match=f"--in={other} is there already and gan_jax did not make it"):
        claim(other, overwrite=True, flag="--in")


@pytest.mark.parametrize("name, message", [("a", "that is a folder"), ("b/c.png", "there is no folder .*b")])
def test_places_where_no_file_can_be(tmp_path, name, message):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match=message):
        claim(tmp_path / name, overwrite=True)


def test_a_link_and_an_empty_file_are_somebodys(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b.png").touch()
    for name in ("a.png", "b.png"):
        with pytest.raises(UserError, match="did not make it"):
            claim(tmp_path / name, overwrite=True)


OURS = json.dumps({"seed": 0, "game": "adversarial", "batch_size": 1, "total_kimg": 1.0, "data": {}})


@pytest.mark.parametrize(
    "files, allowed",
    [
        ({}, True),
        ({".hidden": ""}, True),
        ({"checkpoints": None}, True),  # killed as soon as it began
        ({"config.json": OURS, "checkpoints": None, "notes.txt": "mine"}, True),
        ({"config.json": OURS}, False),
        ({"config.json": '{"seed": 0, "name": "somebody\'s"}', "checkpoints": None}, False),
        ({"config.json": "[", "checkpoints": None}, False),
        ({"config.json": "[3]", "checkpoints": None}, False),
        ({"samples": None}, False),
        ({"checkpoints/mine.pt": ""}, False),
    ],
)
def test_a_folder_to_train_in(tmp_path, files, allowed):
    workdir = tmp_path / "run"
    claim_workdir(workdir)  # which is not there
    workdir.mkdir()
    for name, content in files.items():
        path = workdir / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if content is None else path.write_text(content)
    before = sorted(workdir.rglob("*"))
    if allowed:
        claim_workdir(workdir)
    else:
        with pytest.raises(UserError, match=f"--workdir={workdir} holds files that are no run"):
            claim_workdir(workdir)
    assert sorted(workdir.rglob("*")) == before


def test_a_file_is_no_folder_to_train_in(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(UserError, match="that is no folder"):
        claim_workdir(tmp_path / "a")


def test_one_process_holds_a_workdir_until_it_ends(tmp_path):
    code = f"from gan_jax.files import lock; held = lock(__import__('pathlib').Path({str(tmp_path)!r})); input()"
    process = subprocess.Popen([sys.executable, "-c", f"{code}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    while not (tmp_path / ".lock").exists() or not (tmp_path / ".lock").read_text():
        assert process.poll() is None
    with pytest.raises(UserError, match=f"--workdir={tmp_path}: process {process.pid} on .* is training there"):
        lock(tmp_path)
    process.kill()
    process.wait()
    lock(tmp_path).close()
