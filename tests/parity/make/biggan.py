"""Weights and results of BigGAN-PyTorch's networks, narrow ones, for tests/parity/test_biggan.py.

ajbrock/BigGAN-PyTorch, commit 9845943, BigGAN.py, with PyTorch 2.13, for 32 and 128 pixels, in evaluation mode. The
vectors of the spectral normalization are random, so far from converged, and weights of 16 bits, to keep files small.

    python tests/parity/make/biggan.py FOLDER_OF_CLONES
"""

import sys
from pathlib import Path

import torch
from peers import CLONES, save

sys.path.insert(0, str(CLONES / "BigGAN-PyTorch"))
from BigGAN import Discriminator, Generator

FOLDER = Path(__file__).parents[1]
SETTINGS = {
    32: {"G_ch": 2, "D_ch": 2, "G_attn": "16", "D_attn": "0"},
    128: {"G_ch": 1, "D_ch": 1, "G_attn": "8", "D_attn": "8"},
}
BOTH = {"n_classes": 3, "dim_z": 13, "shared_dim": 4, "hier": True, "no_optim": True}
EVERY = 8  # pixels of large images are compared


def randomize(network):
    for name, value in network.state_dict().items():
        noise = torch.randn_like(value)
        if name.endswith("stored_var"):
            value.copy_((0.5 + noise.abs()).half())
        elif not name.endswith("sv0"):
            value.copy_((0.5 * noise + name.endswith(("layer.0.gain", "gamma"))).half())


def write(size):
    torch.manual_seed(size)
    g, d = (network(resolution=size, **SETTINGS[size], **BOTH).eval() for network in (Generator, Discriminator))
    for name, network in (("G", g), ("D", d)):
        randomize(network)
        state = {key: value.half() for key, value in network.state_dict().items()}
        torch.save(state, FOLDER / f"biggan{size}_{name}.pth", _use_new_zipfile_serialization=False)
    z, labels, images = torch.randn(3, g.dim_z), torch.tensor([2, 0, 1]), torch.rand(3, 3, size, size).half() * 2 - 1
    with torch.no_grad():
        made, logits = g(z, g.shared(labels)), d(images.float(), labels)
    made, images = (x.permute(0, 2, 3, 1).numpy() for x in (made, images))
    every = EVERY if size > 32 else 1
    numbers = {"z": z.numpy(), "labels": labels.numpy(), "made": made[:, ::every, ::every], "logits": logits.numpy()}
    if size == 32:
        numbers["images"] = images
    else:  # one color each, which a few bytes hold
        flat = torch.rand(3, 1, 1, 3) * 2 - 1
        with torch.no_grad():
            numbers["logits"] = d(flat.permute(0, 3, 1, 2).expand(3, 3, size, size), labels).numpy()
        numbers["images"] = flat.numpy()
    return {f"{name}_{size}": value for name, value in numbers.items()}


save("biggan", **write(32), **write(128))
