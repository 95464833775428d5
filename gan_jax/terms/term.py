"""A term of a loss: what it is, how a config names some, how they add up.

A config's `terms` are {name: {argument: value}}. A name is that of one of the game's constructors of terms, or anything
with `function="module.function"`, a constructor of any module; the arguments in its signature are the keys of the term.
A term that is absent is off, and so is one of weight 0.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax

from gan_jax.errors import UserError
from gan_jax.keys import Key, Schema, closest, from_signature
from gan_jax.lookup import import_by_name


class Term(NamedTuple):
    """One summand of a player's loss.

    Attributes:
        name: of its metric, which is its value before weighting.
        player: whose loss it is a part of.
        loss: `context -> scalar`, or `(scalar, updates of the player's collections)`. What a context holds is said by
            the game.
        weight: a number >= 0, or a function of the kimg seen.
        every: rounds; above 1 the term is lazy, a turn of its own whose loss is `every` times as large.
        memory: {collection: its value at first} that `loss` reads in `context.own` and updates.
    """

    name: str
    player: str
    loss: Callable[[Any], Any]
    weight: float | Callable[[jax.Array], jax.Array] = 1.0
    every: int = 1
    memory: Mapping[str, Any] = {}


Constructors = Mapping[str, Callable[..., Term | tuple[Term, ...]]]  # {name: its constructor}


def total(terms: Iterable[Term], context: Any) -> tuple[jax.Array, tuple[dict, dict]]:
    """The loss of a turn: (weighted sum, (updates of the player's collections, {term: its value}))."""
    values, updates, metrics = [], {}, {}
    for term in terms:
        value = term.loss(context)
        if isinstance(value, tuple):
            value, own = value
            updates |= own
        metrics[term.name] = value
        weight = term.weight(context.kimg) if callable(term.weight) else term.weight
        value = value if weight is term.weight == 1 else weight * value
        values.append(value if term.every == 1 else term.every * value)
    first, *others = values
    return first + sum(others) if others else first, (updates, metrics)


def split(terms: Iterable[Term], player: str) -> tuple[list[Term], list[Term]]:
    """A player's terms: (those of its turn, the lazy ones)."""
    own = [term for term in terms if term.player == player]
    return [term for term in own if term.every == 1], [term for term in own if term.every > 1]


def memory_of(terms: Iterable[Term], player: str) -> dict[str, Any]:
    """The collections, at first, that a player's terms keep."""
    return {name: value for term in terms if term.player == player for name, value in term.memory.items()}


def make_terms(
    config: Mapping[str, Mapping],
    constructors: Constructors,
    players: tuple[str, ...] = ("discriminator", "generator"),
    lazy: bool = True,
) -> list[Term]:
    """The terms of a config that are on, in the order of their constructors.

    Args:
        config: `config.terms`, complete.
        constructors: the game's own.
        players: those whose losses have terms in this game.
        lazy: whether the game has turns for lazy terms.

    Raises:
        UserError: a term that the game has no turn for.
    """
    order = list(constructors)
    names = sorted(config, key=lambda name: (order.index(name) if name in order else len(order), name))
    terms = []
    for name in names:
        arguments = {key: value for key, value in config[name].items() if key != "function"}
        made = _constructor(name, config[name], constructors)(**arguments)
        terms += [made] if isinstance(made, Term) else made
    terms = [term for term in terms if callable(term.weight) or term.weight]
    for term in terms:
        if term.player not in players:
            of = " and the ".join(players)
            raise UserError(f"--config.terms: {term.name} is of the {term.player}; this game has terms of the {of}")
        if term.every > 1 and not lazy:
            raise UserError(f"--config.terms: {term.name} is lazy (every={term.every}); this game has no lazy terms")
    return terms


def keys(constructors: Constructors) -> Callable[[Mapping], Schema]:
    """The schema of a game's `terms`, given its constructors."""

    def schema(given):
        return {name: partial(_keys_of, name, constructors) for name in given}

    return schema


def _keys_of(name: str, constructors: Constructors, own: Any) -> Schema:
    schema = from_signature(_constructor(name, own, constructors))
    return {**schema, "function": Key("", "module.function that makes the term")} if _foreign(own) else schema


def _constructor(name: str, own: Any, constructors: Constructors) -> Callable:
    if _foreign(own):
        module, dot, member = str(own["function"]).rpartition(".")
        if not dot:
            raise UserError(f"--config.terms.{name}.function={member!r}: must be written module.function")
        return import_by_name(sys.modules["gan_jax.terms"], module, f"terms.{name}.function", member=member)
    if name not in constructors:
        raise UserError(f"--config.terms.{name}: there is no such term in this game; {closest(name, constructors)}")
    return constructors[name]


def _foreign(own: Any) -> bool:
    return hasattr(own, "keys") and "function" in own
