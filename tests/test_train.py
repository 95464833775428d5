"""Whole runs: what they leave behind, exact resume, faults."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import chex
import numpy as np
import pytest
from PIL import Image
from tiny import get_config

from gan_jax.checkpoints import Checkpoints
from gan_jax.errors import Diverged, Interrupted, UserError
from gan_jax.experiment import build
from gan_jax.networks import mlp
from gan_jax.runners import make_runner
from gan_jax.train import train

MAIN = Path(__file__).parent.parent / "main.py"
EVALUATED = {
    "evaluation.features": "points", "evaluation.metrics": "dc", "evaluation.num": 300, "eval_kimg": 0.08,
}  # fmt: skip


def run(config, workdir):
    train(config, workdir, make_runner("jit"))
    return final_state(config, workdir)


def final_state(config, workdir):
    like = lambda record: build(config, tuple(record["image_shape"]), record["num_classes"]).state_shapes
    return Checkpoints(workdir / "checkpoints", read_only=True).restore(like)


def lines(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def ring_run(tmp_path_factory):
    """Twenty rounds of the tiny game, played through."""
    workdir = tmp_path_factory.mktemp("ring") / "run"
    config = get_config(total_kimg=0.32, **EVALUATED)
    return config, workdir, run(config, workdir)


def test_a_run_leaves_what_the_readme_says(ring_run):
    config, workdir, (state, record) = ring_run
    assert int(state.step) == 20
    assert json.loads((workdir / "config.json").read_text()) == config.to_dict()
    assert sorted(path.name for path in (workdir / "samples").iterdir()) == [
        "000000.png", "000005.png", "000010.png", "000015.png", "000020.png", "progress.gif",
    ]  # fmt: skip
    assert Image.open(workdir / "samples" / "000020.png").size == (600, 600)
    assert Image.open(workdir / "samples" / "progress.gif").n_frames == 5
    assert Image.open(workdir / "curves.png").size == (800, 1250)
    assert list((workdir / "tensorboard").iterdir())
    kept = {int(path.name) for path in (workdir / "checkpoints").iterdir()}
    assert kept == {10, 15, 20, record["best"]["step"]}  # the last three, and the best
    told = [line for line in lines(workdir) if "generator/loss" in line]
    assert [line["step"] for line in told] == [5, 10, 15, 20] and told[-1]["kimg"] == 0.32
    assert set(told[-1]) == {
        "step", "kimg", "images_per_second", "discriminator/loss", "discriminator/gradient_norm",
        "discriminator/real_right", "discriminator/fake_right", "discriminator/learning_rate",
        "generator/loss", "generator/gradient_norm", "generator/learning_rate",
    }  # fmt: skip
    assert [line["step"] for line in lines(workdir) if "sliced_wasserstein" in line] == [0, 5, 10, 15, 20]
    evaluated = [line["evaluation/coverage"] for line in lines(workdir) if "evaluation/coverage" in line]
    assert len(evaluated) == 4 and record["best"]["coverage"] == max(evaluated)


def test_stop_and_resume_is_bit_for_bit_the_whole_run(ring_run, tiny, tmp_path):
    _, whole_dir, (whole, _) = ring_run
    run(tiny(total_kimg=0.16, **EVALUATED), tmp_path)
    state, _ = run(tiny(total_kimg=0.32, **EVALUATED), tmp_path)
    chex.assert_trees_all_equal(state, whole)
    for name in ("000000.png", "000020.png"):
        assert (tmp_path / "samples" / name).read_bytes() == (whole_dir / "samples" / name).read_bytes()
    drop = lambda line: {key: value for key, value in line.items() if key != "images_per_second"}
    assert [drop(line) for line in lines(tmp_path)] == [drop(line) for line in lines(whole_dir)]


def test_sigterm_saves_and_resumes_exactly(ring_run, tiny, tmp_path, monkeypatch):
    _, _, (whole, _) = ring_run
    from gan_jax.logging import Log

    add = Log.add

    def stop_in_round_seven(self, metrics):
        add(self, metrics)
        if self.step == 6:  # of which the metrics have been read, one round late
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Log, "add", stop_in_round_seven)
    with pytest.raises(Interrupted, match="after round 7") as stopped:
        run(tiny(total_kimg=0.32, **EVALUATED), tmp_path)
    assert stopped.value.signal_number == signal.SIGTERM
    assert int(final_state(tiny(), tmp_path)[0].step) == 7
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    chex.assert_trees_all_equal(run(tiny(total_kimg=0.32, **EVALUATED), tmp_path)[0], whole)


def test_a_stop_puts_an_evaluation_off_until_the_run_goes_on(ring_run, tiny, tmp_path, monkeypatch):
    _, whole_dir, _ = ring_run
    from gan_jax.logging import Log

    add = Log.add

    def stop_in_round_ten(self, metrics):
        add(self, metrics)
        if self.step == 9:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Log, "add", stop_in_round_ten)
    with pytest.raises(Interrupted, match="after round 10"):
        run(tiny(total_kimg=0.32, **EVALUATED), tmp_path)
    evaluated = lambda workdir: {line["step"]: line for line in lines(workdir) if "evaluation/coverage" in line}
    assert evaluated(tmp_path).keys() == {5}
    monkeypatch.undo()
    run(tiny(total_kimg=0.32, **EVALUATED), tmp_path)
    assert evaluated(tmp_path) == evaluated(whole_dir)


def test_the_best_checkpoint_and_damage(ring_run, tmp_path):
    config, whole_dir, _ = ring_run
    shutil.copytree(whole_dir, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    like = lambda record: build(config, tuple(record["image_shape"]), record["num_classes"]).state_shapes
    best = lambda: Checkpoints(folder, read_only=True).restore(like, "best")
    _, record = Checkpoints(folder, read_only=True).restore(like)
    step = record["best"]["step"]
    assert int(best()[0].step) == step
    (folder / "20" / "record" / "metadata").write_text("")
    if step != 20:
        assert int(best()[0].step) == step  # the record of the checkpoint before tells it too
    shutil.rmtree(folder / str(step))
    with pytest.raises(UserError, match=f"--checkpoint={step}: must be best, last or a step"):
        best()
    _, record = run(get_config(total_kimg=0.4, **EVALUATED), tmp_path / "run")  # a new best one is found
    assert (folder / str(record["best"]["step"])).exists()


def test_streamed_and_resident_runs_are_the_same(ring_run, tiny, tmp_path):
    _, _, (whole, _) = ring_run
    chex.assert_trees_all_equal(run(tiny(**{"total_kimg": 0.32, "data.resident_mb": 0}), tmp_path)[0], whole)


@pytest.mark.parametrize("fault", ["flipped bit", "cut off", "file lost"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(ring_run, tmp_path, capsys, fault):
    config, workdir, (whole, _) = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    arrays = (tmp_path / "run" / "checkpoints" / "20" / "state").glob("**/d/*")
    largest = max(arrays, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    if fault == "flipped bit":
        content[len(content) // 2] ^= 1
        largest.write_bytes(content)
    elif fault == "cut off":
        largest.write_bytes(content[: len(content) // 2])
    else:
        largest.unlink()
    state, _ = run(config, tmp_path / "run")
    told = capsys.readouterr().err
    assert "checkpoints/20 is damaged" in told and "rounds 15 to 20" in told
    chex.assert_trees_all_equal(state, whole)


def test_a_state_that_orbax_misreads_is_noticed(ring_run, tmp_path, monkeypatch):
    """Orbax does not check what it reads: the checksum in the record does."""
    config, workdir, _ = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    monkeypatch.setattr("gan_jax.checkpoints.checksum", lambda tree: 0)
    with pytest.raises(UserError, match=r"every checkpoint .* is damaged"):
        final_state(config, tmp_path / "run")


def test_all_checkpoints_damaged(ring_run, tmp_path):
    config, workdir, _ = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").rglob("manifest.ocdbt"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"every checkpoint .* is damaged"):
        run(config, tmp_path / "run")


def test_another_config_is_refused_with_the_keys_that_differ(ring_run, tiny):
    _, workdir, _ = ring_run
    with pytest.raises(UserError, match=r"batch_size: 16 there, 32 now.*loss: 'non_saturating' there, 'hinge' now"):
        run(tiny(batch_size=32, loss="hinge"), workdir)


def test_other_networks_are_refused(ring_run, tmp_path, monkeypatch):
    """The config is the same, but somebody has edited the network's file."""
    config, workdir, _ = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    original = mlp.Discriminator
    monkeypatch.setattr(mlp, "Discriminator", lambda depth, **others: original(depth=depth + 1, **others))
    with pytest.raises(UserError, match="state of other networks"):
        run(config, tmp_path / "run")


def test_other_data_are_refused(tiny, tmp_path):
    np.savez(tmp_path / "set.npz", points=np.zeros((50, 2), np.float32))
    config = tiny(**{"data.source": f"npz:{tmp_path / 'set.npz'}"})
    run(config, tmp_path / "run")
    np.savez(tmp_path / "set.npz", points=np.zeros((60, 2), np.float32))
    with pytest.raises(UserError, match=r"num_images.*50 then, 60 now"):
        run(config, tmp_path / "run")


def test_divergence_names_round_player_and_checkpoint_and_saves_nothing(tiny, tmp_path):
    config = tiny(**{"loss": "least_squares", "optimizers.generator.learning_rate": 1e30, "checkpoint_kimg": 0.016})
    with pytest.raises(
        Diverged, match=r"round [23]: .* of player '\w+' .* is (nan|inf).*checkpoint: step \d in .*checkpoints"
    ):
        run(config, tmp_path)
    state, _ = final_state(config, tmp_path)
    assert int(state.step) < 3


def test_a_full_disk_is_one_line(tiny, tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise ValueError("RESOURCE_EXHAUSTED: write failed: No space left on device")

    monkeypatch.setattr("orbax.checkpoint.CheckpointManager.save", full)
    with pytest.raises(UserError, match="the disk is full: no checkpoint could be written"):
        run(tiny(), tmp_path)


def test_a_nearly_full_disk_is_noticed_before_the_write(tiny, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(UserError, match=r"the disk is full: .* run the same command again"):
        run(tiny(), tmp_path)


def test_images_make_a_grid_of_fixed_latents(tiny, tmp_path):
    run(tiny(**{"data.source": "digits", "total_kimg": 0.016, "labels": "require"}), tmp_path)
    assert Image.open(tmp_path / "samples" / "000001.png").size == (10 * 56, 8 * 56)  # a column a digit


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"batch_size": 0}, "batch_size=0: must be at least 1"),
        ({"total_kimg": float("nan")}, "total_kimg=nan: must"),
        ({"optimizers.generator.b2": 1.0}, "b2=1.0: must"),
        ({"seed": 2**32}, "seed=4294967296: must"),
        ({"networks.generator": {"name": "mlp", "wdith": 3}}, "wdith"),
        ({"networks.generator.name": "dcgan"}, "depth"),
        ({"game": "adversrial"}, "there is no module gan_jax.games.adversrial"),
        ({"penalty.name": "r3"}, "there are: none, r1, r2, r1_r2"),
        ({"batch_size": 200_000}, "ring has fewer images, 100000"),
        ({"labels": "yes"}, "must be ignore, auto or require"),
        ({"game": "os.path"}, "os.path has no make_game"),
        (
            {"penalty": {"name": "r1", "weight": 1.0, "evry": 2}},
            "penalty: missing or unknown keys: decay_kimg, every, evry, final",
        ),
    ],
)
def test_values_that_no_run_can_have(tiny, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        run(tiny(**changes), tmp_path)
    assert not list(tmp_path.iterdir())


def test_batch_must_be_divisible_by_devices(tiny, tmp_path):
    with pytest.raises(UserError, match="batch_size=18 is not divisible by 4 devices"):
        train(tiny(batch_size=18), tmp_path, make_runner("pmap"))


def command(workdir, *flags, devices=1, **environment):
    """The tiny experiment as a person would start it, with few and far between pictures."""
    rare = ("--config.sample_kimg=80", "--config.checkpoint_kimg=0.8")
    arguments = [
        sys.executable,
        MAIN,
        f"--config={MAIN.parent / 'tests' / 'tiny.py'}",
        f"--workdir={workdir}",
        *rare,
        *flags,
    ]
    xla = f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0"  # to compile quickly
    environment = {**os.environ, "XLA_FLAGS": xla, **environment}
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def saved(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit())


def wait_for(condition, process, seconds=60):
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
        assert process.wait(timeout=120) == 0, process.communicate()[0]
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


def told(processes):
    """What each process that went well said."""
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert not any(process.returncode for process in processes), "\n".join(said)
    return said


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
    length = f"--config.total_kimg={(saved(together)[-1] + 20) * 16 / 1000}"
    for process in (*several_processes(2, together, free_port(), length, *flags), command(alone, length, *flags)):
        assert process.wait(timeout=120) == 0, process.communicate()[0]
    (two, record), (one, _) = (final_state(get_config(), workdir) for workdir in (together, alone))
    chex.assert_trees_all_close(two.variables, one.variables, rtol=1e-3, atol=1e-4)
    assert record["evaluated"] == int(two.step) and record["best"]["step"] in saved(together)


def test_a_run_goes_on_with_other_processes_devices_and_runners(tmp_path):
    """Four processes, then two with two devices each, then one; another one plays the whole game."""
    moved, alone = tmp_path / "moved", tmp_path / "alone"
    networks = [f"networks.{player}" for player in ("generator", "discriminator")]
    changes = {f"{network}.{key}": value for network in networks for key, value in (("width", 2048), ("depth", 1))}
    changes |= {"data.resident_mb": 0, "sample_kimg": 80.0}  # each process reads its own part of every batch
    flags = [f"--config.{key}={value}" for key, value in changes.items()]
    until = lambda rounds: f"--config.total_kimg={rounds * 16 / 1000}"
    first, *others = told(several_processes(4, moved, free_port(), "--runner=fsdp", until(4), *flags))
    assert "fsdp on 4" in first and not any("kimg" in said for said in others)
    first, other = told(tasks_of_slurm(2, moved, free_port(), "--runner=fsdp", until(8), *flags, devices=2))
    assert "fsdp on 4" in first and "rounds 4 to 8" in first and "kimg" not in other
    train(get_config(**changes, total_kimg=0.192, checkpoint_kimg=0.8), moved, make_runner("mesh", 2))
    whole, _ = run(get_config(**changes, total_kimg=0.192), alone)
    chex.assert_trees_all_close(final_state(get_config(**changes), moved)[0], whole, rtol=1e-3, atol=1e-4)
    assert len(list((moved / "tensorboard").iterdir())) == 3  # one process writes, each time
    assert sorted(path.name for path in (moved / "samples").glob("*.png")) == [f"{i:06}.png" for i in (0, 4, 8, 12)]
