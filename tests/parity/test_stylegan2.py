"""StyleGAN2's networks and penalties, with the pickles of its authors' code and its results; every architecture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import cli, networks, penalties, regularizers
from gan_jax.latent.spaces import truncate
from gan_jax.modalities import Field, image
from parity.fixtures import load
from parity.importing import assert_close, imported

NUMBERS = load("stylegan2")
CONDITIONAL = {"stylegan2_conditional": 3}


@pytest.fixture(scope="module", params=["stylegan2_conditional", "stylegan2_residual", "stylegan2_skip"])
def case(request, tmp_path_factory):
    """(the run, the peer's numbers, what is given)"""
    name = request.param
    run = imported(tmp_path_factory.mktemp(name) / "run", "stylegan2", [f"{name}.pkl"])
    numbers = {key.removeprefix(f"{name}_"): value for key, value in NUMBERS.items() if key.startswith(name)}
    return run, numbers, {"label": jnp.arange(4) % 3} if name in CONDITIONAL else {}


def test_both_steps_of_the_generator(case):
    run, numbers, given = case
    spaces, variables = run.experiment.game.spaces, run.state.variables
    by_layer = spaces["w"].by_layer(numbers["w"][:, 0])
    np.testing.assert_array_equal(by_layer, numbers["w"])

    @jax.jit
    def results(variables, z, w):
        network = networks.build(run.config, "Generator", shape=(16, 16, 3), num_classes=len(run.class_names))
        mapped = network.apply(variables["generator"], z, given.get("label"), method="map")
        mean = spaces["w"].by_layer(spaces["w"].mean(variables, 4, given))
        decode = lambda w: spaces["w"].decode(variables, w, given, None, None)
        return mapped, decode(mapped), decode(truncate(by_layer, mean, 0.6, 3))

    mapped, made, truncated = results(variables, numbers["z"], numbers["w"])
    assert_close(mapped, numbers["w"][:, 0], 3e-6)
    assert_close(made, numbers["raw"], 3e-6)
    assert_close(truncated, numbers["truncated"], 3e-6)


def test_the_averaged_generator(case):
    run, numbers, given = case
    variables = {**run.state.variables, "generator": {"params": run.state.ema["generator"]}}
    variables["generator"] |= {"w_average": run.state.variables["generator"]["w_average"]}
    made = jax.jit(run.experiment.game.spaces["z"].decode)(variables, numbers["z"], given, None, None)
    assert_close(made, numbers["average"], 3e-6)


def test_the_discriminator_and_its_penalty(case):
    run, numbers, given = case
    network = networks.build(run.config, "Discriminator", num_classes=len(run.class_names))
    own, images = run.state.variables["discriminator"], numbers["images"]

    def logits(params, images):
        return network.apply({"params": params}, images, given.get("label")).logits

    def penalty(params):
        gaps = penalties.r1(lambda x: logits(params, x), images, images, jnp.ones(4), images)
        return jnp.mean(2.0 * gaps)

    found, gradient = jax.jit(lambda params: (logits(params, images), jax.grad(penalty)(params)))(own["params"])
    assert_close(found[:, None], numbers["logits"], 3e-6)
    # The loss there adds the logits times 0, so what they alone depend on has gradients too.
    kernel = gradient["16x16_down"]["kernel"]
    assert_close(kernel.transpose(3, 2, 0, 1), numbers["r1_gradient"].transpose(0, 3, 1, 2), 1e-5)
    last = gradient["out" if given else "Dense_0"]["kernel"]
    assert_close(last.T, numbers["r1_gradient_last"], 1e-5)


def test_the_path_length_and_its_gradient(case):
    run, numbers, given = case
    network = networks.build(run.config, "Generator", shape=(16, 16, 3), num_classes=len(run.class_names))
    own = run.state.variables["generator"]

    def penalty(params):
        variables = {**own, "params": params}
        w = network.apply(variables, numbers["z"], given.get("label"), method="styles")
        synthesize = lambda w: network.apply(variables, w, method="synthesize")
        lengths = regularizers.path_lengths(synthesize, w, numbers["noise"])
        mean = 0.4 + 0.01 * (jnp.mean(lengths) - 0.4)
        return 2.0 * jnp.mean((lengths - mean) ** 2), mean

    gradient, mean = jax.jit(jax.grad(penalty, has_aux=True))(own["params"])
    assert float(mean) == pytest.approx(float(numbers["path_mean"]), rel=1e-5)
    assert_close(gradient["mapping"]["Dense_0"]["kernel"].T, numbers["path_gradient_first"], 2e-5)
    kernel = gradient["synthesis"]["16x16_up"]["Conv_0"]["kernel"]
    assert_close(kernel.transpose(3, 2, 0, 1), numbers["path_gradient_last"].transpose(0, 3, 1, 2), 2e-5)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("side, width, of_generator, of_discriminator", [
    (32, 512, (19_947_539, 20_215_315), (20_720_641, 23_089_664)),  # cfg=cifar
    (64, 256, (22_243_608, 22_511_384), (23_407_361, 25_776_384)),  # cfg=auto
])  # fmt: skip
def test_as_many_parameters_as_there(side, width, of_generator, of_discriminator, labels):
    config = cli.load_config("stylegan2")
    for player in ("generator", "discriminator"):
        config.networks[player].width = width
    if side == 64:
        config.networks.discriminator.architecture = "residual"
    shape = Field(image.MODALITY, (side, side, 3)).shape
    classes, label = 10 * labels, jnp.zeros(2, jnp.int32) if labels else None
    built = {
        "G": (networks.build(config, "Generator", shape=shape, num_classes=classes), jnp.zeros((2, 512))),
        "D": (networks.build(config, "Discriminator", num_classes=classes), jnp.zeros((2, *shape))),
    }
    shapes = {name: jax.eval_shape(own.init, jax.random.key(0), x, label) for name, (own, x) in built.items()}
    counts = {name: sum(leaf.size for leaf in jax.tree.leaves(own["params"])) for name, own in shapes.items()}
    assert counts == {"G": of_generator[labels], "D": of_discriminator[labels]}
