"""Images per second that every kind of source delivers to the training loop, and what an accelerator would consume.

    [TFDS_DATA_DIR=FOLDER] python benchmarks/input.py [--only=warm,cold,consumes] [--sizes=32,64,256]
        [--images=2000,2000,600] [--picture=0] [--tfds=mnist:train[:2000]] [--threads=2] [--seconds=1] [--cold_mb=512]
        [--config=folder_dcgan64]

The script writes smooth, slightly noisy RGB pictures into a temporary folder, where the project's cache is for that
time too, and opens them as `gan_jax.train` does. It prints a JSON line each, and at the end all as tables. Of warm:

first use   opening the source: pictures are decoded into the cache, arrays read, residents put on the device; the
            median of three. `share_of_first_epoch` is its part of the first epoch if rounds took no time: the most it
            can be.
stream      what `next(stream)` gives at batches of 64 and 512, from memory that the files have come to: of a resident
            set row numbers alone.
prepared    the same, and then the compiled `gan_jax.data.prepare` on this device, to what losses are given.

cold is a cache of `cold_mb` that the disk must read: the file from end to end; instead, the first tenth of an epoch
and the whole of it; and an epoch after that. Where the temporary folder is memory, it is not cold. consumes says how
many images the `config`'s round, at a batch of 64 and without lazy penalties, uses up at a share of a GPU's peak.

Rates are images/s; those of streams are medians over five parts of `seconds`.
"""

import contextlib
import gc
import io
import itertools
import json
import math
import os
import shutil
import statistics
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path
from unittest import mock

import jax
import numpy as np
from absl import app, flags
from PIL import Image

from gan_jax.cli import load_config
from gan_jax.config import complete, config_for
from gan_jax.data import Stream, cache, make_source, open_source, prepare
from gan_jax.data.sources import tfds
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import batches_per_round, due
from gan_jax.loop import compile_round
from gan_jax.networks import cpu_convolution
from gan_jax.runners import make_runner

ONLY = flags.DEFINE_list("only", ["warm", "cold", "consumes"], "What to measure.")
SIZES = flags.DEFINE_list("sizes", ["32", "64", "256"], "Heights and widths of images.")
IMAGES = flags.DEFINE_list("images", ["2000", "2000", "600"], "How many of each size, at least 512.")
PICTURE = flags.DEFINE_integer("picture", 0, "Height and width of the pictures before they are fitted; 0: as images.")
TFDS = flags.DEFINE_string("tfds", None, "NAME[:SPLIT]; by default some of mnist, if TFDS_DATA_DIR is set.")
THREADS = flags.DEFINE_integer("threads", 2, "That read ahead.")
SECONDS = flags.DEFINE_float("seconds", 1.0, "Measuring time of each.")
COLD_MB = flags.DEFINE_integer("cold_mb", 512, "Of the cold cache, in 2^20 bytes.")
CONFIG = flags.DEFINE_string("config", "folder_dcgan64", "What consumes 64x64x3 images.")

BATCHES = 64, 512
PEAKS = {"float32": 67e12, "TF32": 494e12, "bfloat16": 989e12}  # dense FLOP/s of an H100 SXM, NVIDIA's data sheet
SHARES = 0.1, 0.3, 1.0


def picture(rng: np.random.Generator, side: int) -> np.ndarray:
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
    smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return (smooth + 4 * rng.standard_normal(smooth.shape, np.float32)).clip(0, 255).astype(np.uint8)


def write(folder: Path, side: int, count: int) -> dict[str, str]:
    """Writes the same pictures in all forms: {name: data.source}."""
    rng, sources = np.random.default_rng(0), {}
    images = [picture(rng, side) for _ in range(count)]
    for suffix, options in (("jpg", {"quality": 90}), ("png", {})):
        inside = folder / suffix
        inside.mkdir(parents=True)
        with zipfile.ZipFile(folder / f"{suffix}.zip", "w") as archive:
            for number, image in enumerate(images):
                file = inside / f"{number:06d}.{suffix}"
                Image.fromarray(image).save(file, **options)
                archive.write(file, file.name)
        sources |= {f"folder, {suffix}": f"folder:{inside}", f"zip, {suffix}": f"zip:{folder / suffix}.zip"}
    np.savez(folder / "images.npz", images=np.stack(images))
    return sources | {"npz": f"npz:{folder / 'images.npz'}"}


def opened(name: str, side: int):
    config = config_for()
    config.data.update(source=name, image_size=str(side))
    return open_source(complete(config).data)


def first_use(open_once) -> tuple:
    """(what it opens, median seconds), with an empty cache each time."""
    times = []
    for _ in range(3):
        shutil.rmtree(cache.cache_folder(), ignore_errors=True)
        start = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):  # of the progress
            source = open_once()
        times.append(time.perf_counter() - start)
    return source, statistics.median(times)


def images_per_second(source, batch: int, resident: dict, prepare_it=None) -> float:
    stream = Stream(source, batch_size=batch, seed=0, resident=bool(resident), threads=THREADS.value)
    with contextlib.closing(stream):

        def rate(seconds: float) -> float:
            start = time.perf_counter()
            for rounds in itertools.count(1):
                taken = next(stream)
                if prepare_it:
                    jax.block_until_ready(prepare_it(resident, taken))
                if (passed := time.perf_counter() - start) > seconds:
                    return rounds * batch / passed

        for _ in range(2 * THREADS.value + 2):  # those that were read ahead, and the compilation
            rate(0)
        return statistics.median(rate(SECONDS.value / 5) for _ in range(5))


def measure(name: str, source, seconds: float | None, resident: dict) -> dict:
    shape = "x".join(map(str, source.fields["image"].shape))
    line = {"source": name, "shape": shape, "images": len(source)}
    line["first_use"] = seconds and round(len(source) / seconds)
    compiled = jax.jit(partial(prepare, fields=source.fields))
    for what, last in (("stream", None), ("prepared", compiled)):
        line |= {f"{what}_{batch}": round(images_per_second(source, batch, resident, last)) for batch in BATCHES}
    line["share_of_first_epoch"] = seconds and round(1 / (1 + len(source) / seconds / line["stream_64"]), 3)
    return line


def measure_all(folder: Path, side: int, count: int):
    """Lines for images of one size."""
    for name, form in write(folder, PICTURE.value or side, count).items():
        source, seconds = first_use(lambda form=form: opened(form, side))
        yield measure(name, source, seconds, {})
    on_device, seconds = first_use(lambda: jax.block_until_ready(jax.device_put(source.everything())))
    yield measure("resident", source, seconds, on_device)

    dataset = TFDS.value or ("mnist:train[:2000]" if "TFDS_DATA_DIR" in os.environ else None)
    if not dataset:
        print(json.dumps({"source": "tfds", "skipped": "neither TFDS_DATA_DIR nor --tfds is set"}))
        return
    try:
        source, seconds = first_use(lambda: opened(f"tfds:{dataset}", side))
    except (UserError, ImportError) as error:
        print(json.dumps({"source": f"tfds:{dataset}", "skipped": str(error)}))
        return
    yield measure("tfds", source, seconds, {})
    with mock.patch.object(tfds, "CACHED_BYTES", 0):
        yield measure("tfds, too large to be cached", opened(f"tfds:{dataset}", side), None, {})


def measure_cold(side: int) -> dict:
    """A cache that is on the disk alone."""
    shape, count = (side, side, 3), COLD_MB.value * 2**20 // (side * side * 3)
    rng, part = np.random.default_rng(0), 256
    shutil.rmtree(cache.cache_folder(), ignore_errors=True)

    def chunks():
        for start in range(0, count, part):
            number = min(part, count - start)
            yield rng.integers(0, 256, (number, *shape), np.uint8), [0] * number

    def drop():
        gc.collect()  # a page that is mapped stays
        for file in cache.cache_folder().iterdir():
            with file.open("rb") as opened_file:
                os.fsync(opened_file.fileno())
                os.posix_fadvise(opened_file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def epoch(source, seed: int) -> tuple[int, int]:
        rounds, start = len(source) // 64, time.perf_counter()
        stream = Stream(source, batch_size=64, seed=seed, resident=False, threads=THREADS.value)
        with contextlib.closing(stream):
            for number in range(1, rounds + 1):
                next(stream)
                if number == rounds // 10:
                    tenth = number * 64 / (time.perf_counter() - start)
        return round(tenth), round(rounds * 64 / (time.perf_counter() - start))

    open_cache = lambda: make_source("image", cache.cached(("cold",), count, chunks)[0])
    with contextlib.redirect_stderr(io.StringIO()):
        open_cache()
    line = {"source": "cold", "shape": f"{side}x{side}x3", "images": count}
    # The way with plain reads comes first: it leaves no stream behind that still maps the file.
    drop()
    start = time.perf_counter()
    path = next(cache.cache_folder().glob("*.npy"))
    with path.open("rb", buffering=0) as file:
        while file.read(2**24):
            pass
    line["read_through"] = round(count / (time.perf_counter() - start))
    drop()
    line["tenth"], line["epoch"] = epoch(open_cache(), 0)
    line["epoch_after"] = epoch(open_cache(), 1)[1]
    return line


def consumed() -> list[dict]:
    """What the config's round would use up on an accelerator of these peaks."""
    config, shape, batch = complete(load_config(CONFIG.value)), (64, 64, 3), 64
    config.batch_size = batch
    source = make_source("image", np.zeros((batch, *shape), np.uint8))
    experiment = build(config, source.fields)
    repeats = batches_per_round(experiment.game)
    run = compile_round(config, experiment, make_runner("jit"))
    as_on_accelerators = mock.patch.object(cpu_convolution, "form", lambda *shapes: None)
    stream = Stream(source, batch_size=batch, repeats=repeats, seed=0, resident=False)
    with contextlib.closing(stream), as_on_accelerators:
        lowered = run.lower(experiment.state_shapes, {}, next(stream), np.uint32(0), due(experiment.game, 1))
    flops = lowered.cost_analysis()["flops"] / experiment.images_per_round
    return [
        {
            "consumes": CONFIG.value,
            "gflop_per_image": round(flops / 1e9, 3),
            "peak": name,
            "share": share,
            "images_per_second": round(share * peak / flops),
            "gb_per_second": round(share * peak / flops * math.prod(shape) / 1e9, 3),
        }
        for name, peak in PEAKS.items()
        for share in SHARES
    ]


def table(lines: list[dict]) -> None:
    """Prints lines of the same keys as Markdown."""
    if lines:
        show = lambda value: "" if value is None else f"{value:,}" if isinstance(value, (int, float)) else value
        print("", f"| {' | '.join(lines[0])} |", f"|{'---|' * len(lines[0])}", sep="\n")
        print(*(f"| {' | '.join(map(show, line.values()))} |" for line in lines), sep="\n")


def main(argv):
    del argv
    print(json.dumps({"device": jax.devices()[0].device_kind, "processors": len(os.sched_getaffinity(0)),
                      "jax": jax.__version__, "threads": THREADS.value}))  # fmt: skip
    warm, cold = [], []
    for size, images in zip(SIZES.value, IMAGES.value, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["GAN_JAX_CACHE"] = str(Path(folder, "cache"))
            if "warm" in ONLY.value:
                for line in measure_all(Path(folder, "pictures"), int(size), int(images)):
                    print(json.dumps(line), flush=True)
                    warm.append(line)
            if "cold" in ONLY.value:
                cold.append(measure_cold(int(size)))
                print(json.dumps(cold[-1]), flush=True)
    consumes = consumed() if "consumes" in ONLY.value else []
    for line in consumes:
        print(json.dumps(line))
    for lines in (warm, cold, consumes):
        table(lines)


if __name__ == "__main__":
    app.run(main)
