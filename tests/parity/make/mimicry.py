"""How large the weights of Mimicry's SNGAN are at first, for tests/parity/test_resnet.py.

kwotsin/mimicry a7fda06, torch_mimicry/nets/sngan/sngan_32.py. Its functions are not compared: its generator enlarges
bilinearly, and its discriminator's ReLUs are in place (see gan_jax/networks/resnet.py).

    python tests/parity/make/mimicry.py FOLDER_OF_CLONES
"""

import sys

import torch
from peers import CLONES, module, save

sys.path.insert(0, str(CLONES / "mimicry"))
for name in ("torch_mimicry", *(f"torch_mimicry.nets{rest}" for rest in ("", ".sngan", ".gan", ".basemodel"))):
    module(name, __path__=[str(CLONES / "mimicry" / name.replace(".", "/"))])  # without what it imports
from torch_mimicry.nets.sngan.sngan_32 import SNGANDiscriminator32, SNGANGenerator32  # noqa: E402

torch.manual_seed(0)
players = {"generator": SNGANGenerator32(ngf=64), "discriminator": SNGANDiscriminator32(ndf=64)}
sizes = lambda network: {name: x.detach().square().mean().sqrt() for name, x in network.named_parameters()}
save("mimicry", **{player: sizes(network) for player, network in players.items()})
