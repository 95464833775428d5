"""Trains a GAN, samples from a trained one or translates pictures with it, or measures how good it is.

python main.py                                                        trains configs/digits_dcgan.py
python main.py --config=configs/ring_mlp.py --config.total_kimg=500   another config, with a change
python main.py --mode=sample --workdir=runs/digits_dcgan --out=digits.png
python main.py --mode=evaluate --workdir=runs/digits_dcgan            fid, precision, recall, ...
python main.py --mode=evaluate --images_a=PATH --images_b=PATH        of any two sets of images
python main.py --mode=translate --workdir=runs/facades_pix2pix --input=PICTURES --out=FOLDER
python main.py --mode=train_classifier --config.data.source=folder:PATH --out=mine.npz
"""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from gan_jax import cli

DEFAULT_CONFIG = Path(__file__).parent / "configs" / "digits_dcgan.py"
HOSTS = ("distributed", "coordinator_address", "num_processes", "process_id")
TRAIN = ("config", "workdir", "runner", "devices", *HOSTS)
SAMPLE = ("workdir", "num", "seed", "out", "label", "ema", "checkpoint")
SETS = ("images_a", "images_b", "image_size")
EVALUATE = ("workdir", "num", "seed", "out", "ema", "checkpoint", "metrics", "features", *SETS)
TRAIN_CLASSIFIER = ("config", "out", "seed", "test", "kimg")
TRANSLATE = ("workdir", "input", "out", "direction", "image_size", "halves", "animate", "seed", "ema", "checkpoint")
MODES = {
    "train": TRAIN,
    "sample": SAMPLE,
    "evaluate": EVALUATE,
    "translate": TRANSLATE,
    "train_classifier": TRAIN_CLASSIFIER,
}

FLAGS = flags.FLAGS
config_flags.DEFINE_config_file("config", None, "The experiment; change any key with --config.KEY=VALUE.")
flags.DEFINE_string("workdir", None, "The run's folder; by default runs/NAME for configs/NAME.py.")
flags.DEFINE_enum("mode", "train", list(MODES), "What to do.")
flags.DEFINE_enum("runner", "auto", ["auto", "jit", "pmap", "mesh", "fsdp"], "How rounds are spread over devices.")
flags.DEFINE_integer("devices", None, "How many of this host's devices to use; by default all.")
flags.DEFINE_bool("distributed", False, "Several hosts that JAX finds: SLURM, Cloud TPU, Kubernetes, Open MPI.")
flags.DEFINE_string("coordinator_address", None, "HOST:PORT of process 0, for several hosts (jax.distributed).")
flags.DEFINE_integer("num_processes", None, "How many processes there are, for several hosts.")
flags.DEFINE_integer("process_id", None, "This process's number, from 0, for several hosts.")
flags.DEFINE_integer("num", None, "sample, evaluate: how many samples; by default 64 and 50,000.")
flags.DEFINE_integer("seed", 0, "Of the latents, or of what translates; train_classifier: of all.")
flags.DEFINE_string(
    "out",
    None,
    "sample: FILE.png (a grid) or .npz (arrays); translate: a folder; evaluate: .json; train_classifier: .npz.",
)
flags.DEFINE_integer("label", None, "sample: the class, for a conditional model; by default each in turn.")
flags.DEFINE_bool("ema", True, "sample, evaluate, translate: the averaged generator; --noema: the newest parameters.")
flags.DEFINE_string("checkpoint", "last", "sample, evaluate, translate: last, best, or a number of rounds.")
flags.DEFINE_string("metrics", "auto", "evaluate: auto, all, or of fid,kid,is,pr,dc,modes,swd,nn,ppl,cas.")
flags.DEFINE_string(
    "features", "auto", "evaluate: points, classifier[:FILE], inception[:FILE], inception_clean[:FILE]."
)
flags.DEFINE_string("images_a", None, "evaluate: a folder, .zip, .npz or data.source in place of a run's samples.")
flags.DEFINE_string("images_b", None, "evaluate: the real images; by default the run's own data.")
flags.DEFINE_string(
    "image_size", None, "evaluate: what both sets are resized to, 64 or 48x80; translate: for the network, or native."
)
flags.DEFINE_string("input", None, "translate: a picture, or a folder of pictures.")
flags.DEFINE_enum("direction", "ab", ["ab", "ba"], "translate: from inputs to targets, or back (CycleGAN).")
flags.DEFINE_bool("halves", False, "translate: pictures are pairs as those of the run: take the input's half.")
flags.DEFINE_bool("animate", False, "translate: also write animations in which input and output take turns.")
flags.DEFINE_string("test", None, "train_classifier: a data.source to test on; by default a tenth that is held out.")
flags.DEFINE_float("kimg", 600.0, "train_classifier: thousands of images to train on, over all epochs.")


def main(argv: list[str]) -> None:
    del argv
    cli.refuse(FLAGS, MODES)
    given = {name: FLAGS[name].value for name in MODES[FLAGS.mode]}
    if FLAGS.mode == "train":
        given["workdir"] = FLAGS.workdir or cli.default_workdir(FLAGS["config"].config_filename)
    getattr(cli, FLAGS.mode)(**given)


def parse(argv: list[str]) -> list[str]:
    return cli.parse(argv, FLAGS, DEFAULT_CONFIG)


if __name__ == "__main__":
    app.run(cli.one_line_errors(main), flags_parser=cli.one_line_errors(parse))
