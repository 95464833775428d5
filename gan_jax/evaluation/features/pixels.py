"""No features: images, or frames, are compared with their targets, pixel by pixel; solids voxel by voxel."""

from gan_jax.errors import UserError
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.modalities import Field


def open_pixels(path: str, field: Field) -> Features:
    """See `Extractor.open`."""
    if path:
        raise UserError("pixels take no file")
    return Features("pixels as they are", None, None, 256, learned=False)


EXTRACTOR = Extractor(open_pixels, modalities=("image", "video", "voxels"))
