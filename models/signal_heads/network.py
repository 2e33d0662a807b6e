"""The network: small, fully convolutional, without anchors.

After CenterNet (Zhou et al. 2019, "Objects as Points") in what it says, a heat map of middles, and FCOS (Tian et al.
2019) in how it says boxes, by the distances to their sides; the body is a plain U of 3 × 3 convolutions. Needs torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.signal_heads.data import STRIDE
from models.signal_heads.labels import COLOURS

WIDTHS = (16, 32, 64, 80, 96)
"""Channels at strides 2, 4, 8, 16, 32."""
NECK = 48
DOUBT_ABOVE = 0.4
"""Heat from which a head that the makers did not mark is suspected."""
SIDE_UNIT = 16.0
"""Pixels a side is away from a middle if the network says 0: about the middle of what it is asked for."""


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class SignalHeads(nn.Module):
    """(n, 3, h, w) BGR 0-255, h and w multiples of 32 → (n, 5 + colours, h / 4, w / 4): logits of the heat, logarithms
    of the distances left, up, right, down in SIDE_UNIT, logits of the colours."""

    def __init__(self) -> None:
        super().__init__()
        w2, w4, w8, w16, w32 = WIDTHS
        self.stem = _convolution(3, w2, 2)
        self.down4 = nn.Sequential(_convolution(w2, w4, 2), _Residual(w4))
        self.down8 = nn.Sequential(_convolution(w4, w8, 2), _Residual(w8))
        self.down16 = nn.Sequential(_convolution(w8, w16, 2), _Residual(w16))
        self.down32 = nn.Sequential(_convolution(w16, w32, 2), _Residual(w32))
        self.side32 = nn.Conv2d(w32, NECK, 1)
        self.side16 = nn.Conv2d(w16, NECK, 1)
        self.side8 = nn.Conv2d(w8, NECK, 1)
        self.side4 = nn.Conv2d(w4, NECK, 1)
        self.mix16 = _convolution(NECK, NECK)
        self.mix8 = _convolution(NECK, NECK)
        self.mix4 = _convolution(NECK, NECK)
        self.out = nn.Conv2d(NECK, 5 + len(COLOURS), 1)
        # A head's middle is rare: begun at one in a hundred, the first steps do not go into saying "none" everywhere.
        nn.init.constant_(self.out.bias, 0.0)
        with torch.no_grad():
            self.out.bias[0] = -4.6

    def forward(self, x: Tensor) -> Tensor:
        s4 = self.down4(self.stem(x / 128 - 1))
        s8 = self.down8(s4)
        s16 = self.down16(s8)
        s32 = self.down32(s16)
        y = self.mix16(self.side16(s16) + functional.interpolate(self.side32(s32), scale_factor=2.0))
        y = self.mix8(self.side8(s8) + functional.interpolate(y, scale_factor=2.0))
        y = self.mix4(self.side4(s4) + functional.interpolate(y, scale_factor=2.0))
        result: Tensor = self.out(y)
        return result


class Decoded(nn.Module):
    """What is exported: heat 0-1, distances in pixels, colours as shares that sum to 1."""

    def __init__(self, network: SignalHeads) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        raw = self.network(x)
        return torch.cat(
            [raw[:, :1].sigmoid(), raw[:, 1:5].clamp(-4, 4).exp() * SIDE_UNIT, raw[:, 5:].softmax(dim=1)], dim=1
        )


def loss_of(raw: Tensor, heat: Tensor, sides: Tensor, colours: Tensor, *, doubt: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of heat, boxes and colours, to be minimised.

    `doubt`: where the background of a photograph is unsure and the network says that a head is there, believe neither.
    """
    wanted, sure = heat[:, 0], heat[:, 1]
    said = raw[:, 0].sigmoid().clamp(1e-4, 1 - 1e-4)
    if doubt:
        sure = torch.where((sure < 0.99) & (said.detach() > DOUBT_ABOVE), torch.zeros_like(sure), sure)
    is_middle = wanted >= 0.999
    heads = is_middle.sum().clamp(min=1)
    # The focal loss of CenterNet, with its exponents 2 and 4.
    hit = -((1 - said) ** 2 * said.log())[is_middle].sum()
    miss = -((1 - wanted) ** 4 * said**2 * (1 - said).log() * sure)[~is_middle].sum()
    weight = sides[:, 0]
    boxes = (weight * (1 - _overlap(raw[:, 1:5].clamp(-4, 4).exp() * SIDE_UNIT, sides[:, 1:5]))).sum()
    boxes = boxes / weight.sum().clamp(min=1e-3)
    known = (colours >= 0) & (weight > 0)
    each = functional.cross_entropy(raw[:, 5:], colours.clamp(min=0), reduction="none")
    shares = weight * known
    return (hit + miss) / heads, boxes, (each * shares).sum() / shares.sum().clamp(min=1e-3)


def _overlap(said: Tensor, wanted: Tensor) -> Tensor:
    """Generalised intersection over union of boxes given by distances from one point (Rezatofighi et al. 2019)."""
    less, more = torch.minimum(said, wanted), torch.maximum(said, wanted)
    shared = (less[:, 0] + less[:, 2]) * (less[:, 1] + less[:, 3])
    hull = (more[:, 0] + more[:, 2]) * (more[:, 1] + more[:, 3])
    areas = [(one[:, 0] + one[:, 2]) * (one[:, 1] + one[:, 3]) for one in (said, wanted)]
    union = areas[0] + areas[1] - shared
    return shared / union.clamp(min=1e-3) - (hull - union) / hull.clamp(min=1e-3)


def export(network: SignalHeads, path: str) -> None:
    """Writes the network as ONNX (opset 17), any number of pictures of any size in multiples of 32."""
    network.eval()
    options: dict[str, Any] = {"dynamo": False, "opset_version": 17}
    axes = {"pictures": {0: "n", 2: "h", 3: "w"}, "cells": {0: "n", 2: "h4", 3: "w4"}}
    example = torch.zeros(1, 3, 64 * STRIDE, 64 * STRIDE)
    torch.onnx.export(
        Decoded(network),
        (example,),
        path,
        input_names=["pictures"],
        output_names=["cells"],
        dynamic_axes=axes,
        **options,
    )
