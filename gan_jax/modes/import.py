"""Makes a run of weights that other code has trained, such as the authors' of a paper.

python main.py --mode=import --format=pix2pix --weights=latest_net_G.pth --workdir=runs/facades_official
python main.py --mode=import --format=cyclegan --weights=latest_net_G_A.pth,latest_net_G_B.pth --workdir=runs/official

The run can be sampled, translated with, evaluated, and trained on as any other; docs/import.md has the formats. The
sizes of networks are those of the files. Nothing in a file is executed.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, foreign, own_code
from gan_jax.errors import UserError
from gan_jax.lookup import modules_of
from gan_jax.modes import shared


def define(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("format", None, f"Whose files they are: {', '.join(modules_of(foreign))}, or a module of your own.")
    text("weights", None, "The files, separated by commas: the generator, or all networks in the format's order.")
    shared(values, "workdir", "code", config=None)  # by default the format's


def run(*, format, weights, workdir, config: str | None, changes: Mapping[str, str], code) -> None:
    if format is None or weights is None or workdir is None:
        raise UserError("--mode=import needs --format=NAME, --weights=FILE and --workdir=DIR")
    workdir = Path(workdir).expanduser()
    paths = [Path(path).expanduser() if path else None for path in weights.split(",")]
    for path in filter(None, paths):
        if not path.is_file():
            raise UserError(f"--weights={path}: there is no such file")
    if workdir.exists() and (not workdir.is_dir() or any(workdir.iterdir())):
        raise UserError(f"--workdir={workdir} is not empty: choose another --workdir")
    own_code.trust(code)
    own_code.add_to_path([Path.cwd()])
    cli.start_jax()
    from gan_jax.foreign._run import import_weights

    import_weights(format, paths, workdir, config, changes)
