"""Measures samples of a trained run, or any set of examples, against real ones: fid, precision, recall, ...

python main.py --mode=evaluate --workdir=runs/digits_dcgan --num=10000
python main.py --mode=evaluate --images_a=PATH --images_b=PATH
python main.py --mode=evaluate --workdir=runs/digits_dcgan --images_a=PATH
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
    text(
        "images_a",
        None,
        "A folder, .zip, .npz or data.source, in place of a run's samples; with --workdir read as the run's data are.",
    )
    text("images_b", None, "The real examples; by default the run's own data.")
    text("image_size", None, "Resize --images_a and --images_b, to 64 or 48x80; by default they are left as they are.")
    text("metrics", "auto", "auto, all, or names separated by commas, as fid,kid,pr.")
    kinds = (
        "points, pixels, classifier[:FILE], matcher[:FILE], segmenter:FILE, inception[:FILE], inception_clean[:FILE]"
    )
    text("features", "auto", f"{kinds} or efficientnet[:FILE].")
    number("num", 50_000, "How many samples.")
    text("out", None, "FILE.json for the report; by default a line more of evaluations.jsonl in the workdir.")
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def run(
    *, workdir, images_a, images_b, image_size, num, seed, out, ema, half_life, checkpoint, code=None, **options
) -> None:
    if workdir is None and (images_a is None or images_b is None):
        raise UserError("--mode=evaluate needs --workdir=DIR of a run, or --images_a=PATH and --images_b=PATH")
    if workdir and image_size:
        raise UserError("--image_size is for --images_a: a run's samples have the size that it was trained on")
    ema = average(ema, half_life)
    if images_a and (checkpoint != "last" or ema is not True):
        raise UserError("--checkpoint, --half_life and --noema are for --workdir: --images_a are taken as they are")
    if out is not None and not (out.endswith(".json") and Path(out).expanduser().absolute().parent.is_dir()):
        raise UserError(f"--out={out}: must be a .json file in a folder that exists")
    if num < 1:
        raise UserError(f"--num={num}: must be positive")
    cli.check_seed(seed)
    cli.start_jax()
    from gan_jax.evaluate import evaluate_run, evaluate_sets

    options |= {"num": num, "seed": seed, "out": out and Path(out).expanduser()}
    if workdir is None:
        own_code.trust(code)
        evaluate_sets(images_a, images_b, image_size=image_size or "native", **options)
        return
    workdir = Path(workdir).expanduser()
    with own_code.trusting(workdir, code):
        evaluate_run(workdir, fake=images_a, real=images_b, ema=ema, checkpoint=checkpoint, **options)
