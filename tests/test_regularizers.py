"""Every regularizer against its formula in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import regularizers

RNG = np.random.default_rng(0)


def test_consistency():
    a, b = RNG.normal(size=(2, 4, 3, 2))
    np.testing.assert_allclose(regularizers.consistency(a, b), ((a - b) ** 2).reshape(4, -1).mean(axis=1), rtol=1e-6)
    logits, others = RNG.normal(size=(2, 4))
    np.testing.assert_allclose(regularizers.consistency(logits, others), (logits - others) ** 2, rtol=1e-6)


def test_feature_matching():
    real, fake = RNG.normal(size=(2, 6, 3))
    expected = np.linalg.norm(real.mean(axis=0) - fake.mean(axis=0)) ** 2
    assert float(regularizers.feature_matching(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert regularizers.feature_matching(real, real[::-1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("share, kept", [(1.0, 6), (0.5, 3), (0.66, 3), (0.01, 1)])
def test_top_k_keeps_the_highest(share, kept):
    logits = jnp.array([0.5, -1.0, 3.0, 2.0, -4.0, 1.0])
    weights = jax.jit(regularizers.top_k)(logits, share)  # the share is traced
    highest = np.argsort(-np.asarray(logits))[:kept]
    expected = np.zeros(6)
    expected[highest] = 6 / kept
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_top_k_counts_equal_logits_once():
    np.testing.assert_allclose(np.sum(regularizers.top_k(jnp.zeros(8), 0.5)), 8)


def test_cross_entropy():
    logits, labels = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(regularizers.cross_entropy(logits, labels), -np.log(p[np.arange(4), labels]), rtol=1e-5)


def test_cross_entropy_of_labels_is_optax_s():
    logits, labels = RNG.normal(size=(6, 4)).astype(np.float32), np.array([0, 3, 1, 1, 2, 0])
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    np.testing.assert_array_equal(regularizers.cross_entropy(jnp.array(logits), labels), expected)


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
def test_cross_entropy_with_weights_is_the_mean_by_them(dtype):
    logits, weights = RNG.normal(size=(5, 3)).astype(dtype), RNG.dirichlet(np.ones(3), 5).astype(np.float32)
    each = np.stack([regularizers.cross_entropy(logits, np.full(5, label)) for label in range(3)], axis=1)
    np.testing.assert_allclose(regularizers.cross_entropy(logits, weights), (weights * each).sum(axis=1), rtol=1e-5)
    one_hot = np.eye(3, dtype=np.float32)[[2, 0, 1, 1, 0]]
    np.testing.assert_allclose(
        regularizers.cross_entropy(logits, one_hot), each[np.arange(5), [2, 0, 1, 1, 0]], rtol=1e-6
    )


def test_cross_entropy_rejects_weights_over_other_classes():
    with pytest.raises(AssertionError):
        regularizers.cross_entropy(jnp.zeros((5, 3)), jnp.zeros((5, 4)))


def test_contrastive():
    rng = np.random.default_rng(0)
    logits, said = 3 * rng.normal(size=(4, 4)), np.array([[1, 2], [3, 0], [1, 2], [2, 0]])
    value = 0.0
    for table in (logits, logits.T):
        for i in range(4):
            odds = np.exp(table[i])
            own = sum(odds[j] for j in range(4) if (said[i] == said[j]).all())
            value -= np.log(own / odds.sum()) / 8
    assert float(regularizers.contrastive(jnp.array(logits), jnp.array(said))) == pytest.approx(value, rel=1e-5)


def test_bag_of_words():
    logits, said = RNG.normal(size=(3, 5)), np.array([[1, 4, 1], [2, 0, 0], [0, 0, 0]])  # a word twice, one, none
    told = np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    expected = [-2 * told[0, 1] - told[0, 4], -told[1, 2], 0]
    np.testing.assert_allclose(regularizers.bag_of_words(jnp.array(logits), jnp.array(said)), expected, rtol=1e-5)
