"""The mode-collapse laboratory: objectives and their cures, many seeds each.

    python benchmarks/mode_collapse.py --data=grid --out=docs/mode_collapse [--seeds=10] [--kimg=...] [--cell=NAME ...]
    python benchmarks/mode_collapse.py --data=stacked_digits --out=docs/mode_collapse --seeds=3

Trains the networks of the config grid_mlp, ring_mlp or stacked_dcgan once a seed with every cell of the table below,
and counts modes: on `ring` and `grid` by PacGAN's protocol (2,500 samples of the averaged generator, a good one within
3 standard deviations of a mode), on `stacked_digits` by the digits classifier (26,000 samples). All seeds of a cell on
points are trained as one program.

Writes a line a cell to OUT/DATA.jsonl, and from all its lines the table OUT/DATA.md and the plot OUT/DATA.png. A cell
that is there with the same config and seeds is not trained again, so that a run that was stopped is resumed. A run that
diverged has found no mode; the mean of KL is of those that found some.
"""

import hashlib
import json
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from absl import app, flags
from tqdm import tqdm

from gan_jax import data, keys
from gan_jax.cli import load_config
from gan_jax.config import override, schema_of
from gan_jax.errors import Diverged
from gan_jax.evaluate import evaluate_run
from gan_jax.evaluation import mode_coverage
from gan_jax.evaluation.measure import plain
from gan_jax.experiment import build
from gan_jax.loop import train
from gan_jax.runners import make_runner
from gan_jax.sampling import make_averager, make_sampler
from gan_jax.sweep import train_seeds

DATA = flags.DEFINE_enum("data", "grid", ["ring", "grid", "stacked_digits"], "What has modes.")
OUT = flags.DEFINE_string("out", None, "The folder of results.", required=True)
SEEDS = flags.DEFINE_integer("seeds", 10, "Runs of each cell, with the seeds from 0 up.")
KIMG = flags.DEFINE_float("kimg", None, "How long; by default as the config says.")
CELL = flags.DEFINE_multi_string("cell", None, "Which cells of the table; by default all.")

CONFIGS = {"ring": "ring_mlp", "grid": "grid_mlp", "stacked_digits": "stacked_dcgan"}

GAMMA = {"ring": "0.1", "grid": "1", "stacked_digits": "1"}  # of R1 and R2

# What each cell changes in the plain game: the config's networks and optimizers without any penalty.
PLAIN = {"loss": "non_saturating", "evaluation.features": "none"}
R1, R1_R2 = {"terms.r1.weight": "gamma"}, {"terms.r1_r2.weight": "gamma"}
ABLATION = {
    "non-saturating": {},
    "non-saturating, R1": R1,
    "non-saturating, R1 + R2": R1_R2,
    "relativistic, R1": {"loss": "relativistic", **R1},
    "relativistic, R1 + R2": {"loss": "relativistic", **R1_R2},
}
CELLS = {
    **ABLATION,
    "minimax": {"loss": "minimax"},
    "minimax, R1": {"loss": "minimax", **R1},
    "least squares": {"loss": "least_squares"},
    "least squares, R1": {"loss": "least_squares", **R1},
    "hinge": {"loss": "hinge"},
    "hinge, R1": {"loss": "hinge", **R1},
    "hinge, spectral normalization": {"loss": "hinge", "networks.discriminator.spectral": "true"},
    "Wasserstein, clipped weights": {
        "loss": "wasserstein", "n_critic": "5", "optimizers.discriminator.clip_weights": "0.1",
    },
    "Wasserstein, gradient penalty": {"loss": "wasserstein", "terms.gradient_penalty.weight": "0.1"},
    "Wasserstein, one-sided penalty": {"loss": "wasserstein", "terms.one_sided_gradient_penalty.weight": "0.1"},
    "relativistic": {"loss": "relativistic"},
    "relativistic average": {"loss": "relativistic_average"},
    "relativistic average, R1 + R2": {"loss": "relativistic_average", **R1_R2},
    "non-saturating, R1 by differences": {"terms.r1_finite.weight": "gamma"},
    "hinge, SAN": {"loss": "hinge", "terms.san.weight": "1"},
    "non-saturating, DRAGAN": {"terms.dragan.weight": "0.1"},
    "non-saturating, LeCam": {"terms.lecam.weight": "0.3"},
    "non-saturating, latent consistency": {"terms.latent_consistency.weight": "5", "terms.diversity.weight": "0.5"},
    "non-saturating, PacGAN 4": {"pac": "4"},
    "non-saturating, minibatch discrimination": {"networks.discriminator.minibatch": "discrimination"},
    "non-saturating, minibatch deviation": {"networks.discriminator.minibatch": "stddev"},
    "feature matching": {"terms.adversarial.weight": "0", "terms.feature_matching.weight": "1"},
    "non-saturating, top-k": {"top_k.share": "0.5", "top_k.decay_kimg": "500"},
}  # fmt: skip


NOTHING = {"modes": 0, "high_quality": 0.0, "kl": None}  # of a run that diverged


def configured(changes: dict, seed: int = 0):
    config = load_config(CONFIGS[DATA.value])
    config.terms = {"adversarial": {}}
    if KIMG.value:
        config.total_kimg = config.optimizers.default.decay_kimg = KIMG.value
    changes = {key: GAMMA[DATA.value] if value == "gamma" else value for key, value in changes.items()}
    return override(config, {**PLAIN, **changes, "seed": str(seed)})


def identity(config) -> str:
    """Of all that a result depends on, but its length."""
    leaves = keys.leaves(schema_of(config), config)
    settings = {name: value for name, key, value in leaves if not key.resumable}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def on_points(name: str, changes: dict) -> list[dict]:
    """Results of all seeds, trained together."""
    config = configured(changes)
    source = data.open_source(config.data)
    experiment = build(config, source.fields)
    average, sample = make_averager(experiment.game), make_sampler(experiment.game.maps["sample"], source.fields)
    mixture = source.fields[source.target].fitted
    centers = np.array(mixture["centers"], np.float32)
    with tqdm(total=experiment.total_rounds, desc=name, unit="round", mininterval=5) as bar:
        for step, state in train_seeds(config, experiment, source, range(SEEDS.value)):  # noqa: B007
            bar.update(step - bar.n)
    state, results = jax.device_get(state), []
    for seed in range(SEEDS.value):
        variables = average(jax.tree.map(lambda leaf, seed=seed: leaf[seed], state))
        if not np.isfinite(sum(np.sum(leaf) for leaf in jax.tree.leaves(variables["generator"]))):
            results.append(NOTHING)
            continue
        points = sample(variables, jax.random.key(0), {}, np.arange(2500))
        results.append(plain(mode_coverage(points, centers, mixture["deviation"])._asdict()))
    return results


def on_stacked_digits(name: str, changes: dict) -> list[dict]:
    """Results of all seeds, one run after the other."""
    results = []
    for seed in range(SEEDS.value):
        config = configured(changes, seed)
        config.sample_kimg = config.total_kimg
        workdir = Path("runs", "mode_collapse", f"{name} {config.total_kimg:g} {identity(config)}".replace(" ", "_"))
        try:
            train(config, workdir, make_runner())
        except Diverged as error:
            print(f"{name}, seed {seed}: {error}")
            results.append({key: NOTHING[key] for key in ("modes", "kl")})
            continue
        with tempfile.TemporaryDirectory() as folder:
            report = evaluate_run(workdir, real=None, num=26_000, seed=0, metrics="modes", features="auto",
                                  checkpoint="last", ema=True, out=Path(folder) / "report.json")  # fmt: skip
        results.append(plain(report.results))
    return results


def spread(cell: dict, metric: str, form: str, factor: float = 1) -> str:
    values = factor * np.array([result[metric] for result in cell["results"] if result[metric] is not None])
    return "" if not len(values) else f"{values.mean():{form}} ± {values.std():{form}}"


def write_table(cells: list[dict], path: Path) -> None:
    quality = "high_quality" in cells[0]["results"][0]
    with path.open("w") as file:
        print(f"| game | kimg | seeds | modes |{' good samples |' if quality else ''} KL |", file=file)
        print(f"|---|---|---|---|{'---|' if quality else ''}---|", file=file)
        for cell in cells:
            parts = [cell["name"], f"{cell['kimg']:,.0f}", str(len(cell["results"])), spread(cell, "modes", ".1f")]
            parts += [f"{spread(cell, 'high_quality', '.1f', 100)} %"] if quality else []
            print(f"| {' | '.join([*parts, spread(cell, 'kl', '.3f')])} |", file=file)


def draw(cells: list[dict], path: Path) -> None:
    from matplotlib.figure import Figure

    metrics = {"modes": "modes found", "high_quality": "share of good samples", "kl": "KL from equal shares, nats"}
    metrics = {metric: title for metric, title in metrics.items() if metric in cells[0]["results"][0]}
    labels = [f"{cell['name']} ({cell['kimg']:,.0f} kimg)" for cell in cells]
    figure = Figure((4 + 3 * len(metrics), 1.5 + 0.3 * len(cells)), dpi=100, layout="constrained")
    for axes, (metric, title) in zip(figure.subplots(1, len(metrics), sharey=True), metrics.items(), strict=True):
        for row, cell in enumerate(cells):
            values = [result[metric] for result in cell["results"] if result[metric] is not None]
            axes.barh(row, np.mean(values or 0), color="tab:purple", alpha=0.4)
            axes.plot(values, np.full(len(values), row), "|", color="tab:purple", markersize=10)
        axes.set(title=title, yticks=range(len(cells)), yticklabels=labels)
    axes.invert_yaxis()
    figure.savefig(path)


def main(argv):
    del argv
    out = Path(OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    lines, points = out / f"{DATA.value}.jsonl", DATA.value != "stacked_digits"
    known = CELLS if points else ABLATION
    if unknown := set(CELL.value or ()) - set(known):
        raise app.UsageError(f"--cell={unknown.pop()!r}: there are {', '.join(map(repr, known))}")
    cells = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    for name in CELL.value or known:
        config = configured(known[name])
        about = {"name": name, "kimg": config.total_kimg, "seeds": SEEDS.value, "config": identity(config)}
        if any(about.items() <= cell.items() for cell in cells):
            continue
        started = time.monotonic()
        results = (on_points if points else on_stacked_digits)(name, known[name])
        cells.append({**about, "results": results, "seconds": round(time.monotonic() - started)})
        with lines.open("a") as file:
            file.write(json.dumps(cells[-1]) + "\n")
        print(f"{name}: modes {spread(cells[-1], 'modes', '.1f')}, {cells[-1]['seconds']} s", flush=True)
    newest = {(cell["name"], cell["kimg"], cell["seeds"]): cell for cell in cells if cell["name"] in known}
    cells = sorted(newest.values(), key=lambda cell: (-cell["kimg"], list(known).index(cell["name"])))
    write_table(cells, out / f"{DATA.value}.md")
    draw(cells, out / f"{DATA.value}.png")


if __name__ == "__main__":
    app.run(main)
