"""The same round on one device, on all devices of a host, or on all devices of many hosts.

A runner turns a pure round into `run(state, resident, batch, seed, due) -> (state, metrics)` and says where its
arguments live. The state keeps its natural shapes everywhere and is donated: after a call only the new one is valid.

    jit   one device.
    pmap  the devices of this host; gradients, collections and metrics are averaged over them explicitly.
    mesh  all devices of all hosts, the batch sharded over them; the compiler inserts the communication.

All three play the same game on the same draws. What couples the examples of a batch (batch normalisation) sees the
device's part of the batch under pmap, and the whole batch under jit and mesh.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax.errors import UserError
from gan_jax.images import to_float


class Runner(NamedTuple):
    """How rounds are run.

    Attributes:
        name: "jit", "pmap" or "mesh".
        devices: over which the global batch is split evenly.
        axis_name: for `make_round`.
        compile: round -> `run(state, resident, batch, seed, due)`.
        replicate: a tree that every device needs whole (state, resident data) -> the tree on the device(s).
        split: this process's share of a batch, leaves [R, b, ...] -> the batch on the device(s).
    """

    name: str
    devices: int
    axis_name: str | None
    compile: Callable[[Callable], Callable]
    replicate: Callable[[Any], Any]
    split: Callable[[Any], Any]


def prepare(resident: dict, batch: dict) -> dict:
    """The batch that losses see, inside the compiled round.

    Args:
        resident: {"image": [N, ...], "label": [N], ...} of a set that lies on the device, or {}.
        batch: leaves [R, B, ...]: "index", and "row" into the resident set ("input_row" into "input", if that is a set
            of its own) or "image", "label", ... themselves.

    Returns:
        {"image": float32 in [-1, 1] (points as they are), "label": int32, "index": int32, ...}, leaves [R, B, ...]; so
        is every other image.
    """
    if resident:
        chosen = {name: leaf[batch.get(f"{name}_row", batch["row"])] for name, leaf in resident.items()}
        batch = {"index": batch["index"], **chosen}
    return jax.tree.map(to_float, batch)


def make_runner(name: str = "auto", devices: int | None = None) -> Runner:
    """A runner by name.

    Args:
        name: "jit", "pmap", "mesh", or "auto": jit for one device, pmap for several of a host, mesh for several hosts.
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
    if name not in ("jit", "pmap", "mesh"):
        raise UserError(f"--runner={name}: there are auto, jit, pmap and mesh")
    if hosts > 1 and name != "mesh":
        raise UserError(f"--runner={name} is for one host, this run has {hosts}: use --runner=mesh")
    if name == "jit" and devices > 1:
        raise UserError(f"--runner=jit uses one device, not {devices}: use pmap or mesh")
    return {"jit": _jit, "pmap": _pmap, "mesh": _mesh}[name](devices)


def spread_over_devices() -> tuple[NamedSharding, NamedSharding]:
    """How work other than training uses all devices of this host: (whole, split).

    What is `jax.device_put` with `whole` lies on each of them; with `split`, its first axis is cut over them.
    """
    mesh = jax.make_mesh((jax.local_device_count(),), ("batch",), (AxisType.Auto,), devices=jax.local_devices())
    return NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))


def _on_prepared(play_round: Callable) -> Callable:
    def run(state, resident, batch, seed, due):
        return play_round(state, prepare(resident, batch), jax.random.key(seed), due)

    return run


def _jit(devices: int) -> Runner:
    def compile_round(play_round):
        return jax.jit(_on_prepared(play_round), static_argnums=4, donate_argnums=0)

    return Runner("jit", devices, None, compile_round, jax.device_put, lambda batch: batch)


def _pmap(devices: int) -> Runner:
    chosen = jax.local_devices()[:devices]
    everywhere = NamedSharding(jax.make_mesh((devices,), ("batch",), (AxisType.Auto,), devices=chosen), PartitionSpec())

    def compile_round(play_round):
        return jax.pmap(
            _on_prepared(play_round),
            "batch",
            in_axes=(None, None, 1, None, None),
            out_axes=None,
            static_broadcasted_argnums=4,
            donate_argnums=0,
            devices=chosen,
        )

    def split(batch):
        return jax.tree.map(lambda x: x.reshape(x.shape[0], devices, -1, *x.shape[2:]), batch)

    return Runner("pmap", devices, "batch", compile_round, lambda tree: jax.device_put(tree, everywhere), split)


def _mesh(devices: int) -> Runner:
    chosen = jax.devices() if jax.process_count() > 1 else jax.local_devices()[:devices]
    mesh = jax.make_mesh((len(chosen),), ("batch",), (AxisType.Auto,), devices=chosen)
    everywhere, shared = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, "batch"))

    def compile_round(play_round):
        return jax.jit(
            _on_prepared(play_round),
            static_argnums=4,
            donate_argnums=0,
            in_shardings=(everywhere, everywhere, shared, everywhere),
            out_shardings=everywhere,
        )

    def split(batch):
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(shared, np.asarray(x)), batch)

    # Values that each process has made for itself become one global array by way of the host.
    return Runner(
        "mesh", len(chosen), None, compile_round, lambda tree: jax.device_put(jax.device_get(tree), everywhere), split
    )
