"""The Inception-v3 of the Fréchet Inception distance: its layers and its weights.

It is TensorFlow's graph `classify_image_graph_def.pb` of 2015, whose weights are kept as a PyTorch state dict by
pytorch-fid. The layers here have the names that they have there.
"""

import hashlib
import http.client
import sys
import time
import urllib.request
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gan_jax.data.cache import cache_folder
from gan_jax.errors import UserError
from gan_jax.evaluation.resize import clean, legacy
from gan_jax.files import replacing
from gan_jax.torch_file import converted, read_state_dict

SHA256 = "6726825d"  # the beginning, which the name of the file tells
FILE = f"pt_inception-2015-12-05-{SHA256}.pth"
MIRRORS = (
    f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}",
    f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-{SHA256}.pth",
)
SIZE = 299  # pixels, of both sides
EXACT = lax.Precision.HIGHEST  # GPUs would multiply with 10 bits otherwise

# The network: a stem, and blocks of chains whose results lie side by side. A chain is a name and its layers. A layer is
# "max", "average" or a convolution FEATURES:KERNEL, with zeros around the image, or with /STRIDE, without; of kernels
# joined by + the results lie side by side.
STEM = (
    "Conv2d_1a_3x3 32:3x3/2, Conv2d_2a_3x3 32:3x3/1, Conv2d_2b_3x3 64:3x3, MaxPool_1 max/2, "
    "Conv2d_3b_1x1 80:1x1, Conv2d_4a_3x3 192:3x3/1, MaxPool_2 max/2"
)
A = "branch1x1 64:1x1, branch5x5 48:1x1 64:5x5, branch3x3dbl 64:1x1 96:3x3 96:3x3, branch_pool average {0}:1x1"
B = "branch3x3 384:3x3/2, branch3x3dbl 64:1x1 96:3x3 96:3x3/2, branch_pool max/2"
C = (
    "branch1x1 192:1x1, branch7x7 {0}:1x1 {0}:1x7 192:7x1, "
    "branch7x7dbl {0}:1x1 {0}:7x1 {0}:1x7 {0}:7x1 192:1x7, branch_pool average 192:1x1"
)
D = "branch3x3 192:1x1 320:3x3/2, branch7x7x3 192:1x1 192:1x7 192:7x1 192:3x3/2, branch_pool max/2"
E = (
    "branch1x1 320:1x1, branch3x3 384:1x1 384:1x3+3x1, "
    "branch3x3dbl 448:1x1 384:3x3 384:1x3+3x1, branch_pool {0} 192:1x1"
)
BLOCKS = {
    "Mixed_5b": A.format(32),
    "Mixed_5c": A.format(64),
    "Mixed_5d": A.format(64),
    "Mixed_6a": B,
    "Mixed_6b": C.format(128),
    "Mixed_6c": C.format(160),
    "Mixed_6d": C.format(160),
    "Mixed_6e": C.format(192),
    "Mixed_7a": D,
    "Mixed_7b": E.format("average"),
    "Mixed_7c": E.format("max"),  # not as in the paper, but as in the graph
}


class Inception(nn.Module):
    """Inception-v3, its batch normalizations folded into the convolutions.

    Args of the call:
        images: float32 [B, 299, 299, 3] in [-1, 1], (x - 128) / 128 of x in [0, 255].

    Returns:
        (pool [B, 2048], logits [B, 1008]). The logits are without the last layer's bias: the original Inception score
        takes its probabilities from them.

    Reference: Szegedy et al. 2016, Rethinking the Inception architecture.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = images
        for chain in STEM.split(", "):
            x = _chain("", chain, x)
        for block, chains in BLOCKS.items():
            x = jnp.concatenate([_chain(f"{block}.", chain, x) for chain in chains.split(", ")], axis=-1)
        pool = jnp.mean(x, axis=(1, 2))
        return pool, nn.Dense(1008, use_bias=False, precision=EXACT, name="fc")(pool)


def _chain(prefix: str, chain: str, x: jax.Array) -> jax.Array:
    """Layers one after the other, inside `nn.compact`: where several are convolutions, all are, and are numbered."""
    name, *layers = chain.split()
    for number, layer in enumerate(layers, 1):
        x = _layer(f"{prefix}{name}_{number}" if chain.count(":") > 1 else prefix + name, layer, x)
    return x


def _layer(name: str, layer: str, x: jax.Array) -> jax.Array:
    layer, _, stride = layer.partition("/")
    steps = {"strides": (int(stride or 1),) * 2, "padding": "VALID" if stride else "SAME"}
    if layer == "max":
        return nn.max_pool(x, (3, 3), **steps)
    if layer == "average":
        return nn.avg_pool(x, (3, 3), **steps, count_include_pad=False)
    features, kernels = layer.split(":")
    results = []
    for suffix, kernel in zip("ab" if "+" in kernels else [""], kernels.split("+"), strict=True):
        size = tuple(map(int, kernel.split("x")))
        results.append(nn.relu(nn.Conv(int(features), size, **steps, precision=EXACT, name=name + suffix)(x)))
    return jnp.concatenate(results, axis=-1)


def load(path: Path | None = None) -> tuple[dict, str]:
    """The parameters of `Inception`.

    Args:
        path: of the state dict; by default the published one, which is downloaded to `cache_folder()` once.

    Returns:
        (params, SHA-256 of the file in hexadecimal digits)

    Raises:
        UserError: the file can't be read or downloaded, or does not hold this network.
    """
    if path is None:
        path = cache_folder() / FILE
        if not path.exists():
            _download(path)
    state = read_state_dict(path)
    expected = jax.eval_shape(Inception().init, jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3)))["params"]

    def make():
        layers = {name: _fold(state, name) for name in expected if name != "fc"}
        return {**layers, "fc": {"kernel": state["fc.weight"].T}}

    params = converted(path, make, expected, "the state dict of the FID's Inception", FILE)
    return {"params": params}, hashlib.sha256(path.read_bytes()).hexdigest()


def _fold(state: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """A convolution with the normalization after it as one convolution with a bias."""
    norm = {part: state[f"{name}.bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
    scale = norm["weight"] / np.sqrt(norm["running_var"] + 1e-3)
    kernel = state[f"{name}.conv.weight"].transpose(2, 3, 1, 0) * scale
    return {"kernel": kernel, "bias": norm["bias"] - norm["running_mean"] * scale}


def _download(path: Path) -> None:
    for url in MIRRORS:
        try:
            content = _fetch(url)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            continue
        if hashlib.sha256(content).hexdigest().startswith(SHA256):
            break
        reason = "the download is not that file"
    else:
        elsewhere = f"fetch {MIRRORS[0]} elsewhere and give its path as --features=inception:PATH"
        raise UserError(f"cannot download the weights of Inception ({reason}): {elsewhere}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"cannot write the cache {path.parent} ({why}): free its disk or set GAN_JAX_CACHE") from error


def _fetch(url: str) -> bytes:
    """Shows the bytes come in: a bar on a terminal, two lines in a log."""
    from tqdm import tqdm

    on_terminal = sys.stderr.isatty()
    start, content = time.monotonic(), b""
    with urllib.request.urlopen(url, timeout=30) as response:
        total = int(response.headers.get("Content-Length", 0))
        if not on_terminal:
            print(f"downloading {url}, {total / 1e6:.0f} MB", file=sys.stderr)
        with tqdm(total=total, desc=f"downloading {FILE}", unit="B", unit_scale=True, disable=not on_terminal) as bar:
            while piece := response.read(1 << 20):
                content += piece
                bar.update(len(piece))
    if not on_terminal:
        print(f"downloaded {len(content) / 1e6:.0f} MB in {time.monotonic() - start:.1f} s", file=sys.stderr)
    return content


def features(params: dict, images: jax.Array, resize: str = "legacy") -> tuple[jax.Array, jax.Array]:
    """The features of images, and what Inception takes them for.

    Args:
        params: from `load`.
        images: uint8 (or float in [0, 255]) [B, H, W, C]; gray ones, C = 1, are taken as colored ones, C = 3.
        resize: "legacy" or "clean", see `gan_jax.evaluation.resize`.

    Returns:
        (pool [B, 2048], logits [B, 1008]), see `Inception`.
    """

    def apply(images):
        resized = ({"legacy": legacy, "clean": clean}[resize](images, SIZE) - 128) / 128
        return Inception().apply(params, jnp.broadcast_to(resized, (*resized.shape[:3], 3)))

    def one_by_one(images):
        return jax.tree.map(lambda leaf: leaf[:, 0], lax.map(lambda image: apply(image[None]), images))

    # The activations of one image stay in a CPU's cache: there the convolutions run nearly twice as fast.
    return lax.platform_dependent(images, cpu=one_by_one, default=apply)
