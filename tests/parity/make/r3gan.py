"""Pickles and results of R3GAN's networks, narrow ones, for tests/parity/test_r3gan.py.

brownvc/R3GAN, commit 19a7ddf, training/networks.py and R3GAN/Networks.py, with PyTorch 2.13. The pickles have what its
training loop writes, but for most of Adam's state. The networks of the second one are persistent objects, as StyleGAN's
are, in which a line that would fail if it were run stands in for their source code.

    python tests/parity/make/r3gan.py FOLDER_OF_CLONES
"""

import pickle
import sys
from pathlib import Path

import torch
from peers import CLONES, module, save

sys.path.insert(0, str(CLONES / "R3GAN"))
module("requests")
module("pkg_resources", parse_version=torch.torch_version.TorchVersion)
from dnnlib import EasyDict  # noqa: E402
from torch_utils import persistence  # noqa: E402
from training import networks  # noqa: E402

FOLDER = Path(__file__).parents[1]


def build(kind, classes, persistent, **own):
    embedded = {"ConditionEmbeddingDimension": 8 if kind == "Discriminator" else 3} if classes else {}
    sizes = {"WidthPerStage": [8, 8, 8], "CardinalityPerStage": [2, 2, 2], "BlocksPerStage": [1, 1, 1]}
    make = getattr(networks, kind)
    if persistent:
        make = persistence.persistent_class(make)
        make._orig_module_src = "raise SystemExit('the source code in a pickle was run')"
    options = {"FP16Stages": [], "ExpansionFactor": 2, "c_dim": classes, "img_resolution": 16}
    network = make(**sizes, **options, **embedded, **own)
    for value in network.parameters():
        value.data = 0.4 * torch.randn_like(value)
    return network.eval().requires_grad_(False)


def write(name, classes, persistent=False):
    torch.manual_seed(classes)
    g, average = (build("Generator", classes, persistent, NoiseDimension=5) for _ in range(2))
    d = build("Discriminator", classes, persistent)
    z, images = torch.randn(3, 5), torch.randn(3, 3, 16, 16)
    c = torch.nn.functional.one_hot(torch.arange(3), classes).float() if classes else torch.zeros(3, 0)
    numbers = {"raw": g(z, c), "made": average(z, c), "images": images}
    numbers = {key: value.permute(0, 2, 3, 1) for key, value in numbers.items()}
    numbers |= {"z": z, "logits": d(images, c)}
    for network in (g, average, d):  # as the authors' networks are, which would compute other numbers on CPUs
        network.Model.MainLayers[1].DataType = torch.bfloat16
    content = {"G": g, "D": d, "G_ema": average, "training_set_kwargs": {"path": "x.zip"}, "cur_nimg": 7}
    moments = EasyDict(exp_avg=torch.ones(2))
    with (FOLDER / f"{name}.pkl").open("wb") as file:
        pickle.dump({**content, "G_opt_state": {"state": {0: moments}, "param_groups": [{"lr": 1e-4}]}}, file)
    return {f"{name}_{key}": value.numpy() for key, value in numbers.items()}


save("r3gan", **write("r3gan_conditional", 4), **write("r3gan_persistent", 0, persistent=True))
