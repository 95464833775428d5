"""The program in a process of its own, and in this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import get_config

from gan_jax.loop import train
from gan_jax.run import load
from gan_jax.runners import make_runner

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def program(tmp_path):
    """`(*arguments, **changes of the environment) -> what came of it`, started in the test's folder."""

    def start(*arguments, cwd=tmp_path, start=(ROOT / "main.py",), **environment):
        environment = os.environ | {"XLA_FLAGS": ""} | environment
        command = [sys.executable, *start, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)

    return start


@pytest.fixture(scope="session")
def digits_workdir(tmp_path_factory):
    """One round of a conditional game on digits."""
    workdir = tmp_path_factory.mktemp("digits")
    changes = {"data.source": "digits", "labels": "auto", "total_kimg": 0.016, "networks.generator.norm": "batch"}
    train(get_config(**changes), workdir, make_runner("jit"))
    return workdir


@pytest.fixture(scope="session")
def styles_workdir(tmp_path_factory):
    """One round of a conditional StyleGAN2 on digits."""
    workdir = tmp_path_factory.mktemp("styles")
    small = {"name": "stylegan2", "width": 2, "max_width": 2}
    networks = {"latent_size": 3, "generator": {**small, "w_size": 4}, "discriminator": {**small, "mapping_layers": 1}}
    config = get_config(**{"data.source": "digits", "labels": "auto", "networks": networks, "total_kimg": 0.016})
    train(config, workdir, make_runner("jit"))
    return workdir


@pytest.fixture(scope="session")
def styles_run(styles_workdir):
    return load(styles_workdir)
