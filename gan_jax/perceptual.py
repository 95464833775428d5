"""The frozen player of a perceptual loss: a trained network whose maps of two images are compared."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.evaluation import classifier, efficientnet
from gan_jax.networks.layers import Conv
from gan_jax.networks.vgg import SMALLEST, VGG19
from gan_jax.torch_file import converted, read_state_dict

KINDS = "vgg19:FILE.pth, classifier[:FILE.npz], efficientnet[:FILE.pth]"


class Perceptual(NamedTuple):
    """A network that sees images of any size.

    Attributes:
        name: with the SHA-256 of its weights, for the protocol.
        params: of the network, as a player's variables: {"params": ...}.
        maps: the pure function (params, images [B, H, W, C] in [-1, 1]) -> maps, each [B, h, w, F]. VGG-19 has one,
            EfficientNet six, of the stem and of each resolution, see `gan_jax.evaluation.efficientnet.maps`.
    """

    name: str
    params: dict
    maps: Callable[[dict, jax.Array], list[jax.Array]]


def open_perceptual(name: str, channels: int) -> Perceptual:
    """A network by name.

    Args:
        name: one of the `KINDS`. "classifier" is the embedded one of digits, "efficientnet" that of the extra imagenet.
        channels: C of the images that it is to see.

    Raises:
        UserError: there is no such network, or it does not fit the images.
    """
    (kind, _, path), given = name.partition(":"), f"--config.terms.perceptual.features={name}"
    match kind:
        case "vgg19" if path:
            if channels not in (1, 3):
                raise UserError(f"{given}: VGG-19 takes images of 1 or 3 channels, not {channels}")
            file = Path(path).expanduser()
            params = load_vgg19(file)
            with file.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            return Perceptual(f"vgg19 {path} {sha256[:12]}", params, _vgg19_maps)
        case "classifier":
            own = classifier.load(*[Path(path).expanduser()] if path else [])
            wanted = own.image_shape[2]
            if wanted not in (1, channels):
                raise UserError(f"{given}: it takes images of {wanted} channels, not {channels}")
            layers = {layer: leaves for layer, leaves in own.params["params"].items() if layer.startswith("Conv_")}
            if not layers:
                raise UserError(f"{given}: it was trained on images too small for convolutions")
            maps = _classifier_maps if wanted == channels else _classifier_maps_by_channel
            return Perceptual(f"classifier {path or 'digits'} {own.sha256[:12]}", {"params": layers}, maps)
        case "efficientnet":
            if channels not in (1, 3):
                raise UserError(f"{given}: EfficientNet takes images of 1 or 3 channels, not {channels}")
            try:
                params, sha256 = efficientnet.load(Path(path).expanduser() if path else None)
            except UserError as error:
                raise UserError(f"{given}: {error}") from None
            trunk = {"params": params["params"]["trunk"]}
            return Perceptual(f"efficientnet-lite0 {sha256[:12]}", trunk, efficientnet.maps)
        case _:
            raise UserError(f"{given}: must be one of {KINDS}")


def perceptual_distance(maps_a: Sequence[jax.Array], maps_b: Sequence[jax.Array]) -> jax.Array:
    """The mean squared difference of each map, over places and features, summed over the maps.

    Args:
        maps_a: each [B, h, w, F].
        maps_b: the same network's of other images.

    Returns:
        [B], >= 0.

    Reference: Johnson et al. 2016, eq. 2. (Ledig et al. 2017, eq. 5, has the sum over features, F times as much.)
    """
    chex.assert_rank([*maps_a, *maps_b], 4)
    chex.assert_trees_all_equal_shapes(list(maps_a), list(maps_b))
    return sum(jnp.mean((a - b) ** 2, axis=(1, 2, 3)) for a, b in zip(maps_a, maps_b, strict=True))


def load_vgg19(path: Path) -> dict:
    """The parameters of `VGG19`.

    Args:
        path: of torchvision's state dict, vgg19-*.pth; its classifier is left out.

    Raises:
        UserError: the file can't be read, or does not hold this network.
    """
    state = read_state_dict(path)
    expected = jax.eval_shape(VGG19().init, jax.random.key(0), jnp.zeros((1, SMALLEST, SMALLEST, 3)))["params"]

    def make():
        return {
            name: {"kernel": state[f"{name}.weight"].transpose(2, 3, 1, 0), "bias": state[f"{name}.bias"]}
            for name in expected
        }

    return {"params": converted(path, make, expected, "VGG-19's state dict", "torchvision's vgg19-*.pth")}


def _vgg19_maps(params: dict, images: jax.Array) -> list[jax.Array]:
    return [VGG19().apply(params, images)]


def _classifier_maps(params: dict, images: jax.Array) -> list[jax.Array]:
    """The maps of the convolutions of `classifier.Network`, after their ReLUs."""
    x, maps = images, []
    for number in range(len(params["params"])):
        layer = params["params"][f"Conv_{number}"]
        x = nn.relu(Conv(layer["bias"].size).apply({"params": layer}, x))
        maps.append(x)
    return maps


def _classifier_maps_by_channel(params: dict, images: jax.Array) -> list[jax.Array]:
    """Those of each channel by itself, side by side."""
    seen = [_classifier_maps(params, images[..., c : c + 1]) for c in range(images.shape[-1])]
    return [jnp.concatenate(maps, axis=-1) for maps in zip(*seen, strict=True)]
