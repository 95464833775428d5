"""Progressive growing: its stages, what is seen in each, and a game that grows and is resumed."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import fields_of
from whole_runs import final_state, run, stop_after

from gan_jax.config import complete, config_for
from gan_jax.errors import Interrupted, UserError
from gan_jax.experiment import build
from gan_jax.game import due
from gan_jax.growing import Stage, stages
from gan_jax.networks.resampling import pool, upsample
from gan_jax.optimizers import beginnings


def config_of(**growing):
    """Small networks that grow on digits, 4 images a round: 7x7, 14x14, 28x28."""
    config = config_for()
    config.batch_size, config.networks.latent_size = 4, 3
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "progan", "width": 2, "max_width": 3}
    config.growing = {"stage_kimg": 0.008, "fade_kimg": 0.012, **growing}
    config.loss, config.terms.drift = "wasserstein", {}
    config.total_kimg = config.log_kimg = config.sample_kimg = 0.06
    config.checkpoint_kimg = 0.032
    config.evaluation.features = "none"
    return complete(config)


def test_windows_of_stages():
    found = stages(config_of(), (28, 28, 1), images_per_round=4)
    assert [(s.name, s.first, s.last, s.level, s.fading) for s in found] == [
        ("_7x7", 0, 2, 0, 0), ("_14x14_fade", 2, 5, 1, 3), ("_14x14", 5, 7, 1, 0),
        ("_28x28_fade", 7, 10, 2, 3), ("_28x28", 10, None, 2, 0),
    ]  # fmt: skip
    assert [s.name for s in stages(config_of(fade_kimg=0.0), (28, 28, 1), 4)] == ["_7x7", "_14x14", "_28x28"]
    assert [s.name for s in stages(config_of(stage_kimg=0.0), (28, 28, 1), 4)] == [
        "_14x14_fade",
        "_28x28_fade",
        "_28x28",
    ]
    assert stages(config_of(stage_kimg=0.0, fade_kimg=0.0), (28, 28, 1), 4) == [Stage()]


def test_a_stage_fades_in_from_its_first_round_to_its_last():
    stage = stages(config_of(), (28, 28, 1), 4)[1]
    np.testing.assert_allclose([stage.fade(step) for step in (2, 3, 4)], [1 / 3, 2 / 3, 1], rtol=1e-6)
    level = lambda stage, step: float(stage.progress(step)["growth"]["level"])
    assert level(stage, 2) == pytest.approx(1 / 3) and level(stage, 4) == 1
    assert Stage().progress(0) == {} and Stage().arguments(0) == {}


def test_real_images_fade_as_generated_ones_do():
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 28, 28, 1)), jnp.float32)
    first, fading, there, *_ = stages(config_of(), (28, 28, 1), 4)
    np.testing.assert_allclose(first.seen(images, 0), pool(pool(images)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(there.seen(images, 5), pool(images), rtol=1e-5, atol=1e-6)
    coarse = upsample(pool(pool(images)), (14, 14))
    np.testing.assert_allclose(fading.seen(images, 2), coarse + (pool(images) - coarse) / 3, rtol=1e-5, atol=1e-6)
    assert Stage().seen(images, 0) is images


@pytest.mark.parametrize("changes, message", [
    ({"total_kimg": 0.04}, r"3 resolutions are there after 0.04 kimg, but --config.total_kimg=0.04"),
    ({"networks": {"generator": {"name": "dcgan"}, "discriminator": {"name": "progan"}}}, "dcgan cannot grow; progan"),
    ({"networks": {"generator": {"name": "progan"}, "discriminator": {"name": "dcgan"}}}, "dcgan.*no shape"),
])  # fmt: skip
def test_what_cannot_grow(changes, message):
    with pytest.raises(UserError, match=message):
        build(complete({**config_of().to_dict(), **changes}), fields_of((28, 28, 1)))


def test_a_game_grows_resumes_exactly_and_starts_its_optimizers_anew(tmp_path, monkeypatch):
    config = config_of().unlock()
    config.optimizers.default.restart = True
    game = build(complete(config), fields_of((28, 28, 1))).game
    assert beginnings(game, "generator") == [2, 5, 7, 10]
    assert due(game, 6) == ("discriminator_14x14", "generator_14x14")
    whole, _ = run(config, tmp_path / "whole")
    assert float(whole.variables["generator"]["growth"]["level"]) == 2
    count = lambda state: {int(leaf) for leaf in jax.tree.leaves(state.opt_states) if leaf.dtype == jnp.int32}
    assert int(whole.step) == 15 and count(whole) == {5}
    stop_after(8, monkeypatch)  # in the midst of a fade
    with pytest.raises(Interrupted):
        run(config, tmp_path / "part")
    half, _ = final_state(complete(config), tmp_path / "part")
    assert int(half.step) == 8 and 1 < float(half.variables["generator"]["growth"]["level"]) < 2
    monkeypatch.undo()
    chex.assert_trees_all_equal(run(config, tmp_path / "part")[0], whole)
    chex.assert_trees_all_equal(final_state(complete(config), tmp_path / "whole")[0], whole)
