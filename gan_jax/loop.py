"""The training loop, top to bottom: build, restore, then batch -> round -> log -> sample -> evaluate -> checkpoint."""

import contextlib
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax import averages, data, migration, modalities, own_code, stopping
from gan_jax import config as configs
from gan_jax.checkpoints import Checkpoints
from gan_jax.errors import Diverged, Interrupted, UserError
from gan_jax.evaluate import best_so_far, is_monitored, make_monitor
from gan_jax.experiment import Experiment, build
from gan_jax.files import claim_workdir
from gan_jax.game import batches_per_round, due, make_round
from gan_jax.logging import Log, crossed
from gan_jax.runners import Runner, make_runner
from gan_jax.schedules import ema_decay
from gan_jax.signals import StopRequest
from gan_jax.transfer import first_state
from gan_jax.watch import make_watcher


def train(config: Any, workdir: str | Path, runner: Runner | None = None) -> None:
    """Trains a config in `workdir`, or resumes the run that is there from its latest intact checkpoint.

    Args:
        config: complete or not, see `gan_jax.config`.
        workdir: the run's folder, made if it is not there.
        runner: see `gan_jax.runners.make_runner`; None: "auto".

    Raises:
        UserError: see its message.
        Diverged: a loss or a gradient is not finite.
        Interrupted: SIGTERM or SIGINT; everything is saved.
    """
    # Build.
    config, workdir, runner = configs.complete(config), Path(workdir), runner or make_runner()
    source = data.open_source(config.data)
    experiment = build(config, data.fields_of(config.data, source))
    game, per_round, total_rounds = experiment.game, experiment.images_per_round, experiment.total_rounds
    check_batch(config, source, runner)
    run = compile_round(config, experiment, runner)
    first_process, watched = jax.process_index() == 0, is_monitored(config, experiment, source)
    if config.stop.patience_kimg and not watched:
        raise UserError("--config.stop.patience_kimg: this run is not evaluated: set --config.evaluation.features")
    monitor = make_monitor(config, experiment, source) if watched and first_process else None

    # Restore.
    checkpoints = open_workdir(workdir, config, experiment.optimizers, write=first_process)
    unpaired = source.splits.get("unpaired")
    about_data = {
        "fields": modalities.to_json(experiment.fields),
        "num_examples": {"all": len(source), "unpaired": len(unpaired) if unpaired else 0},
    }
    restored = checkpoints.restore(lambda record: experiment.state_shapes)
    state, record = restored or (first_state(experiment, config), about_data)
    record = migration.record(record, config)
    known = about_data if record["num_examples"] else {**about_data, "num_examples": {}}  # none of imported weights
    if (then := describe(record)) != (now := describe(known)):
        raise UserError(f"{config.data.source} is not what {workdir} was trained on: {then} then, {now} now")
    record |= about_data
    step = int(state.step)
    if record.get("best", {}).get("step") not in checkpoints.manager.all_steps():
        record.pop("best", None)  # it was damaged, or lost: the next one is the best so far
    state, kimg_per_round = runner.place(state), per_round / 1000
    stop_reason = partial(stopping.reason, config.stop, record, kimg_per_round)
    why = stop_reason() if record.get("stopped") == step else ""

    def keep_balance(metrics: dict) -> None:
        if config.stop.balance_kimg:
            record["balance"] = stopping.balance(record.get("balance", {}), metrics, kimg_per_round, config.stop.band)

    resident = source.nbytes <= config.data.resident_mb * 2**20
    on_device = runner.replicate(source.everything()) if resident else {}
    stream = data.Stream(
        source,
        batch_size=config.batch_size,
        repeats=batches_per_round(game),
        seed=config.seed,
        position=step,  # rows are a pure function of (seed, round): no other data position needs to be saved
        resident=resident,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    log = Log(
        workdir if first_process else None,
        step=step,
        total_rounds=total_rounds,
        images_per_round=per_round,
        interval_kimg=config.log_kimg,
        learning_rates=experiment.learning_rates,
        players={turn.name: turn.player for turn in game.turns},
        read=keep_balance,
    )
    watch = make_watcher(config, experiment, source) if first_process else None
    log.log(headline(config, source, experiment, runner))
    log.log(f"{workdir}: rounds {step:,} to {total_rounds:,}, {per_round} images each")
    if not watched and config.evaluation.features == "auto":
        log.log("not evaluated while training: --config.evaluation.features says by what, such as inception for images")
    if step >= total_rounds:
        log.log("nothing is left to do: raise --config.total_kimg to train longer")
    elif why:
        log.log(f"nothing is left to do, {why}: change --config.stop to train longer")
    else:
        log.log("compiling the first samples and the first round ...")

    def sample() -> None:
        whole = runner.gather(state)
        if first_process:
            log.sample(*watch(whole))

    def evaluate() -> None:
        """Records the best round so far; checkpoints keep it beside the newest ones."""
        whole = runner.gather(state)
        if first_process:
            report = monitor(whole)
            record["best"] = best_so_far(record.get("best"), report, step)
            log.evaluation(report, record["best"])
        if jax.process_count() > 1:  # all of them must know which checkpoint to keep
            step_of_best = multihost_utils.broadcast_one_to_all(np.int32(record.get("best", {}).get("step", 0)))
            record.setdefault("best", {})["step"] = int(step_of_best)
        record["evaluated"] = step

    def evaluation_is_due(last: bool) -> bool:
        due_now = last or crossed(config.eval_kimg, (step - 1) * per_round, step * per_round)
        return watched and due_now and record.get("evaluated") != step

    # Play.
    with StopRequest() as stop, contextlib.closing(log), contextlib.closing(checkpoints), contextlib.closing(stream):
        if step == 0:
            sample()
        elif evaluation_is_due(step == total_rounds or bool(why)):  # a stop came before it
            evaluate()
            why = stop_reason()
        while step < total_rounds and not why:
            batch = runner.split(next(stream))
            state, metrics = run(state, on_device, batch, np.uint32(config.seed), due(game, step))
            step += 1
            try:
                log.add(metrics)
                why = stop_reason()
                seen = (step - 1) * per_round, step * per_round
                stopped = stop.agreed(crossed(config.log_kimg, *seen))
                last = step == total_rounds or bool(why)
                if crossed(config.sample_kimg, *seen) or last:
                    log.flush()
                    with log.aside():
                        sample()
                if evaluate_now := evaluation_is_due(last) and not stopped:
                    log.flush()
                    with log.aside():
                        evaluate()
                    why = why or stop_reason()
                if crossed(config.checkpoint_kimg, *seen) or last or stopped or evaluate_now:
                    log.flush()
                    record |= {"stopped": step} if why else {}
                    with log.aside():
                        checkpoints.save(runner.gather(state), record)
                        log.draw()
            except Diverged as error:
                raise Diverged(f"{error}; last good checkpoint: {checkpoints.latest()}") from None
            if stopped:
                raise Interrupted(
                    stopped, f"stopped after round {step}, saved in {workdir}: rerun the same command to resume"
                )
        if why and step < total_rounds:
            log.log(f"stopped after round {step:,}: {why}")


def compile_round(config, experiment: Experiment, runner: Runner) -> Callable:
    """The round of an experiment as `runner` plays it, `run(state, resident, batch, seed, due) -> (state, metrics)`."""
    play_round = make_round(
        runner.adapt(experiment.game),
        experiment.optimizers,
        ema_decay=ema_decay(config.ema.half_life_kimg, config.ema.ramp_up, experiment.images_per_round),
        axis_name=runner.axis_name,
        micro_batches=config.micro_batches,
    )
    play_round = averages.keep(play_round, experiment.game, config, experiment.images_per_round)
    return runner.compile(play_round, partial(data.prepare, fields=experiment.fields))


def check_batch(config, source: data.Source, runner: Runner) -> None:
    """Raises UserError if a batch cannot be split over devices and micro batches, or is larger than the data."""
    if config.batch_size % (runner.devices * config.micro_batches):
        parts = f"{config.micro_batches} micro_batches on " if config.micro_batches > 1 else ""
        raise UserError(f"--config.batch_size={config.batch_size} is not divisible by {parts}{runner.devices} devices")
    for name, each in ((config.data.source, source), (config.data.inputs, source.splits.get("unpaired"))):
        if each is not None and config.batch_size > len(each):
            raise UserError(f"--config.batch_size={config.batch_size}: {name} has fewer examples, {len(each)}")


def describe(record: dict) -> str:
    """What a record says of the data, in words: what must be the same when a run is resumed."""
    counts = [f"{count:,} {name}" for name, count in record["num_examples"].items() if count]
    shapes = {name: "x".join(map(str, own["shape"])) for name, own in sorted(record["fields"].items())}
    names = {name: f" of {len(own['names'])}" * bool(own["names"]) for name, own in record["fields"].items()}
    return ", ".join([*counts, *(f"{name} {shapes[name]}{names[name]}" for name in shapes)])


def headline(config, source, experiment: Experiment, runner: Runner) -> str:
    """What is trained on what and where, in one line."""
    params = {player: own["params"] for player, own in experiment.state_shapes.variables.items()}
    sizes = (f"{player} {sum(x.size for x in jax.tree.leaves(tree)):,}" for player, tree in params.items())
    given = {name for each in experiment.game.maps.values() for name in each.given}
    classes = len(experiment.fields["label"].names) if "label" in given else 0
    condition = f"conditional on {classes} classes" if classes else "unconditional"
    shape = "x".join(map(str, experiment.fields[source.target].shape))
    place = f"{runner.name} on {runner.devices} {jax.devices()[0].device_kind}"
    return (
        f"{config.data.source}: {len(source):,} examples {shape}, {condition}; parameters: {', '.join(sizes)}; {place}"
    )


def open_workdir(workdir: Path, config, players: Collection[str], *, write: bool) -> Checkpoints:
    """The checkpoints of the run in `workdir`, which `config`, of a game with these players, begins or continues.

    Raises:
        UserError: it holds another run or something else, another process trains in it, or it cannot be written.
    """
    claim_workdir(workdir)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        checkpoints = Checkpoints(workdir / "checkpoints", config.keep_checkpoints)
        if checkpoints.manager.latest_step() is not None:
            configs.reject_another(config, workdir, players)
        if write:
            configs.save(config, workdir / "config.json")
            own_code.remember(workdir)
    except OSError as error:
        raise UserError(f"--workdir={workdir} cannot be written ({error.strerror})") from None
    return checkpoints
