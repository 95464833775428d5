"""Every config trains two rounds, shrunk, and says what it is."""

import importlib
import inspect
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import data
from gan_jax.cli import load_config
from gan_jax.config import check
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.runners import make_runner

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("[!_]*.py"))


def twin(name):
    """The config's file, or, if it is for several data sets, what names it on digits."""
    several = inspect.signature(importlib.import_module(f"configs.{name}").get_config).parameters
    return f"{name}.py:digits" if several else f"{name}.py"


@pytest.fixture(autouse=True)
def quick_compilation():
    """Compiling is nearly all that these tests do."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_two_rounds(name, devices, tmp_path):
    """On two devices on digits, where the config is for them too."""
    config = load_config(ROOT / "configs" / (f"{name}.py" if devices == 1 else twin(name)))
    check(config)
    if ":" in config.data.source:  # what is not in the package
        sizes = {"tfds:cifar10": (32, 32, 3), "tfds:mnist": (28, 28, 1), "folder:pictures": (64, 64, 3)}
        images = np.random.default_rng(0).integers(0, 256, (16, *sizes[config.data.source]), np.uint8)
        np.savez(tmp_path / "few.npz", images=images, labels=np.arange(16) % 10)
        config.data.source = f"npz:{tmp_path / 'few.npz'}"
    config.batch_size, config.n_critic = 4, 1
    for player in ("generator", "discriminator"):
        config.networks[player].width = 4
        if config.networks[player].name == "r3gan":
            config.networks[player].update(cardinality=2, blocks=1)

    source, runner = data.open_source(config.data), make_runner("auto", devices)
    game, num_classes, optimizers, *_ = experiment = build(config, source.image_shape, source.num_classes)
    play = make_round(game, optimizers, ema_decay=lambda step: 0.5, axis_name=runner.axis_name)
    run, state = runner.compile(play), runner.replicate(experiment.init(np.uint32(0)))
    stream = data.Stream(source, batch_size=4, seed=0, resident=False)
    for _ in range(2):  # of the same turns: one compilation
        state, metrics = run(state, {}, runner.split(next(stream)), np.uint32(0), due(game, 0))
    stream.close()
    chex.assert_tree_all_finite((state.variables, metrics))
    assert int(state.step) == 2
    labels = jnp.zeros(3, jnp.int32) if num_classes else None
    made = jax.eval_shape(game.sample, state.variables, jax.random.key(0), jnp.arange(3), labels)
    assert made.shape == (3, *source.image_shape)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_tells_paper_command_and_result(name):
    text = importlib.import_module(f"configs.{name}").__doc__
    assert "Paper:" in text and "python main.py" in text and "\nResult: " in text


def test_a_config_for_other_data_is_refused():
    with pytest.raises(UserError, match=r"for cifar10 or digits .*, not for 'mnsit'"):
        load_config(ROOT / "configs" / "sngan.py:mnsit")
