"""R3GAN as its authors' code saves it: a pickle of "G", "D" and "G_ema", the averaged generator.

Nothing of the pickle is run. Its weights are used as they are in both. The filters between resolutions are a part of
the code here, and have to be those that the file says. The authors' generator computes most stages in bfloat16.

Reference: brownvc/R3GAN, training/networks.py and R3GAN/Networks.py.
"""

from pathlib import Path

import numpy as np

from gan_jax.errors import UserError
from gan_jax.foreign import Format, Network, Place, in_params, layer, linear, same
from gan_jax.foreign._fields import labeled_images
from gan_jax.modalities import Fields
from gan_jax.torch_file import read_modules

MODULES = {"G": ("generator", False), "G_ema": ("generator", True), "D": ("discriminator", False)}
PREFIX = "Model."
STAGE = PREFIX + "MainLayers.{}"
FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def read(path: Path, file: str) -> list[Network]:
    return read_networks(path, "Kernel")


def read_networks(path: Path, filters: str) -> list[Network]:
    """The generator, its average and the discriminator in a pickle like StyleGAN's.

    Args:
        path: of the file.
        filters: the last part of the names of filters, all of which have to be [1, 3, 3, 1].

    Raises:
        UserError: there is no generator, or another filter.
    """
    modules = read_modules(path)
    if not modules.keys() & {"G", "G_ema"}:
        raise UserError(f"{path} has no G or G_ema, but {', '.join(modules)}")
    found = {name: own for name, own in modules.items() if name in MODULES}
    if "G" not in found:  # such as is released for sampling alone
        found["G"] = found.pop("G_ema")
    for own in found.values():
        for name, kernel in own.items():
            same = kernel.shape == FILTER.shape and np.allclose(kernel, FILTER, atol=1e-4)
            if name.split(".")[-1] == filters and not same:
                raise UserError(f"{path}: {name} is another filter than [1, 3, 3, 1]")
    return [Network(path, MODULES[name][0], own, average=MODULES[name][1]) for name, own in found.items()]


def keys(network: Network) -> dict:
    """Widths, blocks and groups, which are the same in all stages here.

    Raises:
        UserError: they are not there.
    """
    stages = _stages(network)
    first, second = (f"{stages[0][0]}.LinearLayer{number}.Layer.weight" for number in (1, 2))
    expanded, width, *_ = network.shape(first)
    own = {"width": width, "blocks": len(stages[0]), "expansion": expanded // width}
    own["cardinality"] = expanded // network.shape(second)[1]
    for blocks in stages:
        for block in blocks:
            shapes = [network.shape(f"{block}.LinearLayer{number}.Layer.weight") for number in (1, 2)]
            if len(blocks) != len(stages[0]) or shapes != [network.shape(first), network.shape(second)]:
                raise UserError(
                    f"{network.file}: its stages have other widths, groups or blocks than the first ({block}): the "
                    f"network r3gan has the same in all, as the presets CIFAR10, ImageNet-32 and ImageNet-64"
                )
    found = {f"networks.{network.player}.{key}": value for key, value in {"name": "r3gan", **own}.items()}
    classes = _classes(network)
    found["labels"] = "require" if classes else "ignore"
    if network.player == "generator":
        embedded = network.shape(f"{PREFIX}EmbeddingLayer.weight")[0] if classes else 0
        found |= {"networks.generator.embedding_size": embedded} if classes else {}
        found["networks.latent_size"] = network.shape(_first(network))[1] - embedded
    return found


def fields(networks: list[Network], config) -> Fields:
    """Images in color, 4 pixels high and wide in the first stage, and their classes."""
    generator = next(network for network in networks if network.player == "generator")
    side, classes = 4 * 2 ** (len(_stages(generator)) - 1), _classes(generator)
    return labeled_images(side, 3, classes)


def places(network: Network) -> dict[str, Place]:
    found, blocks = {}, [block for stage in _stages(network) for block in stage]
    for number, block in enumerate(blocks):
        ours = f"Block_{number}"
        for name, theirs in ((f"{ours}.Dense_0", 1), (f"{ours}.GroupedConv_0", 2)):
            kernel = {} if theirs == 2 else {"kernel": linear}
            found |= layer(name, f"{block}.LinearLayer{theirs}.Layer", use_bias=False, **kernel)
            found[f"{name}.bias"] = same(f"{block}.NonLinearity{theirs}.Bias")
        found[f"{ours}.Dense_1.kernel"] = linear(f"{block}.LinearLayer3.Layer.weight")
    if network.player == "generator":
        found["Dense_0.kernel"] = linear(_first(network))
        found["basis"] = Place((f"{STAGE.format(0)}.Layers.0.Basis",), lambda basis: basis.transpose(1, 2, 0))
        found["Dense_1.kernel"] = linear(f"{PREFIX}AggregationLayer.Layer.weight")
    else:
        last = STAGE.format(len(_stages(network)) - 1) + f".Layers.{len(_stages(network)[-1])}"
        found["Dense_0.kernel"] = linear(f"{PREFIX}ExtractionLayer.Layer.weight")
        found["basis"] = Place((f"{last}.Basis.weight",), lambda basis: basis[:, 0].transpose(1, 2, 0))
        found["Dense_1.kernel"] = linear(f"{last}.LinearLayer.weight")
    if _classes(network):
        found["Embed_0.embedding"] = linear(f"{PREFIX}EmbeddingLayer.weight")
    return in_params(found)


def _first(network: Network) -> str:
    """The generator's first linear layer."""
    return f"{STAGE.format(0)}.Layers.0.LinearLayer.weight"


def _classes(network: Network) -> int:
    name = f"{PREFIX}EmbeddingLayer.weight"
    return network.shape(name)[1] if name in network.tensors else 0


def _stages(network: Network) -> list[list[str]]:
    """The names of the residual blocks of each stage, of which the generator's begin with another layer."""
    first, found = int(network.player == "generator"), []
    while True:
        stage = STAGE.format(len(found)) + ".Layers.{}"
        count = network.count(stage + ".LinearLayer1.Layer.weight", first)
        if not count:
            break
        found.append([stage.format(number) for number in range(first, first + count)])
    if not found:
        network.shape(f"{STAGE.format(0)}.Layers.{first}.LinearLayer1.Layer.weight")  # raises
    return found


FORMAT = Format(
    game="adversarial",
    config="r3gan",
    files=("networks",),
    read=read,
    keys=keys,
    fields=fields,
    places=places,
    unused=("Kernel",),
)
