"""Real processes: one that is killed, several that play as one, others that resume what these began."""

import os
import subprocess
import sys
import time
from pathlib import Path

import chex
from tiny import get_config
from whole_runs import EVALUATED, final_state, run

from gan_jax.loop import train
from gan_jax.runners import make_runner

MAIN = Path(__file__).parent.parent / "main.py"


def command(workdir, *flags, devices=1, **environment):
    """The tiny experiment as a person would start it, with few and far between pictures, and compiled in a hurry."""
    rare = ("--config.sample_kimg=80", "--config.checkpoint_kimg=0.8")
    arguments = [
        sys.executable,
        MAIN,
        f"--config={MAIN.parent / 'tests' / 'tiny.py'}",
        f"--workdir={workdir}",
        *rare,
        *flags,
    ]
    xla = os.environ["XLA_FLAGS"].replace("device_count=4", f"device_count={devices}")
    environment = {**os.environ, "XLA_FLAGS": xla, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1", **environment}
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def saved(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit())


def wait_for(condition, process, seconds=180):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.1)


def test_kill_9_loses_only_what_came_after_the_last_checkpoint(tmp_path):
    """A real process, killed at a random moment after its second checkpoint; then the same command again."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = command(killed, "--config.total_kimg=4000")
    wait_for(lambda: len(saved(killed)) >= 2, process)
    process.kill()
    process.wait()
    kimg = (saved(killed)[-1] + 60) * 16 / 1000
    for workdir in (killed, whole):
        process = command(workdir, f"--config.total_kimg={kimg}")
        assert process.wait(timeout=300) == 0, process.communicate()[0]
    chex.assert_trees_all_equal(final_state(get_config(), killed)[0], final_state(get_config(), whole)[0])


def several_processes(count, workdir, port, *flags):
    shared = (f"--num_processes={count}", f"--coordinator_address=127.0.0.1:{port}", *flags)
    return [command(workdir, f"--process_id={i}", *shared) for i in range(count)]


def tasks_of_slurm(count, workdir, port, *flags, devices):
    """What srun starts: processes that learn from the environment who they are."""
    job = {"SLURM_JOB_ID": "1", "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_NTASKS": str(count)}
    job |= {"JAX_COORDINATOR_PORT": str(port)}
    task = lambda i: {"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i), **job}
    return [command(workdir, "--distributed", *flags, devices=devices, **task(i)) for i in range(count)]


def printed(processes):
    """What each process printed; none of them failed."""
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert not any(process.returncode for process in processes), "\n".join(outputs)
    return outputs


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_two_processes_play_as_one_and_survive_the_loss_of_one(tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    flags = [f"--config.{key}={value}" for key, value in {**EVALUATED, "eval_kimg": 0.8}.items()]
    processes = several_processes(2, together, free_port(), "--config.total_kimg=4000", *flags)
    wait_for(lambda: saved(together), processes[0])
    processes[1].kill()
    lost = time.monotonic()
    assert processes[0].wait(timeout=60) not in (0, None)
    assert time.monotonic() - lost < 60
    kimg = (saved(together)[-1] + 20) * 16 / 1000
    printed(several_processes(2, together, free_port(), f"--config.total_kimg={kimg}", *flags))
    two, record = final_state(get_config(), together)
    one, _ = run(get_config(total_kimg=kimg, sample_kimg=80.0, checkpoint_kimg=80.0), alone)
    chex.assert_trees_all_close(two.variables, one.variables, rtol=1e-3, atol=1e-4)
    assert record["evaluated"] == int(two.step) and record["best"]["step"] in saved(together)


def test_a_run_is_resumed_by_other_processes_devices_and_runners(tmp_path):
    """Four processes, then two with two devices each, then one; another one plays the whole game."""
    moved, alone = tmp_path / "moved", tmp_path / "alone"
    networks = [f"networks.{player}" for player in ("generator", "discriminator")]
    changes = {f"{network}.{key}": value for network in networks for key, value in (("width", 2048), ("depth", 1))}
    changes |= {"data.resident_mb": 0, "sample_kimg": 80.0}  # each process reads its own part of every batch
    flags = [f"--config.{key}={value}" for key, value in changes.items()]
    until = lambda rounds: f"--config.total_kimg={rounds * 16 / 1000}"
    first, *others = printed(several_processes(4, moved, free_port(), "--runner=fsdp", until(4), *flags))
    assert "fsdp on 4" in first and not any("kimg" in output for output in others)
    first, other = printed(tasks_of_slurm(2, moved, free_port(), "--runner=fsdp", until(8), *flags, devices=2))
    assert "fsdp on 4" in first and "rounds 4 to 8" in first and "kimg" not in other
    train(get_config(**changes, total_kimg=0.192, checkpoint_kimg=0.8), moved, make_runner("mesh", 2))
    whole, _ = run(get_config(**changes, total_kimg=0.192), alone)
    chex.assert_trees_all_close(final_state(get_config(**changes), moved)[0], whole, rtol=1e-3, atol=1e-4)
    assert len(list((moved / "tensorboard").iterdir())) == 3  # one process writes, each time
    assert sorted(path.name for path in (moved / "samples").glob("*.png")) == [f"{i:06}.png" for i in (0, 4, 8, 12)]
