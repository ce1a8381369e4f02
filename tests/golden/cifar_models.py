"""The small networks in torch, written down from their sources for make_golden.py.

CifarResNet: He et al. 2015, section 4.2 with shortcut option A, as checkpoints of the wild have it
(github.com/akamaster/pytorch_resnet_cifar10: every second pixel, a quarter of the new channels
in zeros on each side). Resnet8: MLPerf Tiny's image classification network as Keras runs it
(github.com/mlcommons/tiny, resnet_v1_eembc): padding "same", biases in all convolutions, a shortcut
convolution without batch norm. Modules have torchvision's names.
"""

import torch
from torch import nn
from torch.nn import functional


class SubsampleAndPad(nn.Module):
    def __init__(self, planes):
        super().__init__()
        self.quarter = planes // 4

    def forward(self, x):
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.quarter, self.quarter))


class SameConv2d(nn.Conv2d):
    """TensorFlow's "same": ceil(in / stride) values out, an odd pixel of padding goes behind."""

    def forward(self, x):
        widths = []
        for axis in (3, 2):  # functional.pad counts from the last one
            size, kernel, stride = x.shape[axis], self.kernel_size[axis - 2], self.stride[axis - 2]
            rest = size % stride
            total = max(kernel - (rest if rest else stride), 0)
            widths += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, widths))


class Block(nn.Module):
    def __init__(self, inplanes, planes, stride, conv3x3):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU()
        self.conv2 = conv3x3(planes, planes, 1)
        self.bn2 = nn.BatchNorm2d(planes)

    def beside(self, x):
        return x

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.beside(x))


class BlockA(Block):
    def __init__(self, inplanes, planes, stride, conv3x3):
        super().__init__(inplanes, planes, stride, conv3x3)
        if stride != 1:
            self.shortcut = SubsampleAndPad(planes)

    def beside(self, x):
        return self.shortcut(x) if hasattr(self, "shortcut") else x


class BlockPlain(Block):
    def __init__(self, inplanes, planes, stride, conv3x3):
        super().__init__(inplanes, planes, stride, conv3x3)
        if stride != 1:  # a list is never called: it is no module with an output
            self.downsample = nn.ModuleList([SameConv2d(inplanes, planes, 1, stride)])

    def beside(self, x):
        return self.downsample[0](x) if hasattr(self, "downsample") else x


class Stages(nn.Module):
    def __init__(self, blocks, block, conv3x3):
        super().__init__()
        self.conv1 = conv3x3(3, 16, 1)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        planes = [16, 32, 64]
        for stage in range(3):
            before, stride = (16, 1) if stage == 0 else (planes[stage - 1], 2)
            layers = [block(before, planes[stage], stride, conv3x3)]
            layers += [
                block(planes[stage], planes[stage], 1, conv3x3) for _ in range(blocks - 1)
            ]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class CifarResNet(Stages):
    def __init__(self, depth):
        def conv3x3(inplanes, planes, stride):
            return nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)

        super().__init__((depth - 2) // 6, BlockA, conv3x3)


class Resnet8(Stages):
    def __init__(self):
        def conv3x3(inplanes, planes, stride):
            return SameConv2d(inplanes, planes, 3, stride)

        super().__init__(1, BlockPlain, conv3x3)
