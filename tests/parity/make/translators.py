"""Weights and results of pix2pix's and CycleGAN's networks, narrow ones, for tests/parity/test_translators.py.

junyanz/pytorch-CycleGAN-and-pix2pix, commit 7891385, models/networks.py, with PyTorch 2.13. Networks are in training
mode, as the authors test them, but without dropout. Weights are random numbers of 16 bits, to keep the files small.

    python tests/parity/make/translators.py FOLDER_OF_CLONES
"""

import sys
from functools import partial
from pathlib import Path

import torch
from peers import CLONES, save

sys.path.insert(0, str(CLONES / "pytorch-CycleGAN-and-pix2pix"))
from models import networks

FOLDER = Path(__file__).parents[1]
BATCH, INSTANCE = (networks.get_norm_layer(norm) for norm in ("batch", "instance"))


def randomize(network):
    """Parameters as far from their first values as trained ones, which 16 bits hold."""
    for name, value in network.named_parameters():
        spread = 0.3 if value.ndim > 1 else 0.2
        value.data = (spread * torch.randn_like(value) + (value.ndim == 1 and name.endswith("weight"))).half().float()


def result(network, x):
    for module in network.modules():
        module.train(not isinstance(module, torch.nn.Dropout))
    return network(x).detach().numpy().transpose(0, 2, 3, 1)


def write(name, network, *shape, old=False):
    """Saves the weights as the authors do, and gives an input and the result. `old`: as PyTorch before 1.6 saved."""
    torch.manual_seed(len(name))
    randomize(network)
    x = torch.randint(256, shape, dtype=torch.uint8)
    y = result(network, x / 127.5 - 1)
    state = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    torch.save(state, FOLDER / f"{name}.pth", _use_new_zipfile_serialization=not old)
    return {f"{name}_x": x.numpy().transpose(0, 2, 3, 1), f"{name}_y": y}


unet = partial(networks.UnetGenerator, norm_layer=BATCH, use_dropout=True)
patch = partial(networks.NLayerDiscriminator, ndf=2)
resnet = partial(networks.ResnetGenerator, 3, 3, norm_layer=INSTANCE)
numbers = write("pix2pix_G", unet(3, 3, num_downs=6, ngf=2), 1, 3, 64, 64)
numbers["pix2pix_G_y"] = numbers["pix2pix_G_y"][:, ::2]
numbers |= write("pix2pix_D", patch(6, norm_layer=BATCH), 1, 6, 32, 40)
numbers |= write("cyclegan_G_A", resnet(ngf=2, n_blocks=9), 2, 3, 16, 24, old=True)
numbers |= write("cyclegan_D_A", patch(3, norm_layer=INSTANCE), 2, 3, 48, 32)
save("translators", **numbers)
