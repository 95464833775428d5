"""The program in a process of its own, and in this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_jax import cli

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def program(tmp_path):
    """`(*arguments, **changes of the environment) -> what came of it`, started in the test's folder."""

    def start(*arguments, cwd=tmp_path, start=(ROOT / "main.py",), **environment):
        environment = os.environ | {"XLA_FLAGS": ""} | environment
        command = [sys.executable, *start, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)

    return start


@pytest.fixture
def run_mode():
    """`(*arguments) -> None`: as the program does, but errors are raised."""

    def run(*arguments):
        mode, given = cli.parse([str(argument) for argument in arguments])
        cli.find_mode(mode).run(**given)

    return run
