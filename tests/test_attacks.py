"""Attacks on a linear classifier, whose results have closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import attacks

SHAPE, N, KEY = (3, 4, 1), 20, jax.random.key(0)
WEIGHTS = np.random.default_rng(1).normal(size=SHAPE)
MIDDLE = 0.5 * np.sum(WEIGHTS)


def logits(x):
    """Of class 1 against class 0: a plane through the middle of the cube."""
    score = jnp.sum(x * WEIGHTS, axis=(1, 2, 3)) - MIDDLE
    return jnp.stack([jnp.zeros_like(score), score], axis=1)


def examples():
    """Images in the cube, far from its sides, and their classes."""
    x = np.random.default_rng(2).uniform(0.35, 0.65, (N, *SHAPE)).astype(np.float32)
    return jnp.asarray(x), logits(x).argmax(axis=1)


def worst(x, labels, epsilon):
    """The corner of the cube around each image that is furthest on the other side."""
    away = np.where(labels, -1.0, 1.0)[:, None, None, None] * np.sign(WEIGHTS)
    return np.clip(x + epsilon * away, 0, 1)


def test_a_step_by_signs_goes_to_the_worst_corner():
    x, labels = examples()
    for epsilon in (0.05, 0.5):
        np.testing.assert_allclose(
            attacks.make_fgsm(logits, epsilon)(x, labels, KEY), worst(x, labels, epsilon), atol=1e-6
        )


def test_a_random_step_and_one_by_signs():
    x, labels = examples()
    moved = attacks.make_rand_fgsm(logits, 0.2, alpha=0.05)(x, labels, KEY)
    change = np.asarray(moved) - worst(x, labels, 0.15)
    np.testing.assert_allclose(np.abs(change), 0.05, atol=1e-6)
    assert 0.3 < np.mean(change > 0) < 0.7


def test_many_steps_end_at_the_boundary_or_at_the_worst_corner():
    x, labels = examples()
    moved = np.asarray(attacks.make_pgd(logits, 0.2, steps=20)(x, labels, KEY))
    corner = worst(x, labels, 0.2)
    escaped = logits(moved).argmax(axis=1) != labels
    np.testing.assert_array_equal(escaped, logits(corner).argmax(axis=1) != labels)
    assert np.abs(moved - x).max() <= 0.2 + 1e-6 and moved.min() >= 0 and moved.max() <= 1
    kept = attacks.make_pgd(logits, 0.001, steps=20)(x, labels, KEY)
    right = logits(kept).argmax(axis=1) == labels
    np.testing.assert_allclose(kept[right], worst(x, labels, 0.001)[right], atol=1e-6)
    assert right.sum() > N // 2


def test_the_gradient_of_a_defense_is_that_of_the_identity():
    """One that rounds pixels, and has no gradient, is attacked through what it makes; its steps are counted."""
    x, labels = examples()
    ticks = []
    rounded = lambda x: jnp.round(x * 20) / 20
    attack = attacks.make_pgd(logits, 0.3, steps=20, cleaned=rounded, tick=lambda: ticks.append(1))
    moved = attack(x, labels, KEY)
    assert len(ticks) == 20
    assert np.mean(logits(rounded(moved)).argmax(axis=1) == labels) < 0.2


def test_the_nearest_image_of_another_class():
    """It lies on the plane: as far as that is."""
    x, labels = examples()
    moved = np.asarray(attacks.make_carlini_wagner(logits, steps=400, learning_rate=0.01)(x, labels, KEY))
    assert (logits(moved).argmax(axis=1) != labels).all()
    distance = np.sqrt(np.sum((moved - x) ** 2, axis=(1, 2, 3)))
    plane = np.abs(logits(x)[:, 1]) / np.linalg.norm(WEIGHTS)
    assert (distance > plane * 0.999).all()
    np.testing.assert_allclose(distance, plane, rtol=0.1, atol=2e-3)


def test_where_no_other_class_is_near_an_image_stays():
    x, _ = examples()
    one = lambda x: logits(x) * 0 + jnp.array([0.0, 1.0])
    np.testing.assert_array_equal(attacks.make_carlini_wagner(one, steps=3)(x, jnp.ones(N, int), KEY), x)


@pytest.mark.parametrize("levels", [2, 5])
def test_it_searches_among_images_that_are_made(levels):
    """Gray images alone: the nearest gray one of another class."""
    x, labels = examples()
    make = lambda level: jnp.broadcast_to(jax.nn.sigmoid(level)[:, None, None, None], (len(level), *SHAPE))
    attack = attacks.make_carlini_wagner(
        logits, start=lambda x: jnp.zeros(len(x)), make=make, constants=(1.0,) * levels
    )
    moved = np.asarray(attack(x, labels, KEY))
    found = np.any(moved != np.asarray(x), axis=(1, 2, 3))
    assert found.any() and np.ptp(moved[found], axis=(1, 2, 3)).max() == 0
    assert (logits(moved[found]).argmax(axis=1) != labels[found]).all()
