"""The Python side of `make bench`: see cgo/bench/peer.cc. Started with the number of threads; reads "step N", "add N" or
"relu N" and answers with wall and processor seconds."""
import math
import sys
import time

import torch
import torchvision

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
model = torchvision.models.resnet18(num_classes=10)
optimizer = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=5e-3)
images = torch.randn(32, 3, 64, 64)
target = torch.arange(32).remainder(10)
a, b = torch.ones(4), torch.ones(4)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.cross_entropy(model(images), target)
    loss.backward()
    optimizer.step()
    if not math.isfinite(loss.item()):
        sys.exit("the loss is not finite")


work = {"step": step, "add": lambda: a + b, "relu": lambda: torch.relu(a)}
print(torch.__version__, flush=True)
for line in sys.stdin:
    what, n = line.split()
    f = work[what]
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(int(n)):
        f()
    print(time.perf_counter() - start, time.process_time() - cpu, flush=True)
