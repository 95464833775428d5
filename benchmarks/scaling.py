"""How training scales over devices: counted from compiled programs, then projected to accelerators.

    python benchmarks/scaling.py [--workloads=digits_dcgan,biggan,facades_pix2pix] [--runners=pmap,mesh,fsdp]
        [--devices=1,2,4,8] [--utilization=0.3] [--write=counts.jsonl] [--read=counts.jsonl,...]

Compiles the round of each config for so many devices, which XLA makes of one CPU (nothing is run), and counts in the
compiled program of one device what a round takes: FLOPs, as XLA's cost analysis has them, the arrays that each kind of
collective moves, and from the layout of the state the bytes that lie on each device. Turns that are not due in every
round count with their share. Weak scaling keeps the batch of a device, strong scaling the global batch; both begin
with the config's own batch on one device. Prints a JSON line for each program, then two Markdown tables.

`--read` makes the tables of such lines without compiling. The second table projects them to 8, 64 and 1024
accelerators; its assumptions are printed with it:

    compute     FLOPs of a device / (peak x utilization); what 8 devices exchange, more of them exchange too
    collective  level by level (node, then network; or the torus, axis by axis) around rings of g devices: an all-reduce
                takes 2 ((g - 1) / g x bytes / speed + (g - 1) x latency), others half of that; the next level has
                1 / g of the bytes
    efficiency  FLOPs a second a device, relative to one device: with nothing hidden, compute / (compute + collectives),
                and, if collectives run beside the compute, compute / max(compute, collectives)
"""

import collections
import json
import math
import os
import re
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"

import jax
import numpy as np
from absl import app, flags
from jax.sharding import AxisType

from gan_jax.cli import load_config
from gan_jax.config import complete
from gan_jax.experiment import build
from gan_jax.game import batches_per_round, due
from gan_jax.loop import compile_round
from gan_jax.modalities import Field, lookup
from gan_jax.networks import cpu_convolution
from gan_jax.runners import make_runner, placement

DIGIT, COLORED, HOUSE = (Field(lookup("image"), shape) for shape in ((28, 28, 1), (32, 32, 3), (256, 256, 3)))
CLASSES = Field(lookup("label"), (), tuple("0123456789"))
WORKLOADS = {  # {config: fields of the data}
    "digits_dcgan": {"image": DIGIT, "label": CLASSES},
    "biggan": {"image": COLORED, "label": CLASSES},
    "r3gan": {"image": COLORED, "label": CLASSES},
    "facades_pix2pix": {"image": HOUSE, "input": HOUSE},
}
STORED = {"image": np.uint8, "label": np.int32}
KINDS = "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute"
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}  # of code that nobody runs
SYSTEMS = {  # {name: (peak in bfloat16, [(devices of a ring, bytes/s a device sends, s a step), ...])}
    "H100": (989e12, [(8, 450e9, 2e-6), (2**20, 50e9, 5e-6)]),
    "TPU v5e": (197e12, [(16, 100e9, 1e-6), (16, 100e9, 1e-6)]),
    "TPU v5p": (459e12, [(8, 200e9, 1e-6), (8, 200e9, 1e-6), (16, 200e9, 1e-6)]),
}
SOURCES = """\
- H100 SXM: 989 TFLOP/s dense bfloat16, NVLink 900 GB/s both ways, so 450 to send, within a node of 8 (NVIDIA, H100 data
  sheet); between nodes a ConnectX-7 of 400 Gb/s, 50 GB/s, for each GPU (NVIDIA, DGX H100 user guide).
- TPU v5e: 197 TFLOP/s bfloat16, ICI 400 GB/s both ways over 4 ports, so 100 GB/s to send along an axis of the 16 x 16
  torus of a pod (Google Cloud, TPU v5e). No more than 256 chips: beyond them is another network.
- TPU v5p: 459 TFLOP/s bfloat16, ICI 1200 GB/s both ways over 6 ports, so 200 GB/s along an axis of a torus, here of
  8 x 8 x 16 (Google Cloud, TPU v5p).
- Assumed, not published: the utilization, and the latency of a step: NVLink 2 us, InfiniBand 5 us, ICI 1 us."""

cpu_convolution.form = lambda *shapes: None  # convolutions as accelerators have them

WORKLOAD = flags.DEFINE_list("workloads", ["digits_dcgan", "biggan", "facades_pix2pix"], f"Of {', '.join(WORKLOADS)}.")
RUNNERS = flags.DEFINE_list("runners", ["pmap", "mesh", "fsdp"], "Runners.")
DEVICES = flags.DEFINE_list("devices", ["1", "2", "4", "8"], "Numbers of devices, up to 8.")
UTILIZATION = flags.DEFINE_float("utilization", 0.3, "Share of the peak that one device reaches.", 0.0, 1.0)
WRITE = flags.DEFINE_string("write", None, "A file to add the JSON lines to.")
READ = flags.DEFINE_list("read", [], "Files of JSON lines to make the tables of: nothing is compiled then.")


def moved(program: str) -> dict[str, list[int]]:
    """{kind: [collectives, bytes of their results]} in a compiled program; one in a loop would count once."""
    found = {kind: [0, 0] for kind in KINDS}
    for result, kind in re.findall(rf"= (\(.*?\)|\S+) ({'|'.join(KINDS)})\(", program):
        size = 0
        for bits, shape in re.findall(r"\b(?:pred|[a-z]+(\d+))\w*\[([\d,]*)\]", result):
            size += math.prod(int(n) for n in shape.split(",") if n) * max(1, int(bits or 8) // 8)
        found[kind][0] += 1
        found[kind][1] += size
    return found


def rounds(game) -> dict[tuple[str, ...], float]:
    """{turns that are due together: the share of such rounds}"""
    period = math.lcm(*(turn.every for turn in game.turns))
    times = collections.Counter(due(game, step) for step in range(period))
    return {turns: n / period for turns, n in times.items()}


def count(workload: str, runner_name: str, devices: int, scaling: str) -> dict | None:
    """What one device does in an average round; None if the batch can't be divided."""
    config, fields = complete(load_config(workload)), WORKLOADS[workload]
    config.batch_size *= devices if scaling == "weak" else 1
    if config.batch_size % devices:
        return None
    experiment, runner = build(config, fields), make_runner(runner_name, devices)
    game, state, of = experiment.game, experiment.state_shapes, jax.ShapeDtypeStruct
    run = compile_round(config, experiment, runner)
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    if runner.name == "fsdp":
        mesh = jax.make_mesh((devices,), ("batch",), (AxisType.Auto,), devices=jax.devices()[:devices])
        put = lambda leaf, sharding: of(leaf.shape, leaf.dtype, sharding=sharding)
        state = jax.tree.map(put, state, placement(state, mesh))
        parts = jax.tree.map(lambda leaf: of(leaf.sharding.shard_shape(leaf.shape), leaf.dtype), state)
        held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(parts))
    lead = batches_per_round(game), config.batch_size
    lead = (lead[0], devices, lead[1] // devices) if runner.name == "pmap" else lead
    batch = {name: of((*lead, *field.shape), STORED[field.modality.name]) for name, field in fields.items()}
    batch["index"] = of(lead, np.int32)
    flops, total = 0.0, {kind: np.zeros(2) for kind in KINDS}
    for turns, share in rounds(game).items():
        compiled = run.lower(state, {}, batch, of((), np.uint32), turns).compile(compiler_options=QUICK)
        flops += share * compiled.cost_analysis()["flops"]
        for kind, numbers in moved(compiled.as_text()).items():
            whole = devices if kind == "reduce-scatter" else 1  # of which the result is a part
            total[kind] += share * np.array(numbers) * (1, whole)
    return {
        "workload": workload, "runner": runner.name, "scaling": scaling, "devices": devices,
        "batch": config.batch_size, "gflop": round(flops / 1e9, 3), "state_mb": round(held / 1e6, 2),
        "collectives": {k: {"times": round(n, 2), "mb": round(b / 1e6, 4)} for k, (n, b) in total.items()
                        if n and devices > 1},
    }  # fmt: skip


def seconds(collective: dict, kind: str, devices: int, levels: list) -> float | None:
    """What the collectives of one kind take in a round; None if the system has no room for so many devices."""
    total, size, left = 0.0, collective["mb"] * 1e6, devices
    for most, speed, latency in levels:
        ring = min(most, left)
        total += (ring - 1) / ring * size / speed + collective["times"] * (ring - 1) * latency
        size, left = size / ring, math.ceil(left / ring)
    return None if left > 1 else total * (2 if kind == "all-reduce" else 1)


def efficiency(one: dict, many: dict, devices: int, system: str) -> tuple[float, float] | None:
    """(nothing hidden, all hidden) on so many devices, by the counts on one and on eight."""
    peak, levels = SYSTEMS[system]
    images = one["batch"] if many["scaling"] == "weak" else one["batch"] / devices
    if images < 1:
        return None
    ideal = one["gflop"] * 1e9 * images / one["batch"] / (peak * UTILIZATION.value)
    compute = ideal * many["gflop"] / one["gflop"] * one["batch"] / (many["batch"] / many["devices"])
    times = [seconds(collective, kind, devices, levels) for kind, collective in many["collectives"].items()]
    if None in times:
        return None
    return ideal / (compute + sum(times)), ideal / max(compute, sum(times))


def tables(counts: list[dict]) -> str:
    """Both tables and the assumptions, as Markdown."""
    at = {(c["workload"], c["runner"], c["scaling"], c["devices"]): c for c in counts}
    heads = "workload", "runner", "scaling", "devices", "batch", "GFLOP", "collectives a round: times, MB", "state MB"
    text = [f"A device's part of a round:\n\n| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for c in counts:
        moves = "; ".join(f"{kind} {v['times']:g}, {v['mb']:.4g}" for kind, v in c["collectives"].items()) or "none"
        cells = c["workload"], c["runner"], c["scaling"], c["devices"], c["batch"], f"{c['gflop']:,.5g}", moves
        text.append(f"| {' | '.join(map(str, cells))} | {c['state_mb']:,.4g} |")
    heads = [f"{system}, {n}" for system in SYSTEMS for n in (8, 64, 1024)]
    text += ["", f"Efficiency, projected (utilization {UTILIZATION.value:g}; nothing hidden - all hidden):", ""]
    text += [f"| workload | runner | scaling | {' | '.join(heads)} |", "|---" * (3 + len(heads)) + "|"]
    for (workload, runner, scaling, devices), many in at.items():
        one = next((at[workload, each, "weak", 1] for each in RUNNERS.value if (workload, each, "weak", 1) in at), None)
        if devices == 8 and one:
            found = [efficiency(one, many, n, system) for system in SYSTEMS for n in (8, 64, 1024)]
            cells = ("-" if pair is None else f"{pair[0]:.0%} - {pair[1]:.0%}" for pair in found)
            text.append(f"| {workload} | {runner} | {scaling} | {' | '.join(cells)} |")
    return "\n".join([*text, "", SOURCES])


def main(argv):
    del argv
    counts = [json.loads(line) for name in READ.value for line in Path(name).read_text().splitlines()]
    wanted = [] if READ.value else [
        (workload, runner, scaling, int(devices)) for workload in WORKLOAD.value for runner in RUNNERS.value
        for scaling in ("weak", "strong") for devices in DEVICES.value
    ]  # fmt: skip
    for workload, runner, scaling, devices in wanted:
        if devices == 1 and (scaling == "strong" or runner != RUNNERS.value[0]):
            continue  # one device plays the same program however it is scaled
        if found := count(workload, runner, devices, scaling):
            counts.append(found)
            print(json.dumps(found), flush=True)
            if WRITE.value:
                with open(WRITE.value, "a") as file:
                    file.write(json.dumps(found) + "\n")
    print("", tables(counts), sep="\n")


if __name__ == "__main__":
    app.run(main)
