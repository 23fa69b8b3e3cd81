#!/usr/bin/env python3
"""The architectures in plain PyTorch: names, shapes and state_dict order are the references'.

    python3 scripts/reference/models.py --check

compares names, shapes and parameter counts with the published ones, and, where torchvision is installed, ResNet-18's and
VGG11's outputs with its own. Importing this file needs torch alone.
"""

import argparse
import sys

import torch
from torch import nn


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, residual=True):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.residual = residual
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(x + shortcut if self.residual else x)


class ResNet18(nn.Module):
    """torchvision.models.resnet18 (He et al. 2016, arXiv:1512.03385); `custom` drops the residual sums of stage 1."""

    def __init__(self, classes=10, channels=3, custom=False):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = 64
        for stage, outputs in enumerate((64, 128, 256, 512), start=1):
            residual = not (custom and stage == 1)
            first = BasicBlock(width, outputs, 1 if stage == 1 else 2, residual)
            setattr(self, f"layer{stage}", nn.Sequential(first, BasicBlock(outputs, outputs, 1, residual)))
            width = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class VGG11(nn.Module):
    """torchvision.models.vgg11, without batch norm (Simonyan & Zisserman 2015, arXiv:1409.1556, configuration A)."""

    def __init__(self, classes=10, channels=3, dropout=0.5):
        super().__init__()
        layers = []
        for width in (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"):
            if width == "pool":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(channels, width, 3, 1, 1), nn.ReLU(inplace=True)]
                channels = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(4096, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class LeNet(nn.Module):
    """Caffe's LeNet (github.com/BVLC/caffe, examples/mnist/lenet_train_test.prototxt).

    Differs: Caffe's pooling rounds an odd side up, PyTorch's down. 28 and 32 pixels have even sides throughout.
    """

    def __init__(self, classes=10, channels=1, image_size=28):
        super().__init__()
        side = ((image_size - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(channels, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.ip1 = nn.Linear(50 * side * side, 500)
        self.ip2 = nn.Linear(500, classes)

    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x))))
        return self.ip2(torch.relu(self.ip1(torch.flatten(x, 1))))


class FixupBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        for name in ("bias1a", "bias1b", "bias2a"):
            setattr(self, name, nn.Parameter(torch.zeros(1)))
        self.scale = nn.Parameter(torch.ones(1))
        self.bias2b = nn.Parameter(torch.zeros(1))
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.subsample = nn.AvgPool2d(1, stride) if stride != 1 else None

    def forward(self, x):
        shortcut = x
        if self.subsample is not None:
            half = self.subsample(x + self.bias1a)
            shortcut = torch.cat((half, torch.zeros_like(half)), 1)
        x = torch.relu(self.conv1(x + self.bias1a) + self.bias1b)
        x = self.conv2(x + self.bias2a) * self.scale + self.bias2b
        return torch.relu(x + shortcut)


class FixupResNet20(nn.Module):
    """fixup_resnet20 (Zhang et al. 2019, arXiv:1901.09321; github.com/hongyi-zhang/Fixup)."""

    def __init__(self, classes=10, channels=3):
        super().__init__()
        self.bias1 = nn.Parameter(torch.zeros(1))
        self.bias2 = nn.Parameter(torch.zeros(1))
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        width = 16
        for stage, outputs in enumerate((16, 32, 64), start=1):
            blocks = [FixupBlock(width, outputs, 1 if stage == 1 else 2)]
            blocks += [FixupBlock(outputs, outputs, 1) for _ in range(2)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            width = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = torch.relu(self.conv1(x) + self.bias1)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1) + self.bias2)


ARCHITECTURES = ("resnet18", "custom-resnet18", "vgg11", "lenet", "fixup-resnet20")


def build(architecture, classes=10, channels=3, image_size=32, dropout=0.5):
    """A network by its name in study files. Only VGG11 has dropout, only LeNet's shapes depend on the image size."""
    if architecture in ("resnet18", "custom-resnet18"):
        return ResNet18(classes, channels, custom=architecture == "custom-resnet18")
    if architecture == "vgg11":
        return VGG11(classes, channels, dropout)
    if architecture == "lenet":
        return LeNet(classes, channels, image_size)
    if architecture == "fixup-resnet20":
        return FixupResNet20(classes, channels)
    raise ValueError(f"there is no architecture {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")


# Trainable parameters as published: torchvision's tables (1,000 classes, RGB), Caffe's LeNet (28×28 grey, 10 classes),
# github.com/hongyi-zhang/Fixup (CIFAR-10).
PUBLISHED = [
    ("resnet18", 1000, 3, 224, 11_689_512), ("vgg11", 1000, 3, 224, 132_863_336),
    ("lenet", 10, 1, 28, 431_080), ("fixup-resnet20", 10, 3, 32, 268_393),
]


def check():
    """Problems found, a line each."""
    problems = []
    for architecture, classes, channels, size, expected in PUBLISHED:
        count = sum(p.numel() for p in build(architecture, classes, channels, size).parameters())
        if count != expected:
            problems.append(f"{architecture}: {count} parameters, expected {expected}")
    shapes = lambda model: [(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()]
    if shapes(build("custom-resnet18")) != shapes(build("resnet18")):
        problems.append("custom-resnet18: names or shapes differ from resnet18's")
    try:
        import torchvision
    except ImportError:
        print("torchvision is not installed: its models were not compared", file=sys.stderr)
        return problems
    for architecture, size in (("resnet18", 64), ("vgg11", 64)):
        torch.manual_seed(1)
        theirs = getattr(torchvision.models, architecture)(num_classes=20).eval()
        ours = build(architecture, 20).eval()
        if shapes(ours) != shapes(theirs):
            problems.append(f"{architecture}: names, shapes or order differ from torchvision's")
            continue
        ours.load_state_dict(theirs.state_dict())
        images = torch.randn(2, 3, size, size)
        with torch.no_grad():
            if not torch.equal(ours(images), theirs(images)):
                problems.append(f"{architecture}: outputs differ from torchvision's")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", required=True, help="compare with the published models")
    parser.parse_args()
    torch.set_num_threads(1)
    problems = check()
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
