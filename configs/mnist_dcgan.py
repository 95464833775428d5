"""The default DCGAN on the 60,000 MNIST training images, from TensorFlow Datasets.

Paper: Radford et al. 2016, see `digits_dcgan`.

    pip install -e '.[tfds]' && python main.py --config=configs/mnist_dcgan.py

TensorFlow is needed once, to prepare the data set; TFDS_DATA_DIR says where it lies.

Result: RESULT
"""

from configs import digits_dcgan


def get_config():
    config = digits_dcgan.get_config()
    config.data.source = "tfds:mnist"
    return config
