"""Moments chunk by chunk against NumPy's of everything at once."""

from functools import reduce

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.moments import covariance, merge, moments

RNG = np.random.default_rng(0)
DATA = (RNG.normal(size=(1000, 6)) @ RNG.normal(size=(6, 6)) + np.arange(6)).astype(np.float32)
CHUNKS = np.split(DATA, [0, 1, 2, 130, 131, 700])  # the first is empty, two are single samples


def scale(x):
    return {"rtol": 1e-12, "atol": 1e-12 * np.abs(x).max()}


@pytest.mark.parametrize("chunks", [CHUNKS, CHUNKS[::-1], [DATA]])
def test_a_stream_of_chunks(chunks):
    total = reduce(merge, map(moments, chunks))
    mean, cov = DATA.mean(axis=0, dtype=np.float64), np.cov(DATA.astype(np.float64), rowvar=False)
    assert total.count == 1000
    np.testing.assert_allclose(total.mean, mean, **scale(mean))
    np.testing.assert_allclose(covariance(total), cov, **scale(cov))


def test_the_order_of_merging_does_not_matter():
    a, b, c = moments(DATA[:5]), moments(DATA[5:300]), moments(DATA[300:])
    left, right = merge(merge(a, b), c), merge(a, merge(c, b))
    assert left.count == right.count
    np.testing.assert_allclose(left.mean, right.mean, rtol=1e-13)
    np.testing.assert_allclose(left.scatter, right.scatter, **scale(left.scatter))


def test_nothing_is_neutral():
    nothing, some = moments(DATA[:0]), moments(DATA)
    for total in (merge(nothing, some), merge(some, nothing)):
        for result, expected in zip(total, some, strict=True):
            np.testing.assert_array_equal(result, expected)
    assert merge(nothing, nothing).count == 0


def test_a_far_mean_costs_no_digits():
    data = DATA.astype(np.float64)
    offset = reduce(merge, [moments(chunk) for chunk in np.split(data + 1e6, 10)])
    # What 1e6 + x itself rounds off is 1e-10; sums of squares, of 1e12 each, would be wrong in the fourth digit.
    np.testing.assert_allclose(covariance(offset), np.cov(data, rowvar=False), rtol=1e-8, atol=1e-8)


def test_one_sample_has_no_covariance():
    with pytest.raises(UserError, match="at least 2 samples, not 1"):
        covariance(moments(DATA[:1]))


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        moments(DATA[0])
    with pytest.raises(AssertionError):
        merge(moments(DATA), moments(DATA[:, :2]))
