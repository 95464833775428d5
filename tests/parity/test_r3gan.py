"""R3GAN's networks, conditional and not, with the pickles of its authors' code and its results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import cli, networks
from gan_jax.modalities import Field, image
from parity.fixtures import load
from parity.importing import assert_close, imported

NUMBERS = load("r3gan")


@pytest.fixture(scope="module", params=["conditional", "persistent"])
def case(request, tmp_path_factory):
    """(the run, the peer's numbers, the labels)"""
    name = f"r3gan_{request.param}"
    run = imported(tmp_path_factory.mktemp(request.param) / "run", "r3gan", [f"{name}.pkl"])
    numbers = {key.removeprefix(f"{name}_"): value for key, value in NUMBERS.items() if key.startswith(name)}
    return run, numbers, jnp.arange(3) if request.param == "conditional" else None


def test_generators(case):
    run, numbers, labels = case
    game, given = run.experiment.game, {} if labels is None else {"label": labels}
    for ema, name in ((True, "made"), (False, "raw")):
        made = jax.jit(game.spaces["z"].decode)(run.variables(ema), numbers["z"], given, None, None)
        assert_close(np.asarray(made), numbers[name], 2e-6)


def test_discriminator(case):
    run, numbers, labels = case
    classes = {"num_classes": 0 if labels is None else 4}
    network = networks.build(run.config, "Discriminator", **classes)
    params = {"params": run.state.variables["discriminator"]["params"]}
    assert_close(np.asarray(jax.jit(network.apply)(params, numbers["images"], labels).logits), numbers["logits"], 2e-6)


def test_as_many_parameters_as_there():
    """The preset CIFAR10 with --cond=1."""
    config, label = cli.load_config("r3gan"), jnp.zeros(2, jnp.int32)
    z, images = jnp.zeros((2, 64)), jnp.zeros((2, 32, 32, 3))
    built = {
        "G": (networks.build(config, "Generator", shape=Field(image.MODALITY, (32, 32, 3)).shape, num_classes=10), z),
        "D": (networks.build(config, "Discriminator", num_classes=10), images),
    }
    shapes = {name: jax.eval_shape(own.init, jax.random.key(0), x, label) for name, (own, x) in built.items()}
    counts = {name: sum(leaf.size for leaf in jax.tree.leaves(own)) for name, own in shapes.items()}
    assert counts == {"G": 20_781_952, "D": 21_280_512}
