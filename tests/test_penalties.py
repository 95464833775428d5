"""Gradient penalties against critics whose gradients are known, and against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import penalties
from gan_jax.errors import UserError
from gan_jax.games.adversarial import make_game
from gan_jax.modalities import Field, points

FIELDS = {"points": Field(points.MODALITY, (2,))}
W = np.random.default_rng(0).normal(size=(3, 2, 1))
REAL, FAKE = np.random.default_rng(1).normal(size=(2, 5, 3, 2, 1)).astype(np.float32)
MIX = np.linspace(0, 1, 5).astype(np.float32)
NOISE = np.random.default_rng(2).uniform(size=REAL.shape).astype(np.float32)


def linear(x):
    return jnp.sum(x * W, axis=(1, 2, 3))


def quadratic(x):  # its gradient is x
    return jnp.sum(x**2, axis=(1, 2, 3)) / 2


def test_r1():
    norm2 = np.sum(REAL**2, axis=(1, 2, 3))
    np.testing.assert_allclose(penalties.r1(linear, REAL, FAKE, MIX, NOISE), np.full(5, np.sum(W**2) / 2), rtol=1e-5)
    np.testing.assert_allclose(penalties.r1(quadratic, REAL, FAKE, MIX, NOISE), norm2 / 2, rtol=1e-5)


def test_r2_is_r1_of_the_fakes():
    r1, r2 = penalties.r1(quadratic, REAL, FAKE, MIX, NOISE), penalties.r2(quadratic, REAL, FAKE, MIX, NOISE)
    np.testing.assert_allclose(r2, np.sum(FAKE**2, axis=(1, 2, 3)) / 2, rtol=1e-5)
    np.testing.assert_allclose(penalties.r1_r2(quadratic, REAL, FAKE, MIX, NOISE), r1 + r2, rtol=1e-6)


def test_finite_differences_are_the_penalty_on_average():
    """Over many directions; a single one is off."""
    noise = np.random.default_rng(3).uniform(size=(4000, *REAL.shape)).astype(np.float32)
    for name in ("r1", "r2", "r1_r2"):
        exact = getattr(penalties, name)(quadratic, REAL, FAKE, MIX, NOISE)
        finite = jax.vmap(lambda n, name=name: getattr(penalties, f"{name}_finite")(quadratic, REAL, FAKE, MIX, n))(
            noise
        )
        np.testing.assert_allclose(finite.mean(axis=0), exact, rtol=0.1)
        assert (finite.std(axis=0) > 0.5 * exact).all()


def test_one_sided_penalty_leaves_small_gradients_alone():
    def at(scale):
        critic = lambda x: scale * linear(x) / np.linalg.norm(W)
        return penalties.one_sided_gradient_penalty(critic, REAL, FAKE, MIX, NOISE)

    np.testing.assert_array_equal(at(0.9), np.zeros(5))
    np.testing.assert_allclose(at(3.0), np.full(5, 4.0), rtol=1e-5)


def test_dragan():
    """Around real images; at mix 1 on them."""
    norm = np.linalg.norm((REAL + (1 - MIX[:, None, None, None]) * 0.5 * REAL.std() * NOISE).reshape(5, -1), axis=1)
    np.testing.assert_allclose(penalties.dragan(quadratic, REAL, FAKE, MIX, NOISE), (norm - 1) ** 2, rtol=1e-4)


def test_gradient_penalty():
    norm = np.linalg.norm(W)
    np.testing.assert_allclose(
        penalties.gradient_penalty(linear, REAL, FAKE, MIX, NOISE), np.full(5, (norm - 1) ** 2), rtol=1e-4
    )
    between = MIX[:, None, None, None] * REAL + (1 - MIX[:, None, None, None]) * FAKE
    expected = (np.sqrt(np.sum(between**2, axis=(1, 2, 3))) - 1) ** 2
    np.testing.assert_allclose(penalties.gradient_penalty(quadratic, REAL, FAKE, MIX, NOISE), expected, rtol=1e-4)


def test_gradient_penalty_of_a_flat_critic_can_be_learned_from():
    flat = lambda scale: penalties.gradient_penalty(lambda x: scale * linear(x), REAL, FAKE, MIX, NOISE).mean()
    value, slope = jax.value_and_grad(flat)(0.0)
    assert value == pytest.approx(1, abs=1e-5)
    assert np.isfinite(slope)


@pytest.mark.parametrize("name", penalties.__all__)
def test_parameter_gradient_against_finite_differences(name):
    def value(scale):
        critic = lambda x: jnp.tanh(scale * linear(x)) * 2
        return getattr(penalties, name)(critic, REAL, FAKE, MIX, NOISE).mean()

    slope = (value(0.5 + 1e-2) - value(0.5 - 1e-2)) / 2e-2
    np.testing.assert_allclose(jax.grad(value)(0.5), slope, rtol=2e-3)


def test_every_example_has_its_own_penalty():
    value = penalties.r1(quadratic, REAL, FAKE, MIX, NOISE)
    changed = REAL.copy()
    changed[0] += 1
    np.testing.assert_array_equal(penalties.r1(quadratic, changed, FAKE, MIX, NOISE)[1:], value[1:])


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("name", penalties.__all__)
def test_batch_normalized_critic_is_rejected(tiny, name, every):
    config = tiny(**{f"terms.{name}": {"every": every}, "networks.discriminator.norm": "batch"})
    message = (
        rf"normalizes over the batch.*BatchNorm_0.*--config.networks.discriminator.norm=none.*terms.{name}.weight=0"
    )
    with pytest.raises(UserError, match=message):
        make_game(config, FIELDS)


@pytest.mark.parametrize(
    "changes",
    [
        {"terms.r1": {}, "networks.generator.norm": "batch"},
        {"terms.r1": {"weight": 0.0}, "networks.discriminator.norm": "batch"},
    ],
    ids=["in the generator", "without a penalty"],
)
def test_other_batch_normalization_is_not(tiny, changes):
    make_game(tiny(**changes), FIELDS)
