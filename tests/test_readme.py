"""What the README shows, works."""

import re
import runpy

import pytest
from documents import README, blocks, check_command, table

import gan_jax
from gan_jax import cli
from gan_jax.config import complete, override
from gan_jax.runners import make_runner

SMALL = {
    "total_kimg": "0.032",
    "batch_size": "16",
    "evaluation.features": "none",
    "networks.generator.name": "mlp",
    "networks.generator.width": "8",
    "networks.discriminator.name": "mlp",
    "networks.discriminator.width": "8",
}


def test_it_is_short_and_begins_with_two_commands():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert "pip install -e . && python main.py" in lines
    assert "pip install -e '.[test]' && pytest" in lines


def test_the_gan_of_your_own_is_a_config_of_eight_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, _ = blocks(README)
    assert len(config.splitlines()) == 8
    (tmp_path / "my_lsgan.py").write_text(config)
    config = cli.configure("my_lsgan.py", SMALL)
    assert config.loss == "least_squares"
    gan_jax.train(config, tmp_path / "run", make_runner("jit"))
    assert (tmp_path / "run" / "samples" / "000002.png").exists()


def test_the_block_of_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, code = blocks(README)
    line = "config.total_kimg = 20.0"
    assert line in code
    (tmp_path / "block.py").write_text(code.replace(line, f"config = override(config, {SMALL})"))
    assert runpy.run_path("block.py", {"override": override})["images"].shape == (64, 28, 28, 1)


def test_fifteen_configs_are_shown():
    names = [row[0].strip("`") for row in table(README, "| config | paper | time | result |")]
    assert len(names) == 15
    for name in names:
        complete(cli.load_config(name))


@pytest.mark.parametrize(
    "task", table(README, "| task | what follows `python main.py` | page |"), ids=lambda row: row[0]
)
def test_every_task_is_a_command(task):
    for flags in re.findall(r"`([^`]+)`", task[1]):
        check_command(f"python main.py {flags}")
