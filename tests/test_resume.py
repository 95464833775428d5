"""Whole runs that are stopped, damaged or of an older version, or whose data lie elsewhere, end as any other."""

import json
import shutil
import signal

import chex
import pytest
from old_run import CONFIG, RECORD
from tiny import get_config
from whole_runs import EVALUATED, final_state, logged, run, stop_after, twenty_rounds

from gan_jax.checkpoints import Checkpoints
from gan_jax.errors import Interrupted, UserError


def test_stop_and_resume_is_bit_for_bit_the_whole_run(ring_run, tiny, tmp_path):
    _, whole_dir, (whole, _) = ring_run
    run(tiny(total_kimg=0.16, **EVALUATED), tmp_path)
    state, _ = run(twenty_rounds(), tmp_path)
    chex.assert_trees_all_equal(state, whole)
    for name in ("000000.png", "000020.png"):
        assert (tmp_path / "samples" / name).read_bytes() == (whole_dir / "samples" / name).read_bytes()
    drop = lambda line: {key: value for key, value in line.items() if key != "images_per_second"}
    assert [drop(line) for line in logged(tmp_path)] == [drop(line) for line in logged(whole_dir)]


def test_sigterm_saves_and_resumes_exactly(ring_run, tiny, tmp_path, monkeypatch):
    _, _, (whole, _) = ring_run
    stop_after(7, monkeypatch)
    with pytest.raises(Interrupted, match="after round 7") as stopped:
        run(twenty_rounds(), tmp_path)
    assert stopped.value.signal_number == signal.SIGTERM
    assert int(final_state(tiny(), tmp_path)[0].step) == 7
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    chex.assert_trees_all_equal(run(twenty_rounds(), tmp_path)[0], whole)


def test_a_stop_puts_an_evaluation_off_until_the_run_is_resumed(ring_run, tmp_path, monkeypatch):
    _, whole_dir, _ = ring_run
    stop_after(10, monkeypatch)
    with pytest.raises(Interrupted, match="after round 10"):
        run(twenty_rounds(), tmp_path)
    evaluated = lambda workdir: {line["step"]: line for line in logged(workdir) if "evaluation/coverage" in line}
    assert evaluated(tmp_path).keys() == {5}
    monkeypatch.undo()
    run(twenty_rounds(), tmp_path)
    assert evaluated(tmp_path) == evaluated(whole_dir)


def test_a_run_of_0_1_is_resumed_exactly(ring_run, tiny, tmp_path):
    """Ten rounds as that version saved them: another config and record, the same arrays."""
    _, _, (whole, _) = ring_run
    state, _ = run(tiny(total_kimg=0.16), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    shutil.rmtree(tmp_path / "checkpoints")
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(state, RECORD)
    checkpoints.close()
    path = tmp_path / "checkpoints" / "10" / "record" / "metadata"
    record = json.loads(path.read_text())
    del record["record_checksum"]
    path.write_text(json.dumps(record))

    resumed, record = run(tiny(total_kimg=0.32), tmp_path)
    chex.assert_trees_all_equal(resumed, whole)
    assert record["num_examples"]["all"] == RECORD["num_images"] and not record.keys() & RECORD.keys()


def test_streamed_and_resident_runs_are_the_same(ring_run, tiny, tmp_path):
    _, _, (whole, _) = ring_run
    chex.assert_trees_all_equal(run(tiny(**{"total_kimg": 0.32, "data.resident_mb": 0}), tmp_path)[0], whole)


def test_the_best_checkpoint_and_damage(ring_run, tmp_path):
    config, whole_dir, _ = ring_run
    shutil.copytree(whole_dir, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    best = lambda: final_state(config, tmp_path / "run", "best")
    _, record = final_state(config, tmp_path / "run")
    step = record["best"]["step"]
    assert int(best()[0].step) == step
    (folder / "20" / "record" / "metadata").write_text("")
    if step != 20:
        assert int(best()[0].step) == step  # the record of the checkpoint before says so too
    shutil.rmtree(folder / str(step))
    with pytest.raises(UserError, match=f"--checkpoint={step}: must be best, last or a step"):
        best()
    _, record = run(get_config(total_kimg=0.4, **EVALUATED), tmp_path / "run")  # a new best one is found
    assert (folder / str(record["best"]["step"])).exists()


@pytest.mark.parametrize("fault", ["flipped bit", "cut off", "file lost", "record"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(ring_run, tmp_path, capsys, fault):
    config, workdir, (whole, _) = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints" / "20"
    damaged = max((folder / "state").glob("**/d/*"), key=lambda path: path.stat().st_size)
    if fault == "record":
        damaged = folder / "record" / "metadata"
    content = bytearray(damaged.read_bytes())
    if fault == "file lost":
        damaged.unlink()
    elif fault == "cut off":
        damaged.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
    state, _ = run(config, tmp_path / "run")
    printed = capsys.readouterr().err
    assert "checkpoints/20 is damaged" in printed and "rounds 15 to 20" in printed
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
