"""A lane of a sweep is the run with that seed."""

import jax
import numpy as np
import pytest

from gan_jax import data
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.runners import make_runner
from gan_jax.sampling import load_run
from gan_jax.sweep import train_seeds
from gan_jax.train import train


def swept(config, seeds):
    source = data.open_source(config.data)
    return list(train_seeds(config, build(config, source.image_shape, 0), source, seeds))


@pytest.mark.parametrize("seeds", [[3, 8], [3, 8, 5, 6]])
def test_each_lane_is_the_run_with_its_seed(tiny, tmp_path, seeds):
    """Two seeds on one of the four devices, four on all of them."""
    changes = {"n_critic": 2, "penalty.name": "r1", "penalty.every": 2, "total_kimg": 0.256}
    ((step, state),) = swept(tiny(**changes), seeds)
    for lane, seed in enumerate(seeds[:2]):
        train(tiny(**changes, seed=seed), tmp_path / str(seed), make_runner("jit"))
        alone = load_run(tmp_path / str(seed)).state
        assert step == int(alone.step) == 8
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[lane], b, rtol=2e-3, atol=2e-5)


def test_it_yields_on_its_way(tiny):
    steps = [step for step, _ in swept(tiny(total_kimg=1.6), [0])]
    assert steps == [64, 100]


def test_a_cut_off_period_is_refused(tiny):
    with pytest.raises(UserError, match="10 rounds, no multiple of 4"):
        swept(tiny(**{"penalty.name": "r1", "penalty.every": 4}), [0])
