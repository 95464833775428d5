"""`--mode=train` as a person meets it: in a process, stopped, and with code of one's own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.modes.train import default_workdir, join_hosts

ROOT = Path(__file__).parent.parent.parent
TINY = ROOT / "tests" / "tiny.py"


def test_train_then_sample_then_the_same_command_again(program, tmp_path):
    trained = program(f"--config={TINY}", "--config.seed=3")
    assert trained.returncode == 0, trained.stderr
    assert json.loads((tmp_path / "runs" / "tiny" / "config.json").read_text())["seed"] == 3
    assert "kimg" in trained.stderr and "\r" not in trained.stderr  # plain lines: it is no terminal
    sampled = program("--mode=sample", "--workdir=runs/tiny", "--num=7", "--out=a.npz")
    assert sampled.returncode == 0, sampled.stderr
    assert np.load(tmp_path / "a.npz")["points"].shape == (7, 2)
    again = program("--config.seed", "3", "-config", TINY)
    assert again.returncode == 0 and "rounds 10 to 10" in again.stderr and "nothing is left to do" in again.stderr


def test_a_mistake_is_one_line_and_status_2(program, tmp_path):
    done = program("--config.batchsize=3", start=("-m", "gan_jax"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "gan_jax: --config.batchsize=3: there is no such key in this config; did you mean batch_size?"
    ]
    assert done.stdout == "" and not list(tmp_path.iterdir())


def test_sigterm_ends_with_143(tmp_path):
    command = [
        sys.executable,
        ROOT / "main.py",
        f"--config={TINY}",
        "--config.total_kimg=4000",
        f"--workdir={tmp_path}",
    ]
    process = subprocess.Popen(command, env=os.environ | {"XLA_FLAGS": ""}, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (tmp_path / "metrics.jsonl").exists() or not (tmp_path / "metrics.jsonl").read_text():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "rerun the same command to resume" in told.splitlines()[-1]


def test_somebodys_folder_is_not_touched(program, tmp_path):
    (tmp_path / "mine" / "samples").mkdir(parents=True)
    (tmp_path / "mine" / "samples" / "000000.png").write_text("a picture")
    done = program(f"--config={TINY}", "--workdir=mine")
    assert done.returncode == 2
    assert done.stderr == "gan_jax: --workdir=mine holds files that are no run of gan_jax: choose another --workdir\n"
    assert (tmp_path / "mine" / "samples" / "000000.png").read_text() == "a picture"
    assert [path.name for path in (tmp_path / "mine").rglob("*")] == ["samples", "000000.png"]


@pytest.mark.parametrize(
    "config, workdir",
    [
        ("digits_dcgan", "digits_dcgan"),
        ("sngan:digits", "sngan_digits"),
        ("configs/c.py", "c"),
        ("configs/c.py:grid", "c_grid"),
    ],
)
def test_default_workdir(config, workdir):
    assert default_workdir(config) == Path("runs", workdir)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"distributed": True, "process_id": 0}, "--distributed finds --coordinator_address, --num_processes and"),
        ({"num_processes": 2}, "several hosts need --coordinator_address, --num_processes and --process_id together"),
        ({"coordinator_address": "here", "num_processes": 2, "process_id": 0}, "=here: must be HOST:PORT"),
        ({"coordinator_address": "h:1", "num_processes": 2, "process_id": 2}, "the first counts from 0"),
    ],
)
def test_mistakes_about_hosts(given, message):
    none = dict.fromkeys(("coordinator_address", "num_processes", "process_id"))
    with pytest.raises(UserError, match=message):
        join_hosts(**{"distributed": False, **none, **given})


def test_distributed_where_there_is_no_cluster(program, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("SLURM_", "OMPI_", "KUBERNETES_", "JAX_COORD"))]:
        monkeypatch.delenv(name)
    done = program("--distributed")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "--distributed: JAX finds no cluster to join (coordinator_address should be defined)" in done.stderr


OWN_CONFIG = """
from tiny_of_mine import small
def get_config():
    config = small()
    config.game = "game_of_mine"
    return config
"""
OWN_GAME = """
import helper_of_mine
from gan_jax.games.adversarial import KEYS, DEFAULTS, make_game as plain
def make_game(config, fields):
    return plain(config, fields)
"""


def test_a_run_with_code_of_ones_own(program, tmp_path):
    """It is sampled and resumed from elsewhere without PYTHONPATH; a copy of it, as if downloaded, is not."""
    code, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    code.mkdir()
    elsewhere.mkdir()
    (code / "mine.py").write_text(OWN_CONFIG)
    (code / "tiny_of_mine.py").write_text(f"{TINY.read_text()}\nsmall = get_config\n")
    (code / "game_of_mine.py").write_text(OWN_GAME)
    (code / "helper_of_mine.py").write_text("print('executed')")
    trained = program("--config=mine.py", f"--workdir={tmp_path / 'run'}", cwd=code)
    assert trained.returncode == 0, trained.stderr

    shutil.copytree(tmp_path / "run", tmp_path / "downloaded")
    sampled = program("--mode=sample", "--workdir=../downloaded", "--out=a.npz", cwd=elsewhere, PYTHONPATH=str(code))
    assert sampled.returncode == 2 and sampled.stdout == "" and len(sampled.stderr.splitlines()) == 1
    assert "game='game_of_mine' is not part of gan_jax" in sampled.stderr and "--code=FOLDER" in sampled.stderr
    assert not list(elsewhere.iterdir())

    sampled = program("--mode=sample", "--workdir=../run", "--out=a.npz", cwd=elsewhere)
    assert sampled.returncode == 0 and sampled.stdout.startswith("executed\n"), sampled.stderr
    resumed = program("--config=digits_dcgan", "--config.game=game_of_mine", "--workdir=../run", cwd=elsewhere)
    assert resumed.stdout == "executed\n" and "holds a run with another config" in resumed.stderr


def test_from_python_without_flags_and_without_a_warning(program, tmp_path):
    code = """
import gan_jax
config = gan_jax.config_for("adversarial")
for player in ("generator", "discriminator"):
    config.networks[player] = {"name": "mlp", "width": 8}
config.batch_size, config.total_kimg, config.evaluation.features = 16, 0.032, "none"
config.data.update(source="ring", resident_mb=0)
gan_jax.train(config, "run")
run = gan_jax.load("run")
print(run.sample(3).shape, gan_jax.load("run", checkpoint="2").sample(3, ema=False).dtype)
import gan_jax.loop
assert callable(gan_jax.train)
"""
    done = program(start=("-W", "error", "-c", code), JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(3, 2) float32\n" and "arn" not in done.stderr.replace("learn", ""), done.stderr
