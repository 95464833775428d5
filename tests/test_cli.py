"""The command line: modes, flags in any order, changes of a config, help, mistakes in one line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

from gan_jax import cli, modes
from gan_jax.errors import Diverged, Interrupted, UserError
from gan_jax.lookup import modules_of

TINY = Path(__file__).parent / "tiny.py"
MODES = [
    "breed",
    "configs",
    "defend",
    "directions",
    "dissect",
    "edit",
    "evaluate",
    "import",
    "invert",
    "mix",
    "noise",
    "paint",
    "sample",
    "show",
    "train",
    "train_classifier",
    "train_matcher",
    "train_segmenter",
    "translate",
    "walk",
]


def test_flags_stand_in_any_order_and_are_spelled_in_any_way():
    wanted = {"workdir": "a", "out": "b.png", "num": 3, "ema": False}
    for args in (
        ["--mode=sample", "--workdir=a", "--out=b.png", "--num=3", "--noema"],
        ["--noema", "-num", "3", "--out", "b.png", "-workdir=a", "-mode", "sample"],
        ["--workdir", "a", "--mode=train", "--ema=false", "--mode", "sample", "--out=b.png", "--num=3"],
    ):
        mode, arguments = cli.parse(args)
        assert mode == "sample" and arguments.items() >= wanted.items()
        assert arguments["seed"] == 0 and arguments["checkpoint"] == "last"


@pytest.mark.parametrize(
    "args",
    [
        ["--config.seed=3", "--config=ring_mlp", "--config.data.source=npz:a=b"],
        ["-config.seed", "3", "-config", "ring_mlp", "--config.data.source", "npz:a=b"],
        ["--config.seed=1", "--config.data.source=npz:a=b", "--config", "ring_mlp", "--config.seed=3"],
    ],
)
def test_a_config_and_its_changes(args):
    mode, arguments = cli.parse(args)
    assert mode == "train" and arguments["config"] == "ring_mlp"
    assert arguments["changes"] == {"seed": "3", "data.source": "npz:a=b"}
    assert cli.parse([])[1]["config"] == "digits_dcgan"


def test_a_negative_value_is_a_value():
    assert cli.parse(["--config.terms.r1.weight", "-.5"])[1]["changes"] == {"terms.r1.weight": "-.5"}


def test_changes_of_what_a_name_brings():
    """ml_collections' config_flags cannot: these keys are not in the file."""
    changes = {"networks.discriminator.name": "dcgan", "networks.discriminator.norm": "none", "terms.r1.weight": "3"}
    config = cli.configure(TINY, changes)
    assert config.networks.discriminator.name == "dcgan" and "depth" not in config.networks.discriminator
    assert config.terms.r1.weight == 3.0 and config.batch_size == 16


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--config=nowhere.py"], "--config=nowhere.py: there is no such file"),
        (["--config=configs/ring_mlp.pyc"], "there is no such file"),
        (["--config=nowhere/ring_mlp.py"], "there is no such file; the library's own is --config=ring_mlp"),
        (["--config=rin_mlp"], "did you mean grid_mlp or ring_mlp?"),
        (["--config=dog"], "--config=dog: there is no such config, .* there are: acgan, bigan, biggan, "),
        (["--config=ring_mlp:digits"], "this config takes no word after the colon, only ring_mlp.py itself"),
        (
            ["--config.batchsize=3"],
            "--config.batchsize=3: there is no such key in this config; did you mean batch_size",
        ),
        (["--config.data=3"], "data is a group, set one of data.source, "),
        (["--config.batch_size=many"], "--config.batch_size=many: must be of the kind of 64"),
        (["--config.seed"], "--config.seed needs a value: --config.seed=VALUE"),
        (["--config.seed", "--devices=1"], "--config.seed needs a value: --config.seed=VALUE"),
        (["--config.lerning_rate=1"], "did you mean optimizers.default.learning_rate"),
        (
            ["--mode=dream"],
            "--mode=dream: there is no module dream; there are: breed, configs, defend, directions, dissect, ",
        ),
        (["--mode=trian"], "did you mean train"),
        (["--mode"], "--mode needs a value: --mode=VALUE"),
        (["--mode=os.path"], "--mode='?os.path'?: os.path has no run"),
        (["--wrokdir=x"], "Unknown command line flag 'wrokdir'"),
        (["runs/x"], "runs/x: not a flag; flags are written --name=value"),
        (["runs/x", "--devices=1", "y"], "runs/x y: not a flag"),
        (["--devices=many"], "flag --devices=many: invalid literal for int"),
        (["--runner=tpu"], "flag --runner=tpu: value should be one of"),
        (["-config.batchsize=3"], "did you mean batch_size"),
        (["--config.batchsize", "3"], "did you mean batch_size"),
        (["--mode=sample", "--config.seed=3"], "--config.seed=3 means nothing with --mode=sample: it reads the config"),
        (["--mode=sample", "--config=ring_mlp"], "--config means nothing with --mode=sample: it reads the config"),
        (["--mode=configs", "--config=ring_mlp"], "--config means nothing with --mode=configs$"),
        (["--mode=evaluate", "--label=3"], "--label means nothing with --mode=evaluate"),
        (["--noema"], "--noema means nothing with --mode=train"),
    ],
)
def test_mistakes_on_the_command_line(arguments, message):
    with pytest.raises((UserError, flags.Error), match=message.replace("(", r"\(")) as caught:
        _, given = cli.parse([f"--config={TINY}"] * ("mode" not in arguments[0]) + arguments)
        cli.configure(given["config"], given["changes"])
    assert len(str(caught.value).splitlines()) == 1


def test_help_is_of_the_mode_alone(capsys):
    cli.main(["main.py", "--help"])
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.split("modes,")[1].splitlines()[1 : 1 + len(MODES)]] == MODES
    assert "--runner" in told and "(default: digits_dcgan)" in told and "--[no]distributed" in told
    assert "--label" not in told
    cli.main(["/bin/gan_jax", "--num=3", "-h", "--mode=sample"])
    told = capsys.readouterr().out
    assert "--num" in told and "(default: 64)" in told and "--[no]ema" in told and "(default: last)" in told
    assert "--runner" not in told and "--config " not in told
    assert "\ngan_jax --mode=sample --workdir=" in told and "main.py" not in told


@pytest.mark.parametrize("mode", MODES)
def test_every_flag_says_what_it_is(mode):
    assert modules_of(modes) == MODES
    values = cli.flags_of(cli.find_mode(mode))
    assert all(values[name].help.strip() for name in values)


def test_help_fits_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    cli.main(["main.py", "--mode=show", "--help"])
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert max(map(len, table)) <= 60 and len(table) > 6


def test_a_mode_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dreaming.py").write_text(
        '"""Dreams."""\n'
        "from gan_jax.modes import shared\n"
        "def define(values):\n    shared(values, 'workdir', seed=7)\n"
        "def run(*, workdir, seed):\n    print(f'dreaming of {workdir} {seed}')\n"
    )
    cli.main(["main.py", "--mode=dreaming", "--workdir=sheep"])
    cli.main(["main.py", "--mode=dreaming", "--help"])
    told = capsys.readouterr().out
    assert told.startswith("dreaming of sheep 7\n--mode=dreaming: Dreams.") and "(default: 7)" in told


def test_answers_that_need_no_jax_come_without_it():
    code = """
import sys
from gan_jax import cli
for args in ("--help", "--mode=sample --help", "--mode=configs", "--wrokdir=x", "--mode=sample", "--config=dog"):
    try:
        cli.main(["main.py", *args.split()])
    except SystemExit as error:
        assert error.code == 2
assert "jax" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 3, done.stderr


def test_a_reader_that_has_enough():
    command = f"{sys.executable} -m gan_jax --mode=configs | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("acgan") and done.stderr == ""


@pytest.mark.parametrize(
    "content, message",
    [
        ("x = 1", "has no attribute 'get_config'"),
        ("def f(:", "line 1: invalid"),
        ("def get_config():\n    return None", "must return a ConfigDict"),
        (
            "from gan_jax.config import config_for\ndef get_config():\n    c = config_for()\n    c.bacth_size.x = 3",
            "line 4: .*batch_size",
        ),
    ],
)
def test_a_file_that_is_no_config(tmp_path, content, message):
    (tmp_path / "c.py").write_text(content)
    with pytest.raises(UserError, match=message):
        cli.load_config(tmp_path / "c.py")


def test_a_config_for_several_data_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = "from tiny import get_config as tiny\ndef get_config(data='ring'):\n    return tiny(**{'data.source': data})"
    (tmp_path / "c.py").write_text(code)
    assert cli.load_config(tmp_path / "c.py").data.source == "ring"
    assert cli.load_config(f"{tmp_path / 'c.py'}:grid").data.source == "grid"


def test_configs_of_the_library_by_name():
    assert cli.load_config("sngan").data.source == "tfds:cifar10"
    assert cli.load_config("sngan:digits").data.source == "digits"
    assert cli.load_config("configs/sngan.py:digits").to_dict() == cli.load_config("sngan:digits").to_dict()


def test_a_config_finds_its_neighbors(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "own_configs"
    folder.mkdir()
    first = "from gan_jax.config import config_for\ndef get_config():\n    return config_for()\n"
    (folder / "first_of_mine.py").write_text(first)
    (folder / "second.py").write_text("from own_configs.first_of_mine import get_config\n")
    (folder / "third.py").write_text("from first_of_mine import get_config\n")
    for name in ("second", "third"):
        assert cli.load_config(folder / f"{name}.py").game == "adversarial"


@pytest.mark.parametrize(
    "error, status",
    [
        (UserError("a"), 2),
        (Diverged("a"), 1),
        (Interrupted(signal.SIGINT, "a"), 130),
        (KeyboardInterrupt(), 130),
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


def test_a_wheel_holds_all_that_is_needed_without_the_clone(tmp_path):
    pytest.importorskip("setuptools")
    build = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", tmp_path / "lib"]
    root = TINY.parent.parent
    subprocess.run(build, cwd=root, check=True, capture_output=True, timeout=60)
    files = [path.relative_to(root) for path in (root / "gan_jax").rglob("*.*") if path.suffix not in (".py", ".pyc")]
    assert files and all((tmp_path / "lib" / path).is_file() for path in files)
    code = "import gan_jax.configs.sngan as own; from gan_jax import cli; cli.main(['', '--mode=configs']); print(own)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "lib", capture_output=True, text=True, timeout=60)
    *listed, own = done.stdout.splitlines()
    assert len(listed) == len(cli.config_names()) and str(tmp_path) in own, done.stderr
