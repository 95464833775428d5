"""Shows what the noise in a generator moves: samples, and how far each pixel deviates under other noise.

python main.py --mode=noise --workdir=runs/faces --seeds=0-3 --out=noise.png

Beside each sample is the deviation by the noise in all layers, in the coarse ones, and in the fine ones; white is the
largest of all that are shown.
"""

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def define(values: flags.FlagValues) -> None:
    flags.DEFINE_integer("draws", 100, "Of the noise, for each sample.", flag_values=values)
    flags.DEFINE_integer(
        "coarse", None, "How many layers are coarse, from the first on; by default half.", flag_values=values
    )
    _latents.define(values, out="The file: .png or another picture.")


def run(*, draws: int, coarse: int | None, seed: int, **shared) -> None:
    if draws < 2:
        raise UserError(f"--draws={draws}: at least 2 have a deviation")
    with _latents.opened("noise", SUFFIXES, seed=seed, **shared) as (model, latents, out):
        import numpy as np

        from gan_jax import images
        from gan_jax.latent.noise_effects import noise_deviation

        layer = np.arange(model.draw([0], np.zeros(1, int)).values.shape[1])
        coarse = len(layer) // 2 if coarse is None else coarse
        if len(layer) > 1 and not 0 < coarse < len(layer):
            raise UserError(f"--coarse={coarse}: this generator has the layers 0 to {layer[-1]}")
        chosen = {"all layers": layer >= 0, "coarse": layer < coarse, "fine": layer >= coarse}
        moved = {name: noise_deviation(model, latents, layers, draws, seed) for name, layers in chosen.items()}
        if not (most := max(each.max() for each in moved.values())):
            raise UserError(f"{shared['workdir']}: noise moves nothing: its generator has none, or uses none yet")
        shown = {"sample": model.pictures(latents, seed)}
        shown |= {name: np.uint8(np.rint(255 * each / most))[..., None] for name, each in moved.items()}
        images.save(images.titled_sheet(shown), out, mark=True)
    told = ", ".join(f"{name} {np.sqrt(np.mean(each**2)):.2f}" for name, each in moved.items())
    print(f"deviation in levels of 255: {told}; white is {most:.1f} -> {out}")
