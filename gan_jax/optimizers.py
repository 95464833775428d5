"""Optimizers, from config to optax. Learning rates are functions of the images seen, not of updates."""

import fnmatch
import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax.errors import UserError
from gan_jax.game import Game
from gan_jax.keys import TINY, Key, Schema, closest, from_signature
from gan_jax.regularizers import orthogonality
from gan_jax.schedules import SHAPES, Schedule, annealed

GAN_DEFAULTS = {"name": "adam", "b1": 0.5}  # Radford et al. 2016, section 3
DECAYS = ("b1", "b2", "b3", "decay")  # of an optimizer's moving averages
OWN = {
    "learning_rate": Key(2e-4, "at first", 0),
    "schedule": Key("constant", "of the learning rate over decay_kimg, after hold_kimg", choices=tuple(SHAPES)),
    "hold_kimg": Key(0.0, "before the learning rate falls", 0),
    "decay_kimg": Key(0.0, "in which the learning rate falls", 0),
    "final": Key(0.0, "share of the learning rate that is left after that", 0, 1),
    "clip_norm": Key(0.0, "global norm to which the gradient is clipped; 0: it is not", 0),
    "clip_weights": Key(0.0, "clip parameters to [-c, c] after each update (Arjovsky et al. 2017); 0: no", 0),
    "orthogonal": Key(0.0, "beta of orthogonal regularization (Brock et al. 2019)", 0),
    "freeze": Key("", "layers whose parameters stay, with commas between; * stands for any letters (Mo et al. 2020)"),
    "restart": Key(False, "its moments begin anew whenever a turn of the player begins (Karras et al. 2018)"),
}  # fmt: skip


def names() -> list[str]:
    """Optax's optimizers: what takes a learning rate, but those that need the loss, draw, or ignore its schedule."""
    kinds = (FunctionType, functools.partial)
    functions = {name: value for name, value in vars(optax).items() if isinstance(value, kinds)}
    takes_rate = [name for name, value in functions.items() if "learning_rate" in inspect.signature(value).parameters]
    others = ("lbfgs", "noisy_sgd", "rprop")
    return sorted(name for name in takes_rate if name not in others and not name.startswith(("_", "scale_by_")))


def keys(given: Mapping[str, Any]) -> Schema:
    """The schema of `config.optimizers`: "default", and whatever players have one of their own."""
    default = {**GAN_DEFAULTS, **given.get("default", {})}
    return {"default": _keys_of(GAN_DEFAULTS), **{player: _keys_of(default) for player in given if player != "default"}}


def _keys_of(defaults: Mapping[str, Any]) -> Callable[[Mapping], Schema]:
    """The keys of one optimizer: ours, and optax's arguments; what it does not say is as in `defaults`."""

    def schema(own):
        name = own.get("name", defaults["name"])
        like = defaults if name == defaults["name"] else {k: v for k, v in defaults.items() if k in OWN}
        keys = {"name": Key(defaults["name"], "any of optax's optimizers"), **OWN, **_arguments(name)}
        return {key: of._replace(default=type(of.default)(like.get(key, of.default))) for key, of in keys.items()}

    return schema


def _arguments(name: str) -> dict[str, Key]:
    """Optax's own arguments of an optimizer, those that are numbers or bools.

    Raises:
        UserError: optax has no such optimizer.
    """
    if name not in names():
        raise UserError(f"config.optimizers: optax has no optimizer {name!r}; {closest(name, names())}")
    function = getattr(optax, name)
    found = from_signature(function, given=("learning_rate", "seed"))
    if _may_have_momentum(name):
        found["momentum"] = Key(0.0, "0: none", 0, 1)
    high = lambda key: 1 - TINY if key in DECAYS else math.inf
    found = {key: of._replace(doc=re.sub(r":\w+:`~?([^`]*)`", r"\1", of.doc)) for key, of in found.items()}
    numbers = {key: of._replace(low=0, high=high(key)) for key, of in found.items() if isinstance(of.default, float)}
    return {**found, **numbers}


def _may_have_momentum(name: str) -> bool:
    """Whether an optimizer has no momentum by default, None, which is another state than a momentum of 0."""
    momentum = inspect.signature(getattr(optax, name)).parameters.get("momentum")
    return momentum is not None and momentum.default is None


def learning_rate(config, *, images_per_round: int, correction: float = 1.0) -> Schedule:
    """The learning rate as a function of rounds: constant, or, after `hold_kimg`, falling over `decay_kimg`.

    Args:
        config: learning_rate, schedule ("constant" | "linear" | "cosine"), decay_kimg, hold_kimg, final (share of the
            start, [0, 1]).
        images_per_round: real images that the discriminator sees.
        correction: a factor, see `lazy_correction`.

    Returns:
        rounds played -> learning rate.

    Raises:
        UserError: it falls, but its length is not given.
    """
    if config.schedule != "constant" and config.decay_kimg <= 0:
        raise UserError(f"a {config.schedule} schedule of the learning rate needs decay_kimg > 0, in which it falls")

    def rate(step):
        seen = jnp.maximum(jnp.float32(step) * (images_per_round / 1000) - config.hold_kimg, 0)
        return annealed(correction * config.learning_rate, config.final, config.decay_kimg, config.schedule, seen)

    return rate


def lazy_correction(game: Game, player: str) -> float:
    """c = k / (k + 1) for a player that moves every round and has a lazy turn every k rounds; else 1.

    Reference: Karras et al. 2020 (StyleGAN2), appendix B: learning rate c * lr, betas beta^c.
    """
    turns = [turn for turn in game.turns if turn.player == player]
    every_round = sum(t.repeat for t in turns if t.every == 1)
    return every_round / sum(t.repeat / t.every for t in turns) if every_round else 1.0


def beginnings(game: Game, player: str) -> list[int]:
    """The rounds, after the first, in which a turn of a player begins."""
    return sorted({turn.first for turn in game.turns if turn.player == player} - {0})


def make_optimizer(
    config, rate: Schedule, *, correction: float = 1.0, begins: Sequence[int] = ()
) -> optax.GradientTransformationExtraArgs:
    """The optimizer of one player, whose `update` takes the number of rounds played as `step`.

    Args:
        config: see `keys`.
        rate: see `learning_rate`.
        correction: of the decays of moving averages, see `lazy_correction`.
        begins: see `beginnings`; where `config.restart` has the optimizer's state begin anew.

    Raises:
        UserError: optax has no such optimizer.
    """
    arguments = {key: config[key] for key in _arguments(config.name)}
    arguments |= {key: arguments[key] ** correction for key in DECAYS if key in arguments}
    if _may_have_momentum(config.name) and not arguments["momentum"]:
        del arguments["momentum"]
    before = [
        *([orthogonalize(config.orthogonal)] if config.orthogonal else []),
        *([optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []),
    ]

    def at(step):
        # The learning rate may be traced: the state of none of these optimizers depends on it.
        return optax.with_extra_args_support(getattr(optax, config.name)(learning_rate=rate(step), **arguments))

    # What has numbers, in one flat tuple, and an empty place for each of our own transforms and the learning rate: so
    # have checkpoints had it since 0.1.0.
    after = [optax.EmptyState()] * (2 if config.clip_weights else 1)

    def init(params):
        is_frozen(config.freeze, params)  # a mistyped name
        parts = [part for part in _parts(at(0).init(params)) if jax.tree.leaves(part)]
        return (*(optax.EmptyState() for _ in before), *parts, *after)

    def update(updates, state, params, *, step, **extra):
        if config.restart and begins:
            anew = jnp.any(step == jnp.array(begins))
            state = jax.tree.map(lambda new, old: jnp.where(anew, new, old), init(params), state)
        for stateless in before:
            updates, _ = stateless.update(updates, optax.EmptyState(), params)
        shapes, kept = jax.eval_shape(at(0).init, params), iter(state[len(before) :])
        own = tuple(next(kept) if jax.tree.leaves(part) else part for part in _parts(shapes))
        updates, own = at(step).update(updates, own if _is_chain(shapes) else own[0], params, **extra)
        if config.clip_weights:
            updates, _ = clip_weights(config.clip_weights).update(updates, optax.EmptyState(), params)
        frozen = is_frozen(config.freeze, params)
        updates = jax.tree.map(lambda update, stays: jnp.zeros_like(update) if stays else update, updates, frozen)
        parts = [part for part in _parts(own) if jax.tree.leaves(part)]
        return updates, (*state[: len(before)], *parts, *after)

    return optax.GradientTransformationExtraArgs(init, update)


def _is_chain(state: Any) -> bool:
    return type(state) is tuple


def _parts(state: Any) -> tuple:
    return state if _is_chain(state) else (state,)


def is_frozen(layers: str, params: Any) -> Any:
    """Of each parameter, whether it lies in one of some layers, as a tree of bools.

    Args:
        layers: names with commas between, such as "Conv_0,28x28*"; that of a part of a player, such as "mapping", means
            all layers in it.
        params: nested dicts.

    Raises:
        UserError: no layer has such a name.
    """
    patterns = [name.strip() for name in layers.split(",") if name.strip()]
    names = lambda path: [key.key for key in path[:-1]]
    known = dict.fromkeys(name for path, _ in jax.tree_util.tree_leaves_with_path(params) for name in names(path))
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            raise UserError(
                f"--config.optimizers.*.freeze={layers}: no layer is named {pattern}; {closest(pattern, known)}"
            )
    matches = lambda path, _: any(fnmatch.filter(names(path), pattern) for pattern in patterns)
    return jax.tree_util.tree_map_with_path(matches, params)


def clip_weights(limit: float) -> optax.GradientTransformation:
    """The last transform of a chain: no parameter leaves [-limit, limit].

    Reference: Arjovsky et al. 2017, algorithm 1.
    """

    def update(updates, params):
        return jax.tree.map(lambda u, p: jnp.clip(p + u, -limit, limit) - p, updates, params)

    return optax.stateless(update)


def orthogonalize(beta: float) -> optax.GradientTransformation:
    """Adds the gradient of beta * `regularizers.orthogonality` of every kernel.

    Reference: Brock et al. 2019 (BigGAN), section 3.1.
    """

    def update(updates, params):
        def add(path, update, param):
            if param.ndim < 2 or path[-1].key != "kernel":
                return update
            return update + beta * jax.grad(orthogonality)(param)

        return jax.tree_util.tree_map_with_path(add, updates, params)

    return optax.stateless(update)
