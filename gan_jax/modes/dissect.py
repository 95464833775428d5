"""Finds the units of a generator that make a concept, such as windows, and measures what they cause (GAN Dissection).

python main.py --mode=dissect --workdir=runs/houses --segmenter=facades.npz --out=FOLDER
python main.py --mode=dissect --workdir=runs/digits_dcgan --concepts=digits --out=FOLDER

A segmenter is a file of --mode=train_segmenter. Other concepts: digits (ink, holes, ends and junctions of strokes), or
classifier:FILE, which knows how much there is but not where. FOLDER has report.html for people, report.json for
--mode=paint and other programs, and report.png.
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
    text("segmenter", None, "A file of --mode=train_segmenter, whose classes are the concepts.")
    text("concepts", None, "Other concepts, in place of --segmenter: digits, classifier:FILE, or a module of yours.")
    text("layer", None, "The layer, by its name; by default the last with at least 4x4 pixels to a place.")
    text("out", None, "A folder for the report.")
    text("label", None, "Of a conditional run, a class, by its name or number; by default each in turn.")
    number("num", 1000, "Samples that units are compared with concepts by.")
    number("units", None, "How many are changed together; by default 20, but at most a quarter of the layer.")
    number("steps", 100, "Of the optimization that ranks units, for each concept that is found; 0: none.")
    flags.DEFINE_float(
        "strength", 1.0, "Of insertions: so many times a unit's mean where the concept is.", flag_values=values
    )
    flags.DEFINE_bool(
        "artefacts", False, "Also look for units without which samples are nearer to the data.", flag_values=values
    )
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir, out, segmenter, concepts, seed: int, ema, half_life, code, **options) -> None:
    if workdir is None or out is None or (segmenter is None) == (concepts is None):
        raise UserError("--mode=dissect needs --workdir=DIR, --out=FOLDER and --segmenter=FILE or --concepts=NAME")
    cli.check_seed(seed)
    if options["num"] < 1 or options["steps"] < 0 or (options["units"] is not None and options["units"] < 1):
        raise UserError("--num and --units must be positive, --steps at least 0")
    if not options["strength"] > 0:
        raise UserError(f"--strength={options['strength']}: must be above 0")
    workdir, out = Path(workdir).expanduser(), Path(out).expanduser()
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    cli.start_jax()
    from gan_jax.dissect import dissect_to_folder

    with own_code.trusting(workdir, code):
        options |= {"concepts": concepts or f"segmenter:{segmenter}", "seed": seed, "ema": average(ema, half_life)}
        dissect_to_folder(workdir, out, **options)
