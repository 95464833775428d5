"""The adversarial game with a generator that has styles: its turns, its spaces, and what it remembers."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import KEY, fields_of, sampled, start, turn_values

from gan_jax.checkpoints import Checkpoints
from gan_jax.config import complete, config_for
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due
from gan_jax.loop import compile_round
from gan_jax.networks.stylegan2 import Generator
from gan_jax.noise import GENERATOR
from gan_jax.runners import make_runner

SMALL = {"name": "stylegan2", "width": 2, "max_width": 3}


def config_of(**changes):
    config = config_for()
    config.batch_size, config.networks.latent_size = 4, 3
    config.networks.generator, config.networks.discriminator = {**SMALL, "w_size": 5}, {**SMALL, "mapping_layers": 1}
    config.terms.path_length, config.terms.r1 = {"every": 2}, {"every": 2}
    config.total_kimg = config.log_kimg = config.sample_kimg = config.checkpoint_kimg = 0.016
    config.evaluation.features = "none"
    return complete({**config.to_dict(), **changes})


def test_the_path_length_is_a_turn_of_the_generator_with_a_memory():
    """Its gradient reaches the mapping network and no bias of the image, and the discriminator has no part in it."""
    config = config_of()
    game, variables, batch, values = turn_values(config, shape=(8, 8, 1))
    assert [(turn.name, turn.player, turn.every) for turn in game.turns] == [
        ("discriminator", "discriminator", 1), ("r1", "discriminator", 2),
        ("generator", "generator", 1), ("path_length", "generator", 2),
    ]  # fmt: skip
    value, (remembered, metrics) = values["path_length"]
    mean = float(remembered["path_length"]["mean"])
    assert variables["generator"]["path_length"] == {"mean": 0.0} and mean > 0
    # The first mean is 0.01 of the lengths'; the loss is lazy (2) and weighted (2).
    assert float(value) == pytest.approx(2 * 2 * float(metrics["path_length"]), rel=1e-6)
    assert float(metrics["path_length"]) >= 0.99**2 * (mean / 0.01) ** 2 * 0.999

    turn = game.turns[3]
    loss = lambda params: turn.loss(
        {**variables, "generator": {**variables["generator"], "params": params}}, batch, KEY
    )
    gradient = jax.jit(jax.grad(lambda params: loss(params)[0]))(variables["generator"]["params"])
    assert np.any(gradient["mapping"]["Dense_0"]["kernel"] != 0)
    assert np.all(gradient["synthesis"]["8x8_image"]["Conv_0"]["bias"] == 0)
    critic = lambda own: turn.loss(
        {**variables, "discriminator": {**variables["discriminator"], "params": own}}, batch, KEY
    )
    assert float(critic(jax.tree.map(jnp.zeros_like, variables["discriminator"]["params"]))[0]) == float(value)


def test_only_the_generators_turn_moves_the_mean_w():
    _, variables, _, values = turn_values(config_of(), shape=(8, 8, 1))
    moved = {turn: updates for turn, (_, (updates, _)) in values.items() if "w_average" in updates}
    assert moved.keys() == {"generator"}
    assert np.all(variables["generator"]["w_average"]["mean"] == 0)
    assert np.any(moved["generator"]["w_average"]["mean"] != 0)


@pytest.mark.parametrize("classes", [0, 3])
def test_spaces(classes):
    game, _, state = start(config_of(), (8, 8, 1), classes)
    variables, index = state.variables, jnp.arange(5)
    given = {"label": index % 3} if classes else {}
    made = sampled(game, variables, KEY, index, given.get("label"))
    noise = jax.random.fold_in(KEY, GENERATOR)
    assert list(game.spaces) == ["z", "w"]
    for name, layers in (("z", 1), ("w", 4)):
        space = game.spaces[name]
        latents = space.draw(variables, KEY, index, given)
        by_layer = space.by_layer(latents)
        assert by_layer.shape == (5, layers, latents.shape[1])
        for each in (latents, by_layer):
            decoded = space.decode(variables, each, given, noise, index)
            np.testing.assert_allclose(decoded, made, rtol=1e-4, atol=1e-5)
        assert space.mean(variables, 5, given).shape == latents.shape


def test_the_average_generator_has_a_mean_w_of_its_own():
    """32 batches, of each of which a tenth: near the mean of as many latents, wherever it was before."""
    game, _, state = start(config_of(), (8, 8, 1), 2)
    variables = state.variables
    calibrate = jax.jit(game.calibrate)
    for batch in range(60):
        variables = calibrate(variables, KEY, jnp.arange(64) + 64 * batch)
    found = game.spaces["w"].mean(variables, 2, {"label": jnp.arange(2)})
    for label in range(2):
        w = game.spaces["w"].draw(variables, KEY, jnp.arange(4000), {"label": jnp.full(4000, label)})
        error = np.abs(found[label] - w.mean(axis=0)) / w.std(axis=0)
        assert error.max() < 0.2
    assert variables["generator"].keys() == state.variables["generator"].keys()


def test_labels_noise_and_styles_are_the_same_on_two_devices():
    """The mean w of each class, and that of the path lengths, are those of the whole batch."""
    config = config_of(labels="require", optimizers={"default": {"name": "sgd", "learning_rate": 1e-3}}).unlock()
    config.networks.discriminator.minibatch = "none"  # which is of a device's own examples
    config = complete(config)
    fields = fields_of((8, 8, 1), 3)
    experiment = build(config, fields)
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.integers(0, 256, (1, 4, 8, 8, 1), np.uint8), "label": np.array([[0, 1, 1, 2]], np.int32),
        "index": np.arange(4)[None],
    }  # fmt: skip
    states = []
    for runner in (make_runner("jit"), make_runner("pmap", 2)):
        state = runner.place(experiment.init(np.uint32(0)))
        run_round = compile_round(config, experiment, runner)
        state, _ = run_round(state, {}, runner.split(batch), np.uint32(0), ("generator",))
        states.append(runner.gather(state))
    close = partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-6)
    jax.tree.map(close, *(state.variables["generator"] for state in states))


def test_a_run_is_resumed_exactly(tmp_path):
    """The mean w and the mean path length are in its checkpoint; the lazy turn is where it was."""
    config = config_of(terms={"adversarial": {}, "path_length": {"every": 2}})
    experiment, runner = build(config, fields_of((8, 8, 1))), make_runner("jit")
    run_round = compile_round(config, experiment, runner)
    assert due(experiment.game, 2) == ("discriminator", "generator", "path_length")

    def play(state, rounds):
        state = runner.place(state)
        for step in rounds:
            image = np.random.default_rng(step).integers(0, 256, (1, 4, 8, 8, 1), np.uint8)
            batch = runner.split({"image": image, "index": 4 * step + np.arange(4)[None]})
            state, _ = run_round(state, {}, batch, np.uint32(0), due(experiment.game, step))
        return state

    half = play(experiment.init(np.uint32(0)), range(3))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(half, {})
    whole = jax.device_get(play(half, range(3, 5)))
    restored, _ = checkpoints.restore(lambda record: experiment.state_shapes)
    checkpoints.close()
    assert float(restored.variables["generator"]["path_length"]["mean"]) > 0
    chex.assert_trees_all_equal(jax.device_get(play(restored, range(3, 5))), whole)


def test_a_generator_without_styles_has_no_path_length():
    with pytest.raises(UserError, match=r"path_length: the generator, dcgan, has no styles; stylegan2 has"):
        build(config_of(networks={"generator": {"name": "dcgan"}}), fields_of((8, 8, 1)))


def test_numbers_stay_finite_in_bfloat16():
    config = config_of(dtype="bfloat16")
    _, variables, _, values = turn_values(config, shape=(8, 8, 1))
    chex.assert_tree_all_finite(values)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((variables, values)))
    assert isinstance(Generator((8, 8, 1)).layers, int)
