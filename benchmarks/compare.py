"""The workloads of throughput.py beside the same ones in another framework, in turn on one machine.

    python benchmarks/compare.py --peer_python=PYTHON --peer=SCRIPT.py [--peer_modes=eager,compile,compile+bf16]
        [--modes=jit,jit+bf16] [--only=NAME,...] [--batch=N] [--seconds=5] [--pairs=3]

The peer's script takes --only, --batch, --seconds, --compile and --amp as throughput.py does, and prints its JSON line;
PYTHON is one that has its framework. For pix2pix256 it is pix2pix_torch.py beside this file. Every measurement is a
process of its own; they alternate, `pairs` times. Prints all lines, then a table: medians, and the median over pairs of
the ratio of images per second, ours / theirs: above 1, ours is faster.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from absl import app, flags

PEER = flags.DEFINE_string("peer", None, "The peer's script.", required=True)
PEER_PYTHON = flags.DEFINE_string("peer_python", sys.executable, "What runs it.")
PEER_MODES = flags.DEFINE_list("peer_modes", ["eager"], "Of eager, compile, eager+bf16, compile+bf16.")
MODES = flags.DEFINE_list("modes", ["jit"], "Ours, of jit, jit+bf16.")
ONLY = flags.DEFINE_list("only", ["ring_mlp", "mnist_mlp", "dcgan28", "dcgan64", "wgan_gp28", "sngan32"], "Workloads.")
BATCH = flags.DEFINE_integer("batch", None, "Examples a batch; by default the workload's own.")
SECONDS = flags.DEFINE_float("seconds", 5.0, "Measuring time of each.")
PAIRS = flags.DEFINE_integer("pairs", 3, "Measurements of each.")

OURS = Path(__file__).parent / "throughput.py"


def measured(command: list[str], workload: str, mode: str) -> dict | None:
    """The line that a mode prints of a workload; None if it cannot play it."""
    flags_of_mode = {"jit": [], "eager": [], "compile": ["--compile"], "bf16": ["--amp"]}
    words = [word for part in mode.split("+") for word in flags_of_mode[part]]
    batch = [f"--batch={BATCH.value}"] if BATCH.value else []
    command = [*command, f"--only={workload}", f"--seconds={SECONDS.value}", *batch, *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"{workload}, {mode}: failed: {(ended.stderr.strip() or 'no message').splitlines()[-1]}", flush=True)
        return None
    line = ended.stdout.splitlines()[-1]
    print(line, flush=True)
    return json.loads(line)


def compare(workload: str) -> list[str]:
    """Rows of the table, one for each mode of ours."""
    ours, theirs = [sys.executable, str(OURS)], [PEER_PYTHON.value, PEER.value]
    seen = {mode: [] for mode in (*MODES.value, *PEER_MODES.value)}
    for _ in range(PAIRS.value):
        for mode, lines in seen.items():
            lines.append(measured(ours if mode in MODES.value else theirs, workload, mode))
    median = lambda mode, key: statistics.median(line[key] for line in seen[mode])
    rows = []
    for mode in MODES.value:
        if None in seen[mode]:
            continue
        cells = [workload, mode, seen[mode][0]["batch"], f"{median(mode, 'images_per_second'):,.0f}"]
        cells += [f"{median(mode, key):,.3g}" for key in ("ms_per_round", "share_of_peak")]
        cells += [f"{median(mode, 'peak_mb'):,.0f}"]
        for other in PEER_MODES.value:
            if None in seen[other]:
                cells += ["fails", ""]
                continue
            pairs = zip(seen[mode], seen[other], strict=True)
            ratio = statistics.median(a["images_per_second"] / b["images_per_second"] for a, b in pairs)
            cells += [f"{median(other, 'ms_per_round'):,.3g}", f"{ratio:.2f}"]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return rows


def main(argv):
    del argv
    rows = [row for workload in ONLY.value for row in compare(workload)]
    head = ["workload", "mode", "batch", "images/s", "ms a round", "of peak", "peak MB"]
    head += [title for mode in PEER_MODES.value for title in (f"{mode} ms", f"ours / {mode}")]
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows, sep="\n")


if __name__ == "__main__":
    app.run(main)
