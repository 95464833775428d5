"""The core as pure functions: a step moves its player and nothing else, and its gradient is the gradient."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny import get_config

from gan_jax.errors import UserError
from gan_jax.game import Game, Turn, batches_per_round, due, init_state, make_round, make_step
from gan_jax.games.adversarial import make_game
from gan_jax.micro_batches import mean_over_parts
from gan_jax.modalities import Field, label, points
from gan_jax.schedules import ema_decay

KEY = jax.random.key(3)
SGD = {"generator": optax.sgd(0.1), "discriminator": optax.sgd(0.1)}
FIELDS = {"points": Field(points.MODALITY, (2,)), "label": Field(label.MODALITY, (), ("a", "b", "c"))}
LAZY = {"terms.r1": {"every": 3}}


def a_batch(repeats=None, size=6, seed=0):
    rng = np.random.default_rng(seed)
    leading = (size,) if repeats is None else (repeats, size)
    return {
        "points": rng.normal(size=(*leading, 2)).astype(np.float32),
        "label": rng.integers(0, 3, leading).astype(np.int32),
        "index": np.broadcast_to(np.arange(size, dtype=np.int32), leading),
    }


def same(a, b):
    return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool(jnp.all(x == y)), a, b)))


@pytest.fixture(scope="module")
def started():
    """A conditional game with batch normalization in both players, and its first state."""
    norm = {"networks.generator.norm": "batch", "networks.discriminator.norm": "batch"}
    game = make_game(get_config(labels="require", **norm), FIELDS)
    return game, jax.jit(lambda key: init_state(game, SGD, key))(jax.random.key(0))


@pytest.mark.parametrize("number", [0, 1])
def test_a_step_moves_its_player_only(started, number):
    game, state = started
    turn = game.turns[number]
    opponent = {"generator": "discriminator", "discriminator": "generator"}[turn.player]
    new, metrics = make_step(turn, SGD[turn.player])(state, a_batch(), KEY)
    assert same(new.variables[opponent], state.variables[opponent])
    assert same(new.opt_states[opponent], state.opt_states[opponent])
    assert same(new.ema, state.ema) and new.step == state.step
    own, before = new.variables[turn.player], state.variables[turn.player]
    assert not any(
        jax.tree.leaves(jax.tree.map(lambda x, y: bool(jnp.all(x == y)), own["batch_stats"], before["batch_stats"]))
    )
    assert not same(own["params"], before["params"])
    chex.assert_trees_all_equal_shapes_and_dtypes(new, state)
    assert np.isfinite(metrics["loss"]) and metrics["gradient_norm"] > 0


@pytest.mark.parametrize("number", [0, 1])
def test_a_step_is_deterministic_in_its_key(started, number):
    game, state = started
    step = make_step(game.turns[number], SGD[game.turns[number].player])
    first, again, other = (step(state, a_batch(), key)[0] for key in (KEY, KEY, jax.random.key(4)))
    assert same(first, again)
    assert not same(first.variables, other.variables)


@pytest.mark.parametrize("penalty", [{}, {"terms.r1": {}}, {"terms.gradient_penalty": {"every": 2}}])
def test_gradients_against_finite_differences(tiny, penalty):
    """SGD with rate 1 moves by the gradient; its product with random directions must be the loss's slope there."""
    game = make_game(tiny(**penalty), FIELDS)
    unit = {player: optax.sgd(1.0) for player in SGD}
    state, batch = init_state(game, unit, jax.random.key(0)), {**a_batch(), "step": jnp.int32(0)}
    for turn in game.turns:
        before = state.variables[turn.player]["params"]
        after = make_step(turn, unit[turn.player])(state, a_batch(), KEY)[0].variables[turn.player]["params"]
        gradient = jax.tree.map(jnp.subtract, before, after)

        def loss(params, turn=turn):
            own = {**state.variables[turn.player], "params": params}
            return turn.loss({**state.variables, turn.player: own}, batch, KEY)[0]

        for seed in range(3):
            leaves, tree = jax.tree.flatten(before)
            keys = jax.random.split(jax.random.key(seed), len(leaves))
            direction = tree.unflatten([jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)])
            move = partial(optax.tree.add_scale, before)
            slope = (loss(move(1e-3, direction)) - loss(move(-1e-3, direction))) / 2e-3
            product = sum(jnp.vdot(a, b) for a, b in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
            np.testing.assert_allclose(product, slope, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("penalty", [{}, {"terms.gradient_penalty": {}}])
def test_micro_batches_are_the_batch(tiny, penalty, parts):
    game = make_game(tiny(labels="require", **penalty), FIELDS)
    state = init_state(game, SGD, jax.random.key(0))
    for turn in game.turns:
        whole, by_parts = (
            jax.jit(make_step(turn, SGD[turn.player], micro_batches=n))(state, a_batch(), KEY) for n in (1, parts)
        )
        chex.assert_trees_all_close(by_parts, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_the_mean_over_parts_of_a_batch(monkeypatch, backend):
    """The loop of accelerators is run too, on what device there is."""
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    batch = {"x": jnp.arange(12.0).reshape(6, 2), "index": jnp.arange(6)}
    largest = lambda part: {"x": jnp.max(part["x"], axis=0), "index": jnp.max(part["index"])}
    found = mean_over_parts(largest, batch, 3)
    np.testing.assert_allclose(found["x"], [8, 9])  # of examples (0, 3), (1, 4) and (2, 5)
    assert found["index"] == 4


def test_micro_batches_average_statistics_as_devices_do(started):
    """Batch normalization sees each part by itself, and the running statistics move by the mean over parts."""
    game, state = started
    turn, batch = game.turns[0], a_batch()
    new, _ = make_step(turn, SGD["discriminator"], micro_batches=2)(state, batch, KEY)
    parts = ({name: leaf[n::2] for name, leaf in batch.items()} for n in (0, 1))
    alone = [make_step(turn, SGD["discriminator"])(state, part, KEY)[0].variables["discriminator"] for part in parts]
    mean = jax.tree.map(lambda *each: sum(each) / 2, *alone)
    chex.assert_trees_all_close(new.variables["discriminator"], mean, rtol=1e-5, atol=1e-6)


def test_a_round_is_its_steps_in_order(tiny):
    """n_critic = 2 with a lazy penalty, played by hand with the keys that the docstring promises."""
    game = make_game(tiny(n_critic=2, **LAZY), FIELDS)
    assert batches_per_round(game) == 2
    state, batch = init_state(game, SGD, jax.random.key(0)), a_batch(repeats=2)
    play = make_round(game, SGD, ema_decay=lambda step: 0.9)
    new, metrics = play(state, batch, KEY, due(game, 0))

    expected, key, losses = state, jax.random.fold_in(KEY, 0), []
    for number, turn in enumerate(game.turns):
        for repeat in range(turn.repeat):
            turn_key = jax.random.fold_in(jax.random.fold_in(key, number), repeat)
            part = {name: leaf[repeat] for name, leaf in batch.items()}
            expected, seen = make_step(turn, SGD[turn.player])(expected, part, turn_key)
            losses += [seen["loss"]] * (turn.name == "discriminator")
    chex.assert_trees_all_close(new.variables, expected.variables, rtol=1e-6)
    assert float(metrics["discriminator/loss"]) == pytest.approx(float(sum(losses)) / 2, rel=1e-6)
    assert new.step == 1
    old, now = (s.variables["generator"]["params"] for s in (state, new))
    chex.assert_trees_all_close(new.ema["generator"], jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, old, now), rtol=1e-5)


def test_only_due_turns_are_played(tiny):
    game = make_game(tiny(**LAZY), FIELDS)
    everything = ("discriminator", "r1", "generator")
    assert [due(game, step) for step in range(4)] == [everything, everything[::2], everything[::2], everything]
    state = init_state(game, SGD, jax.random.key(0))
    _, metrics = make_round(game, SGD, ema_decay=lambda step: 0.9)(state, a_batch(1), KEY, ("generator",))
    assert {name.split("/")[0] for name in metrics} == {"generator"}


def test_one_compilation_per_due_set(tiny):
    """Steps, learning rates and averages change every round; that must not compile anything anew."""
    game = make_game(tiny(**LAZY), FIELDS)
    play = jax.jit(make_round(game, SGD, ema_decay=ema_decay(1.0, 0.05, 16)), static_argnums=3, donate_argnums=0)
    state = jax.jit(lambda key: init_state(game, SGD, key))(jax.random.key(0))
    for step in range(9):
        state, _ = play(state, a_batch(1, seed=step), KEY, due(game, step))
    assert play._cache_size() == len({due(game, step) for step in range(9)}) == 2


def seen(variables, batch, key):
    """A loss that says what it draws and what it is given."""
    return jnp.sum(variables["one"]["params"]), ({}, {"drawn": jax.random.uniform(key), "seen": jnp.sum(batch["x"])})


def shift(batch, key):
    return {"x": batch["x"] + jax.random.uniform(key)}


def game_of(turns, **others):
    """Turns of one player with one parameter."""
    return Game(lambda key: {"one": {"params": jnp.zeros(1)}}, tuple(turns), {}, averaged=(), **others)


def play(game, due_turns=None, rounds=1):
    """The metrics of the last of some rounds on batches of ones, {"turn/metric": number}."""
    optimizers = {"one": optax.sgd(0.1)}
    play_round, state = make_round(game, optimizers, ema_decay=lambda step: 0.0), init_state(game, optimizers, KEY)
    batch = {"x": jnp.ones((batches_per_round(game), 1))}
    for step in range(rounds):
        state, metrics = play_round(state, batch, KEY, due_turns or due(game, step))
    return {name: float(value) for name, value in metrics.items() if name.endswith(("/drawn", "/seen"))}


def test_turns_see_one_crop_of_a_batch_and_draw_alike_where_they_say_so():
    turns = Turn("a", "one", seen), Turn("b", "one", seen, draws_as="a"), Turn("c", "one", seen)
    game = game_of(turns, preprocess=shift)
    first, second = play(game), play(game, ("b", "c"))
    assert first["a/drawn"] == first["b/drawn"] != first["c/drawn"]
    assert first["a/seen"] == first["b/seen"] == first["c/seen"] != 1
    assert second == {name: first[name] for name in second}  # whether or not the other turns are due
    assert {name[0] for name in second} == {"b", "c"}


@pytest.mark.parametrize("preprocess", [None, shift])
def test_turns_that_are_added_at_the_end_leave_the_draws_before_them_as_they_are(preprocess):
    turns = Turn("a", "one", seen), Turn("b", "one", seen, repeat=2)
    more = Turn("c", "one", seen, draws_as="a"), Turn("d", "one", seen, first=1), Turn("e", "one", seen, every=2)
    for rounds in (1, 2, 3):
        few, many = (play(game_of(each, preprocess=preprocess), rounds=rounds) for each in (turns, turns + more))
        assert few == {name: value for name, value in many.items() if name[0] in "ab"}
        assert many["c/drawn"] == many["a/drawn"]


def test_a_mistyped_draws_as_is_a_user_error():
    game = game_of([Turn("a", "one", seen), Turn("b", "one", seen, draws_as="A")])
    with pytest.raises(UserError, match=r"^b: no turn is named draws_as='A', only \['a', 'b'\]$"):
        make_round(game, {"one": optax.sgd(0.1)}, ema_decay=lambda step: 0.0)


def rounds_of(game, name, rounds=12):
    return [step for step in range(rounds) if name in due(game, step)]


def test_a_turn_is_due_in_its_window_alone():
    turns = [
        Turn("always", "one", seen),
        Turn("between", "one", seen, first=3, last=7),
        Turn("late", "one", seen, first=9),
        Turn("early", "one", seen, last=2),
        Turn("never", "one", seen, last=0),
        Turn("lazy", "one", seen, every=3, first=4, last=10),
    ]
    game = game_of(turns)
    assert rounds_of(game, "always") == list(range(12))
    assert rounds_of(game, "between") == [3, 4, 5, 6]
    assert rounds_of(game, "late") == [9, 10, 11] and rounds_of(game, "early") == [0, 1]
    assert rounds_of(game, "never") == []
    assert rounds_of(game, "lazy") == [6, 9]  # in step with the rounds, not with its window


def test_a_window_opens_and_closes_while_a_game_is_played():
    """Each player counts the rounds that it moves in; there is one compilation for each set of turns."""
    count = lambda player: lambda variables, batch, key: (jnp.sum(variables[player]["params"]), ({}, {}))
    windows = {"early": {"last": 3}, "always": {}, "late": {"first": 3}, "between": {"first": 2, "last": 5}}
    turns = tuple(Turn(name, name, count(name), **window) for name, window in windows.items())
    game = Game(lambda key: {name: {"params": jnp.zeros(1)} for name in windows}, turns, {}, averaged=())
    optimizers = dict.fromkeys(windows, optax.sgd(1.0))
    run = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.0), static_argnums=3)
    state = init_state(game, optimizers, KEY)
    for step in range(8):
        state, _ = run(state, {}, KEY, due(game, step))
    moved = {name: -float(own["params"][0]) for name, own in state.variables.items()}
    assert moved == {"early": 3, "always": 8, "late": 5, "between": 3}
    assert run._cache_size() == 4  # early, early and between, late and between, late


def test_a_player_without_a_turn_is_frozen():
    def pull(variables, batch, key):
        return jnp.sum((variables["mover"]["params"] - variables["goal"]["params"]) ** 2), ({}, {})

    start = {"mover": {"params": jnp.zeros(3)}, "goal": {"params": jnp.arange(3.0)}}
    game = Game(lambda key: start, (Turn("move", "mover", pull),), {}, averaged=("mover",))
    optimizers = {"mover": optax.sgd(0.25)}
    state = init_state(game, optimizers, KEY)
    for _ in range(20):
        state, _ = make_round(game, optimizers, ema_decay=lambda step: 0.0)(state, {}, KEY, ("move",))
    assert same(state.variables["goal"], start["goal"])
    np.testing.assert_allclose(state.variables["mover"]["params"], np.arange(3.0), atol=1e-5)
    assert set(state.opt_states) == {"mover"}
