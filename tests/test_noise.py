"""Noise belongs to the example, not to the batch."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.noise import per_example


def test_draws_depend_on_the_index_alone():
    key = jax.random.key(0)
    whole = per_example(jax.random.normal, key, jnp.arange(8), (3,))
    parts = [per_example(jax.random.normal, key, jnp.arange(i, i + 2), (3,)) for i in (0, 2, 4, 6)]
    np.testing.assert_allclose(whole, jnp.concatenate(parts), rtol=1e-6)  # vectorized code may differ in the last bit
    assert len(np.unique(whole)) == 24


def test_draws_are_standard_normal():
    z = np.asarray(per_example(jax.random.normal, jax.random.key(0), jnp.arange(5000), (4,)))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(np.cov(z.T), np.eye(4), atol=0.08)
