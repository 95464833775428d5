"""The Inception-v3 of the Fréchet Inception distance: its layers, its weights, and how images come to its size.

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

from gan_jax.data.cache import cache_folder, replacing
from gan_jax.errors import UserError
from gan_jax.evaluation.torch_file import read_state_dict

SHA256 = "6726825d"  # the beginning, which the name of the file tells
FILE = f"pt_inception-2015-12-05-{SHA256}.pth"
MIRRORS = (
    f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}",
    f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-{SHA256}.pth",
)
SIZE = 299  # pixels, of both sides
EXACT = lax.Precision.HIGHEST  # GPUs would multiply with 10 bits otherwise

# The network: chains of layers, and blocks of chains whose results lie side by side. A layer is "max", "average" or a
# convolution FEATURES:KERNEL, with zeros around the image; with /STRIDE, without. Kernels joined by + see the same.
STEM = {
    "Conv2d_1a_3x3": "32:3x3/2",
    "Conv2d_2a_3x3": "32:3x3/1",
    "Conv2d_2b_3x3": "64:3x3",
    "MaxPool_1": "max/2",
    "Conv2d_3b_1x1": "80:1x1",
    "Conv2d_4a_3x3": "192:3x3/1",
    "MaxPool_2": "max/2",
}


def _a(pooled: int) -> dict[str, str]:
    return {
        "branch1x1": "64:1x1",
        "branch5x5": "48:1x1 64:5x5",
        "branch3x3dbl": "64:1x1 96:3x3 96:3x3",
        "branch_pool": f"average {pooled}:1x1",
    }


def _c(inner: int) -> dict[str, str]:
    return {
        "branch1x1": "192:1x1",
        "branch7x7": f"{inner}:1x1 {inner}:1x7 192:7x1",
        "branch7x7dbl": f"{inner}:1x1 {inner}:7x1 {inner}:1x7 {inner}:7x1 192:1x7",
        "branch_pool": "average 192:1x1",
    }


def _e(pool: str) -> dict[str, str]:
    return {
        "branch1x1": "320:1x1",
        "branch3x3": "384:1x1 384:1x3+3x1",
        "branch3x3dbl": "448:1x1 384:3x3 384:1x3+3x1",
        "branch_pool": f"{pool} 192:1x1",
    }


BLOCKS = {
    "Mixed_5b": _a(32),
    "Mixed_5c": _a(64),
    "Mixed_5d": _a(64),
    "Mixed_6a": {"branch3x3": "384:3x3/2", "branch3x3dbl": "64:1x1 96:3x3 96:3x3/2", "branch_pool": "max/2"},
    "Mixed_6b": _c(128),
    "Mixed_6c": _c(160),
    "Mixed_6d": _c(160),
    "Mixed_6e": _c(192),
    "Mixed_7a": {
        "branch3x3": "192:1x1 320:3x3/2",
        "branch7x7x3": "192:1x1 192:1x7 192:7x1 192:3x3/2",
        "branch_pool": "max/2",
    },
    "Mixed_7b": _e("average"),
    "Mixed_7c": _e("max"),  # not as in the paper, but as in the graph
}


class Inception(nn.Module):
    """Inception-v3, its batch normalisations folded into the convolutions.

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
        for name, chain in STEM.items():
            x = _chain(name, chain, x)
        for block, chains in BLOCKS.items():
            x = jnp.concatenate([_chain(f"{block}.{name}", chain, x) for name, chain in chains.items()], axis=-1)
        pool = jnp.mean(x, axis=(1, 2))
        return pool, nn.Dense(1008, use_bias=False, precision=EXACT, name="fc")(pool)


def _chain(name: str, chain: str, x: jax.Array) -> jax.Array:
    """Layers one after the other, inside `nn.compact`: where several are convolutions, all are, and are numbered."""
    for number, layer in enumerate(chain.split(), 1):
        x = _layer(f"{name}_{number}" if chain.count(":") > 1 else name, layer, x)
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
    try:
        params = {name: _fold(state, name) for name in expected if name != "fc"}
        params["fc"] = {"kernel": state["fc.weight"].T}
        shapes, expected_shapes = (jax.tree.map(lambda leaf: leaf.shape, tree) for tree in (params, expected))
        if shapes != expected_shapes:
            raise ValueError("a layer has another shape")
    except (KeyError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise UserError(f"{path} is not the state dict of the FID's Inception ({reason}): give {FILE}") from None
    params = jax.tree.map(lambda leaf: np.ascontiguousarray(leaf, np.float32), params)
    return {"params": params}, hashlib.sha256(path.read_bytes()).hexdigest()


def _fold(state: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """A convolution with the normalisation after it as one convolution with a bias."""
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
        reason = "what came is not that file"
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


def resize_legacy(images: jax.Array) -> jax.Array:
    """As TensorFlow 1 did, and so the original FID: bilinear, without antialiasing, half a pixel off.

    Args:
        images: uint8 (or float in [0, 255]) [B, H, W, C].

    Returns:
        float32 [B, 299, 299, C] in [0, 255].
    """
    return _resize(images, _bilinear)


def resize_clean(images: jax.Array) -> jax.Array:
    """As clean-fid does: bicubic and antialiased, like Pillow's, neither rounded nor clipped to [0, 255] thereafter.

    Args:
        images: uint8 (or float in [0, 255]) [B, H, W, C].

    Returns:
        float32 [B, 299, 299, C].

    Reference: Parmar et al. 2022, On aliased resizing and surprising subtleties in GAN evaluation, section 3.
    """
    return _resize(images, _bicubic)


def _resize(images: jax.Array, weights) -> jax.Array:
    """By one matrix for the rows and one for the columns; `weights` gives the one [299, n] for a side of n pixels."""
    rows, columns = (weights(side) for side in images.shape[1:3])
    return jnp.einsum("yh,bhwc,xw->byxc", rows, images.astype(jnp.float32), columns, precision=EXACT)


def _bilinear(n: int) -> np.ndarray:
    places = np.arange(SIZE, dtype=np.float32) * np.float32(n / SIZE)  # rounded as there: it decides between neighbours
    below = places.astype(int)
    matrix = np.zeros((SIZE, n), np.float32)
    np.add.at(matrix, (np.arange(SIZE), below), 1 - (places - below))
    np.add.at(matrix, (np.arange(SIZE), np.minimum(below + 1, n - 1)), places - below)
    return matrix


def _bicubic(n: int) -> np.ndarray:
    """Keys' kernel with a = -1/2, as wide as a pixel of the coarser grid, and cut off at the border."""
    x = (np.arange(n) + 0.5) - (np.arange(SIZE)[:, None] + 0.5) * n / SIZE
    x = np.abs(x) / max(n / SIZE, 1)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    matrix = np.where(x < 1, near, np.where(x < 2, far, 0))
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


RESIZE = {"legacy": resize_legacy, "clean": resize_clean}


def features(params: dict, images: jax.Array, resize: str = "legacy") -> tuple[jax.Array, jax.Array]:
    """What Inception sees in images.

    Args:
        params: from `load`.
        images: uint8 (or float in [0, 255]) [B, H, W, C]; grey ones, C = 1, are seen as coloured ones, C = 3.
        resize: "legacy" or "clean", see `resize_legacy` and `resize_clean`.

    Returns:
        (pool [B, 2048], logits [B, 1008]), see `Inception`.
    """

    def see(images):
        resized = (RESIZE[resize](images) - 128) / 128
        return Inception().apply(params, jnp.broadcast_to(resized, (*resized.shape[:3], 3)))

    def see_in_turn(images):
        return jax.tree.map(lambda leaf: leaf[:, 0], lax.map(lambda image: see(image[None]), images))

    # The activations of one image stay in a CPU's cache: there the convolutions run nearly twice as fast.
    return lax.platform_dependent(images, cpu=see_in_turn, default=see)
