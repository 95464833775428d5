"""What a game with a generator of latents can do once it is trained."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from gan_jax import networks
from gan_jax.game import Space
from gan_jax.latent.spaces import w_space, z_space
from gan_jax.noise import GENERATOR


class Decoding(NamedTuple):
    """Parts of a `gan_jax.game.Game`.

    Attributes:
        sample: of its map from noise.
        spaces: z, in the parts that the generator splits it into, and w, if it has styles.
        calibrate: see there.
        reconstruct: of its map from examples to examples; None without an encoder.
    """

    sample: Callable
    spaces: dict[str, Space]
    calibrate: Callable
    reconstruct: Callable | None


def make_decoding(
    generator: networks.Network, latents: Callable, size: int, num_classes: int = 0, encode: Callable | None = None
) -> Decoding:
    """What the player "generator" can do.

    Args:
        generator: its network.
        latents: `(key, index) -> z [B, size]`.
        size: Z.
        num_classes: of the condition; 0: there is none.
        encode: see `Space`, of z.
    """

    def call(variables, *args, **kwargs):
        return generator.apply(variables["generator"], *args, **kwargs)

    def decode(variables, z, given, key, index):
        return call(variables, z, given.get("label"), train=False, **networks.noise_of(generator, key, index))

    def sample(variables, key, index, given):
        return decode(variables, latents(key, index), given, jax.random.fold_in(key, GENERATOR), index)

    def draw_w(variables, key, index, given):
        return call(variables, latents(key, index), given.get("label"), method="map")

    def decode_w(variables, w, given, key, index):
        return call(variables, w, key=key, index=index, method="synthesize")

    def mean_w(variables, n, given):
        return call(variables, given.get("label"), batch=n, method="mean")

    styled = networks.has_styles(generator)
    bare = networks.bare(generator)
    spaces = {"z": z_space(latents, decode, size, getattr(bare, "parts", 1), encode)}
    if styled:
        spaces["w"] = w_space(draw_w, decode_w, mean_w, bare.layers)

    def calibrate(variables, key, index):
        condition, z = index % num_classes if num_classes else None, latents(key, index)
        if styled:  # there are no batch statistics: the mean w moves as they would
            _, updates = call(variables, z, condition, train=True, rate=0.1, method="map", mutable=["w_average"])
        else:
            _, updates = call(variables, z, condition, train=True, mutable=["batch_stats", "spectral"])
        return {**variables, "generator": {**variables["generator"], **updates}}

    def reconstruct(variables, key, index, given):
        (examples,) = given.values()
        return decode(variables, encode(variables, examples), {}, jax.random.fold_in(key, GENERATOR), index)

    return Decoding(sample, spaces, calibrate, reconstruct if encode else None)
