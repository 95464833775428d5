"""The default DCGAN on the 60,000 MNIST training images, from TensorFlow Datasets.

Paper: Radford et al. 2016, see `digits_dcgan`.

    pip install -e '.[tfds]' && python main.py --config=mnist_dcgan

TensorFlow is needed once, to prepare the data set; TFDS_DATA_DIR says where it lies.

Result: 200 kimg (6,250 rounds), seed 0, 2 cores of an AMD EPYC, 2:31: FID 0.62 (features of the digits classifier,
which has seen the same 60,000 images), precision 0.749, recall 0.798, coverage 0.878, best and last (`--mode=evaluate
--num=10000`: averaged generator, 10,000 samples).
"""

from gan_jax.configs import digits_dcgan


def get_config():
    config = digits_dcgan.get_config()
    config.data.source = "tfds:mnist"
    return config
