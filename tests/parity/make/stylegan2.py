"""Pickles and results of StyleGAN2's networks, narrow ones, for tests/parity/test_stylegan2.py.

NVlabs/stylegan2-ada-pytorch, commit d72cc7d, training/networks.py and training/loss.py, with PyTorch 2.13 on a CPU. The
pickles have what its training loop writes, without optimizers.

    python tests/parity/make/stylegan2.py FOLDER_OF_CLONES
"""

import pickle
import sys
from pathlib import Path

import torch
from peers import CLONES, module, save

sys.path.insert(0, str(CLONES / "stylegan2-ada-pytorch"))
module("requests")
from training import networks  # noqa: E402
from training.loss import StyleGAN2Loss  # noqa: E402

FOLDER = Path(__file__).parents[1]
SIZES = {"channel_base": 16 * 3, "channel_max": 5}
for name in ("MappingNetwork", "SynthesisNetwork", "Generator", "Discriminator"):
    getattr(networks, name)._orig_module_src = "raise SystemExit('the source code in a pickle was run')"


class Quiet(torch.nn.Module):
    """A synthesis network without noise."""

    def __init__(self, synthesis):
        super().__init__()
        self.synthesis = synthesis

    def forward(self, w):
        return self.synthesis(w, noise_mode="none")


def build(kind, **own):
    network = kind(c_dim=own.pop("classes"), img_resolution=16, img_channels=3, **own)
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if "filter" not in name:
            value.data = torch.randn_like(value) * (30 if "mapping.fc" in name else 0.7)
    return network


def numbers_of(tensors):
    images = lambda x: x.permute(0, 2, 3, 1) if x.ndim == 4 else x
    return {key: images(value.detach()).numpy() for key, value in tensors.items()}


def write(name, classes, of_generator, of_discriminator):
    torch.manual_seed(len(name))
    make = {"z_dim": 5, "w_dim": 7, "mapping_kwargs": {"num_layers": 3}}
    synthesis = {"architecture": of_generator, **SIZES}
    g, average = (
        build(networks.Generator, classes=classes, synthesis_kwargs=dict(synthesis), **make) for _ in range(2)
    )
    d = build(networks.Discriminator, classes=classes, architecture=of_discriminator, **SIZES)
    z, images, noise = torch.randn(4, 5), torch.randn(4, 3, 16, 16), torch.randn(4, 3, 16, 16)
    c = torch.nn.functional.one_hot(torch.arange(4) % 3, classes).float() if classes else torch.zeros(4, 0)

    with (FOLDER / f"{name}.pkl").open("wb") as file:
        pickle.dump({"G": g, "D": d, "G_ema": average, "augment_pipe": None}, file)

    g.eval()
    w = g.mapping(z, c)
    truncated = g.mapping(z, c, truncation_psi=0.6, truncation_cutoff=3)
    made = {"raw": g.synthesis(w, noise_mode="none"), "truncated": g.synthesis(truncated, noise_mode="none")}
    made |= {"average": average(z, c, noise_mode="none"), "w": w, "logits": d(images, c)}

    # The penalties as the loss computes them, on latents and noise that are given.
    loss = StyleGAN2Loss("cpu", g.mapping, Quiet(g.synthesis), d, style_mixing_prob=0)
    loss.pl_mean, loss.pl_batch_shrink = torch.tensor(0.4), 1
    drawn, torch.randn_like = torch.randn_like, lambda x: noise
    loss.accumulate_gradients("Greg", None, None, z, c, sync=True, gain=1)
    torch.randn_like = drawn
    made |= {"path_mean": loss.pl_mean}
    for key, parameter in (("first", g.mapping.fc0.weight), ("last", g.synthesis.b16.conv0.weight)):
        made[f"path_gradient_{key}"] = parameter.grad.clone()
    loss.r1_gamma = 2.0
    d.zero_grad()
    loss.accumulate_gradients("Dreg", images, c, z, c, sync=True, gain=1)
    made |= {"r1_gradient": d.b16.conv1.weight.grad.clone(), "r1_gradient_last": d.b4.out.weight.grad.clone()}
    return {f"{name}_{key}": x for key, x in numbers_of(made | {"z": z, "images": images, "noise": noise}).items()}


save(
    "stylegan2",
    **write("stylegan2_conditional", 3, "skip", "orig"),
    **write("stylegan2_residual", 0, "resnet", "resnet"),
    **write("stylegan2_skip", 0, "orig", "skip"),
)
