"""Whether generated data help a classifier: where they are right, and where they are wrong."""

import numpy as np
import pytest

from gan_jax.data import make_source
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.metrics import EvalInputs, augmentation

NONE = Features("pixels", None, None, 1)


def faint(n, seed, wrong=False):
    """Noise on a faint checkerboard or its negative, with that label or, if it is wrong, the other one."""
    rng, place = np.random.default_rng(seed), np.arange(8) // 4
    labels, board = rng.integers(0, 2, n).astype(np.int32), (place[:, None] + place) % 2 * 2 - 1
    signal = 10 * (2 * labels[:, None, None, None] - 1) * board[..., None]
    images = np.clip(128 + signal + rng.normal(scale=50, size=(n, 8, 8, 1)), 0, 255)
    return make_source("image", images.astype(np.uint8), labels ^ wrong, ("dark", "light"))


@pytest.fixture
def quick(monkeypatch):
    changes = {"SIZES": (8, 10_000), "TESTED": 300, "IMAGES": 2_000, "SEEDS": 1}
    for name, value in changes.items():
        monkeypatch.setattr(augmentation, name, value)


def test_right_ones_help_and_wrong_ones_harm(quick):
    real = faint(700, 0)
    results = augmentation.compute(EvalInputs(real, faint(1_000, 1), NONE))
    assert {name.removesuffix("_error") for name in results} == {
        "augmentation_fake", "augmentation_real_8", "augmentation_both_8",
    }  # fmt: skip
    few, both = results["augmentation_real_8"], results["augmentation_both_8"]
    assert both > few + 0.1 and results["augmentation_fake"] > few + 0.1
    harmed = augmentation.compute(EvalInputs(real, faint(1_000, 1, wrong=True), NONE))
    assert harmed["augmentation_real_8"] == few and harmed["augmentation_fake"] < 0.2
    assert harmed["augmentation_both_8"] < few


def test_it_needs_labels():
    unlabeled = make_source("image", np.zeros((300, 8, 8, 1), np.uint8))
    assert "labeled data" in augmentation.METRIC.why_not(EvalInputs(unlabeled, unlabeled, NONE))
