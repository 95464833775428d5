"""StyleGAN2 as the authors' PyTorch code saves it: a pickle of "G", "D" and "G_ema", the averaged generator.

Nothing of the pickle is run. The noise that goes with noise_mode="const" there is not used: noise is drawn here. Their
mean w is that of all classes. D's group of examples that are compared is not in the file; it is 4 there by default.

Reference: NVlabs/stylegan2-ada-pytorch, training/networks.py.
"""

from pathlib import Path

import numpy as np

from gan_jax.foreign import Format, Network, Place, convolution, in_params, layer, linear, same
from gan_jax.foreign._fields import labeled_images
from gan_jax.foreign.r3gan import read_networks
from gan_jax.modalities import Fields


def read(path: Path, file: str) -> list[Network]:
    return read_networks(path, "resample_filter")


def keys(network: Network) -> dict:
    """Channels, architecture and mapping network.

    Raises:
        UserError: they are not there.
    """
    kind, sides, prefix = network.player, _sides(network), _prefix(network)
    own = {"name": "stylegan2", "width": network.shape(f"{prefix}b{sides[-1]}.conv1.weight")[-3]}
    coarsest = f"{prefix}b4.conv1.weight" if kind == "generator" else "b4.conv.weight"
    own["max_width"] = network.shape(coarsest)[0]
    first = "torgb" if kind == "generator" else "fromrgb"
    shortcut, images = (f"{prefix}b{side}.weight" for side in (f"{sides[-1]}.skip", f"4.{first}"))
    own["architecture"] = (
        "residual" if shortcut in network.tensors else "skip" if images in network.tensors else "original"
    )
    layers = network.count("mapping.fc{}.weight")
    own |= {"mapping_layers": layers} if layers else {}
    found = {"labels": "require" if _classes(network) else "ignore"}
    if kind == "generator":
        own["w_size"] = network.shape("mapping.fc0.weight")[0]
        embedded = network.shape("mapping.embed.weight")[0] if _classes(network) else 0
        found["networks.latent_size"] = network.shape("mapping.fc0.weight")[1] - embedded
    else:
        compared = network.shape("b4.conv.weight")[1] > own["max_width"]
        own["minibatch"] = "stddev" if compared else "none"
    return found | {f"networks.{kind}.{key}": value for key, value in own.items()}


def fields(networks: list[Network], config) -> Fields:
    """Images, and their classes."""
    generator = next(network for network in networks if network.player == "generator")
    side, classes = _sides(generator)[-1], _classes(generator)
    channels = generator.shape(f"synthesis.b{side}.torgb.weight")[0]
    return labeled_images(side, channels, classes)


def places(network: Network) -> dict[str, Place]:
    if network.player == "generator":
        return _generator(network)
    found = _mapping(network, "mapping")
    for side in _sides(network):
        names = ("conv", "fc", "fromrgb") if side == 4 else ("fromrgb", "conv0", "conv1", "skip")
        called = {"fromrgb": "image", "conv0": "conv", "conv1": "down", "skip": "shortcut"}
        for name in names:
            if name != "fc" and f"b{side}.{name}.weight" in network.tensors:
                found |= layer(f"{side}x{side}_{called.get(name, name)}", f"b{side}.{name}", use_bias=name != "skip")
    found |= layer("flat", "b4.fc", kernel=lambda name: Place((name,), _flattened))
    found |= layer("out" if _classes(network) else "Dense_0", "b4.out", kernel=linear)
    return in_params(found)


def _generator(network: Network) -> dict[str, Place]:
    found, prefix = _mapping(network, "mapping"), _prefix(network)
    found["synthesis.constant"] = Place((f"{prefix}b4.const",), lambda x: x.transpose(1, 2, 0))
    for side in _sides(network):
        ours, theirs = f"synthesis.{side}x{side}", f"{prefix}b{side}"
        for name, called in (("conv0", "up"), ("conv1", "conv"), ("torgb", "image")):
            if f"{theirs}.{name}.weight" not in network.tensors:
                continue
            found |= layer(f"{ours}_{called}.affine", f"{theirs}.{name}.affine", kernel=linear)
            found[f"{ours}_{called}.Conv_0.kernel"] = convolution(f"{theirs}.{name}.weight")
            inner = "" if name != "torgb" else ".Conv_0"
            found[f"{ours}_{called}{inner}.bias"] = same(f"{theirs}.{name}.bias")
            if name != "torgb":
                found[f"{ours}_{called}.noise_strength"] = same(f"{theirs}.{name}.noise_strength")
        if f"{theirs}.skip.weight" in network.tensors:
            found[f"{ours}_shortcut.kernel"] = convolution(f"{theirs}.skip.weight")
    classes = max(_classes(network), 1)
    mean = Place(("mapping.w_avg",), lambda w: np.broadcast_to(w, (classes, *w.shape)))
    return {**in_params(found), "w_average.mean": mean}


def _mapping(network: Network, ours: str) -> dict[str, Place]:
    found = {}
    for number in range(network.count("mapping.fc{}.weight")):
        found |= layer(f"{ours}.Dense_{number}", f"mapping.fc{number}", kernel=linear)
    return found | (layer(f"{ours}.embed", "mapping.embed", kernel=linear) if _classes(network) else {})


def _flattened(weight: np.ndarray) -> np.ndarray:
    """[D, C * 4 * 4] -> [4 * 4 * C, D]."""
    features = len(weight)
    return weight.reshape(features, -1, 4, 4).transpose(2, 3, 1, 0).reshape(-1, features)


def _prefix(network: Network) -> str:
    return "synthesis." if network.player == "generator" else ""


def _classes(network: Network) -> int:
    name = "mapping.embed.weight"
    return network.shape(name)[1] if name in network.tensors else 0


def _sides(network: Network) -> list[int]:
    """Of the images at each resolution, from the coarsest on."""
    sides, prefix = [4], _prefix(network)
    while f"{prefix}b{2 * sides[-1]}.conv1.weight" in network.tensors:
        sides.append(2 * sides[-1])
    return sides


FORMAT = Format(
    game="adversarial",
    config="stylegan2",
    files=("networks",),
    read=read,
    keys=keys,
    fields=fields,
    places=places,
    unused=("resample_filter", "noise_const"),
)
