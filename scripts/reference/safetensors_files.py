#!/usr/bin/env python3
"""Reference files of safetensors' own Python package, and torch's conversions between its float types.

    python3 scripts/reference/safetensors_files.py make DIR     writes the files
    python3 scripts/reference/safetensors_files.py swift > Tests/ArtifactsTests/SafetensorsReference.swift
    SAFETENSORS_FOLDER=DIR scripts/test --filter SafetensorsInteroperationTests     writes the files of our own writer
    python3 scripts/reference/safetensors_files.py check DIR    reads those with torch and NumPy
"""

import base64
import hashlib
import pathlib
import sys
import textwrap

import numpy
import safetensors
import safetensors.torch
import torch

METADATA = {"format": "pt \u00e9 \U0001d11e"}


def every_type():
    """All element types that torch has, a scalar, an empty tensor, and a name that needs escapes."""
    t = torch.tensor
    return {
        "bool": t([True, False, True]),
        "u8": t([0, 128, 255], dtype=torch.uint8),
        "i8": t([-128, 127], dtype=torch.int8),
        "i16": t([-2**15, 2**15 - 1], dtype=torch.int16),
        "u16": t([0, 2**16 - 1], dtype=torch.uint16),
        "i32": t([-2**31, 2**31 - 1], dtype=torch.int32),
        "u32": t([0, 2**32 - 1], dtype=torch.uint32),
        "i64": t([-2**63, 2**63 - 1], dtype=torch.int64),
        "u64": t([0, 2**64 - 1], dtype=torch.uint64),
        "f16": t([1, -2.5, 65504, 2**-24], dtype=torch.float16),
        "bf16": t([1, -2.5, float("inf"), 2**-133], dtype=torch.bfloat16),
        "f32": t([[1, -2.5, 0.1], [0, -0.0, float("-inf")]]),
        "f64": t([0.1, -1e300, 5e-324], dtype=torch.float64),
        "c64": t([1 - 2j]),
        "f8_e4m3": t([1, -0.5], dtype=torch.float8_e4m3fn),
        "f8_e5m2": t([1, -0.5], dtype=torch.float8_e5m2),
        "f8_e4m3fnuz": t([1, -0.5], dtype=torch.float8_e4m3fnuz),
        "f8_e5m2fnuz": t([1, -0.5], dtype=torch.float8_e5m2fnuz),
        "scalar": t(42.0),
        "empty": torch.zeros(0, 5),
        "\u540d\u524d \"x\"\\\n\u0001e\u0301": t([3.0]),
    }


def conversions():
    """32-bit floats about every place where rounding to F16 or BF16 is delicate, and torch's conversions of them."""
    values = []
    for base in (1.0, 2.0**-14, 2.0**-24, 2.0**-25, 65504.0, 65520.0, 65536.0, 2.0**-126, 2.0**-133, 2.0**-134, 3.3895314e38):
        for step in (0, 2**-11, 3 * 2**-11, 2**-8, 3 * 2**-8):
            values += [numpy.float32(min(base * (1 + step), 3.4028234e38))]
    with numpy.errstate(over="ignore"):
        values += [numpy.nextafter(value, numpy.float32(towards)) for value in list(values) for towards in (0, numpy.inf)]
    values += [numpy.float32(value) for value in (0, 0.1, 1 / 3, 3.4028235e38, 1e-45, numpy.inf, numpy.nan)]
    source = torch.from_numpy(numpy.array(values + [-value for value in values], dtype=numpy.float32))
    return {"source": source, "f16": source.half(), "bf16": source.bfloat16(), "f64": source.double()}


def files():
    return {"every_type.safetensors": (every_type(), METADATA), "conversions.safetensors": (conversions(), None)}


def digest(tensor, nan):
    """SHA-256 of a tensor's bytes, every NaN replaced by the one pattern `nan`."""
    patterns = tensor.view({2: torch.int16, 4: torch.int32}[tensor.element_size()]).numpy().copy()
    patterns[tensor.isnan().numpy()] = nan
    return hashlib.sha256(patterns.tobytes()).hexdigest()


def digests():
    """All 65 536 patterns of F16 and BF16 as F32, and as many F32 patterns, 65 521 apart, as F16 and BF16."""
    halves = torch.arange(-2**15, 2**15).roll(2**15).to(torch.int16)
    grid = torch.from_numpy((numpy.arange(2**16, dtype=numpy.uint64) * 65521 % 2**32).astype(numpy.uint32).view(numpy.float32))
    with numpy.errstate(over="ignore"):
        assert torch.equal(grid.half().nan_to_num(0), torch.from_numpy(grid.numpy().astype(numpy.float16)).nan_to_num(0))
    return {
        "float16Values": digest(halves.view(torch.float16).float(), 0x7FC00000),
        "bfloat16Values": digest(halves.view(torch.bfloat16).float(), 0x7FC00000),
        "float16Roundings": digest(grid.half(), 0x7E00),
        "bfloat16Roundings": digest(grid.bfloat16(), 0x7FC0),
    }


def make(folder):
    for name, (tensors, metadata) in files().items():
        safetensors.torch.save_file(tensors, folder / name, metadata=metadata)


def swift():
    print("import Foundation\n")
    print("/// Files of the safetensors Python package and digests of torch's conversions; made by")
    print(f"/// scripts/reference/safetensors_files.py with safetensors {safetensors.__version__} and torch {torch.__version__}.")
    print("enum SafetensorsReference {")
    for name, value in digests().items():
        print(f'    static let {name} = "{value}"')
    for name, (tensors, metadata) in files().items():
        words = name.removesuffix(".safetensors").split("_")
        text = base64.b64encode(safetensors.torch.save(tensors, metadata=metadata)).decode()
        print(f'\n    static let {words[0] + "".join(word.capitalize() for word in words[1:])} = bytes(\n        """')
        print(textwrap.indent("\n".join(textwrap.wrap(text, 116)), "        "))
        print('        """)')
    print("\n    private static func bytes(_ base64: String) -> [UInt8] {")
    print("        Array(Data(base64Encoded: base64, options: .ignoreUnknownCharacters)!)\n    }\n}")


def same(actual, expected):
    """Whether two tensors have the same bits, all NaNs taken for one."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return False
    if actual.is_floating_point() and actual.element_size() > 1:
        nan = actual.isnan()
        return torch.equal(nan, expected.isnan()) and torch.equal(bits(actual[~nan]), bits(expected[~nan]))
    return torch.equal(bits(actual), bits(expected))


def bits(tensor):
    return tensor.reshape(-1).view(torch.uint8)


def check(folder):
    for name, (expected, metadata) in files().items():
        path = folder / name
        actual = safetensors.torch.load_file(path)
        if actual.keys() != expected.keys():
            sys.exit(f"{path}: tensors {sorted(actual)}, expected {sorted(expected)}")
        with safetensors.safe_open(path, "np") as file:
            if file.metadata() != metadata:
                sys.exit(f"{path}: metadata {file.metadata()}, expected {metadata}")
            for key, tensor in expected.items():
                if not same(actual[key], tensor):
                    sys.exit(f"{path}: {key!r} is {actual[key]}, expected {tensor}")
                # NumPy has no BF16 and no 8-bit floats.
                if tensor.dtype == torch.bfloat16 or str(tensor.dtype).startswith("torch.float8"):
                    continue
                if not numpy.array_equal(file.get_tensor(key), tensor.numpy(), equal_nan=tensor.is_floating_point()):
                    sys.exit(f"{path}: {key!r} is {file.get_tensor(key)} in NumPy, expected {tensor}")
        identical = path.read_bytes() == safetensors.torch.save(expected, metadata=metadata)
        print(f"{path}: {len(expected)} tensors as expected, {'byte for byte' if identical else 'but for the bits of NaNs'}")


def main():
    if sys.argv[1:] == ["swift"]:
        swift()
    elif len(sys.argv) == 3 and sys.argv[1] in ("make", "check"):
        folder = pathlib.Path(sys.argv[2])
        make(folder) if sys.argv[1] == "make" else check(folder)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
