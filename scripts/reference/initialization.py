#!/usr/bin/env python3
"""What `sower initialization export` writes, loaded by PyTorch: every name, shape and type, and the sampled kernels.

    pip install torch safetensors; python3 scripts/reference/initialization.py init.safetensors
"""
import sys

import safetensors
import safetensors.torch
import torch

import models


def main(path):
    state = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    # A study's networks tell ten classes apart.
    network = models.build(metadata["architecture"], classes=10)
    network.load_state_dict(state, strict=True)
    for name, tensor in network.state_dict().items():
        assert state[name].dtype == tensor.dtype and torch.equal(state[name], tensor), name
        assert tensor.isfinite().all(), name
    sampled = [name for name, tensor in state.items() if tensor.dim() == 4]
    kernels = {name: len(torch.unique(state[name].flatten(0, 1).flatten(1), dim=0)) for name in sampled}
    for name in sorted(metadata):
        print(f"{name}: {metadata[name][:72]}")
    print(f"{len(state)} tensors as {type(network).__name__} has them; distinct kernels: {kernels}")
    if "clusters" in metadata:
        few = sum(count <= int(metadata["clusters"]) for count in kernels.values())
        assert few >= int(metadata["sampled_layers"]), f"{few} layers have no more kernels than the codebook"


if __name__ == "__main__":
    main(sys.argv[1])
