"""Weights and results of SPADE's generator and of its encoder, narrow ones, for tests/parity/test_spade.py.

NVlabs/SPADE, commit fecacc9, models/networks/generator.py, with PyTorch 2.13, in training mode, not divided by singular
values. Its normalizations have 128 hidden channels, here 4; its encoder gives 256 numbers, here 5. What it imports for
several GPUs is one batch normalization here.

    python tests/parity/make/spade.py FOLDER_OF_CLONES
"""

import sys
from types import SimpleNamespace

import torch
from peers import CLONES, module, save
from torch import nn

module("models.networks.sync_batchnorm", SynchronizedBatchNorm2d=nn.BatchNorm2d)
module("models.networks", __path__=[str(CLONES / "SPADE/models/networks")])
module("models", __path__=[str(CLONES / "SPADE/models")])
sys.modules["models"].networks = sys.modules["models.networks"]
module("util.util")
module("util", util=sys.modules["util.util"])
module("torchvision")
from models.networks.encoder import ConvEncoder  # noqa: E402 (with what stands in for its imports)
from models.networks.generator import SPADEGenerator  # noqa: E402 (with what stands in for its imports)
from models.networks.normalization import SPADE  # noqa: E402

HIDDEN, CLASSES, SIDES, Z = 4, 3, (32, 64), 5
numbers = {}
for norm, vae in (("batch", True), ("instance", False)):
    torch.manual_seed(0)
    given = {"crop_size": SIDES[1], "aspect_ratio": SIDES[1] / SIDES[0], "num_upsampling_layers": "normal"}
    network = SPADEGenerator(
        SimpleNamespace(ngf=1, use_vae=vae, z_dim=Z, semantic_nc=CLASSES, norm_G=f"spade{norm}3x3", **given)
    )
    for part in network.modules():
        if isinstance(part, SPADE):
            channels = part.mlp_gamma.out_channels
            part.mlp_shared[0] = nn.Conv2d(CLASSES, HIDDEN, 3, padding=1)
            part.mlp_gamma, part.mlp_beta = (nn.Conv2d(HIDDEN, channels, 3, padding=1) for _ in range(2))
    for value in network.parameters():
        value.data = (value.data + 0.1 * torch.randn_like(value)).half().float()
    maps = torch.randint(CLASSES, (2, *SIDES))
    z = torch.randn(2, Z)
    with torch.no_grad():
        seen = nn.functional.one_hot(maps, CLASSES).permute(0, 3, 1, 2).float()
        made = network.train()(seen, z if vae else None).permute(0, 2, 3, 1)
    state = {name: value.detach().half().numpy() for name, value in network.named_parameters()}
    numbers |= {f"{norm}_state": state, f"{norm}_maps": maps.byte(), f"{norm}_z": z, f"{norm}_made": made[:, ::4]}
torch.manual_seed(0)
encoder = ConvEncoder(SimpleNamespace(ngf=2, norm_E="spectralinstance", crop_size=256))
for part in encoder.modules():
    if isinstance(part, nn.Conv2d):
        nn.utils.remove_spectral_norm(part)
encoder.fc_mu, encoder.fc_var = (nn.Linear(encoder.fc_mu.in_features, Z) for _ in range(2))
for value in encoder.parameters():
    value.data = (value.data + 0.1 * torch.randn_like(value)).half().float()
photos = torch.randint(256, (2, 64, 48, 3))
with torch.no_grad():
    mean, log_variance = encoder.train()(photos.permute(0, 3, 1, 2) / 127.5 - 1)
numbers["encoder_state"] = {name: value.detach().half().numpy() for name, value in encoder.named_parameters()}
numbers |= {"photos": photos.byte(), "mean": mean, "log_variance": log_variance}
save("spade", **numbers)
