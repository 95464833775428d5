"""StudioGAN's names and shapes of the parameters of residual networks, and ours."""

from collections.abc import Iterable

import numpy as np
from flax.traverse_util import unflatten_dict

LAYERS = {
    "linear0": "Dense_0", "conv2d5": "Conv_0", "bn4": "BatchNorm_0",  # of the generator
    "linear1": "Dense_0", "embedding": "Embed_0",  # of the discriminator
    "conv2d0": "Dense_0", "conv2d1": "Conv_0", "conv2d2": "Conv_1",  # of a block
    "conv1x1_theta": "query", "conv1x1_phi": "key", "conv1x1_g": "value", "conv1x1_attn": "out",
    "bn": "BatchNorm_0",
}  # fmt: skip
LEAVES = {"running_mean": "mean", "running_var": "var", "sigma": "gain"}
WEIGHTS = {"BatchNorm": "scale", "Embed": "embedding", "shared": ""}  # those that are no kernels


def paths(player: str, names: Iterable[str]) -> dict[str, str]:
    """{their name: our path} of a player's parameters, buffers, or both."""
    names, block = list(names), f"{player.title()}Block"
    attention = {int(name.split(".")[1]) for name in names if name.endswith(".sigma")}
    conditional = any(".gain." in name for name in names)

    def path(name):
        *parts, leaf = name.split(".")
        if parts[:1] == ["blocks"]:  # a list that has the attention among its blocks
            number = int(parts[1])
            own = "Attention_0" if number in attention else f"{block}_{number - sum(a < number for a in attention)}"
            parts = [own, *parts[3:]]
        parts = [LAYERS.get(part, part) for part in parts]
        norm = "ConditionalBatchNorm" if conditional else "BatchNorm"
        parts = [{"bn1": f"{norm}_0", "bn2": f"{norm}_1"}.get(part, part) for part in parts]
        leaf = WEIGHTS.get(parts[-1].split("_")[0], "kernel") if leaf.startswith("weight") else LEAVES.get(leaf, leaf)
        return ".".join(filter(None, [*parts, leaf]))

    return {name: path(name) for name in names}


def convert(player: str, parameters: dict[str, np.ndarray], buffers: dict[str, np.ndarray]) -> dict:
    """A player's variables, with "spectral" if any of its weights is normalized."""
    collections = {"params": {}, "batch_stats": {}, "spectral": {}}
    for name, path in paths(player, [*parameters, *buffers]).items():
        if name in parameters:
            collections["params"][path] = _array(name, parameters[name])
        elif name.split(".")[-1].startswith("running"):
            collections["batch_stats"][path] = buffers[name]
        elif name != "embedding.weight_u":  # W is the transposed of theirs, so that their v is our u
            collections["spectral"][path] = _array(name, buffers[name])
    trees = {key: unflatten_dict(collections[key], sep=".") for key in ("params", "batch_stats")}
    spectral = {"spectral": collections["spectral"]} if collections["spectral"] else {}
    return {key: tree for key, tree in trees.items() if tree} | spectral


def _array(name: str, x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float32)
    if name.startswith("linear0"):  # its results are [C, 4, 4], ours [4, 4, C]
        x = x.reshape(-1, 16, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)
    if x.ndim == 4:
        x = x.transpose(2, 3, 1, 0)
        return x[0, 0] if x.shape[:2] == (1, 1) else x
    if x.ndim == 2 and not name.startswith(("embedding", "shared")):
        return x.T
    return x[0] if name.endswith("sigma") else x
