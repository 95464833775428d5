"""Walks through latent space from sample to sample: a video, or a strip of pictures.

python main.py --mode=walk --workdir=runs/digits_dcgan --seeds=1,2,3 --frames=8 --out=walk.gif
python main.py --mode=walk --workdir=runs/faces --seeds=0-7 --grid=2x2 --loop --spline --out=walk.mp4
"""

from functools import partial

from absl import flags

from gan_jax.errors import UserError
from gan_jax.modes import _latents

SUFFIXES = (".gif", ".webp", ".png", ".mp4")


def define(values: flags.FlagValues) -> None:
    switch = partial(flags.DEFINE_bool, flag_values=values)
    flags.DEFINE_integer("frames", 16, "From one sample to the next.", flag_values=values)
    flags.DEFINE_float("fps", 16.0, "Frames a second.", flag_values=values)
    flags.DEFINE_string(
        "grid", "1x1", "Walks side by side, ROWSxCOLUMNS, among which the samples are divided.", flag_values=values
    )
    switch("loop", False, "Go back to the first sample at the end.")
    switch("spline", False, "Go along a cubic spline, without corners; else the shortest way, in z a great circle.")
    switch("moving_noise", False, "New noise in the generator for every frame.")
    _latents.define(values, out=f"The file: {', '.join(SUFFIXES)}; .png has the frames side by side.")


def run(*, frames, fps, grid, loop, spline, moving_noise, seed, **shared) -> None:
    rows, columns = parse_grid(grid)
    if frames < 1 or not 0 < fps <= 50:
        raise UserError(f"--frames={frames} --fps={fps:g}: at least 1 frame, and up to 50 a second")
    with _latents.opened("walk", SUFFIXES, seed=seed, **shared) as (model, keyframes, out):
        import numpy as np

        from gan_jax import images
        from gan_jax.latent.walking import walk

        length, rest = divmod(len(keyframes), rows * columns)
        if rest or length < 2:
            raise UserError(f"--grid={grid}: {len(keyframes)} samples are not at least two for each of its walks")
        parts = (keyframes.take(slice(i, i + length)) for i in range(0, len(keyframes), length))
        walks = [walk(model, each, frames, loop=loop, curve=spline, moving=moving_noise) for each in parts]
        shown = np.stack([model.pictures(each, seed) for each in walks], axis=1)
        images.save_video(np.stack([images.grid(frame, columns) for frame in shown]), out, fps)
    print(f"{len(shown)} frames -> {out}")


def parse_grid(text: str) -> tuple[int, int]:
    """(rows, columns)

    Raises:
        UserError: it is not written ROWSxCOLUMNS.
    """
    rows, _, columns = text.partition("x")
    if not (rows.isdigit() and columns.isdigit() and int(rows) and int(columns)):
        raise UserError(f"--grid={text}: must be ROWSxCOLUMNS, such as 2x4")
    return int(rows), int(columns)
