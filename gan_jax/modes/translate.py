"""Translates pictures with a trained run: from drawings to photographs, from gray to color; clips to what follows.

    python main.py --mode=translate --workdir=runs/facades_pix2pix --input=PICTURES --out=FOLDER

Each result has the name of its picture; beside it, in FOLDER/side_by_side, both are one picture.
"""

from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, shared


def define(values: flags.FlagValues) -> None:
    text, switch = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_bool, flag_values=values)
    shared(values, "workdir")
    text("input", None, "A picture or a clip, or a folder of such; a folder of frames is a clip.")
    text("out", None, "A folder for the results.")
    text("direction", None, "ab, from inputs to targets, or ba, back (CycleGAN); by default the first that there is.")
    text("style", None, "A picture whose style the results get (SPADE); by default it is drawn, by --seed.")
    text("image_size", None, "What the network gets: 64, 48x80, or native, the pictures' own; by default the run's.")
    switch("halves", False, "The pictures are pairs, like those of the run: take the half that is the input.")
    switch("animate", False, "Also write animations in which input and output take turns.")
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(*, workdir, input, out, image_size, seed: int, ema, half_life, style=None, code=None, **options) -> None:
    if workdir is None or input is None or out is None:
        raise UserError("--mode=translate needs --workdir=DIR, --input=FILE_OR_FOLDER and --out=FOLDER")
    cli.check_seed(seed)
    workdir, given, out = (Path(path).expanduser() for path in (workdir, input, out))
    if out.resolve() in (given.resolve(), given.resolve().parent):
        raise UserError(f"--out={out}: that is where the pictures lie, choose another folder")
    cli.start_jax()
    from gan_jax.translate import translate_files

    with own_code.trusting(workdir, code):
        options |= {"image_size": image_size or "run", "seed": seed, "ema": average(ema, half_life)}
        options |= {"style": Path(style).expanduser() if style else None}
        translate_files(workdir, given, out, **options)
