"""Moves samples, or pictures that were inverted, along directions of `--mode=directions`.

python main.py --mode=edit --workdir=runs/faces --seeds=0-5 --directions=FILE.npz --move=age=2,sex=-1 --out=edited.png
python main.py --mode=edit --workdir=runs/faces --latents=FILE.npz --directions=FILE.npz --move=age=2 --out=older.npz

A picture has each sample before and after; an .npz file has the latents, for --latents of other modes.
"""

import math
from functools import partial

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".npz")


def define(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("directions", None, "A file of --mode=directions.")
    text("move", None, "Steps along directions, a deviation each: slant=2,thickness=-1.5.")
    text("layers", "all", "That are moved, from 0, the coarsest, on: 0-3,6.")
    _latents.define(values, out="The file: .png or another picture, or .npz.")


def run(*, directions: str | None, move: str | None, layers: str, seed: int, **shared) -> None:
    if directions is None or move is None:
        raise UserError("--mode=edit needs --directions=FILE.npz and --move=NAME=STEPS, such as --move=slant=2")
    steps = parse_moves(move)
    with _latents.opened("edit", SUFFIXES, seed=seed, **shared) as (model, latents, out):
        from pathlib import Path

        import numpy as np

        from gan_jax import images
        from gan_jax.latent.directions import load_directions, moved
        from gan_jax.latent.mixing import parse_layers

        found = load_directions(Path(directions).expanduser(), model)
        if found.space != latents.space:
            raise UserError(
                f"--directions={directions}: they are of the space {found.space}, the latents of {latents.space}"
            )
        chosen = parse_layers(layers, latents.values.shape[1])
        vector = sum(step * found[name] for name, step in steps.items())
        after = moved(latents, np.where(chosen[:, None], vector, 0))
        if out.suffix.lower() == ".npz":
            model.save(after, out)
        else:
            columns = 2 * math.ceil(math.sqrt(len(latents) / 2))
            shown = [model.pictures(each, seed) for each in (latents, after)]
            images.save(images.grid(np.stack(shown, axis=1).reshape(-1, *shown[0].shape[1:]), columns), out, mark=True)
    print(f"{len(latents)} samples moved by {move} -> {out}")


def parse_moves(text: str) -> dict[str, float]:
    """{direction: steps}

    Raises:
        UserError: it is not written NAME=STEPS,NAME=STEPS.
    """
    steps = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        try:
            steps[name] = float(number)
        except ValueError:
            steps[name] = float("nan")
        if not name or not abs(steps[name]) < float("inf"):
            raise UserError(f"--move={text}: must be NAME=STEPS, such as slant=2,thickness=-1.5")
    return steps
