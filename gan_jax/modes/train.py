"""Trains a GAN; started again, it resumes from the newest whole checkpoint.

python main.py
python main.py --config=ring_mlp --config.total_kimg=500
python main.py --config=sngan:digits --workdir=runs/mine
srun python main.py --workdir=SHARED/run --distributed
"""

import os
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import Interrupted, UserError
from gan_jax.modes import shared


def define(values: flags.FlagValues) -> None:
    text, number = partial(flags.DEFINE_string, flag_values=values), partial(flags.DEFINE_integer, flag_values=values)
    choice, switch = partial(flags.DEFINE_enum, flag_values=values), partial(flags.DEFINE_bool, flag_values=values)
    shared(values, "config")
    text("workdir", None, "The run's folder; by default runs/NAME, of the config.")
    choice("runner", "auto", ["auto", "jit", "pmap", "mesh", "fsdp"], "How rounds use several devices.")
    number("devices", None, "How many of this host's devices to use; by default all.")
    switch("distributed", False, "Several hosts that JAX finds: SLURM, Cloud TPU, Kubernetes, Open MPI.")
    text("coordinator_address", None, "HOST:PORT of process 0, for several hosts (jax.distributed).")
    number("num_processes", None, "How many processes there are, for several hosts.")
    number("process_id", None, "This process's number, from 0, for several hosts.")
    shared(values, "code")


def run(*, config: str, changes: Mapping[str, str], workdir: str | None, runner, devices, code, **hosts) -> None:
    workdir = Path(workdir or default_workdir(config)).expanduser()
    own_code.trust(code)
    # All names are from the command line, or from a file that it names: whoever types them trusts that code.
    folders, _ = own_code.trusted(workdir)
    own_code.add_to_path([*folders, Path.cwd()])
    config = cli.configure(config, changes)
    cli.start_jax()
    import jax

    from gan_jax.loop import train
    from gan_jax.runners import make_runner

    join_hosts(**hosts)
    try:
        train(config, workdir, make_runner(runner, devices))
    except Exception as error:
        if jax.process_count() == 1 or isinstance(error, Interrupted):  # which all processes have agreed on
            raise
        # An orderly exit would wait for the other processes, which may be lost, or wait for this one.
        explained = cli.explain(error)
        status, message = explained or (1, f"{type(error).__name__}: {error}".splitlines()[0])
        hint = "if another process was lost, start all of them again to resume"
        cli.log_error(f"process {jax.process_index()} stopped: {message} ({hint})")
        if not explained:
            traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(status)


def default_workdir(config: str) -> Path:
    """runs/NAME for NAME and FOLDER/NAME.py, runs/NAME_WORD for NAME:WORD and FOLDER/NAME.py:WORD."""
    return Path("runs", Path(config).name.replace(".py:", "_").replace(":", "_").removesuffix(".py"))


def join_hosts(distributed: bool, coordinator_address: str | None, num_processes, process_id) -> None:
    """Makes this process one of several, if the flags say so.

    Raises:
        UserError: the flags do not fit together, or no cluster was found.
    """
    import jax

    hosts = (coordinator_address, num_processes, process_id)
    if distributed:
        if any(value is not None for value in hosts):
            raise UserError("--distributed finds --coordinator_address, --num_processes and --process_id by itself")
    elif all(value is None for value in hosts):
        return
    elif any(value is None for value in hosts):
        raise UserError("several hosts need --coordinator_address, --num_processes and --process_id together")
    else:
        host, _, port = coordinator_address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise UserError(f"--coordinator_address={coordinator_address}: must be HOST:PORT")
        if not 0 <= process_id < num_processes:
            raise UserError(f"--process_id={process_id} and --num_processes={num_processes}: the first counts from 0")
    try:
        # A lost process is noticed, and the others ended, within this time.
        jax.distributed.initialize(*hosts, heartbeat_timeout_seconds=30)
    except (ValueError, RuntimeError) as error:
        if not distributed:
            raise
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"--distributed: JAX finds no cluster to join ({reason}): start with srun, or on all workers of a TPU pod, "
            f"or give --coordinator_address, --num_processes and --process_id"
        ) from None
