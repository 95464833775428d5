"""Generates samples from a trained run: a picture of many, or arrays.

python main.py --mode=sample --workdir=runs/digits_dcgan --out=digits.png
python main.py --mode=sample --workdir=runs/digits_dcgan --out=digits.npz --num=10000 --label=7
python main.py --mode=sample --workdir=runs/stackgan --text="a thick red three on blue" --num=8 --out=threes.png
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, said, shared, texts


def define(values: flags.FlagValues) -> None:
    text, number = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_integer, flag_values=values)
    shared(values, "workdir")
    text("out", None, "The file: .png or another picture, or .npz for arrays.")
    number("num", 64, "How many.")
    text("label", None, "Of a conditional run, a class, by its name or number; by default each in turn.")
    texts(values)
    real = partial(flags.DEFINE_float, flag_values=values)
    real("truncation", 1.0, "psi: below 1, latents nearer to their mean: less variety, fewer failures.")
    number("cutoff", None, "Truncate so many layers, from the coarsest on; by default all.")
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir: str | None, out: str | None, seed: int, ema, half_life, code, text, **options) -> None:
    if workdir is None or out is None:
        raise UserError("--mode=sample needs --workdir=DIR and --out=FILE.png or FILE.npz")
    cli.check_seed(seed)
    workdir, out, text = Path(workdir).expanduser(), Path(out).expanduser(), said(text)
    cli.start_jax()
    from gan_jax.run import sample_to_file

    with own_code.trusting(workdir, code):
        sample_to_file(workdir, out, seed=seed, ema=average(ema, half_life), text=text, **options)
