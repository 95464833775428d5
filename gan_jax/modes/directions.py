"""Finds directions in the latent space of a run that change one thing in its pictures.

python main.py --mode=directions --workdir=runs/digits_dcgan --method=labels --out=FOLDER
python main.py --mode=directions --workdir=runs/faces --method=labels --attributes=classifier:sex.npz --out=FOLDER
python main.py --mode=directions --workdir=runs/faces --method=pca --layers=0-3 --out=FOLDER

pca: in which latents vary most (GANSpace). sefa: that change most what the layers read (SeFa). labels: along which
measured attributes rise, each without the others (InterFaceGAN); means: from the mean of pictures with less of them to
that of those with more (VAE/GAN). Attributes are digits (slant, thickness, width, height, holes), classifier or
classifier:FILE (a class against the others), ordered:FILE (the mean class), or a module of yours.
FOLDER has a sheet of each direction, directions.npz for --mode=edit, and effects.csv: how much a step along each moves
each attribute, in deviations.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, shared


def define(values: flags.FlagValues) -> None:
    text, number = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_integer, flag_values=values)
    shared(values, "workdir")
    flags.DEFINE_enum("method", "labels", ["labels", "means", "pca", "sefa"], "How they are found.", flag_values=values)
    text("out", None, "A folder for the results.")
    text("attributes", None, "What is measured, with commas between: digits,classifier:FILE; by default what fits.")
    text("space", None, "z or w; by default the one that is best to move in.")
    text("layers", "all", "That are moved, from 0, the coarsest, on: 0-3,6.")
    text("label", None, "Of a conditional run, a class, by its name or number; by default each in turn.")
    number("num", 10_000, "Samples that directions are found by.")
    number("components", 10, "Directions of pca and sefa, at most.")
    flags.DEFINE_bool("conditional", True, "Let no direction of an attribute change the others.", flag_values=values)
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir, out, seed: int, ema, half_life, code, **options) -> None:
    if workdir is None or out is None:
        raise UserError("--mode=directions needs --workdir=DIR and --out=FOLDER")
    cli.check_seed(seed)
    if options["num"] < 1 or options["components"] < 1:
        raise UserError("--num and --components must be positive")
    workdir, out = Path(workdir).expanduser(), Path(out).expanduser()
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    cli.start_jax()
    from gan_jax.directions import directions_to_folder

    with own_code.trusting(workdir, code):
        directions_to_folder(workdir, out, seed=seed, ema=average(ema, half_life), **options)
