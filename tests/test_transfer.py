"""A run that begins with another one's networks, and layers that stay as they are."""

import jax
import numpy as np
import pytest
from tiny import get_config

from gan_jax.errors import UserError
from gan_jax.loop import train
from gan_jax.optimizers import is_frozen
from gan_jax.run import load
from gan_jax.runners import make_runner


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "first"
    train(get_config(total_kimg=0.032), workdir, make_runner("jit"))
    return workdir


def go_on(first, workdir, **changes):
    """A run from `first`, of one round, and what it began with: a learning rate of 0 keeps it."""
    rates = {"optimizers.default.learning_rate": 0.0}
    config = get_config(**{"init.workdir": str(first), "total_kimg": 0.016, "seed": 1, **rates, **changes})
    train(config, workdir, make_runner("jit"))
    return load(workdir).state


def test_networks_are_taken_over(first, tmp_path, capsys):
    """The averaged generator, the newest discriminator; moments and the number of rounds begin anew."""
    before, after = load(first).state, go_on(first, tmp_path / "next")
    equal = lambda a, b: jax.tree.map(np.testing.assert_array_equal, a, b)
    for params in (after.variables["generator"]["params"], after.ema["generator"]):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), params, before.ema["generator"])
    equal(after.variables["discriminator"]["params"], before.variables["discriminator"]["params"])
    assert after.step == 1 and before.step == 2
    told = capsys.readouterr().err
    assert f"from {first}: 6 of 6 arrays of the generator\n" in told


def test_what_does_not_fit_is_initialized(first, tmp_path, capsys):
    before = load(first).state
    after = go_on(first, tmp_path / "next", **{"networks.latent_size": 5})
    told = capsys.readouterr().err
    assert "5 of 6 arrays of the generator; as initialized: Dense_0.kernel" in told
    before, after = (state.variables["generator"]["params"] for state in (before, after))
    assert after["Dense_0"]["kernel"].shape == (5, 8)
    with pytest.raises(UserError, match="nothing of that run fits: its networks are others"):
        go_on(
            first,
            tmp_path / "c",
            **{"networks.generator.width": 3, "networks.discriminator.width": 3, "data.source": "digits"},
        )
    with pytest.raises(UserError, match="holds no trained run"):
        go_on(tmp_path / "none", tmp_path / "d")


def test_it_is_not_needed_any_more_when_the_run_resumes(first, tmp_path):
    moved = tmp_path / "moved"
    first.rename(moved)
    try:
        go_on(moved, tmp_path / "next")
        moved.rename(first)
        go_on(moved, tmp_path / "next", total_kimg=0.032)
    finally:
        if moved.exists():
            moved.rename(first)
    assert load(tmp_path / "next").state.step == 2


def test_frozen_layers_stay(first, tmp_path):
    changes = {"optimizers.default.learning_rate": 0.1, "optimizers.discriminator": {"freeze": "Dense_0,Dense_2"}}
    before = load(first).state.variables["discriminator"]["params"]
    after = go_on(first, tmp_path / "next", **changes).variables["discriminator"]["params"]
    same = {name: bool(np.array_equal(before[name]["kernel"], after[name]["kernel"])) for name in before}
    assert same == {"Dense_0": True, "Dense_1": False, "Dense_2": True}


def test_layers_by_name():
    params = {"mapping": {"Dense_0": {"kernel": 0}}, "synthesis": {"7x7_conv": {"bias": 0}, "14x14_up": {"bias": 0}}}
    frozen = lambda layers: [bool(each) for each in jax.tree.leaves(is_frozen(layers, params))]
    order = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    assert [name.split("'")[3] for name in order] == ["Dense_0", "14x14_up", "7x7_conv"]
    assert frozen("") == [False] * 3
    assert frozen("mapping, 7x7*") == [True, False, True]
    assert frozen("synthesis") == [False, True, True]
    with pytest.raises(UserError, match="no layer is named kernel; there are: "):
        frozen("kernel")
