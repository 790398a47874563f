"""Prints every leaf of checkpoints, as make_fixtures.py notes them, after
torch.load with weights_only; and lets Adam take over the optimiser's state.

    /usr/bin/python3 load.py FILE...

PyTorch 1.13 refuses every Python float with weights_only, in its own files
too; only there such a file is read without.
"""
import base64, json, sys

import torch



def load(path):
    try:
        return torch.load(path, weights_only=True)
    except Exception as e:
        if torch.__version__ < "2" and "Unsupported operand 71" in str(e):
            return torch.load(path)
        raise


def walk(v, path, out):
    if isinstance(v, torch.Tensor):
        t = v.detach().contiguous()
        raw = {torch.bool: torch.uint8, torch.bfloat16: torch.int16}.get(t.dtype)
        t = t.view(raw) if raw else t
        out[path] = [str(v.dtype), list(v.shape), base64.b64encode(t.numpy().tobytes()).decode()]
    elif isinstance(v, dict):
        for k, x in v.items():
            walk(x, f"{path}/{k}", out)
    elif isinstance(v, (list, tuple)):
        for i, x in enumerate(v):
            walk(x, f"{path}/{i}", out)
    else:
        out[path] = repr(v)


def check(path):
    root, out = load(path), {}
    walk(root, "", out)
    if isinstance(root, dict) and "optimizer_state_dict" in root:
        names = [k for k in root["model_state_dict"] if "running" not in k and "tracked" not in k]
        params = [torch.nn.Parameter(root["model_state_dict"][k].clone()) for k in names]
        opt = torch.optim.Adam(params)
        opt.load_state_dict(root["optimizer_state_dict"])
        sum((p ** 2).sum() for p in params).backward()
        opt.step()
        assert int(opt.state[params[0]]["step"]) == 4
    return out


json.dump([check(p) for p in sys.argv[1:]], sys.stdout)
