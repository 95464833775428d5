"""Four host devices for all tests, and programs compiled in a hurry, as compiling is most of what tests do."""

import atexit
import gc
import importlib.metadata
import os
import shutil
import tempfile

# XLA's CPU collectives want a thread for each device: with fewer, devices that wait for each other can deadlock.
os.environ.setdefault("NPROC", "8")
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
if importlib.metadata.version("jaxlib").startswith("0.10."):  # XLA ends a process whose flags it does not know
    # Less machine code, in one piece: half of the time.
    os.environ["XLA_FLAGS"] += " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="gan_jax_tests_")
os.environ["GAN_JAX_CACHE"] = os.path.join(os.environ["JAX_COMPILATION_CACHE_DIR"], "seen")
os.environ["GAN_JAX_STATE"] = os.path.join(os.environ["JAX_COMPILATION_CACHE_DIR"], "state")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

import jax  # noqa: E402
import pytest  # noqa: E402
from tiny import get_config  # noqa: E402

# Not in the environment: a program that a test starts is compiled as users have it, unless that test says otherwise.
jax.config.update("jax_disable_most_optimizations", True)
# Tracing makes so many objects that a tenth of the time went into looking for dead ones among them.
gc.set_threshold(100_000, 20, 20)


@pytest.fixture
def tiny():
    return get_config


@pytest.fixture
def run_mode():
    """`(*arguments) -> None`: as the program does, but errors are raised."""

    from gan_jax import cli

    def run(*arguments):
        mode, given = cli.parse([str(argument) for argument in arguments])
        cli.find_mode(mode).run(**given)

    return run


@pytest.fixture(scope="session")
def ring_run(tmp_path_factory):
    """Twenty rounds of the tiny experiment, played through: (config, workdir, (state, record))."""
    from whole_runs import run, twenty_rounds

    workdir, config = tmp_path_factory.mktemp("ring") / "run", twenty_rounds()
    return config, workdir, run(config, workdir)
