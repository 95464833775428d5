"""The features of EfficientNet-Lite0 for natural images, where Inception's weights are not to be had."""

from pathlib import Path

from gan_jax.evaluation import efficientnet
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.modalities import Field


def open_efficientnet(path: str, field: Field) -> Features:
    """See `Extractor.open`."""
    params, sha256 = efficientnet.load(Path(path).expanduser() if path else None)
    size = efficientnet.SIZE
    name = f"efficientnet-lite0 {sha256[:12]}, clean resize to {size}x{size}"
    return Features(name, params, efficientnet.features, 64, logits="other")


EXTRACTOR = Extractor(open_efficientnet, modalities=("image",))
