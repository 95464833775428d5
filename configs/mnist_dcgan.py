"""The default DCGAN on the 60,000 MNIST training images, from TensorFlow Datasets.

Paper: Radford et al. 2016, see `digits_dcgan`.

    pip install -e '.[tfds]' && python main.py --config=configs/mnist_dcgan.py

TensorFlow is needed once, to prepare the data set; TFDS_DATA_DIR says where it lies.

Result: 200 kimg (6,250 rounds), seed 0, 2 cores of an AMD EPYC: 2:09, of which 8 s decoding. An outside classifier that
is 94 % sure of real digits is 94 % sure of the samples (0.943) and finds each digit in 9 to 12 % of them
(`benchmarks/judge.py`: averaged generator, 2,500 samples; that classifier was trained on the same images).
"""

from configs import digits_dcgan


def get_config():
    config = digits_dcgan.get_config()
    config.data.source = "tfds:mnist"
    return config
