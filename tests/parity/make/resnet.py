"""Numbers of StudioGAN's residual networks, narrow ones, for tests/parity/test_resnet.py.

POSTECH-CVLab/PyTorch-StudioGAN, commit 947b35e, src/models/resnet.py and big_resnet.py, with PyTorch 2.13. Two things
are set otherwise than there: what is added to variances, 1e-5 instead of 1e-4, and ReLUs, which are not in place, so
that a block's shortcut has the block's input (see gan_jax/networks/resnet.py).

    python tests/parity/make/resnet.py FOLDER_OF_CLONES
"""

import contextlib
import sys
from types import SimpleNamespace

import torch
from peers import CLONES, module, save

sys.path.insert(0, str(CLONES / "PyTorch-StudioGAN" / "src"))
module("utils.misc", dummy_context_mgr=contextlib.nullcontext)
from models import big_resnet, resnet  # noqa: E402
from utils import ops  # noqa: E402

NO_CODES = SimpleNamespace(info_type="N/A", g_info_injection="N/A")
CLASSES, CONDITIONAL = 10, {"g_cond_mtd": "cBN", "d_cond_mtd": "PD"}
SETTINGS = {
    "sngan": {},
    "projection": CONDITIONAL,
    "sagan": {**CONDITIONAL, "apply_g_sn": True, "apply_attn": True},
    "biggan": {**CONDITIONAL, "apply_g_sn": True, "apply_attn": True, "hierarchical": True},
}


def build(g_cond_mtd="W/O", d_cond_mtd="W/O", apply_g_sn=False, apply_attn=False, hierarchical=False):
    """A generator and a discriminator of 8 channels, with the attention's places of StudioGAN's configs of CIFAR-10."""
    modules = SimpleNamespace(
        g_conv2d=ops.snconv2d if apply_g_sn else ops.conv2d,
        g_linear=ops.snlinear if apply_g_sn else ops.linear,
        g_bn=ops.ConditionalBatchNorm2d if g_cond_mtd == "cBN" else ops.batchnorm_2d,
        g_act_fn=torch.nn.ReLU(),
        d_conv2d=ops.snconv2d,
        d_linear=ops.snlinear,
        d_embedding=ops.sn_embedding,
        d_act_fn=torch.nn.ReLU(),
    )
    both = {"img_size": 32, "apply_attn": apply_attn, "num_classes": CLASSES, "mixed_precision": False}
    both |= {"MODULES": modules, "MODEL": NO_CODES}
    kind = big_resnet if hierarchical else resnet
    generator = kind.Generator(
        z_dim=8,
        g_shared_dim=6,
        g_conv_dim=2,
        attn_g_loc=[2],
        g_cond_mtd=g_cond_mtd,
        g_init="ortho",
        g_depth=None,
        **both,
    )
    discriminator = kind.Discriminator(
        d_conv_dim=4, apply_d_sn=True, attn_d_loc=[1], d_cond_mtd=d_cond_mtd, aux_cls_type="W/O", d_embed_dim=None,
        normalize_d_embed=False, d_init="ortho", d_depth=None, **both
    )  # fmt: skip
    for part in generator.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eps = 1e-5
    return generator, discriminator


def disturb(network):
    """No parameter is 0 or 1 after this, and all are float16 numbers, as the file has them."""
    for parameter in network.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape))
        parameter.copy_(parameter.half().float())


def state(player, network):
    """Parameters and buffers by their names; of the pairs of singular vectors those of the outputs, and embeddings'."""
    buffers = {name: x for name, x in network.named_buffers() if not name.endswith("num_batches_tracked")}
    buffers = {name: x for name, x in buffers.items() if not name.endswith("weight_v") or "embedding" in name}
    parameters = {name: x.half() for name, x in network.named_parameters()}
    return {player: parameters, f"{player}_buffers": buffers}


@torch.no_grad()
def main():
    for name, settings in SETTINGS.items():
        torch.manual_seed(0)
        players = dict(zip(("generator", "discriminator"), build(**settings), strict=True))
        numbers = {}
        for player, network in players.items():
            sizes = {name: x.square().mean().sqrt() for name, x in network.named_parameters()}
            numbers[f"{player}_initial"] = sizes
            disturb(network)
        generator, discriminator = players.values()
        z, labels = torch.randn(4, 8), torch.tensor([0, 9, 3, 3])
        images = (2 * torch.rand(2, 3, 32, 32) - 1).half().float()
        for _ in range(500):  # power iterations, and running statistics
            generator(z, labels), discriminator(images, labels[:2])
        trained = generator(z, labels)
        generator.eval(), discriminator.eval()
        tested, output = generator(z, labels), discriminator(images, labels[:2])
        numbers |= {"z": z, "labels": labels, "images": images.half()}
        numbers |= {"trained": trained[:, :, ::5, ::3], "tested": tested[:, :, ::5, ::3]}
        numbers |= {"logits": output["adv_output"], "features": output["h"]}
        for player, network in players.items():
            numbers |= state(player, network)
        save(f"resnet_{name}", **numbers)


main()
