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
from gan_jax.images import save
from gan_jax.runners import make_runner

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("[!_]*.py"))


def twin(name):
    """The config's file, or what names its variant for a laptop."""
    words = {"data": ":digits", "size": ":64"}
    parameters = inspect.signature(importlib.import_module(f"configs.{name}").get_config).parameters
    return f"{name}.py{''.join(words[parameter] for parameter in parameters)}"


def shrink(config, folder):
    """A few images of noise in place of data that are not in the package, and networks as narrow as can be."""
    rng = np.random.default_rng(0)
    sizes = {"tfds:cifar10": (32, 32, 3), "tfds:mnist": (28, 28, 1), "folder:pictures": (64, 64, 3)}
    if config.data.source in sizes:
        images = rng.integers(0, 256, (16, *sizes[config.data.source]), np.uint8)
        np.savez(folder / "few.npz", images=images, labels=np.arange(16) % 10)
        config.data.source = f"npz:{folder / 'few.npz'}"
    elif config.data.source == "folder:facades/train":
        for number in range(4):
            save(rng.integers(0, 256, (32, 64, 3), np.uint8), folder / f"{number}.png")
        config.data.source = f"folder:{folder}"
    config.evaluation.source = ""
    if config.game in ("pix2pix", "cyclegan", "srgan"):
        config.data.image_size = "native" if config.data.source == "digits" else 32
        config.data.jitter, config.data.crop = 36 * (config.data.jitter > 0), 16 * (config.data.crop > 0)
    if "cyclegan" in config:
        config.cyclegan.pool = 4
    config.batch_size, config.n_critic = 4, 1
    for player in ("generator", "discriminator"):
        own = config.networks[player]
        own.width = 4
        if own.name == "r3gan":
            own.update(cardinality=2, blocks=1)
        if own.name == "unet":
            own.depth = 3
        if own.name in ("srresnet", "translation") and "blocks" in own:
            own.blocks = 1


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_two_rounds(name, devices, tmp_path):
    """On two devices on digits, where the config is for them too."""
    config = load_config(ROOT / "configs" / (f"{name}.py" if devices == 1 else twin(name)))
    check(config)
    shrink(config, tmp_path)

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
    condition, shape = jnp.zeros(3, jnp.int32) if num_classes else None, source.image_shape
    if experiment.view:
        condition, shape = jnp.zeros((3, *experiment.view.input_shape)), experiment.view.shape
    made = jax.eval_shape(game.sample, state.variables, jax.random.key(0), jnp.arange(3), condition)
    assert made.shape == (3, *shape)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_tells_paper_command_and_result(name):
    text = importlib.import_module(f"configs.{name}").__doc__
    assert "Paper:" in text and "python main.py" in text and "\nResult: " in text


def test_a_config_for_other_data_is_refused():
    with pytest.raises(UserError, match=r"for cifar10 or digits .*, not for 'mnsit'"):
        load_config(ROOT / "configs" / "sngan.py:mnsit")
    with pytest.raises(UserError, match=r"for 256 or 64 pixels .*, not for '128'"):
        load_config(ROOT / "configs" / "facades_cyclegan.py:128")
