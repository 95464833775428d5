"""Every objective against its formula in NumPy, float64."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses

REAL = np.array([-3.0, -0.5, 0.0, 0.7, 4.0])
FAKE = np.array([2.0, -1.5, 0.3, 0.0, -6.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


EXPECTED = {
    "minimax": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), np.log(1 - sigmoid(FAKE))),
    "non_saturating": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), -np.log(sigmoid(FAKE))),
    "least_squares": (((REAL - 1) ** 2 + FAKE**2) / 2, (FAKE - 1) ** 2 / 2),
    "hinge": (np.maximum(0, 1 - REAL) + np.maximum(0, 1 + FAKE), -FAKE),
    "wasserstein": (FAKE - REAL, -FAKE),
    "relativistic": (-np.log(sigmoid(REAL - FAKE)), -np.log(sigmoid(FAKE - REAL))),
    "relativistic_average": (
        -np.log(sigmoid(REAL - FAKE.mean())) - np.log(1 - sigmoid(FAKE - REAL.mean())),
        -np.log(sigmoid(FAKE - REAL.mean())) - np.log(1 - sigmoid(REAL - FAKE.mean())),
    ),
}


def test_every_loss_is_tested():
    assert set(EXPECTED) == set(losses.__all__)


@pytest.mark.parametrize("name", losses.__all__)
def test_against_numpy(name):
    loss = getattr(losses, name)
    d_expected, g_expected = EXPECTED[name]
    np.testing.assert_allclose(loss.discriminator(jnp.array(REAL), jnp.array(FAKE)), d_expected, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(loss.generator(jnp.array(REAL), jnp.array(FAKE)), g_expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", losses.__all__)
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_a_confident_discriminator_gives_finite_losses_and_gradients(name, logit):
    logits = jnp.full(3, logit)
    for loss in getattr(losses, name)[:2]:
        value, gradient = jax.value_and_grad(lambda x, loss=loss: loss(x, -x).sum())(logits)
        chex.assert_tree_all_finite((value, gradient))


def test_minimax_vanishes_where_non_saturating_does_not():
    surely_fake = jnp.array([-20.0])
    slope = lambda loss: float(jax.grad(lambda x: loss.generator(x, x).sum())(surely_fake)[0])
    assert abs(slope(losses.minimax)) < 1e-8
    assert slope(losses.non_saturating) == pytest.approx(-1)


@pytest.mark.parametrize("name, expected", [("non_saturating", 0), ("hinge", 0), ("least_squares", 0.5)])
def test_boundary(name, expected):
    assert getattr(losses, name).boundary(jnp.array(REAL), jnp.array(FAKE)) == expected


@pytest.mark.parametrize("name", ["wasserstein", "relativistic", "relativistic_average"])
def test_boundary_of_a_critic_ignores_a_shift(name):
    real, fake = jnp.array(REAL), jnp.array(FAKE)
    shifted = getattr(losses, name).boundary(real + 100, fake + 100)
    np.testing.assert_allclose(shifted - 100, (REAL.mean() + FAKE.mean()) / 2, atol=1e-4)


@pytest.mark.parametrize("name", losses.__all__)
def test_accuracy_is_the_share_beyond_the_boundary(name):
    boundary = 0.0 if name in ("minimax", "non_saturating", "hinge") else (REAL.mean() + FAKE.mean()) / 2
    boundary = 0.5 if name == "least_squares" else boundary
    found = losses.accuracy(getattr(losses, name), jnp.array(REAL), jnp.array(FAKE))
    expected = {"real_accuracy": np.greater(REAL, boundary).mean(), "fake_accuracy": np.less(FAKE, boundary).mean()}
    assert {metric: float(value) for metric, value in found.items()} == pytest.approx(expected)


def test_accuracy_of_a_discriminator_that_knows_and_of_one_that_says_nothing():
    rates = lambda real, fake: [float(x) for x in losses.accuracy(losses.hinge, real, fake).values()]
    assert rates(jnp.full(5, 2.0), jnp.full(3, -2.0)) == [1, 1]
    assert rates(jnp.full(5, -2.0), jnp.full(3, 2.0)) == [0, 0]
    assert rates(jnp.full(5, 2.0), jnp.full(3, 2.0)) == [1, 0]
    assert rates(jnp.zeros(5), jnp.zeros(3)) == [0, 0]  # on the boundary neither is right


@pytest.mark.parametrize("real, fake", [((4, 1), (4, 1)), ((4,), (3,))])
def test_wrong_shapes_are_rejected(real, fake):
    with pytest.raises(AssertionError):
        losses.hinge.discriminator(jnp.zeros(real), jnp.zeros(fake))
