"""Our Inception features beside torch-fidelity's, in one process.

    python benchmarks/features.py [--batch=32] [--repeats=5]

The same random weights, the same pictures, uint8 of 32x32 and 299x299 pixels, from the resizing to features and logits.
The two are called in turn. Prints a JSON line for each size, medians in images/s; `ratio` is the median of ours /
theirs, pair by pair. Where torch and torch-fidelity are not installed, ours is timed alone.
"""

import importlib.util
import json
import math
import statistics
import sys
import tempfile
import time
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from gan_jax.evaluation import inception

BATCH = flags.DEFINE_integer("batch", 32, "Images.")
REPEATS = flags.DEFINE_integer("repeats", 5, "Measurements.")


def random_params() -> dict:
    """Such that activations keep their size: He's normal kernels, and no biases."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(inception.Inception().init, jax.random.key(0), jnp.zeros((1, 299, 299, 3)))
    he = lambda shape: rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / math.prod(shape[:-1])))
    return jax.tree.map(lambda leaf: he(leaf.shape) if len(leaf.shape) > 1 else np.zeros(leaf.shape), shapes)


def torch_fidelity(params: dict):
    """uint8 [B, H, W, 3] -> features and logits of torch-fidelity's network with these parameters, or None."""
    if not all(importlib.util.find_spec(name) for name in ("torch", "torch_fidelity")):
        print("torch and torch-fidelity are not installed: ours alone", file=sys.stderr)
        return None
    import torch

    # Its package itself imports torchvision, which the network does not need.
    package = types.ModuleType("torch_fidelity")
    package.__path__ = list(importlib.util.find_spec("torch_fidelity").submodule_search_locations)
    sys.modules["torch_fidelity"] = package
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    layers = dict(params["params"])
    state = {"fc.weight": layers.pop("fc")["kernel"].T, "fc.bias": np.zeros(1008)}
    for name, layer in layers.items():
        outputs = np.ones_like(layer["bias"])
        state[f"{name}.conv.weight"] = layer["kernel"].transpose(3, 2, 0, 1)
        state |= {f"{name}.bn.{part}": outputs for part in ("weight", "running_var")}
        state |= {f"{name}.bn.{part}": 0 * outputs for part in ("bias", "running_mean")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.pth")
        torch.save({name: torch.tensor(array, dtype=torch.float32) for name, array in state.items()}, path)
        names = ["2048", "logits_unbiased"]
        network = FeatureExtractorInceptionV3("inception-v3-compat", names, feature_extractor_weights_path=str(path))
    return lambda images: network(torch.from_numpy(images).permute(0, 3, 1, 2))


def main(argv):
    del argv
    params = random_params()
    ours, theirs = jax.jit(inception.features), torch_fidelity(params)
    on_device = jax.device_put(params)
    run = {"ours": lambda images: jax.block_until_ready(ours(on_device, images))}
    if theirs:
        run["torch_fidelity"] = theirs
    for side in (32, 299):
        images = np.random.default_rng(0).integers(0, 256, (BATCH.value, side, side, 3), dtype=np.uint8)
        rates = {who: [] for who in run}
        for _ in range(1 + REPEATS.value):
            for who, call in run.items():
                start = time.perf_counter()
                call(images)
                rates[who].append(BATCH.value / (time.perf_counter() - start))
        rates = {who: seen[1:] for who, seen in rates.items()}  # the first call compiles
        line = {"size": side, "batch": BATCH.value, "device": jax.devices()[0].device_kind}
        line |= {who: round(statistics.median(seen), 2) for who, seen in rates.items()}
        if theirs:
            ratios = [ours / peer for ours, peer in zip(*rates.values(), strict=True)]
            line["ratio"] = round(statistics.median(ratios), 3)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    app.run(main)
