"""Draws concepts into pictures of a run, or removes them, at the places of strokes (GAN Paint).

python main.py --mode=paint --workdir=runs/houses --seed=1 --strokes=FILE.json --out=picture.png

FILE.json is a list of strokes, such as [{"concept": "door", "do": "draw", "rectangle": [20, 40, 30, 60]}]; concepts are
those of --mode=dissect, whose folder is --dissection. docs/dissection.md says what a stroke may have. The picture shows
each sample before, the places, and after.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def define(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("strokes", None, "A JSON file of strokes.")
    text("dissection", None, "The folder of --mode=dissect; by default DIR/dissection.")
    _latents.define(values, out="The file: .png or another picture.")


def run(*, strokes, dissection, seeds, latents, workdir, seed: int, **shared) -> None:
    if strokes is None:
        raise UserError("--mode=paint needs --strokes=FILE.json")
    if seeds is None and latents is None:
        seeds = "0"
    given = {"seeds": seeds, "latents": latents, "workdir": workdir, "seed": seed}
    with _latents.opened("paint", SUFFIXES, **given, **shared) as (model, found, out):
        import numpy as np

        from gan_jax import images
        from gan_jax.latent.painting import make_painter, read_strokes

        folder = Path(dissection or Path(workdir) / "dissection").expanduser()
        painted = read_strokes(Path(strokes).expanduser(), model, folder)
        paint = make_painter(model, found.space, seed)
        mask = np.max([stroke.mask for stroke in painted], axis=0) if painted else np.zeros(model.makes.shape[:2])
        thumbnails = lambda pictures: model.makes.modality.thumbnails(pictures, model.makes)
        shown = {
            "before": thumbnails(paint(found, [])),
            "places": np.broadcast_to(np.uint8(255 * mask)[None, ..., None], (len(found), *mask.shape, 1)),
            "after": thumbnails(paint(found, painted)),
        }
        images.save(images.titled_sheet(shown), out, mark=True)
    print(f"{len(painted)} strokes on {len(found)} samples -> {out}")
