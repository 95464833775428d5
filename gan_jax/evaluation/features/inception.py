"""The features of the Fréchet Inception distance, images resized as the original does, without antialiasing."""

from functools import partial
from pathlib import Path

from gan_jax.evaluation import inception
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.modalities import Field


def open_inception(path: str, field: Field, resize: str = "legacy") -> Features:
    """See `Extractor.open`; `resize` is "legacy" or "clean", see `gan_jax.evaluation.resize`."""
    params, sha256 = inception.load(Path(path).expanduser() if path else None)
    apply = partial(inception.features, resize=resize)
    name = f"inception {sha256[:12]}, {resize} resize to {inception.SIZE}x{inception.SIZE}"
    return Features(name, params, apply, 64, logits="other")


EXTRACTOR = Extractor(open_inception, modalities=("image",), downloads=True)
