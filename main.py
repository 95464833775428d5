"""Trains a GAN, or samples from a trained one.

python main.py                                                        trains configs/digits_dcgan.py
python main.py --config=configs/ring_mlp.py --config.total_kimg=500   another config, with a change
python main.py --mode=sample --workdir=runs/digits_dcgan --out=digits.png
"""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from gan_jax import cli

DEFAULT_CONFIG = Path(__file__).parent / "configs" / "digits_dcgan.py"
# Flags that mean something in one mode only.
TRAIN = ("runner", "devices", "coordinator_address", "num_processes", "process_id")
SAMPLE = ("num", "seed", "out", "label", "ema")

FLAGS = flags.FLAGS
config_flags.DEFINE_config_file("config", None, "The experiment; change any key with --config.KEY=VALUE.")
flags.DEFINE_string("workdir", None, "The run's folder; by default runs/NAME for configs/NAME.py.")
flags.DEFINE_enum("mode", "train", ["train", "sample"], "What to do.")
flags.DEFINE_enum("runner", "auto", ["auto", "jit", "pmap", "mesh"], "How rounds are spread over devices.")
flags.DEFINE_integer("devices", None, "How many of this host's devices to use; by default all.")
flags.DEFINE_string("coordinator_address", None, "HOST:PORT of process 0, for several hosts (jax.distributed).")
flags.DEFINE_integer("num_processes", None, "How many processes there are, for several hosts.")
flags.DEFINE_integer("process_id", None, "This process's number, from 0, for several hosts.")
flags.DEFINE_integer("num", 64, "sample: how many.")
flags.DEFINE_integer("seed", 0, "sample: of the latents.")
flags.DEFINE_string("out", None, "sample: FILE.png (a grid) or FILE.npz (arrays).")
flags.DEFINE_integer("label", None, "sample: the class, for a conditional model; by default each in turn.")
flags.DEFINE_bool("ema", True, "sample: the averaged generator; --noema: the newest parameters.")


def main(argv: list[str]) -> None:
    del argv
    if FLAGS.mode == "sample":
        cli.refuse(FLAGS, "sample", TRAIN)
        cli.sample(FLAGS.workdir, FLAGS.out, num=FLAGS.num, seed=FLAGS.seed, label=FLAGS.label, ema=FLAGS.ema)
    else:
        cli.refuse(FLAGS, "train", SAMPLE)
        cli.train(
            FLAGS.config,
            FLAGS.workdir or f"runs/{Path(FLAGS['config'].config_filename).stem}",
            runner=FLAGS.runner,
            devices=FLAGS.devices,
            coordinator_address=FLAGS.coordinator_address,
            num_processes=FLAGS.num_processes,
            process_id=FLAGS.process_id,
        )


def parse(argv: list[str]) -> list[str]:
    return cli.parse(argv, FLAGS, DEFAULT_CONFIG)


if __name__ == "__main__":
    app.run(cli.one_line_errors(main), flags_parser=cli.one_line_errors(parse))
