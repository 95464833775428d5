"""Mixes samples layer by layer: a table of every row's sample with some layers of every column's.

python main.py --mode=mix --workdir=runs/faces --seeds=0-5 --columns=6-11 --layers=0-3 --out=mixed.png
"""

import dataclasses
from functools import partial

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def define(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("columns", None, "Numbers of the samples over the columns; --seeds are beside the rows.")
    text("layers", None, "That are taken from the columns, from 0, the coarsest, on: 0-3,6.")
    _latents.define(values, out="The file: .png or another picture.")


def run(*, columns, layers, seed, label, text, space, truncation, **shared) -> None:
    chosen = {"label": label, "text": text, "space": space, "truncation": truncation, "seed": seed}
    if columns is None or layers is None:
        raise UserError("--mode=mix needs --columns=6,7,8, samples, and --layers=0-3, what is taken from them")
    _latents.parse_seeds(columns, "--columns")
    with _latents.opened("mix", SUFFIXES, **chosen, **shared) as (model, beside, out):
        import numpy as np

        from gan_jax import images
        from gan_jax.latent.mixing import mix, parse_layers

        above = _latents.read(model, seeds=columns, latents=None, **chosen)
        mixed = mix(beside.values, above.values, parse_layers(layers, beside.values.shape[1]))
        cells = beside.take(np.repeat(np.arange(len(beside)), len(above)))
        cells = dataclasses.replace(cells, values=np.concatenate(mixed))
        shown = [model.pictures(each, seed) for each in (beside, above, cells)]
        images.save(table(*shown), out, mark=True)
    print(f"{len(beside)} x {len(above)} samples, layers {layers} from the columns -> {out}")


def table(beside, above, cells):
    """One picture: `above` over the columns of `cells`, `beside` before its rows, a white corner."""
    import numpy as np

    from gan_jax import images

    width = len(above)
    corner = np.full_like(above[:1], 255)
    rows = [np.concatenate([corner, above])]
    rows += [np.concatenate([beside[i : i + 1], cells[i * width : (i + 1) * width]]) for i in range(len(beside))]
    return images.grid(np.concatenate(rows), width + 1)
