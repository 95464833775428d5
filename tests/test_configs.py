"""Every config trains two rounds, shrunk, its variant traces, and its docstring says what it is."""

import importlib
import inspect
import re
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.io import wavfile

from gan_jax import cli, data
from gan_jax.config import complete
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.images import save
from gan_jax.modalities import model_shape
from gan_jax.runners import make_runner

NAMES = sorted(cli.config_names())


def module_of(name):
    return importlib.import_module(f"gan_jax.configs.{name}")


def twin(name):
    """The config, or what names its variant for a laptop."""
    words = {"data": ":digits", "size": ":64", "sides": ":small", "part": ":freeze_g", "captions": ":folder"}
    words |= {"twin": ":long_l2"}
    parameters = inspect.signature(module_of(name).get_config).parameters
    return f"{name}{''.join(words[parameter] for parameter in parameters)}"


def shrink(config, folder):
    """A few images of noise in place of data that are not in the package, and networks as narrow as can be."""
    rng = np.random.default_rng(0)
    sizes = {"tfds:cifar10": (32, 32, 3), "tfds:mnist": (28, 28, 1), "folder:pictures": (64, 64, 3)}
    if config.data.source == "npz:solids.npz":
        solids = rng.integers(0, 2, (16, 16, 16, 16), np.uint8)
        np.savez(folder / "solids.npz", voxels=solids, labels=np.arange(16) % 2)
        config.data.update(source=f"npz:{folder / 'solids.npz'}", resolution=16)
    if config.data.source == "folder:sounds":
        for number in range(4):
            wavfile.write(folder / f"{number % 2}_{number}.wav", 8000, rng.integers(-9, 9, 300).astype(np.int16))
        config.data.update(source=f"folder:{folder}", length=256)
    if config.game == "stackgan":
        for number in range(4):
            save(rng.integers(0, 256, (32, 32, 3), np.uint8), folder / f"{number}.png")
            (folder / f"{number}.txt").write_text(f"number {number}")
        config.data.update(source=f"folder:{folder}", caption="txt", image_size="32")
    if config.data.source in sizes:
        images = rng.integers(0, 256, (16, *sizes[config.data.source]), np.uint8)
        np.savez(folder / "few.npz", images=images, labels=np.arange(16) % 10)
        config.data.source = f"npz:{folder / 'few.npz'}"
    elif config.data.source == "folder:facades/train":
        for number in range(4):
            save(rng.integers(0, 256, (32, 64, 3), np.uint8), folder / f"{number}.png")
        config.data.source, config.data.palette = f"folder:{folder}", ""
    config.evaluation.source = ""
    if "perceptual" in config.get("terms", {}):
        config.terms.perceptual.features = "classifier"  # whose weights are in the package
    if config.game in ("pix2pix", "cyclegan", "srgan"):
        config.data.image_size = "native" if config.data.source == "digits" else "32"
        config.data.jitter, config.data.crop = 36 * (config.data.jitter > 0), 16 * (config.data.crop > 0)
    if "pool" in config:
        config.pool = 4
    config.batch_size = 4
    if "n_critic" in config:
        config.n_critic = 1
    for player in {"encoder", "generator", "discriminator", "text", "refiner"} & set(config.networks):
        own = config.networks[player]
        own.width = 4
        if own.name == "r3gan":
            own.update(cardinality=2, blocks=1)
        if own.name == "unet":
            own.depth = 3
        if own.name == "spade":
            own.depth, own.hidden = 1, 2
        if own.name == "patch":
            own.layers = min(own.layers, 2)  # at 16 pixels, if there are two scales
        if own.name in ("srresnet", "translation", "stackgan") and "blocks" in own:
            own.blocks = 1


def set_up(name, folder, devices):
    """The shrunk config's experiment with its compiled (but not yet traced) round, fields, a batch and a state."""
    config = cli.load_config(name).unlock()
    complete(config)
    shrink(config, folder)
    config = complete(config)

    source, runner = data.open_source(config.data), make_runner("auto", devices)
    fields = data.fields_of(config.data, source)
    experiment = build(config, fields)
    play = make_round(experiment.game, experiment.optimizers, ema_decay=lambda step: 0.5, axis_name=runner.axis_name)
    run = runner.compile(play, partial(data.prepare, fields=fields))
    stream = data.Stream(source, batch_size=4, seed=0, resident=False)
    batch = runner.split(next(stream))
    stream.close()
    return experiment, fields, run, batch


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_128")])  # smaller twins of others
def test_two_rounds(name, tmp_path):
    experiment, fields, run, batch = set_up(name, tmp_path, devices=1)
    game, state = experiment.game, experiment.init(np.uint32(0))
    for _ in range(2):  # of the same turns: one compilation
        state, metrics = run(state, {}, batch, np.uint32(0), due(game, 0))
    chex.assert_tree_all_finite((state.variables, metrics))
    assert int(state.step) == 2
    assert game.maps
    for own in game.maps.values():
        given = {
            key: jnp.zeros((3, *fields[key].shape), jnp.int32 if key in ("label", "caption") else None)
            for key in own.given
        }
        made = jax.eval_shape(own.apply, state.variables, jax.random.key(0), jnp.arange(3), given)
        field = fields[own.makes]
        assert made.shape == (3, *(model_shape(field) if field.shape else (len(field.names),)))


@pytest.mark.parametrize("name", NAMES)
def test_its_variant_traces_on_two_devices(name, tmp_path):
    """A round gives back the state that it takes. Games are played on two devices by their own tests."""
    experiment, _, run, batch = set_up(twin(name), tmp_path, devices=2)
    state = jax.eval_shape(experiment.init, np.uint32(0))
    play = lambda state, batch: run(state, {}, batch, np.uint32(0), due(experiment.game, 0))
    after, _ = jax.eval_shape(play, state, batch)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_says_paper_command_and_result(name):
    text = module_of(name).__doc__
    assert "Paper:" in text and "\nResult: " in text
    commands = re.findall(r"python main\.py(?: --config=(\S+))?", text)
    assert (name if name != "digits_dcgan" else "") in commands  # which is what is trained if nothing is said
    for command in re.findall(r"--config=(\S+)", text):
        complete(cli.load_config(command))
    assert "configs/" not in text


@pytest.mark.parametrize("name", NAMES)
def test_overrides_in_the_docstring_are_keys(name):
    """--config.KEY=VALUE that it mentions can be typed."""
    for key, value in re.findall(r"--config\.([\w.]+)=([^\s`,;)]+)", module_of(name).__doc__):
        cli.configure(name, {key: value.rstrip(".")})


def test_a_config_for_other_data_is_rejected():
    with pytest.raises(UserError, match=r"for cifar10 or digits .*, not for 'mnsit'"):
        cli.load_config("sngan:mnsit")
    with pytest.raises(UserError, match=r"for 256 or 64 pixels .*, not for '128'"):
        cli.load_config("facades_cyclegan:128")
    with pytest.raises(UserError, match=r"moving_digits:l2, long or long_l2, not 'l3'"):
        cli.load_config("moving_digits:l3")
