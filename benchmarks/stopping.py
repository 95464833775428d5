"""Where runs would have stopped by the rules of `config.stop`, and what was lost or gained.

    python benchmarks/stopping.py --workdir=runs/stopping [--configs=digits_dcgan,dcgan:digits]

Trains each config to its end, evaluated 25 times, and applies both rules to its log: no better evaluation in a fifth of
the whole run; a discriminator that is fooled half of the time for a twentieth of it, for several bands. Prints a table
in Markdown: where each rule would have stopped the run, the number that selects its best round there, at the end, and
at its best. Rerun the same command to resume.
"""

from pathlib import Path

from absl import app, flags
from ml_collections import ConfigDict

from gan_jax import stopping, train
from gan_jax.cli import load_config
from gan_jax.config import override
from gan_jax.logging import read_lines

WORKDIR = flags.DEFINE_string("workdir", None, "A folder for the runs.", required=True)
CONFIGS = flags.DEFINE_list("configs", ["digits_dcgan", "dcgan:digits", "wgan_gp:digits", "ring_mlp"], "Their names.")
PATIENCE = flags.DEFINE_float("patience", 0.2, "Without a better evaluation: a share of the whole run.")
BALANCE = flags.DEFINE_float("balance", 0.05, "In balance: a share of the whole run.")
BANDS = 0.05, 0.1, 0.2
EVALUATIONS, LINES = 25, 400  # in a run


def trained(name: str) -> tuple[ConfigDict, list[dict]]:
    """The config, and the lines of its log, from the first on."""
    config = load_config(name)
    every = {"eval_kimg": config.total_kimg / EVALUATIONS, "log_kimg": config.total_kimg / LINES}
    config = override(config, {key: str(value) for key, value in every.items()})
    workdir = Path(WORKDIR.value) / name.replace(":", "_")
    train(config, workdir)
    return config, read_lines(workdir / "metrics.jsonl")


def stops_at(lines: list[dict], limits: dict, better: str, sign: int) -> tuple[float, float] | None:
    """(kimg, the latest evaluation) where `config.stop` with these limits ends a run; None: it does not."""
    config = ConfigDict({"patience_kimg": 0.0, "balance_kimg": 0.0, "band": 0.1, **limits})
    record, kimg, latest = {}, 0, 0
    for line in lines:
        if better in line:
            latest, record["evaluated"] = line[better], line["step"]
            if "best" not in record or sign * line[better] < sign * record["best"]["value"]:
                record["best"] = {"step": line["step"], "value": line[better]}
        elif any(name.endswith("/loss") for name in line):
            record["balance"] = stopping.balance(record.get("balance", {}), line, line["kimg"] - kimg, config.band)
            kimg = line["kimg"]
        if stopping.reason(config, record, lines[-1]["kimg"] / lines[-1]["step"]):
            return line["kimg"], latest
    return None


def main(argv):
    print("| config | rule | stops at, of | then | at the end | best |\n|---|---|---|---|---|---|")
    for name in CONFIGS.value:
        config, lines = trained(name)
        better, sign = (
            ("evaluation/fid", 1) if any("evaluation/fid" in line for line in lines) else ("evaluation/coverage", -1)
        )
        values, total = [line[better] for line in lines if better in line], config.total_kimg
        rules = {"no better evaluation": {"patience_kimg": PATIENCE.value * total}}
        rules |= {f"within {band} of 1/2": {"balance_kimg": BALANCE.value * total, "band": band} for band in BANDS}
        for rule, limits in rules.items():
            found = stops_at(lines, limits, better, sign)
            place, then = (f"{found[0]:.4g}", f"{found[1]:.3g}") if found else ("never", "")
            best = min(values, key=lambda value: sign * value)
            print(f"| `{name}` | {rule} | {place}, {total:.4g} kimg | {then} | {values[-1]:.3g} | {best:.3g} |")


if __name__ == "__main__":
    app.run(main)
