"""The command line as a person meets it: main.py in a process, mistakes in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from absl import flags
from PIL import Image
from tiny import get_config

from gan_jax import cli
from gan_jax.errors import Diverged, Interrupted, UserError
from gan_jax.runners import make_runner
from gan_jax.sampling import sample_to_file
from gan_jax.train import train

ROOT = Path(__file__).parent.parent
TINY = ROOT / "tests" / "tiny.py"


def main(*arguments, cwd=ROOT):
    environment = os.environ | {"XLA_FLAGS": ""}
    command = [sys.executable, ROOT / "main.py", *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_train_then_sample_then_the_same_command_again(tmp_path):
    trained = main(f"--config={TINY}", "--config.seed=3", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert json.loads((tmp_path / "runs" / "tiny" / "config.json").read_text())["seed"] == 3
    assert "kimg" in trained.stderr and "\r" not in trained.stderr  # plain lines: it is no terminal
    sampled = main("--mode=sample", "--workdir=runs/tiny", "--num=7", "--out=a.npz", cwd=tmp_path)
    assert sampled.returncode == 0, sampled.stderr
    assert np.load(tmp_path / "a.npz")["points"].shape == (7, 2)
    again = main(f"--config={TINY}", "--config.seed=3", cwd=tmp_path)
    assert again.returncode == 0 and "rounds 10 to 10" in again.stderr and "nothing is left to do" in again.stderr


def test_evaluate_two_sets_in_a_process(tmp_path):
    np.savez(tmp_path / "a.npz", points=np.random.default_rng(0).normal(size=(500, 2)))
    flags = "--images_a=a.npz", "--images_b=ring", "--metrics=modes,pr", "--out=b.json"
    done = main("--mode=evaluate", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "b.json").read_text())["results"]
    assert set(results) == {"modes", "high_quality", "kl", "precision", "recall"} and results["high_quality"] < 0.1
    assert "precision" in done.stdout and "500 of a.npz" in done.stdout


def test_train_classifier_in_a_process(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = (rng.integers(0, 99, (200, 8, 8, 1)) + 150 * labels[:, None, None, None]).astype(np.uint8)
    np.savez(tmp_path / "dark_and_bright.npz", images=images, labels=labels)
    data = "--config.data.source=npz:dark_and_bright.npz"
    done = main("--mode=train_classifier", data, "--kimg=3", "--out=c.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "100.00% of 20 images of a tenth held out" in done.stdout
    files = "--images_a=dark_and_bright.npz", "--images_b=dark_and_bright.npz"
    done = main("--mode=evaluate", *files, "--features=classifier:c.npz", "--metrics=pr", cwd=tmp_path)
    assert done.returncode == 0 and "classifier c.npz" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, "--mode=evaluate needs --workdir=DIR of a run, or --images_a=PATH and --images_b=PATH"),
        ({"images_a": "x"}, "--mode=evaluate needs --workdir=DIR of a run, or"),
        ({"workdir": "x", "images_a": "x", "images_b": "y"}, "--mode=evaluate needs"),
        ({"workdir": "x", "out": "x.txt"}, "must be a .json file in a folder that exists"),
        ({"workdir": "x", "out": "nowhere/x.json"}, "must be a .json file in a folder that exists"),
        ({"workdir": "x", "num": 0}, "--num=0: must be positive"),
        ({"workdir": "x", "seed": -1}, "--seed=-1: must be between"),
        ({"workdir": "x", "image_size": "64"}, "--image_size is for --images_a"),
        ({"workdir": "nowhere"}, "nowhere holds no trained run"),
        ({"images_a": "nowhere", "images_b": "ring"}, "nowhere: there is no such folder"),
        ({"images_a": "ring", "images_b": "ring", "ema": False}, "are taken as they are"),
        ({"images_a": "ring", "images_b": "ring", "checkpoint": "best"}, "are taken as they are"),
    ],
)
def test_mistakes_about_evaluations(changes, message):
    given = {"workdir": None, "images_a": None, "images_b": None, "image_size": None, "num": None, "seed": 0}
    given |= {"out": None, "ema": True, "checkpoint": "last", "metrics": "auto", "features": "auto"}
    with pytest.raises(UserError) as caught:
        cli.evaluate(**{**given, **changes})
    assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"out": None}, "--mode=train_classifier needs --out=FILE.npz"),
        ({"out": "c.png"}, "--mode=train_classifier needs --out=FILE.npz"),
        ({"kimg": 0.0}, "--kimg=0.0: must be positive"),
        ({"kimg": float("nan")}, "--kimg=nan: must be positive"),
        ({}, "needs labelled images"),
    ],
)
def test_mistakes_about_classifiers(changes, message, tmp_path):
    given = {"config": get_config(), "out": str(tmp_path / "c.npz"), "test": None, "kimg": 1.0, "seed": 0}
    with pytest.raises(UserError, match=message):
        cli.train_classifier(**{**given, **changes})


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
        cli.join_hosts(**{"distributed": False, **none, **given})


def test_distributed_where_there_is_no_cluster(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("SLURM_", "OMPI_", "KUBERNETES_", "JAX_COORD"))]:
        monkeypatch.delenv(name)
    done = main("--distributed")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "--distributed: JAX finds no cluster to join (coordinator_address should be defined)" in done.stderr


def test_flags_of_other_modes_are_refused():
    done = main("--mode=evaluate", "--label=3")
    assert (done.returncode, done.stderr) == (2, "gan_jax: --label means nothing with --mode=evaluate\n")


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
    assert "the same command goes on" in told.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--config=nowhere.py"], "--config=nowhere.py: there is no such file"),
        (["--config.batchsize=3"], "did you mean batch_size"),
        (["--config.data=3"], "data is a group, set one of data.crop"),
        (["--config.batch_size=many"], "batch_size=many: invalid literal for int()"),
        (["--config.lerning_rate=1"], "did you mean optimizers.discriminator.learning_rate or"),
        (["--mode=dream"], "dream"),
        (["--wrokdir=x"], "Unknown command line flag 'wrokdir'"),
        (["runs/x"], "runs/x: not a flag"),
        (["-config.batchsize=3"], "did you mean batch_size"),
        (["--config.batchsize", "3"], "did you mean batch_size"),
        (["--mode=sample", "--config.seed=3"], "--config.seed=3 means nothing with --mode=sample"),
    ],
)
def test_mistakes_on_the_command_line(arguments, message):
    values = flags.FlagValues()
    argv = ["main.py", *arguments]
    from ml_collections import config_flags

    config_flags.DEFINE_config_file("config", None, "", flag_values=values, sys_argv=argv)
    flags.DEFINE_enum("mode", "train", ["train", "sample"], "", flag_values=values)
    with pytest.raises((UserError, flags.Error), match=message.replace("(", r"\(").replace(")", r"\)")):
        cli.parse(argv, values, TINY)


def test_a_mistake_is_one_line_and_status_2():
    done = main("--config.batchsize=3")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "gan_jax: --config.batchsize=3: there is no key 'batchsize' in this config; did you mean batch_size?"
    ]
    assert done.stdout == ""


@pytest.mark.parametrize(
    "content, message",
    [
        ("x = 1", "has no attribute 'get_config'"),
        ("def f(:", "line 1: invalid"),
        ("def get_config():\n    return None", "must return a ConfigDict"),
        (
            "from gan_jax.config import base_config\ndef get_config():\n    c = base_config()\n    c.bacth_size = 3",
            "line 4: .*batch_size",
        ),
    ],
)
def test_a_file_that_is_no_config(tmp_path, content, message):
    (tmp_path / "c.py").write_text(content)
    with pytest.raises(UserError, match=message):
        cli.load_config(tmp_path / "c.py")


def test_a_config_for_several_data_sets(tmp_path):
    code = "from tiny import get_config as tiny\ndef get_config(data='ring'):\n    return tiny(**{'data.source': data})"
    (tmp_path / "c.py").write_text(code)
    assert cli.load_config(tmp_path / "c.py").data.source == "ring"
    assert cli.load_config(f"{tmp_path / 'c.py'}:grid").data.source == "grid"
    assert cli.default_workdir("configs/c.py") == Path("runs/c")
    assert cli.default_workdir("configs/c.py:grid") == Path("runs/c_grid")


def test_a_config_finds_its_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "own_configs"
    folder.mkdir()
    first = "from gan_jax.config import base_config\ndef get_config():\n    return base_config()\n"
    (folder / "first.py").write_text(first)
    (folder / "second.py").write_text("from own_configs.first import get_config\n")
    assert cli.load_config(folder / "second.py").game == "adversarial"


@pytest.mark.parametrize(
    "error, status",
    [
        (UserError("a"), 2),
        (Diverged("a"), 1),
        (Interrupted(signal.SIGINT, "a"), 130),
        (OSError(28, "No space left on device", "file"), 2),
        (PermissionError(13, "Permission denied", "file"), 2),
    ],
)
def test_exit_status(error, status, capsys):
    def fail():
        raise error

    with pytest.raises(SystemExit) as exited:
        cli.one_line_errors(fail)()
    assert exited.value.code == status
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_bug_keeps_its_traceback():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.one_line_errors(fail)()


@pytest.fixture(scope="module")
def conditional_run(tmp_path_factory):
    """One round of a conditional game on digits."""
    workdir = tmp_path_factory.mktemp("digits")
    changes = {"data.source": "digits", "labels": "auto", "total_kimg": 0.016, "networks.generator.norm": "batch"}
    train(get_config(**changes), workdir, make_runner("jit"))
    return workdir


def sample(workdir, out, *, num=5, seed=0, label=None, ema=True):
    sample_to_file(Path(workdir), Path(out), num=num, seed=seed, label=label, ema=ema)


def test_samples_of_a_conditional_game(conditional_run, tmp_path):
    sample(conditional_run, tmp_path / "a.npz", num=23)
    arrays = np.load(tmp_path / "a.npz")
    assert arrays["images"].shape == (23, 28, 28, 1) and arrays["images"].dtype == np.uint8
    assert arrays["labels"].tolist() == [i % 10 for i in range(23)]
    sample(conditional_run, tmp_path / "b.npz", num=3, label=4)
    assert np.load(tmp_path / "b.npz")["labels"].tolist() == [4, 4, 4]
    np.testing.assert_array_equal(np.load(tmp_path / "b.npz")["images"].shape, (3, 28, 28, 1))


def test_seed_ema_and_number(conditional_run, tmp_path):
    def drawn(**options):
        sample(conditional_run, tmp_path / "a.npz", **options)
        return np.load(tmp_path / "a.npz")["images"]

    np.testing.assert_array_equal(drawn(num=200)[:5], drawn(num=5))
    assert not np.array_equal(drawn(), drawn(seed=1))
    assert not np.array_equal(drawn(), drawn(ema=False))


def test_samples_as_a_picture(conditional_run, tmp_path):
    sample(conditional_run, tmp_path / "a.png", num=20)
    assert Image.open(tmp_path / "a.png").size == (10 * 56, 2 * 56)  # a column a class
    sample(conditional_run, tmp_path / "b.png", num=10, label=3)
    assert Image.open(tmp_path / "b.png").size == (4 * 56, 3 * 56)


@pytest.mark.parametrize(
    "out, options, message",
    [
        ("a.npz", {"label": 10}, "labels of this model are 0 to 9"),
        ("a.npz", {"label": -1}, "labels of this model are 0 to 9"),
        ("a.npz", {"num": 0}, "num=0"),
        ("a.tiff", {}, "extension must be .npz"),
        ("a", {}, "extension must be .npz"),
        ("nowhere/a.png", {}, "there is no folder"),
    ],
)
def test_bad_samples(conditional_run, tmp_path, out, options, message):
    with pytest.raises(UserError, match=message):
        sample(conditional_run, tmp_path / out, **options)
    assert not list(tmp_path.iterdir())


def test_nothing_to_sample_from(conditional_run, tmp_path):
    with pytest.raises(UserError, match="holds no trained run"):
        sample(tmp_path, tmp_path / "a.png")
    train(get_config(total_kimg=0.016), tmp_path / "run", make_runner("jit"))
    with pytest.raises(UserError, match="--label=1: this model is unconditional"):
        sample(tmp_path / "run", tmp_path / "a.npz", label=1)
