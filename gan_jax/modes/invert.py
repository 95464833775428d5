"""Finds where pictures lie in the latent space of a run: the latents whose pictures are nearest to them.

python main.py --mode=invert --workdir=runs/digits_dcgan --input=PICTURES --out=FOLDER
python main.py --mode=invert --workdir=runs/faces --input=me.png --out=FOLDER --space=w+ --tuned=runs/me

Each projection has the name of its picture; FOLDER/side_by_side has picture, projection and difference,
FOLDER/latents.npz the latents, for --latents of other modes.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, shared


def define(values: flags.FlagValues) -> None:
    text, number = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_integer, flag_values=values)
    real = partial(flags.DEFINE_float, flag_values=values)
    shared(values, "workdir")
    text("input", None, "A picture, or a folder of pictures.")
    text("out", None, "A folder for the results.")
    text("space", None, "z, w, or w+, latents of their own for each layer; by default the best one to move in.")
    text(
        "label", None, "Of a conditional run, the class of the pictures, by its name or number; by default it is found."
    )
    number("steps", 300, "Of the search.")
    number("restarts", 1, "Starts for each picture (and class), of which the best end is kept.")
    real("learning_rate", 0.1, "In deviations of the latents.")
    real("prior", 0.1, "The weight of a penalty on latents far out.")
    text("tuned", None, "A folder for a copy of the run, whose generator is then moved to the pictures.")
    number("tune_steps", 350, "Of that move.")
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir, input, out, tuned, steps, restarts, prior, learning_rate, space, seed, code, **options) -> None:
    if workdir is None or input is None or out is None:
        raise UserError("--mode=invert needs --workdir=DIR, --input=FILE_OR_FOLDER and --out=FOLDER")
    cli.check_seed(seed)
    if steps < 0 or restarts < 1 or options["tune_steps"] < 1:
        raise UserError("--steps must not be negative, --restarts and --tune_steps must be positive")
    if not (prior >= 0 and 0 < learning_rate < float("inf")):
        raise UserError(f"--prior={prior} --learning_rate={learning_rate}: must be a weight, and a positive number")
    paths = [None if path is None else Path(path).expanduser() for path in (workdir, input, out, tuned)]
    if paths[2].resolve() in (paths[1].resolve(), paths[1].resolve().parent):
        raise UserError(f"--out={out}: that is where the pictures lie, choose another folder")
    cli.start_jax()
    from gan_jax.invert import invert_files
    from gan_jax.latent.inversion import Search

    by_layer, space = bool(space) and space.endswith("+"), space and space.removesuffix("+")
    search = Search(space, by_layer, steps, restarts, learning_rate, prior, seed)
    options["ema"] = average(options["ema"], options.pop("half_life"))
    with own_code.trusting(paths[0], code):
        invert_files(*paths[:3], search=search, tuned=paths[3], **options)
