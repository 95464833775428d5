"""Mixes samples layer by layer: a table of every row's sample with some layers of every column's.

python main.py --mode=mix --workdir=runs/faces --seeds=0-5 --columns=6-11 --layers=0-3 --out=mixed.png
"""

import dataclasses
from pathlib import Path

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("columns", None, "Numbers of the samples over the columns; --seeds are beside the rows.",
                        flag_values=values)  # fmt: skip
    flags.DEFINE_string("layers", None, "That are taken from the columns, from 0, the coarsest, on: 0-3,6.",
                        flag_values=values)  # fmt: skip
    _latents.define(values, out="The file: .png or another picture.")


def run(*, workdir, out, seeds, latents, seed, columns, layers, overwrite, **own) -> None:
    out = None if out is None else Path(out).expanduser()
    given = {"seeds": seeds, "latents": latents, "seed": seed}
    _latents.check("mix", workdir=workdir, out=out, suffixes=SUFFIXES, overwrite=overwrite, **given)
    if columns is None or layers is None:
        raise UserError("--mode=mix needs --columns=6,7,8, samples, and --layers=0-3, what is taken from them")
    chosen = {name: own.pop(name) for name in ("label", "space", "truncation")}
    _latents.parse_seeds(columns, "--columns")
    with _latents.opened(workdir, **own) as model:
        import numpy as np

        from gan_jax import images
        from gan_jax.latent.mixing import mix, parse_layers

        beside = _latents.read(model, **given, **chosen)
        above = _latents.read(model, seeds=columns, latents=None, seed=seed, **chosen)
        mask = parse_layers(layers, beside.values.shape[1])
        mixed = mix(beside.values, above.values, mask)
        cells = beside.take(np.repeat(np.arange(len(beside)), len(above)))
        pictures = [
            model.decode(each, seed)
            for each in (beside, above, dataclasses.replace(cells, values=np.concatenate(mixed)))
        ]
        shown = [model.makes.modality.thumbnails(stored, model.makes) for stored in pictures]
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
