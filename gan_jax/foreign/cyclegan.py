"""CycleGAN as its authors' PyTorch code saves it: `ResnetGenerator` and `NLayerDiscriminator` with --norm instance.

There, G_A makes B of A, and D_A scores B; G_B makes A of B, and D_B scores A. Files of PyTorch before 0.4 hold running
statistics of instances, which are not used.

Reference: junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py and cycle_gan_model.py.
"""

from pathlib import Path

from gan_jax.errors import UserError
from gan_jax.foreign import Format, Network, Place, in_params, layer
from gan_jax.foreign.pix2pix import FORMAT as PIX2PIX
from gan_jax.foreign.pix2pix import patch, patch_keys, size_in
from gan_jax.modalities import Field, Fields, image
from gan_jax.torch_file import read_state_dict

PARTS = {
    "G_A": ("generator", "ab"),
    "G_B": ("generator", "ba"),
    "D_A": ("discriminator", "b"),
    "D_B": ("discriminator", "a"),
}


def read(path: Path, file: str) -> list[Network]:
    player, part = PARTS[file]
    return [Network(path, player, read_state_dict(path), part)]


def keys(network: Network) -> dict:
    if network.player == "discriminator":
        return patch_keys(network)
    if "model.2.weight" in network.tensors:
        raise UserError(f"{network.file}: only a ResNet with --norm instance fits, whose normalization has none")
    width, *_ = network.shape("model.1.weight")
    own = {"name": "translation", "width": width, "blocks": _blocks(network), "padding": "torch"}
    return {f"networks.generator.{key}": value for key, value in own.items()}


def fields(networks: list[Network], config) -> Fields:
    """Images and inputs of the size that the config says.

    Raises:
        UserError: they have not as many channels.
    """
    generator = next(network for network in networks if network.player == "generator")
    given, made = generator.shape("model.1.weight")[1], generator.shape(f"model.{17 + _blocks(generator)}.weight")[0]
    if given != made:
        raise UserError(f"{generator.file} makes {made} channels of {given}: this game is for as many of both")
    field = Field(image.MODALITY, (*size_in(config), made))
    return {"image": field, "input": field}


def places(network: Network) -> dict[str, Place]:
    own = patch(network) if network.player == "discriminator" else resnet(network)
    return in_params(own, network.part)


def resnet(network: Network) -> dict[str, Place]:
    blocks = _blocks(network)
    reflected = ["model.1"]
    reflected += [f"model.{10 + block}.conv_block.{number}" for block in range(blocks) for number in (1, 5)]
    reflected += [f"model.{17 + blocks}"]
    found = {}
    for number, name in enumerate(reflected):
        found |= layer(f"ReflectedConv_{number}.Conv_0", name)
    for number in (0, 1):
        found |= layer(f"Conv_{number}", f"model.{4 + 3 * number}")
        found |= layer(f"ConvTranspose_{number}", f"model.{10 + blocks + 3 * number}")
    return found


def _blocks(network: Network) -> int:
    return network.count("model.{}.conv_block.1.weight", first=10)


FORMAT = Format(
    game="cyclegan",
    config="facades_cyclegan",
    files=tuple(PARTS),
    read=read,
    keys=keys,
    fields=fields,
    places=places,
    unused=PIX2PIX.unused,
)
