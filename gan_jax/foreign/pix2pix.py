"""pix2pix as its authors' PyTorch code saves it: `UnetGenerator` and `NLayerDiscriminator` with --norm batch.

At test their code runs in training mode: dropout is on, and a batch of one is normalized by its own statistics. So the
running statistics in a file are not used.

Reference: junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py.
"""

from pathlib import Path

from gan_jax.data import pictures
from gan_jax.errors import UserError
from gan_jax.foreign import Format, Network, Place, in_params, layer, same
from gan_jax.modalities import Field, Fields, image
from gan_jax.torch_file import read_state_dict

PLAYERS = {"G": "generator", "D": "discriminator"}


def read(path: Path, file: str) -> list[Network]:
    return [Network(path, PLAYERS[file], read_state_dict(path))]


def keys(network: Network) -> dict:
    return unet_keys(network) if network.player == "generator" else patch_keys(network)


def places(network: Network) -> dict[str, Place]:
    return in_params(unet(network) if network.player == "generator" else patch(network))


def fields(networks: list[Network], config) -> Fields:
    """Images and inputs of the size that the config says."""
    (generator,) = (network for network in networks if network.player == "generator")
    channels = {"image": generator.shape("model.model.3.weight"), "input": generator.shape("model.model.0.weight")}
    return {name: Field(image.MODALITY, (*size_in(config), shape[1])) for name, shape in channels.items()}


def size_in(config) -> tuple[int, int]:
    """(H, W) of the images.

    Raises:
        UserError: the config does not say it.
    """
    size = pictures.parse_size(config.data.image_size)
    if size is None:
        raise UserError("--config.data.image_size=native: say what size the weights are for, such as 256")
    return size


def depth(network: Network) -> int:
    """How often a U-Net halves height and width."""
    network.shape("model.model.0.weight")
    level = 1
    while f"{block(level)}.1.weight" in network.tensors:
        level += 1
    return level


def block(level: int) -> str:
    """Where the layers at so many halvings lie; those of each further one lie in the middle of them."""
    return "model.model" if level == 0 else f"model.model.1{'.model.3' * (level - 1)}.model"


def unet_keys(network: Network) -> dict:
    levels = depth(network)
    if levels < 3 or f"{block(1)}.2.weight" not in network.tensors:
        raise UserError(f"{network.file}: only a U-Net with --norm batch fits, whose normalization has parameters")
    width, *_ = network.shape("model.model.0.weight")
    own = {"name": "unet", "width": width, "depth": levels, "norm": "affine_instance"}
    return {f"networks.generator.{key}": value for key, value in own.items()}


def unet(network: Network) -> dict[str, Place]:
    last, found, norms = depth(network) - 1, {}, []
    for level in range(last + 1):
        found |= layer(f"Conv_{level}", f"{block(level)}.{min(level, 1)}", use_bias=False)
        if 0 < level < last:
            norms.append(f"{block(level)}.2")
    for level in reversed(range(last + 1)):
        up = 3 if level in (0, last) else 5
        found |= layer(f"ConvTranspose_{last - level}", f"{block(level)}.{up}", use_bias=level == 0)
        if level > 0:
            norms.append(f"{block(level)}.{up + 1}")
    for number, norm in enumerate(norms):
        found |= _norm(f"InstanceNorm_{number}", norm)
    return found


def patch_keys(network: Network) -> dict:
    width, *_ = network.shape("model.0.weight")
    norm = "affine_instance" if "model.3.weight" in network.tensors else "instance"
    own = {"name": "patch", "width": width, "layers": _layers(network), "norm": norm, "padding": "torch"}
    return {f"networks.discriminator.{key}": value for key, value in own.items()}


def patch(network: Network) -> dict[str, Place]:
    layers, affine = _layers(network), "model.3.weight" in network.tensors
    found = layer("Conv_0", "model.0")
    for number in range(layers):
        found |= layer(f"Conv_{number + 1}", f"model.{2 + 3 * number}", use_bias=not affine)
        found |= _norm(f"InstanceNorm_{number}", f"model.{3 + 3 * number}") if affine else {}
    return found | layer(f"Conv_{layers + 1}", f"model.{2 + 3 * layers}")


def _layers(network: Network) -> int:
    """How many convolutions of a PatchGAN come after the first and before the last."""
    network.shape("model.5.weight")  # of the smallest there is
    return network.count("model.{}.weight", first=2, step=3) - 1


def _norm(ours: str, theirs: str) -> dict[str, Place]:
    return {f"{ours}.scale": same(f"{theirs}.weight"), f"{ours}.bias": same(f"{theirs}.bias")}


FORMAT = Format(
    game="pix2pix",
    config="facades_pix2pix",
    files=("G", "D"),
    read=read,
    keys=keys,
    fields=fields,
    places=places,
    unused=("running_mean", "running_var", "num_batches_tracked"),
)
