"""Whole runs of the tiny experiment, and what they leave behind."""

import json
import os
import signal

from tiny import get_config

from gan_jax import modalities
from gan_jax.checkpoints import Checkpoints
from gan_jax.experiment import build
from gan_jax.logging import Log
from gan_jax.loop import train
from gan_jax.runners import make_runner

EVALUATED = {
    "evaluation.features": "points", "evaluation.metrics": "dc", "evaluation.num": 300, "eval_kimg": 0.08,
}  # fmt: skip


def twenty_rounds(**changes):
    """A config of twice as many rounds, evaluated four times."""
    return get_config(total_kimg=0.32, **EVALUATED, **changes)


def run(config, workdir):
    """Trains on one device; what it leaves, see `final_state`."""
    train(config, workdir, make_runner("jit"))
    return final_state(config, workdir)


def final_state(config, workdir, which="last"):
    """The (state, record) of a checkpoint."""
    like = lambda record: build(config, modalities.from_json(record["fields"])).state_shapes
    return Checkpoints(workdir / "checkpoints", read_only=True).restore(like, which)


def logged(workdir):
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def stop_after(step, monkeypatch):
    """Sends SIGTERM in that round, when the metrics of the round before have been read."""
    add = Log.add

    def add_and_stop(self, metrics):
        add(self, metrics)
        if self.step == step - 1:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Log, "add", add_and_stop)
