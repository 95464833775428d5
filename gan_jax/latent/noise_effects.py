"""What the noise in a generator does to its pictures."""

import dataclasses

import numpy as np

from gan_jax.latent.inversion import NO_NOISE
from gan_jax.latent.model import Latents, Model


def noise_deviation(model: Model, latents: Latents, layers: np.ndarray, num: int = 100, seed: int = 0) -> np.ndarray:
    """How far each pixel moves when the noise in some layers does; there is none in the others.

    Args:
        model: whose latents they are.
        latents: [n].
        layers: bool [L], those with noise.
        num: draws of the noise for each of them.
        seed: of the noise.

    Returns:
        float32 [n, H, W], the standard deviation over the draws, in levels of 255, root mean square over channels.

    Reference: Karras et al. 2019 (StyleGAN), figures 4 and 5.
    """
    deviations = []
    for number in range(len(latents)):
        same = latents.take(np.full(num, number))
        noise = np.where(layers, np.arange(num, dtype=np.int32)[:, None], np.int32(NO_NOISE))
        pictures = model.pictures(dataclasses.replace(same, noise=noise), seed).astype(np.float32)
        deviations.append(np.sqrt(np.mean(np.var(pictures, axis=0), axis=-1)))
    return np.stack(deviations)
