"""BigGAN as BigGAN-PyTorch saves it: G_ema.pth or G.pth, and D.pth, for 32 or 128 pixels, with --G_shared --hier.

Its plans of channels for 64, 256 and 512 pixels are others than that of the network resnet. Classes without a shared
embedding (as in its script for CIFAR-10) would be normalized spectrally here, and are not there. Both are rejected.

The spectral norms are those with which their code samples. They change a little as soon as u moves, in training and
where the statistics of an averaged generator are estimated anew: there u is half an iteration behind.

Reference: ajbrock/BigGAN-PyTorch, BigGAN.py and layers.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_jax.errors import UserError
from gan_jax.foreign import Format, Network, Place, in_params, linear, same
from gan_jax.foreign import convolution as plain_convolution
from gan_jax.foreign._fields import labeled_images
from gan_jax.modalities import Fields
from gan_jax.networks.resnet import channels
from gan_jax.torch_file import read_state_dict

PLAYERS = {"G": "generator", "D": "discriminator"}
BOTTOM = 4  # pixels of a side of the first layer
CONVOLUTIONS = {"Conv_0": "conv1", "Conv_1": "conv2"}
ATTENTION = {"query": "theta", "key": "phi", "value": "g", "out": "o"}


def read(path: Path, file: str) -> list[Network]:
    """With the names of batch statistics that a model has that was trained with --cross_replica."""
    renamed = {".bn.running_mean": ".stored_mean", ".bn.running_var": ".stored_var"}
    tensors = {}
    for name, tensor in read_state_dict(path).items():
        for old, new in renamed.items():
            name = name.replace(old, new)
        tensors[name] = tensor
    return [Network(path, PLAYERS[file], tensors)]


def keys(network: Network) -> dict:
    own = {"name": "resnet", "spectral": "linear.u0" in network.tensors}
    own |= generator_keys(network) if network.player == "generator" else discriminator_keys(network)
    found = {f"networks.{network.player}.{key}": value for key, value in own.items()}
    if network.player == "generator":
        chunk, blocks = network.shape("linear.weight")[1], _blocks(network)
        found["networks.latent_size"] = chunk * (blocks + 1)
    return {"labels": "require", **found}


def generator_keys(network: Network) -> dict:
    """Those of its attributes that may differ.

    Raises:
        UserError: it is not conditioned as resnet's hierarchical generator is, or has another plan of channels.
    """
    if "shared.weight" not in network.tensors:
        raise UserError(f"{network.file} has no shared.weight: only a generator with --G_shared --hier fits")
    embedding, chunk = network.shape("shared.weight")[1], network.shape("linear.weight")[1]
    if network.shape("blocks.0.0.bn1.gain.weight")[1] != embedding + chunk:
        raise UserError(f"{network.file}: its blocks get no part of z: only a generator with --G_shared --hier fits")
    blocks = _blocks(network)
    plan = [network.shape("blocks.0.0.conv1.weight")[1]]
    plan += [network.shape(f"blocks.{number}.0.conv1.weight")[0] for number in range(blocks)]
    heights = [BOTTOM * 2 ** (number + 1) for number in range(blocks)]
    own = {"conditioning": "batch_norm", "hierarchical": True, "embedding_size": embedding, "norm": "batch"}
    own["attention"] = _attention(network, heights)
    return {**own, "width": plan[-1], "grow": _grows(network, plan[::-1])}


def discriminator_keys(network: Network) -> dict:
    """Those of its attributes that may differ.

    Raises:
        UserError: it has another plan of channels.
    """
    halving, blocks = _halving(network), _blocks(network)
    coarsest = 8 if halving == 2 else 4  # pixels: of 32 there are two halvings, of more as many as it takes
    plan = [network.shape(f"blocks.{number}.0.conv2.weight")[0] for number in range(blocks)]
    heights = [coarsest * 2 ** (halving - number - 1) for number in range(halving)]
    own = {"conditioning": "projection", "norm": "none", "pool": "sum", "plain": blocks - halving}
    own |= {"smallest": 7 if halving == 2 else 4, "attention": _attention(network, heights)}
    return {**own, "width": plan[0], "grow": _grows(network, plan)}


def _blocks(network: Network) -> int:
    network.shape("blocks.0.0.conv1.weight")
    return network.count("blocks.{}.0.conv1.weight")


def _halving(network: Network) -> int:
    """How many blocks of a discriminator halve the resolution: the first, which have a shortcut of their own."""
    network.shape("blocks.0.0.conv_sc.weight")
    return network.count("blocks.{}.0.conv_sc.weight")


def _attention(network: Network, heights: list[int]) -> int:
    found = [height for number, height in enumerate(heights) if f"blocks.{number}.1.theta.weight" in network.tensors]
    if len(found) > 1:
        raise UserError(f"{network.file}: it attends at {' and '.join(map(str, found))} pixels, resnet at one of them")
    return found[0] if found else 0


def _grows(network: Network, plan: list[int]) -> bool:
    """Whether the channels, from the finest resolution on, double at each coarser one; if not, they stay the same."""
    for grow in (False, True):
        if plan == [channels(plan[0], grow, level) for level in range(len(plan))]:
            return grow
    raise UserError(
        f"{network.file}: its channels are {', '.join(map(str, plan))} from the finest resolution on, a plan that "
        f"resnet does not have: only networks for 32 and 128 pixels fit"
    )


def fields(networks: list[Network], config) -> Fields:
    """Images in color and their classes."""
    generator = next(network for network in networks if network.player == "generator")
    side, classes = BOTTOM * 2 ** _blocks(generator), generator.shape("shared.weight")[0]
    return labeled_images(side, 3, classes)


def places(network: Network) -> dict[str, Place]:
    return _generator(network) if network.player == "generator" else _discriminator(network)


def _generator(network: Network) -> dict[str, Place]:
    first = network.shape("linear.weight")[0] // BOTTOM**2

    def pixels_first(x):
        """[C * 16, ...], channels before pixels, to pixels before channels."""
        return x.reshape(first, BOTTOM**2, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)

    found = in_params({"shared": same("shared.weight")})
    found |= _layer(network, "Dense_0", "linear", linear, order=pixels_first)
    for number in range(_blocks(network)):
        block, theirs = f"GeneratorBlock_{number}", f"blocks.{number}.0"
        for norm in (0, 1):
            ours, bn = f"{block}.ConditionalBatchNorm_{norm}", f"{theirs}.bn{norm + 1}"
            found |= _layer(network, f"{ours}.gain", f"{bn}.gain", linear, use_bias=False)
            found |= _layer(network, f"{ours}.bias", f"{bn}.bias", linear, use_bias=False)
            found |= _statistics(f"{ours}.BatchNorm_0", bn)
        found |= _convolutions(network, block, theirs)
    found |= _attentions(network)
    norm, last = "output_layer.0", "output_layer.2"
    found |= in_params({"BatchNorm_0.scale": same(f"{norm}.gain"), "BatchNorm_0.bias": same(f"{norm}.bias")})
    return found | _statistics("BatchNorm_0", norm) | _layer(network, "Conv_0", last, plain_convolution)


def _discriminator(network: Network) -> dict[str, Place]:
    found = {}
    for number in range(_blocks(network)):
        found |= _convolutions(network, f"DiscriminatorBlock_{number}", f"blocks.{number}.0")
    found |= _attentions(network) | _layer(network, "Dense_0", "linear", linear)
    path = "Embed_0.embedding"
    found |= in_params({path: same("embed.weight")})
    if "embed.u0" in network.tensors:
        found[f"spectral.{path}"] = Place(("embed.weight", "embed.u0"), lambda w, u: _vectors(w, u)[0])
    return found


def _convolutions(network: Network, ours: str, theirs: str) -> dict[str, Place]:
    """Those of a residual block."""
    found = {}
    for name, conv in CONVOLUTIONS.items():
        found |= _layer(network, f"{ours}.{name}", f"{theirs}.{conv}", plain_convolution)
    if f"{theirs}.conv_sc.weight" in network.tensors:
        found |= _layer(network, f"{ours}.Dense_0", f"{theirs}.conv_sc", linear)
    return found


def _attentions(network: Network) -> dict[str, Place]:
    found = {}
    for number in range(_blocks(network)):
        theirs = f"blocks.{number}.1"
        if f"{theirs}.gamma" in network.tensors:
            for ours, name in ATTENTION.items():
                found |= _layer(network, f"Attention_0.{ours}", f"{theirs}.{name}", linear, use_bias=False)
            found |= in_params({"Attention_0.gain": same(f"{theirs}.gamma")})
    return found


def _statistics(ours: str, theirs: str) -> dict[str, Place]:
    return {f"batch_stats.{ours}.{own}": same(f"{theirs}.stored_{own}") for own in ("mean", "var")}


def _layer(
    network: Network,
    ours: str,
    theirs: str,
    kernel: Callable[[str], Place],
    use_bias: bool = True,
    order: Callable[[np.ndarray], np.ndarray] = lambda x: x,
) -> dict[str, Place]:
    """A layer, and the vector of its spectral normalization if it has one; `order` is of the output's units."""
    place = kernel(f"{theirs}.weight")
    found = in_params({f"{ours}.kernel": Place(place.names, lambda w: place.make(order(w)))})
    if use_bias:
        found |= in_params({f"{ours}.bias": Place((f"{theirs}.bias",), order)})
    if f"{theirs}.u0" in network.tensors:
        both = f"{theirs}.weight", f"{theirs}.u0"
        found[f"spectral.{ours}.kernel"] = Place(both, lambda w, u: order(_vectors(w, u)[1]))
    return found


def _vectors(w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The singular vectors of W [D, ...] by which it has the norm there that BigGAN-PyTorch divides it by.

    That makes one more step of the power iteration from its u [1, D]: with v = W^T u / |W^T u| it takes |W v|. Here the
    norm is |W^T x|, or |W x| of an embedding, of the vector x that is kept, whose own length counts (until it moves).
    So x is v itself for an embedding; else it is W v, which v becomes next, of such a length that |W^T x| = |W v|.

    Returns:
        v [C], for an embedding [D, C]; x [D], for other layers.
    """
    w, u = w.reshape(len(w), -1).astype(np.float64), u.ravel().astype(np.float64)
    v = u @ w
    v /= np.linalg.norm(v) + 1e-12
    x = w @ v
    return v, x * (np.linalg.norm(x) / (np.linalg.norm(x @ w) + 1e-12))


FORMAT = Format(
    game="adversarial",
    config="biggan",
    files=tuple(PLAYERS),
    read=read,
    keys=keys,
    fields=fields,
    places=places,
    unused=("sv0", "num_batches_tracked"),
)
