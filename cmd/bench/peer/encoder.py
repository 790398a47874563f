"""The image encoder of the published program alone, in plain PyTorch: the other side of `bench encoder`.

    python3 encoder.py THREADS SIZE BATCH

torchvision's ResNet-18 with a last layer of 32, on BATCH random images of bytes. Reads lines "evaluate FORMAT" and
"train FORMAT", FORMAT being nchw or channels_last, and answers each with the wall and processor seconds of one pass.
"""
import sys
import time

import torch
import torchvision

threads, size, batch = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)
images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
formats = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
models = {name: torchvision.models.resnet18(num_classes=32).to(memory_format=f) for name, f in formats.items()}


def run(what, name):
    model = models[name]
    x = images.contiguous(memory_format=formats[name]).float()
    if what == "evaluate":
        model.eval()
        with torch.no_grad():
            return model(x).sum().item()
    model.train()
    model.zero_grad(set_to_none=True)
    loss = model(x).sum()
    loss.backward()
    return loss.item()


print(torch.__version__, flush=True)
for line in sys.stdin:
    cpu, start = time.process_time(), time.perf_counter()
    run(*line.split())
    print(time.perf_counter() - start, time.process_time() - cpu, flush=True)
