"""The Inception score against its extremes and its definition."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.inception_score import inception_score

LOGITS = np.random.default_rng(0).normal(size=(103, 7)) * 3


def one_score(logits):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    divergences = [np.sum(row * np.log(row / p.mean(axis=0))) for row in p]
    return np.exp(np.mean(divergences))


@pytest.mark.parametrize("splits", [1, 4, 10])
def test_against_the_definition(splits):
    scores = [one_score(LOGITS[103 * i // splits : 103 * (i + 1) // splits]) for i in range(splits)]
    assert inception_score(LOGITS, splits) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-12, abs=1e-12)


def test_a_classifier_that_knows_nothing():
    assert inception_score(np.zeros((50, 10))) == pytest.approx((1, 0), abs=1e-12)


@pytest.mark.parametrize("logit", [50, 1e4])
def test_confident_and_balanced(logit):
    labels = np.arange(200) % 10
    assert inception_score(logit * np.eye(10)[labels]) == pytest.approx((10, 0), abs=1e-9)


def test_a_constant_added_to_a_row_changes_nothing():
    shift = np.linspace(-1e3, 1e3, 103)[:, None]
    assert inception_score(LOGITS + shift) == pytest.approx(inception_score(LOGITS), rel=1e-10)


def test_confident_of_one_class_only():
    logits = np.full((20, 5), -1e4)
    logits[:, 0] = 1e4
    assert inception_score(logits) == pytest.approx((1, 0))


def test_too_few_samples():
    with pytest.raises(UserError, match="10 splits needs at least 10 samples, not 9"):
        inception_score(LOGITS[:9])
