"""Checkpoints: whatever is damaged, the newest whole one is read; one process writes; nothing fails in silence."""

import json
import shutil
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.checkpoints import Checkpoints, record_checksum
from gan_jax.errors import Diverged, UserError
from gan_jax.game import State


def state(step):
    params = {"w": jnp.full((300,), step, jnp.float32), "b": jnp.arange(3.0)}
    return State(jnp.int32(step), {"generator": {"params": params}}, {"generator": ()}, {"generator": params})


def like(record):
    return jax.eval_shape(lambda: state(0))


def record(step):
    return {"fields": {"image": {"shape": (2, 2)}}, "best": {"step": 1, "fid": 0.1 + step}, 7: "a key that is no text"}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """The folder of the checkpoints of rounds 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    checkpoints = Checkpoints(folder, keep=3)
    for step in (1, 2, 3):
        checkpoints.save(state(step), record(step))
    checkpoints.close()
    return folder


def restore(folder, which="last", read_only=True):
    checkpoints = Checkpoints(folder, keep=3, read_only=read_only)
    found, own = checkpoints.restore(like, which)
    checkpoints.close()
    step = int(found.step)
    chex.assert_trees_all_equal(found, jax.device_get(state(step)))
    assert own["best"] == {"step": 1, "fid": 0.1 + step} and own["fields"] == {"image": {"shape": [2, 2]}}
    return step


def test_what_is_saved_is_restored(three):
    assert restore(three) == 3 and restore(three, "best") == 1 and restore(three, "2") == 2


def files_of(step, folder):
    return sorted(path.relative_to(folder) for path in (folder / str(step)).rglob("*") if path.is_file())


FAULTS = {
    "a flipped bit": lambda data, half: data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :] if data else data,
    "cut off": lambda data, half: data[:half],
    "empty": lambda data, half: b"",
    "lost": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_any_damage_to_any_file_falls_back_to_the_one_before(three, tmp_path, fault, capsys):
    fell_back = set()
    for name in files_of(3, three):
        folder = shutil.copytree(three, tmp_path / "run" / "checkpoints", dirs_exist_ok=True)
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        if FAULTS[fault]:
            (folder / name).write_bytes(FAULTS[fault](data, len(data) // 2))
        step = restore(folder)  # it is whole, or the one before is taken, which is whole
        assert step in (2, 3)
        if step == 2:
            fell_back.add(str(name))
            assert "checkpoints/3 is damaged (" in capsys.readouterr().err
        shutil.rmtree(tmp_path / "run")
    assert "3/record/metadata" in fell_back and any("/d/" in name for name in fell_back)


@pytest.mark.parametrize("key", ["best", "fields", "arrays", "checksum", "record_checksum"])
def test_every_change_of_a_record_is_noticed(three, tmp_path, key):
    folder = shutil.copytree(three, tmp_path / "run" / "checkpoints")
    path = folder / "3" / "record" / "metadata"
    changed = json.loads(path.read_text())
    changed[key] = 0
    path.write_text(json.dumps(changed))
    assert restore(folder) == 2
    with pytest.raises(UserError, match=r"--checkpoint=3: it is damaged \(.*\); .* has 1, 2, 3"):
        restore(folder, "3")


def test_records_of_older_versions_have_no_checksum_of_their_own(three, tmp_path):
    folder = shutil.copytree(three, tmp_path / "run" / "checkpoints")
    path = folder / "3" / "record" / "metadata"
    old = json.loads(path.read_text())
    del old["record_checksum"]
    path.write_text(json.dumps(old))
    assert restore(folder) == 3


def test_the_checksum_of_a_record_is_that_of_what_is_read_back():
    before = {"a": (1, 2.5), 3: {"z": None, "b": float("inf")}}
    after = {"3": {"b": float("inf"), "z": None}, "a": [1, 2.5], "record_checksum": 5}
    assert record_checksum(before) == record_checksum(after) != record_checksum({**after, "a": [1, 2.25]})


def test_damaged_ones_are_set_aside_by_who_may_write(three, tmp_path):
    folder = shutil.copytree(three, tmp_path / "run" / "checkpoints")
    (folder / "3" / "record" / "metadata").write_text("")
    assert restore(folder) == 2 and (folder / "3").exists()
    assert restore(folder, read_only=False) == 2
    assert (folder / "damaged_3").exists() and not (folder / "3").exists()
    assert restore(folder) == 2


def test_a_round_that_is_there_already_is_not_saved_in_silence(three, tmp_path):
    folder = shutil.copytree(three, tmp_path / "run" / "checkpoints")
    checkpoints = Checkpoints(folder, keep=3)
    with pytest.raises(UserError, match=r"round 2 was not saved: there is already step 3 in .*checkpoints"):
        checkpoints.save(state(2), record(2))
    checkpoints.close()
    assert restore(folder) == 3


def test_no_two_processes_write(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    code = "\n".join([
        "from pathlib import Path",
        "from gan_jax.checkpoints import Checkpoints",
        "Checkpoints(Path('checkpoints'), read_only=True)",
        "print('read')",
        "Checkpoints(Path('checkpoints'))",
    ])  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "read\n" and "is training there: wait for its end" in done.stderr
    checkpoints.close()


def test_what_is_not_finite_is_not_saved(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    bad = state(1)
    bad.variables["generator"]["params"]["w"] = jnp.full((300,), np.nan)
    with pytest.raises(Diverged, match="round 1: the variables of player 'generator' are not finite"):
        checkpoints.save(bad, record(1))
    checkpoints.close()
    assert checkpoints.latest() == "none"
