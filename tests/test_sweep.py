"""A lane of a sweep is the run with that seed."""

import jax
import numpy as np
import pytest

from gan_jax import data
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.loop import train
from gan_jax.run import load
from gan_jax.runners import make_runner
from gan_jax.sweep import train_seeds


def swept(config, seeds, **window):
    source = data.open_source(config.data)
    experiment = build(config, data.fields_of(config.data, source))
    *others, last = experiment.game.turns
    game = experiment.game._replace(turns=(*others, last._replace(**window)))
    return list(train_seeds(config, experiment._replace(game=game), source, seeds))


def test_each_lane_is_the_run_with_its_seed(tiny, tmp_path):
    """Two seeds on one of the four devices, four on all of them."""
    changes = {"n_critic": 2, "terms.r1": {"every": 2}, "total_kimg": 0.256}
    few, many = ([*swept(tiny(**changes), seeds)] for seeds in ([3, 8], [8, 5, 6, 3]))
    for seed, lanes in ((3, (0, 3)), (8, (1, 0))):
        train(tiny(**changes, seed=seed), tmp_path / str(seed), make_runner("jit"))
        alone = load(tmp_path / str(seed)).state
        for ((step, state),), lane in zip((few, many), lanes, strict=True):
            assert step == int(alone.step) == 8
            for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(alone), strict=True):
                np.testing.assert_allclose(a[lane], b, rtol=2e-3, atol=2e-5)


def test_it_yields_on_its_way(tiny):
    steps = [step for step, _ in swept(tiny(total_kimg=1.6), [0])]
    assert steps == [64, 100]


def test_a_cut_off_period_is_rejected(tiny):
    with pytest.raises(UserError, match="10 rounds, no multiple of 4"):
        swept(tiny(**{"terms.r1": {"every": 4}}), [0])


@pytest.mark.parametrize("window", [{"first": 1}, {"last": 5}, {"last": 0}])
def test_a_game_whose_turns_begin_later_or_end_is_rejected(tiny, window):
    with pytest.raises(UserError, match="whose turns begin later or end cannot be trained as one program"):
        swept(tiny(), [0], **window)
