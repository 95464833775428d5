"""The core: a game is data.

A GAN is a game between *players*. A **player** is a tree of variables with its own optimizer; a **turn** is one
gradient step of one player on one loss; a **round** is all turns that are due, in order: what papers call an
iteration. `make_step` holds the only gradient update of the library.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax
import jax
import jax.numpy as jnp
import optax

from gan_jax.errors import UserError
from gan_jax.micro_batches import mean_over_parts
from gan_jax.noise import PREPROCESS

Variables = dict[str, dict[str, Any]]  # {player: {"params": ..., "batch_stats": ..., ...}}
Batch = dict[str, Any]  # {field: [B, ...], "index": int32 [B], "step": int32}


class Turn(NamedTuple):
    """One gradient step of one player.

    Attributes:
        name: unique in the game; prefixes the turn's metrics.
        player: whose parameters move. Every other player is a constant, because it is not differentiated.
        loss: `(variables, batch, key) -> (scalar, (own_updates, metrics))`. It sees every player; `own_updates` are
            the moving player's collections that the loss changed (say `{"batch_stats": ...}`), `metrics` scalars;
            batch["step"] is the number of rounds played, for schedules.
        every: lazy regularization: due when `step % every == 0`; the loss scales itself by `every`.
        repeat: played on that many fresh batches each time (n_critic).
        draws_as: the turn whose key this one gets, if not its own. What both compute alike, above all a fake, is then
            the same value, and XLA computes it once: its elimination of common subexpressions is relied on (a test
            counts FLOPs), as one forward pass with two pull-backs would split `make_step` and not fit micro batches.
        first, last: it is played in rounds first <= step < last; None: to the end.
    """

    name: str
    player: str
    loss: Callable
    every: int = 1
    repeat: int = 1
    draws_as: str = ""
    first: int = 0
    last: int | None = None


class Map(NamedTuple):
    """One thing that a trained game can do: sample, translate, classify, encode, ...

    Attributes:
        given, makes: names of fields, see `gan_jax.modalities.Field`; () if it makes examples from noise.
        apply: `(variables, key, index, {field: [n, ...]}) -> [n, ...]`, as networks have them. Example i depends on
            `(key, index[i], given[i])` alone, so a large set can be made in parts of any size.
    """

    given: tuple[str, ...]
    makes: str
    apply: Callable


class Space(NamedTuple):
    """A latent space of a game that decodes latents, see `gan_jax.latent.spaces`.

    Attributes:
        draw: `(variables, key, index, given) -> latents [n, F]`, as they are distributed.
        decode: `(variables, latents, given, key, index) -> examples [n, ...]`, of latents [n, F], or of what
            `by_layer` makes of them; `key` and `index` are of the generator's noise: None, there is none.
        mean: `(variables, n, given) -> [n, F]`, the mean of what `draw` gives.
        between: `(a [n, F], b [n, F], t [n]) -> [n, F]`: the way from a to b that stays where latents are.
        by_layer: `latents [n, F] -> [n, L, f]`, what each of L groups of the generator's layers gets of them.
        prior: whether no network makes the latents, so that how they vary says nothing of the generator.
        encode: `(variables, examples [n, ...]) -> [n, F]`, the latents that a network finds; None: there is none.
    """

    draw: Callable
    decode: Callable
    mean: Callable
    between: Callable
    by_layer: Callable
    prior: bool = False
    encode: Callable | None = None


class Game(NamedTuple):
    """Players, their turns, and what can be done with what they learned. A player without a turn is frozen.

    Attributes:
        init: `key -> Variables`.
        turns: in the order of play.
        maps: {name: what the trained game can do}.
        averaged: the players of whose parameters a moving average is kept, the ones that `maps` need.
        spaces: {name: latent space}, the one that is best to move in last.
        calibrate: `(variables, key, index) -> variables`: one step of the running statistics; None if there are none.
        discriminate: `(variables, examples) -> logits [n]`, the discriminator's; None if it has none, or needs more.
        preprocess: `(batch, key) -> batch`: what all turns of a round see of a batch, say crops; None: the batch.
    """

    init: Callable[[jax.Array], Variables]
    turns: tuple[Turn, ...]
    maps: dict[str, Map]
    averaged: tuple[str, ...] = ("generator",)
    spaces: dict[str, Space] = {}  # noqa: RUF012 (never changed)
    calibrate: Callable | None = None
    discriminate: Callable | None = None
    preprocess: Callable | None = None


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
    open_to = lambda turn: turn.first <= step and (turn.last is None or step < turn.last)
    return tuple(turn.name for turn in game.turns if open_to(turn) and step % turn.every == 0)


def batches_per_round(game: Game) -> int:
    """R: how many fresh batches a round needs; batch leaves are [R, B, ...]."""
    return max(turn.repeat for turn in game.turns)


def make_step(
    turn: Turn, optimizer: optax.GradientTransformation, *, axis_name: str | None = None, micro_batches: int = 1
) -> Callable:
    """One gradient step of `turn.player` as a pure function `step(state, batch, key) -> (state, metrics)`.

    Args:
        turn: whose loss is minimized.
        optimizer: of the moving player; it also gets `step`, the number of rounds played, for its schedules.
        axis_name: the mapped axis over which gradients, updated collections and metrics are averaged (pmap).
        micro_batches: parts of the batch, computed one after the other, over which they are averaged too.

    Returns:
        A function that replaces the moving player's parameters, collections and optimizer state and leaves all else
        (`state.step` too) as it is. Its metrics are the loss, the gradient's global norm and the loss's own.
    """
    optimizer, player = optax.with_extra_args_support(optimizer), turn.player

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
        variables, opt_states = {**state.variables, player: own}, {**state.opt_states, player: opt_state}
        return state.replace(variables=variables, opt_states=opt_states), metrics

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

    Raises:
        UserError: a turn's `draws_as` is no turn's name.

    Returns:
        A function of the state, a batch with leaves [R, B, ...], the run's key (every draw is derived from it and
        `state.step`) and the static tuple `due`. Its metrics are named "turn/metric", averaged over repeats.
    """
    average = {"axis_name": axis_name, "micro_batches": micro_batches}
    steps = {turn.name: make_step(turn, optimizers[turn.player], **average) for turn in game.turns}
    names = [turn.name for turn in game.turns]
    if mistyped := [turn for turn in game.turns if turn.draws_as not in ("", *names)]:
        raise UserError(f"{mistyped[0].name}: no turn is named draws_as={mistyped[0].draws_as!r}, only {names}")

    def play_round(state: State, batch: Batch, key: jax.Array, due: tuple[str, ...]) -> tuple[State, dict]:
        key, metrics = jax.random.fold_in(key, state.step), {}
        fresh = [jax.tree.map(lambda leaf, r=r: leaf[r], batch) for r in range(batches_per_round(game))]
        if game.preprocess:
            own_key = jax.random.fold_in(key, PREPROCESS)
            fresh = [game.preprocess(each, jax.random.fold_in(own_key, r)) for r, each in enumerate(fresh)]
        for turn in game.turns:
            if turn.name not in due:
                continue
            turn_key, played = jax.random.fold_in(key, names.index(turn.draws_as or turn.name)), []
            for repeat in range(turn.repeat):
                state, own = steps[turn.name](state, fresh[repeat], jax.random.fold_in(turn_key, repeat))
                played.append(own)
            for name in played[0]:
                metrics[f"{turn.name}/{name}"] = sum(own[name] for own in played) / turn.repeat
        params = {player: state.variables[player]["params"] for player in game.averaged}
        ema = optax.incremental_update(params, state.ema, 1 - ema_decay(state.step))
        return state.replace(step=state.step + 1, ema=ema), metrics

    return play_round
