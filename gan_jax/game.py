"""The core: a game is data.

A GAN is a game between *players*. A **player** is a tree of variables with its own optimizer; a **turn** is one
gradient step of one player on one loss; a **round** is all turns that are due, in order: what papers call an
iteration. `make_step` holds the only gradient update of the library: `discriminator_step` and `generator_step` are
two of its instances.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax
import jax
import jax.numpy as jnp
import optax

Variables = dict[str, dict[str, Any]]  # {player: {"params": ..., "batch_stats": ..., ...}}
Batch = dict[str, jax.Array]


class Turn(NamedTuple):
    """One move of one player.

    Attributes:
        name: unique in the game; prefixes the turn's metrics.
        player: whose parameters move. Every other player is a constant, because it is not differentiated.
        loss: `(variables, batch, key) -> (scalar, (own_updates, metrics))`. It sees every player; `own_updates` are
            the moving player's collections that the loss changed (say `{"batch_stats": ...}`), `metrics` scalars;
            batch["step"] is the number of rounds played, for schedules.
        every: lazy regularisation: due when `step % every == 0`; the loss scales itself by `every`.
        repeat: played on that many fresh batches each time (n_critic).
        draws_as: the turn whose key this one gets too, if not its own: what both draw and make alike, a fake above all,
            is then the same, and the compiler may compute it once.
    """

    name: str
    player: str
    loss: Callable
    every: int = 1
    repeat: int = 1
    draws_as: str = ""


class Game(NamedTuple):
    """Players, their turns, and how to look at what they learnt. A player without a turn is frozen.

    Attributes:
        init: `key -> Variables`.
        turns: in the order of play.
        sample: `(variables, key, index, condition) -> images [n, H, W, C] in [-1, 1]` (or points [n, 2]). Example i
            depends on `(key, index[i], condition[i])` alone, so a large set can be drawn in parts of any size.
        averaged: the players of whose parameters a moving average is kept, the ones that `sample` needs.
        calibrate: `(variables, key, index) -> variables`: one step of the running statistics that `sample` uses, over
            the examples that (key, index) draw; None if nothing runs.
        judge: `(variables, images, condition) -> logits [n]`: the discriminator's opinion; None if it has none.
        latents: `(key, index) -> z [n, Z]`, the latents that `sample` decodes; None if it decodes none.
        decode: `(variables, z, condition) -> images`, so that `sample` is `decode` of `latents`; None likewise.
        classify: `(variables, images) -> logits [n, K]` of the classes of the data; None if it has no classifier.
        view: `(batch, key) -> batch`: what all turns of a round see of it, say windows of its images; None: all of it.
    """

    init: Callable[[jax.Array], Variables]
    turns: tuple[Turn, ...]
    sample: Callable
    averaged: tuple[str, ...] = ("generator",)
    calibrate: Callable | None = None
    judge: Callable | None = None
    latents: Callable | None = None
    decode: Callable | None = None
    classify: Callable | None = None
    view: Callable | None = None


@flax.struct.dataclass
class State:
    """All that training changes: one pytree in natural shapes, without a device axis and without a key."""

    step: jax.Array  # int32, rounds played
    variables: Variables
    opt_states: dict[str, Any]
    ema: dict[str, Any]  # {player: averaged params}


def init_state(game: Game, optimizers: dict[str, optax.GradientTransformation], key: jax.Array) -> State:
    """The state before the first round. Call it inside jit: the average then shares no buffer with the parameters."""
    variables = game.init(key)
    return State(
        step=jnp.zeros((), jnp.int32),
        variables=variables,
        opt_states={player: optimizer.init(variables[player]["params"]) for player, optimizer in optimizers.items()},
        ema={player: variables[player]["params"] for player in game.averaged},
    )


def due(game: Game, step: int) -> tuple[str, ...]:
    """The names of the turns that round `step` plays: static, so each such set is compiled once."""
    return tuple(turn.name for turn in game.turns if step % turn.every == 0)


def batches_per_round(game: Game) -> int:
    """R: how many fresh batches a round needs; batch leaves are [R, B, ...]."""
    return max(turn.repeat for turn in game.turns)


def mean_over_parts(function: Callable[[Batch], Any], batch: Batch, parts: int) -> Any:
    """The mean of `function(part)`, a tree, over equal parts of a batch, seen one after the other: the memory of one.

    Args:
        function: of a batch [B / parts, ...].
        batch: leaves [B, ...]. Part i is i, i + parts, i + 2 parts, ...: spread over all devices, as the whole is.
        parts: divides B.
    """
    if parts == 1:
        return function(batch)
    cut = jax.tree.map(lambda leaf: leaf.reshape(-1, parts, *leaf.shape[1:]).swapaxes(0, 1), batch)
    shapes = jax.eval_shape(function, jax.tree.map(lambda leaf: leaf[0], cut))
    add = lambda total, part: (jax.tree.map(jnp.add, total, function(part)), None)
    # XLA's CPU backend runs convolutions inside loops about ten times slower.
    unroll = parts if jax.default_backend() == "cpu" else 1
    total, _ = jax.lax.scan(add, optax.tree.zeros_like(shapes), cut, unroll=unroll)
    return jax.tree.map(lambda leaf: leaf / parts, total)


def make_step(
    turn: Turn, optimizer: optax.GradientTransformation, *, axis_name: str | None = None, micro_batches: int = 1
) -> Callable:
    """One gradient step of `turn.player` as a pure function `step(state, batch, key) -> (state, metrics)`.

    Args:
        turn: whose loss is minimised.
        optimizer: of the moving player; it is also told `step`, the number of rounds played, for its schedules.
        axis_name: the mapped axis over which gradients, updated collections and metrics are averaged (pmap).
        micro_batches: parts of the batch, seen one after the other, over which they are averaged too.

    Returns:
        A function that replaces the moving player's parameters, collections and optimizer state and leaves all else
        (`state.step` too) as it is. Its metrics are the loss, the gradient's global norm and the loss's own.
    """
    optimizer = optax.with_extra_args_support(optimizer)
    player = turn.player

    def step(state: State, batch: Batch, key: jax.Array) -> tuple[State, dict]:
        own = state.variables[player]

        def loss(params, part):
            variables = {**state.variables, player: {**own, "params": params}}
            return turn.loss(variables, {**part, "step": state.step}, key)

        differentiated = partial(jax.value_and_grad(loss, has_aux=True), own["params"])
        (value, (own_updates, metrics)), gradient = mean_over_parts(differentiated, batch, micro_batches)
        if axis_name is not None:
            value, own_updates, metrics, gradient = jax.lax.pmean((value, own_updates, metrics, gradient), axis_name)
        updates, opt_state = optimizer.update(gradient, state.opt_states[player], own["params"], step=state.step)
        own = {**own, **own_updates, "params": optax.apply_updates(own["params"], updates)}
        metrics = {**metrics, "loss": value, "gradient_norm": optax.tree.norm(gradient)}
        return state.replace(
            variables={**state.variables, player: own}, opt_states={**state.opt_states, player: opt_state}
        ), metrics

    return step


def make_round(
    game: Game,
    optimizers: dict[str, optax.GradientTransformation],
    *,
    ema_decay: Callable[[jax.Array], jax.Array],
    axis_name: str | None = None,
    micro_batches: int = 1,
) -> Callable:
    """One round as a pure function `round(state, batch, key, due) -> (state, metrics)`.

    Args:
        game: what is played.
        optimizers: {player: transform}.
        ema_decay: rounds played -> the share of the old average that is kept, in [0, 1].
        axis_name, micro_batches: see `make_step`.

    Returns:
        A function of the state, a batch with leaves [R, B, ...], the run's key (every draw is derived from it and
        `state.step`) and the static tuple `due`. Its metrics are named "turn/metric", averaged over repeats.
    """
    average = {"axis_name": axis_name, "micro_batches": micro_batches}
    steps = {turn.name: make_step(turn, optimizers[turn.player], **average) for turn in game.turns}
    names = [turn.name for turn in game.turns]

    def play_round(state: State, batch: Batch, key: jax.Array, due: tuple[str, ...]) -> tuple[State, dict]:
        key, metrics = jax.random.fold_in(key, state.step), {}
        fresh = [jax.tree.map(lambda leaf, r=r: leaf[r], batch) for r in range(batches_per_round(game))]
        if game.view:
            view_key = jax.random.fold_in(key, len(names))
            fresh = [game.view(each, jax.random.fold_in(view_key, r)) for r, each in enumerate(fresh)]
        for turn in game.turns:
            if turn.name not in due:
                continue
            turn_key, played = jax.random.fold_in(key, names.index(turn.draws_as or turn.name)), []
            for repeat in range(turn.repeat):
                state, seen = steps[turn.name](state, fresh[repeat], jax.random.fold_in(turn_key, repeat))
                played.append(seen)
            for name in played[0]:
                metrics[f"{turn.name}/{name}"] = sum(seen[name] for seen in played) / turn.repeat
        decay = ema_decay(state.step)
        params = {player: state.variables[player]["params"] for player in game.averaged}
        ema = optax.incremental_update(params, state.ema, 1 - decay)
        return state.replace(step=state.step + 1, ema=ema), metrics

    return play_round
