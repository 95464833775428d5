"""The peers' files as runs."""

from pathlib import Path

import jax
import numpy as np

from gan_jax import cli
from gan_jax.run import load

FOLDER = Path(__file__).parent


def imported(workdir, form, names, *flags):
    """The run that the command line makes of files beside this one, ("pix2pix_G.pth", ...)."""
    weights = ",".join(str(FOLDER / name) if name else "" for name in names)
    arguments = [f"--format={form}", f"--weights={weights}", f"--workdir={workdir}", *flags]
    mode, given = cli.parse(["--mode=import", *arguments])
    cli.find_mode(mode).run(**given)
    return load(workdir)


def apply(run, name, given):
    """What a map makes, by the newest variables and without noise: float [n, ...]."""
    made = jax.jit(run.experiment.game.maps[name].apply)(run.state.variables, None, None, given)
    return np.asarray(made)


def assert_close(ours, theirs, tolerance):
    """To a share of their largest number."""
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()
