"""Cleans images of attacks on a classifier by a generator, and measures how well (Defense-GAN).

python main.py --mode=defend --workdir=runs/digits_dcgan --test=MNIST --num=1000 --out=FOLDER

Attacks: none; fgsm, rand_fgsm, pgd, cw, which know the classifier alone; bpda and manifold, which know of the cleaning
too, and defeat it. FOLDER has report.json and a picture of each attack: clean, attacked, cleaned. The same command goes
on where it was stopped.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, shared

ATTACKS = "none,fgsm,rand_fgsm,pgd,cw,bpda,manifold"


def define(values: flags.FlagValues) -> None:
    text, number = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_integer, flag_values=values)
    shared(values, "workdir")
    text("classifier", None, "A file of --mode=train_classifier; by default the one for digits.")
    text("test", "", "A labeled folder, .zip, .npz or data.source to attack; by default what was held out, or all.")
    text("attacks", ATTACKS, "Names, with commas between.")
    number("num", 1000, "Images.")
    number("adaptive", 50, "Images that bpda and manifold attack: bpda cleans them in each of its steps.")
    flags.DEFINE_float("epsilon", 0.3, "The most that a pixel of [0, 1] moves.", flag_values=values)
    number("steps", 200, "Of the search for a clean image.")
    number("restarts", None, "Its starts for each image (and class); by default 10 in all.")
    text("out", None, "A folder for the results.")
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir, out, classifier, attacks, steps, restarts, seed: int, ema, half_life, code, **options) -> None:
    if workdir is None or out is None:
        raise UserError("--mode=defend needs --workdir=DIR and --out=FOLDER")
    cli.check_seed(seed)
    if min(options["num"], options["adaptive"], 1 if restarts is None else restarts) < 1 or steps < 0:
        raise UserError("--num, --adaptive and --restarts must be positive, --steps at least 0")
    if not 0 < options["epsilon"] <= 1:
        raise UserError(f"--epsilon={options['epsilon']}: must be above 0, and at most 1")
    names = tuple(attacks.split(","))
    for name in names:
        if name not in ATTACKS.split(","):
            raise UserError(f"--attacks={attacks}: {name!r} is none, they are {ATTACKS}")
    workdir, out = Path(workdir).expanduser(), Path(out).expanduser()
    if out.exists() and not out.is_dir():
        raise UserError(f"--out={out}: must be a folder")
    cli.start_jax()
    from gan_jax.defend import defend_to_folder

    with own_code.trusting(workdir, code):
        options |= {"names": names, "steps": steps, "restarts": restarts, "seed": seed, "ema": average(ema, half_life)}
        defend_to_folder(workdir, out, classifier=classifier and Path(classifier).expanduser(), **options)
