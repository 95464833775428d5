"""Trains a GAN, samples from a trained one, translates pictures with it, or measures how good it is.

python main.py                                                       trains the config digits_dcgan
python main.py --config=ring_mlp --config.total_kimg=500             another config, with a change
python main.py --mode=sample --workdir=runs/digits_dcgan --out=digits.png
python main.py --mode=evaluate --workdir=runs/digits_dcgan           fid, precision, recall, ...
python main.py --mode=translate --workdir=runs/facades_pix2pix --input=PICTURES --out=FOLDER
python main.py --mode=configs                                        what there is to train
python main.py --help                                                all modes and flags

Each mode is a file in gan_jax/modes. Where gan_jax is installed, `gan_jax` and `python -m gan_jax` are this program.
"""

from gan_jax.cli import main

if __name__ == "__main__":
    main()
