"""Weights and a result of a narrow SRResNet, for tests/parity/test_srresnet.py.

leftthomas/SRGAN, commit 7ddfdf2, model.py, with PyTorch 2.13, in evaluation mode. Its class has 64 channels; the layers
here are those that it builds itself from, with 4.

    python tests/parity/make/srresnet.py FOLDER_OF_CLONES
"""

import sys

import torch
from peers import CLONES, save
from torch import nn

sys.path.insert(0, str(CLONES / "SRGAN"))
from model import Generator, ResidualBlock, UpsampleBLock

WIDTH = 4
torch.manual_seed(0)
network = Generator(scale_factor=4)
network.block1 = nn.Sequential(nn.Conv2d(3, WIDTH, kernel_size=9, padding=4), nn.PReLU())
for block in range(2, 7):
    setattr(network, f"block{block}", ResidualBlock(WIDTH))
network.block7 = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1), nn.BatchNorm2d(WIDTH))
up = [UpsampleBLock(WIDTH, 2) for _ in range(2)]
network.block8 = nn.Sequential(*up, nn.Conv2d(WIDTH, 3, kernel_size=9, padding=4))
for name, value in network.state_dict().items():
    if name.endswith("running_var"):
        value.copy_(0.5 + torch.rand_like(value))
    elif value.is_floating_point():
        value.add_(0.1 * torch.randn_like(value))
x = torch.rand(2, 3, 5, 7)
with torch.no_grad():
    y = network.eval()(x)
state = {name: value.numpy() for name, value in network.state_dict().items() if value.is_floating_point()}
save("srresnet", state=state, x=x.permute(0, 2, 3, 1).numpy(), y=y.permute(0, 2, 3, 1).numpy())
