"""CycleGAN: its losses from its networks' outputs, the history of images, and the way there and back."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from translating import SOON, config_for, fields_of

from gan_jax import losses
from gan_jax.data import make_source, prepare
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due, init_state, make_round
from gan_jax.games.cyclegan import empty_pool, exchange, make_game
from gan_jax.loop import headline, train
from gan_jax.networks.patch import Discriminator
from gan_jax.networks.translation import Translator
from gan_jax.run import load
from gan_jax.runners import make_runner

KEY, SHAPE = jax.random.key(1), (8, 8, 1)


def a_batch(seed=0, size=2):
    images = jax.random.uniform(jax.random.key(seed), (2, size, *SHAPE), minval=-1, maxval=1)
    return {"image": images[0], "input": images[1], "index": jnp.arange(size), "step": jnp.int32(0)}


@functools.cache
def a_game(identity=5.0, pool=4):
    config = config_for("cyclegan", {"adversarial": 2.0, "identity": identity}, pool=pool)
    game = make_game(config, fields_of(SHAPE))
    return game, jax.jit(game.init)(KEY)


@pytest.mark.parametrize("identity", [0.0, 5.0])
def test_losses_are_those_of_the_paper(identity):
    game, variables = a_game(identity, pool=0)
    batch, generator = a_batch(), Translator(SHAPE, width=2, blocks=1)
    discriminator = Discriminator(width=2, layers=1, norm="instance")
    a, b = batch["input"], batch["image"]
    ab, ba = (
        lambda x, w=way: generator.apply({"params": variables["generator"]["params"][w]}, x) for way in ("ab", "ba")
    )
    d_a, d_b = (
        lambda x, n=name: discriminator.apply({"params": variables["discriminator"]["params"][n]}, x).logits
        for name in "ab"
    )
    l1 = lambda x, y: np.abs(np.asarray(x - y)).mean()
    square = lambda x: (np.asarray(x) ** 2).mean()
    d = 0.5 * (square(d_a(a) - 1) + square(d_a(ba(b))) + square(d_b(b) - 1) + square(d_b(ab(a))))
    terms = {
        "adversarial": 0.5 * (square(d_b(ab(a)) - 1) + square(d_a(ba(b)) - 1)),
        "cycle": l1(ba(ab(a)), a) + l1(ab(ba(b)), b),
        "identity": l1(ab(b), b) + l1(ba(a), a),
    }
    g = 2 * terms["adversarial"] + 10 * terms["cycle"] + identity * terms["identity"]
    (on_d, (_, d_metrics)), (on_g, (_, g_metrics)) = (turn.loss(variables, batch, KEY) for turn in game.turns)
    np.testing.assert_allclose([on_d, on_g], [d, g], rtol=1e-5)
    expected = {name: value for name, value in terms.items() if identity or name != "identity"}
    assert g_metrics == pytest.approx(expected, rel=1e-5)
    shares = {name: losses.accuracy(losses.least_squares, on_real.ravel(), on_fake.ravel())
              for name, on_real, on_fake in (("a", d_a(a), d_a(ba(b))), ("b", d_b(b), d_b(ab(a))))}  # fmt: skip
    assert d_metrics == {f"{name}_{metric}": value for name, own in shares.items() for metric, value in own.items()}
    assert d_metrics.keys() == {f"{name}_{sort}_accuracy" for name in "ab" for sort in ("real", "fake")}


def test_the_discriminator_learns_from_what_the_pool_gives():
    game, variables = a_game()
    batch, (turn, other) = a_batch(), game.turns
    pool = {name: jax.random.uniform(jax.random.key(n), (4, *SHAPE)) for n, name in enumerate("ab")}
    pool["count"] = jnp.float32(4)
    params, generator = variables["discriminator"]["params"], Translator(SHAPE, width=2, blocks=1)
    made = {
        name: generator.apply({"params": variables["generator"]["params"][way]}, images)
        for name, way, images in (("a", "ba", batch["image"]), ("b", "ab", batch["input"]))
    }
    shown, expected_pool = exchange(pool, made, KEY, batch["index"])
    assert any((shown[name] != made[name]).any() for name in "ab")  # else this shows nothing
    variables = {**variables, "discriminator": {"params": params, "pool": pool}}
    value, (updates, _) = turn.loss(variables, batch, KEY)
    discriminator, expected = Discriminator(width=2, layers=1, norm="instance"), 0.0
    for name, real in (("a", batch["input"]), ("b", batch["image"])):
        on_real, on_fake = (
            np.asarray(discriminator.apply({"params": params[name]}, x).logits) for x in (real, shown[name])
        )
        expected += 0.5 * (np.mean((on_real - 1) ** 2) + np.mean(on_fake**2))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    chex.assert_trees_all_close(updates, {"pool": expected_pool}, atol=1e-6)
    assert jax.eval_shape(other.loss, variables, batch, KEY)[1][0] == {}  # the generator's turn leaves it alone


def test_the_pool_is_no_parameter():
    """It lies beside the parameters: no optimizer has anything for it, and it is not counted as one."""
    config = config_for("cyclegan")
    experiment = build(config, fields_of(SHAPE))
    shapes = experiment.state_shapes
    own = shapes.variables["discriminator"]
    assert set(own) == {"params", "pool"} and set(own["params"]) == {"a", "b"} and set(shapes.ema) == {"generator"}
    assert own["pool"]["a"].shape == own["pool"]["b"].shape == (4, *SHAPE)
    assert (4, *SHAPE) not in {leaf.shape for leaf in jax.tree.leaves(shapes.opt_states)}
    one = jax.eval_shape(Discriminator(width=2, layers=1, norm="instance").init, KEY, jnp.zeros((1, *SHAPE)))
    size = 2 * sum(leaf.size for leaf in jax.tree.leaves(one))
    source = make_source("image", np.zeros((5, *SHAPE), np.uint8))
    assert f"discriminator {size:,}," in headline(config, source, experiment, make_runner("jit"))


def test_it_translates_both_ways():
    game, variables = a_game()
    assert {name: own[:2] for name, own in game.maps.items()} == {
        "ab": (("input",), "image"), "ba": (("image",), "input"),
    }  # fmt: skip
    images, made = a_batch()["image"], {}
    for name, own in game.maps.items():
        network = {"params": variables["generator"]["params"][name]}
        made[name] = own.apply(variables, KEY, jnp.arange(2), {own.given[0]: images})
        np.testing.assert_allclose(made[name], Translator(SHAPE, width=2, blocks=1).apply(network, images), atol=1e-6)
    assert np.abs(made["ab"] - made["ba"]).max() > 1e-3


SIZE, BATCH = 4, 2
swap = jax.jit(functools.partial(exchange, copies=1))


def numbered(call):
    """Images [2, 1, 1, 1] that show when they were made; those of b are negative."""
    numbers = 1.0 + BATCH * call + jnp.arange(BATCH)
    return {"a": numbers.reshape(-1, 1, 1, 1), "b": -numbers.reshape(-1, 1, 1, 1)}


def test_a_pool_is_filled_with_all_that_is_made():
    pool = empty_pool(SIZE, (1, 1, 1))
    for call in range(SIZE // BATCH):
        shown, pool = swap(pool, numbered(call), jax.random.key(call), jnp.arange(BATCH))
        chex.assert_trees_all_equal(shown, numbered(call))
    assert pool["a"].ravel().tolist() == [1, 2, 3, 4] and pool["b"].ravel().tolist() == [-1, -2, -3, -4]
    assert pool["count"] == SIZE


def test_a_full_pool_shows_the_new_or_an_old_one_that_the_new_replaces():
    pool, replaced, calls = empty_pool(SIZE, (1, 1, 1)), {"a": 0, "b": 0}, 300
    together = 0
    for call in range(calls + SIZE // BATCH):
        before, made = jax.device_get(pool), jax.device_get(numbered(call))
        shown, pool = swap(pool, made, jax.random.key(call), jnp.arange(BATCH))
        if call < SIZE // BATCH:
            continue
        olds = {}
        for name in "ab":
            held, held_before = (sorted(np.ravel(x[name]).tolist()) for x in (pool, before))
            new, seen = made[name].ravel().tolist(), np.ravel(shown[name]).tolist()
            old = [s for s, n in zip(seen, new, strict=True) if s != n]
            kept = [n for s, n in zip(seen, new, strict=True) if s != n]
            assert set(old) <= set(held_before) and len(set(old)) == len(old)  # two of a batch take different ones
            assert held == sorted([*(x for x in held_before if x not in old), *kept])
            olds[name] = len(old)
            replaced[name] += len(old)
        together += olds["a"] == olds["b"]
    for count in replaced.values():
        assert abs(count - calls) < 4 * np.sqrt(calls / 2)  # half of 2 a call
    assert together < 0.6 * calls  # the two sorts draw for themselves: 3/8 by chance


def test_the_new_image_lies_where_the_shown_one_lay():
    pool = {"a": jnp.arange(-9.0, -5).reshape(-1, 1, 1, 1), "b": jnp.arange(91.0, 95).reshape(-1, 1, 1, 1)}
    pool["count"] = jnp.float32(SIZE)
    swaps = 0
    for call in range(20):
        before, made = jax.device_get(pool), jax.device_get(numbered(call))
        shown, pool = swap(pool, made, jax.random.key(call), jnp.arange(BATCH))
        for name in "ab":
            expected = before[name].ravel().tolist()
            for new, seen in zip(made[name].ravel().tolist(), np.ravel(shown[name]).tolist(), strict=True):
                if seen != new:
                    expected[expected.index(seen)] = new
                    swaps += 1
            assert np.ravel(pool[name]).tolist() == expected
    assert swaps > 20 and pool["count"] == SIZE


@pytest.mark.parametrize("split", [((0, 1), (2, 3)), ((0, 2), (1, 3))])
def test_parts_of_a_batch_make_the_pool_of_the_whole(split):
    """Four of a batch on two devices, each with a copy of a pool of 8; full after two calls."""
    one, part = jax.jit(exchange), jax.jit(functools.partial(exchange, copies=2))
    whole = averaged = empty_pool(8, (1, 1, 1))
    swapped = 0
    for call in range(10):
        numbers = 1.0 + 4 * call + jnp.arange(4).reshape(-1, 1, 1, 1)
        key, made = jax.random.key(call), {"a": numbers, "b": -numbers}
        shown, whole = one(whole, made, key, jnp.arange(4))
        seen, pools = zip(
            *(part(averaged, jax.tree.map(lambda x, i=i: x[jnp.array(i)], made), key, jnp.array(i)) for i in split),
            strict=True,
        )
        averaged = jax.tree.map(lambda *x: sum(x) / 2, *pools)
        chex.assert_trees_all_close(averaged, whole, atol=1e-4)
        seen = jax.tree.map(lambda *x: jnp.concatenate(x)[np.argsort(np.concatenate(split))], *seen)
        chex.assert_trees_all_close(seen, shown, atol=1e-4)
        swapped += int((shown["a"] != made["a"]).sum())
    assert swapped > 4


def test_devices_together_keep_what_one_would():
    """Each sees half of a batch; the mean of their pools is the pool of one that sees all."""
    whole = halves = empty_pool(SIZE, (1, 1, 1))
    for call in range(12):
        key, made = jax.random.key(call), numbered(call)
        shown, whole = swap(whole, made, key, jnp.arange(BATCH))
        parts = [
            exchange(halves, jax.tree.map(lambda x, i=i: x[i : i + 1], made), key, jnp.array([i]), copies=2)
            for i in (0, 1)
        ]
        halves = jax.tree.map(lambda a, b: (a + b) / 2, parts[0][1], parts[1][1])
        chex.assert_trees_all_close(halves, whole, atol=1e-4)
        chex.assert_trees_all_close(
            jax.tree.map(lambda *x: jnp.concatenate(x), parts[0][0], parts[1][0]), shown, atol=1e-4
        )


@functools.cache
def played(name, devices):
    """After five rounds of 2 of a pool of 4: it has been full since the second. SGD, as Adam doubles a rounded zero.

    In float64, as normalizing four pixels makes much of rounding: what differs by more is another game.
    """
    game = make_game(config_for("cyclegan", **SOON), fields_of(SHAPE))
    optimizers = {player: optax.sgd(0.01) for player in ("generator", "discriminator")}
    runner = make_runner(name, devices)
    play = make_round(game, optimizers, ema_decay=lambda step: 0.9, axis_name=runner.axis_name)
    run = runner.compile(play, functools.partial(prepare, fields={}))
    double = lambda x: np.asarray(x, np.float64 if jnp.issubdtype(x.dtype, jnp.floating) else None)
    state = jax.tree.map(double, jax.jit(lambda: init_state(game, optimizers, KEY))())
    state = runner.replicate(state)
    for step in range(5):
        batch = {name: double(leaf)[None] for name, leaf in a_batch(step).items() if name != "step"}
        state, metrics = run(state, {}, runner.split(batch), np.uint32(0), due(game, step))
        jax.block_until_ready(state)
    return jax.device_get((state, metrics))


@pytest.mark.parametrize("name", ["pmap", "mesh"])
def test_two_devices_play_as_one_with_the_pool(name):
    with jax.enable_x64(True):
        two, one = played(name, 2), played("jit", 1)
    assert two[0].variables["discriminator"]["pool"]["a"].dtype == np.float64
    chex.assert_trees_all_close(two, one, rtol=1e-6, atol=1e-8)


def test_the_cycle_closes():
    """Of smooth images: so small a network cannot tell each pixel of noise."""
    game = make_game(config_for("cyclegan", **SOON), fields_of((16, 16, 1)))
    optimizers = {player: optax.adam(1e-2, 0.5) for player in ("generator", "discriminator")}
    state = jax.jit(lambda: init_state(game, optimizers, KEY))()
    play, seen = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.5), static_argnums=3), []
    for step in range(60):
        corners = jax.random.uniform(jax.random.key(step), (2, 2, 2, 2, 1), minval=-1, maxval=1)
        a, b = jax.image.resize(corners, (2, 2, 16, 16, 1), "linear")[:, None]
        batch = {"input": b, "image": a, "index": jnp.arange(2)[None]}
        state, metrics = play(state, batch, KEY, ("discriminator", "generator"))
        seen.append(float(metrics["generator/cycle"]))
    assert np.mean(seen[-10:]) < 0.85 * np.mean(seen[:10])


def test_resume_is_exact_with_the_pool(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("a", 5), ("b", 7)):
        np.savez(tmp_path / f"{name}.npz", images=rng.integers(0, 256, (count, *SHAPE), np.uint8))
    given = {"data.source": f"npz:{tmp_path / 'b.npz'}", "data.inputs": f"npz:{tmp_path / 'a.npz'}"}
    states = []
    for stops in ([0.012], [0.006, 0.012]):
        workdir = tmp_path / f"run{len(stops)}"
        for total in stops:
            train(config_for("cyclegan", total_kimg=total, **SOON, **given), workdir, make_runner("jit"))
        states.append(jax.device_get(load(workdir).state))
    chex.assert_trees_all_equal(*states)
    pool = states[0].variables["discriminator"]["pool"]
    assert pool["count"] == 4 and all(np.abs(pool[name]).min(axis=(1, 2, 3)).max() > 0 for name in "ab")
    assert (tmp_path / "run1" / "samples" / "000006.png").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 3}, "--config.pool=4 must be a multiple of --config.batch_size=3"),
        ({"data.task": "edges"}, "this game is for two sets: set --config.data.inputs"),
        ({"pool": -1}, "--config.pool=-1: must be at least 0"),
        (
            {"terms.lambda": {}},
            "config.terms.lambda: there is no such term in this game; there are: ",
        ),
        ({"weights": {"adversarial": 0, "cycle": 0, "identity": 0}}, "the generators learn from nothing"),
        ({"terms.x": {"function": "gan_jax.terms.r1"}}, "config.terms: r1 is of the discriminator"),
        ({"discriminator": {"norm": "batch"}}, "parameters alone, not batch_stats: norm=instance"),
    ],
)
def test_what_it_does_not_have_is_rejected(changes, message):
    with pytest.raises(UserError, match=message):
        build(config_for("cyclegan", **changes), fields_of(SHAPE))


def test_inputs_must_be_there():
    with pytest.raises(UserError, match="say what they are made from"):
        build(config_for("cyclegan"), {"image": fields_of(SHAPE)["image"]})
