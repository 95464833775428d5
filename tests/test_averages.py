"""Averages of several half-lives at once, of which one is chosen afterwards."""

import jax
import numpy as np
import pytest
from whole_runs import run

import gan_jax
from gan_jax import cli
from gan_jax.averages import choose
from gan_jax.errors import UserError


def test_each_is_the_average_of_a_run_with_that_half_life(tiny, tmp_path):
    half_life = {"ema.half_life_kimg": 0.05, "ema.ramp_up": 1.0}
    run(tiny(**half_life, **{"ema.others_kimg": "0.002, 0.02"}), tmp_path / "both")
    run(tiny(**{**half_life, "ema.half_life_kimg": 0.02}), tmp_path / "one")
    both, one = gan_jax.load(tmp_path / "both"), gan_jax.load(tmp_path / "one")
    chosen = choose(both.state, "0.02")
    jax.tree.map(np.testing.assert_array_equal, chosen, one.state)
    samples = [both.sample(8, ema=which) for which in (True, "0.02", "0.002", False)]
    np.testing.assert_array_equal(samples[1], one.sample(8))
    assert len({each.tobytes() for each in samples}) == 4
    with pytest.raises(UserError, match=r"--half_life=0\.2: no further average has it; "):
        both.sample(8, ema="0.2")
    with pytest.raises(UserError, match=r"this run keeps none \(--config\.ema\.others_kimg\)"):
        one.sample(8, ema="0.02")
    out = tmp_path / "ring.npz"
    cli.main(
        ["gan_jax", "--mode=sample", f"--workdir={tmp_path / 'both'}", "--half_life=0.02", "--num=8", f"--out={out}"]
    )
    with np.load(out) as file:
        np.testing.assert_array_equal(file["points"], samples[1])


@pytest.mark.parametrize("others", ["1,x", "1,1.0", "0", "-1", "1,"])
def test_half_lives_are_different_positive_numbers(tiny, tmp_path, others):
    with pytest.raises(UserError, match="must be different positive numbers, such as 1,100"):
        gan_jax.train(tiny(**{"ema.others_kimg": others}), tmp_path)
