"""The same round on one device, on all devices of a host, or on all devices of many hosts.

A runner makes of a pure round `run(state, resident, batch, seed, due) -> (state, metrics)`, and places its arguments.
The state keeps its natural shapes everywhere and is donated: after a call only the new one is valid.

    jit   one device.
    pmap  the devices of this host; gradients, collections and metrics are averaged over them explicitly.
    mesh  all devices of all hosts, the batch sharded over them; the compiler inserts the communication.
    fsdp  mesh, with every big array of the state sharded over the devices too (fully sharded data parallelism).

All four play the same game on the same draws. Batch normalization takes the statistics of the global batch under each.
What else couples the examples of a batch (minibatch discrimination, means of features) sees the device's part of the
batch under pmap, and the whole batch under jit, mesh and fsdp.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from gan_jax.errors import UserError
from gan_jax.game import Game

WHOLE = 2**12  # elements below which an array is not sharded: to send it would cost more than to keep it
BY_REGIONS = "xla_cpu_copy_insertion_use_region_analysis"


class Runner(NamedTuple):
    """How rounds are run.

    Attributes:
        name: "jit", "pmap", "mesh" or "fsdp".
        devices: over which the global batch is split evenly.
        axis_name: for `make_round`.
        adapt: the game -> the game that `make_round` is to be given.
        compile: `(round, prepare) -> run(state, resident, batch, seed, due)`; `prepare(resident, batch)` is the batch
            that the round gets, see `gan_jax.data.prepare`.
        replicate: a tree that every device needs whole (resident data) -> the tree on the device(s).
        split: this process's share of a batch, leaves [R, b, ...] -> the batch on the device(s).
        place: the state, whole, the same in every process -> the state where `compile` wants it.
        gather: such a state -> the state whole, for what is no round. With several hosts all processes must call it.
    """

    name: str
    devices: int
    axis_name: str | None
    adapt: Callable[[Game], Game]
    compile: Callable[[Callable], Callable]
    replicate: Callable[[Any], Any]
    split: Callable[[Any], Any]
    place: Callable[[Any], Any]
    gather: Callable[[Any], Any]


def make_runner(name: str = "auto", devices: int | None = None) -> Runner:
    """A runner by name.

    Args:
        name: "jit", "pmap", "mesh", "fsdp", or "auto": jit for one device, pmap for several of a host, mesh for several
            hosts.
        devices: how many of this host's devices to use; None: all.

    Raises:
        UserError: no such runner, more devices than there are, or a runner that cannot use them.
    """
    hosts, available = jax.process_count(), jax.local_device_count()
    if devices is not None and not 1 <= devices <= available:
        raise UserError(f"--devices={devices}: this host has {available}")
    if devices not in (None, available) and hosts > 1:
        raise UserError("--devices: with several hosts, all their devices are used")
    devices = devices or (1 if name == "jit" else available)
    if name == "auto":
        name = "mesh" if hosts > 1 else "pmap" if devices > 1 else "jit"
    if name not in ("jit", "pmap", "mesh", "fsdp"):
        raise UserError(f"--runner={name}: there are auto, jit, pmap, mesh and fsdp")
    if hosts > 1 and name not in ("mesh", "fsdp"):
        raise UserError(f"--runner={name} is for one host, this run has {hosts}: use --runner=mesh or --runner=fsdp")
    if name == "jit" and devices > 1:
        raise UserError(f"--runner=jit uses one device, not {devices}: use pmap, mesh or fsdp")
    return {"jit": _jit, "pmap": _pmap, "mesh": _mesh, "fsdp": _fsdp}[name](devices)


def placement(state: Any, mesh: Mesh) -> Any:
    """Where each array of a state lies under fsdp: a tree of shardings, a pure function of shapes.

    Args:
        state: a tree of arrays, or of their shapes.
        mesh: of one axis.

    Returns:
        The same tree of NamedShardings: an array of at least `WHOLE` elements is sharded over the devices along its
        largest axis that they divide (the last of equal ones); one without such an axis, or smaller, is replicated.
    """
    (axis,) = mesh.axis_names

    def spec(leaf):
        able = [(size, i) for i, size in enumerate(leaf.shape) if size % mesh.size == 0]
        if leaf.size < WHOLE or not able:
            return PartitionSpec()
        return PartitionSpec(*[None] * max(able)[1], axis)

    return jax.tree.map(lambda leaf: NamedSharding(mesh, spec(leaf)), state)


def spread_over_devices() -> tuple[NamedSharding, NamedSharding]:
    """How work other than training uses all devices of this host: (whole, split).

    What is `jax.device_put` with `whole` lies on each of them; with `split`, its first axis is sharded over them.
    """
    mesh = jax.make_mesh((jax.local_device_count(),), ("batch",), (AxisType.Auto,), devices=jax.local_devices())
    return NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))


@functools.cache
def compiler_options() -> dict[str, bool]:
    """XLA options for a round beyond its defaults: on a CPU, to analyze by regions what need not be copied.

    A donated array is overwritten by its successor, so XLA copies it unless it sees that all who read it come before.
    By regions it sees more. None if the user's XLA_FLAGS set this option, or XLA does not have it.
    """
    if jax.default_backend() != "cpu" or BY_REGIONS in os.environ.get("XLA_FLAGS", ""):
        return {}
    try:
        jax.jit(lambda: 0, compiler_options={BY_REGIONS: True}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return {BY_REGIONS: True}


def _on_prepared(play_round: Callable, prepare: Callable) -> Callable:
    def run(state, resident, batch, seed, due):
        return play_round(state, prepare(resident, batch), jax.random.key(seed), due)

    return run


def _jit(devices: int) -> Runner:
    def compile_round(play_round, prepare):
        run = _on_prepared(play_round, prepare)
        return jax.jit(run, static_argnums=4, donate_argnums=0, compiler_options=compiler_options())

    return Runner("jit", devices, None, _same, compile_round, jax.device_put, _same, jax.device_put, _same)


def _pmap(devices: int) -> Runner:
    chosen = jax.local_devices()[:devices]
    replicated = NamedSharding(jax.make_mesh((devices,), ("batch",), (AxisType.Auto,), devices=chosen), PartitionSpec())

    def compile_round(play_round, prepare):
        return jax.pmap(
            _on_prepared(play_round, prepare),
            "batch",
            in_axes=(None, None, 1, None, None),
            out_axes=None,
            static_broadcasted_argnums=4,
            donate_argnums=0,
            devices=chosen,
        )

    def split(batch):
        return jax.tree.map(lambda x: x.reshape(x.shape[0], devices, -1, *x.shape[2:]), batch)

    replicate = lambda tree: jax.device_put(tree, replicated)
    return Runner("pmap", devices, "batch", _same, compile_round, replicate, split, replicate, _same)


def _mesh(devices: int) -> Runner:
    mesh, replicated, sharded = _all_hosts(devices)

    def compile_round(play_round, prepare):
        return jax.jit(
            _on_prepared(play_round, prepare),
            static_argnums=4,
            donate_argnums=0,
            in_shardings=(replicated, replicated, sharded, replicated),
            out_shardings=replicated,
        )

    replicate = lambda tree: _by_way_of_the_host(tree, replicated)
    return Runner("mesh", mesh.size, None, _same, compile_round, replicate, _split_into(sharded), replicate, _same)


def _fsdp(devices: int) -> Runner:
    mesh, replicated, sharded = _all_hosts(devices)
    pin = jax.lax.with_sharding_constraint

    @jax.custom_vjp
    def whole(leaf):
        return pin(leaf, replicated)

    def shard_gradient(_, gradient):
        # Summed over the devices, then sharded: else the compiler shards the channels of activations too.
        return (pin(pin(gradient, replicated), placement(gradient, mesh)),)

    whole.defvjp(lambda leaf: (whole(leaf), None), shard_gradient)

    def adapt(game):
        """Every loss fetches the variables: left alone, the compiler would send the activations of the whole batch."""

        def fetch(loss):
            return lambda variables, batch, key: loss(jax.tree.map(whole, variables), batch, key)

        return game._replace(turns=tuple(turn._replace(loss=fetch(turn.loss)) for turn in game.turns))

    def compile_round(play_round, prepare):
        run = _on_prepared(play_round, prepare)

        def sharded_run(state, resident, batch, seed, due):
            state, metrics = run(state, resident, batch, seed, due)
            return pin(state, placement(state, mesh)), pin(metrics, replicated)

        arguments = (None, replicated, sharded, replicated)  # None: the state lies as `place` has put it
        return jax.jit(sharded_run, static_argnums=4, donate_argnums=0, in_shardings=arguments)

    def place(state):
        return _by_way_of_the_host(state, placement(state, mesh))

    def gather(state):
        # Leaf by leaf and to the host's memory: no device ever holds more than its part and one whole array.
        return jax.tree.map(lambda leaf: jax.device_get(_addressable(leaf, replicated)), state)

    replicate = lambda tree: _by_way_of_the_host(tree, replicated)
    return Runner("fsdp", mesh.size, None, adapt, compile_round, replicate, _split_into(sharded), place, gather)


def _same(tree):
    return tree


def _all_hosts(devices: int) -> tuple[Mesh, NamedSharding, NamedSharding]:
    """The mesh of all devices of all hosts (of one host: so many), what is replicated, and how a batch is sharded."""
    chosen = jax.devices() if jax.process_count() > 1 else jax.local_devices()[:devices]
    mesh = jax.make_mesh((len(chosen),), ("batch",), (AxisType.Auto,), devices=chosen)
    return mesh, NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, "batch"))


def _split_into(sharded: NamedSharding) -> Callable[[Any], Any]:
    return lambda batch: jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharded, np.asarray(x)), batch)


def _by_way_of_the_host(tree: Any, shardings: Any) -> Any:
    """Makes global arrays of values that each process has made for itself."""
    return jax.device_put(jax.device_get(tree), shardings)


def _addressable(leaf: jax.Array, replicated: NamedSharding) -> jax.Array:
    return leaf if leaf.is_fully_addressable else jax.device_put(leaf, replicated)
