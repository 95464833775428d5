"""Diversity of a map whose noise is known."""

import jax
import numpy as np
import pytest

from gan_jax.data.source import Source
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.measure import make_evaluator
from gan_jax.evaluation.metrics import EvalInputs, Model, diversity
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup
from gan_jax.noise import per_example
from gan_jax.sampling import generated

N = 2_000
FLAT = Features("pixels", None, lambda params, x: (x.reshape(len(x), -1) / 255.0, None), 256)


def of_noise(share):
    """Gray squares, whose level is uniform; what is made of each is uniform in a share of all levels."""
    field = Field(lookup("image"), (2, 2, 1))
    levels = np.random.default_rng(0).integers(0, 256, (2, N, 1, 1, 1)).repeat(2, 2).repeat(2, 3).astype(np.uint8)
    real = Source({"image": field, "input": field}, dict(zip(("image", "input"), levels, strict=True)))

    def apply(variables, key, index, given):
        u = per_example(jax.random.uniform, key, index)[:, None, None, None]
        return (1 - share) * given["input"] + share * (2 * u - 1)

    model = Model(None, Map(("input",), "image", apply), {})
    fake = generated(model.game_map, real.fields, {}, {"input": real.columns["input"]}, N, seed=3)
    return EvalInputs(real, fake, FLAT, 3, model)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_of_the_distance_of_real_examples(share):
    inputs = of_noise(share)
    evaluate = make_evaluator(inputs.real, FLAT, N, {"source": "real"}, inputs.seed)
    results = evaluate(inputs.fake, {"diversity": diversity.METRIC}, {"source": "fake"}, inputs.model).results
    assert results["diversity"] == pytest.approx(share, abs=0.04)  # standard error .016


def test_it_is_for_runs_that_translate():
    inputs = of_noise(0.0)
    assert diversity.METRIC.why_not(inputs) == ""
    assert "translates" in diversity.METRIC.why_not(inputs._replace(model=None))
    of_noise_alone = Model(None, Map((), "image", None), {})
    assert "translates" in diversity.METRIC.why_not(inputs._replace(model=of_noise_alone))
