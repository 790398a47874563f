"""OpenCarbon in plain PyTorch, both variants, written from the description of the method and not from the Go code: the
other side of the parity tests (parity.py, published.py).

The reference variant has the module names, and in this order, of the authors' published program.
"""
import torch
import torchvision
from torch import nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as torchvision documents them


class InputGate(nn.Module):
    """Squeeze and excitation on a convolution's input (Eq. 1-3)."""

    def __init__(self, channels, ratio):
        super().__init__()
        hidden = max(1, channels // ratio)
        self.fc1 = nn.Linear(channels, hidden, bias=False)
        self.fc2 = nn.Linear(hidden, channels, bias=False)

    def forward(self, x):
        s = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3))))))
        return x * s[:, :, None, None]


class OutputGate(nn.Module):
    """The published program's, on a convolution's output."""

    def __init__(self, channels, ratio):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // ratio, 1)
        self.fc2 = nn.Conv2d(channels // ratio, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(nn.functional.adaptive_avg_pool2d(x, 1)))))


def edge(size, kernel, padding):
    return (size + 2 * padding - kernel) // 3 + 1


class POIEncoder(nn.Module):
    def __init__(self, variant, kind, categories, m, size, se, ratio=4):
        super().__init__()
        self.kind, self.paper, self.se = kind, variant == "paper", se
        bias = self.paper  # the published program's convolutions have none
        if kind == "k7":
            self.fc1 = nn.Conv2d(categories, 32, 7, 3, 3, bias=bias)
            self.bn1 = nn.BatchNorm2d(32)
            self.fc2 = nn.Conv2d(32, 32, 7, 3, 1, bias=bias)
            self.bn2 = nn.BatchNorm2d(32)
            self.fc3 = nn.Conv2d(32, 1, 3, 3, 1, bias=bias)
            n, inputs = edge(edge(edge(size, 7, 3), 7, 1), 3, 1), [categories, 32, 32]
        else:
            self.fc1 = nn.Conv2d(categories, 32, 37, 3, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(32)
            self.fc2 = nn.Conv2d(32, 1, 37, 3, 1, bias=bias)
            n, inputs = edge(edge(size, 37, 3), 37, 1), [categories, 32]
        self.fc = nn.Linear(n * n, m)
        if se and self.paper:
            for i, c in enumerate(inputs):
                setattr(self, f"se{i + 1}", InputGate(c, ratio))
        elif se:
            for i in range(len(inputs) - 1):
                setattr(self, f"se{i + 1}", OutputGate(32, ratio))

    def forward(self, x):
        convs = [self.fc1, self.fc2] + ([self.fc3] if self.kind == "k7" else [])
        for i, conv in enumerate(convs):
            gate = getattr(self, f"se{i + 1}", nn.Identity())
            if self.paper:
                x = gate(x)
            x = conv(x)
            if i < len(convs) - 1:
                x = torch.relu((self.bn1, self.bn2 if i else None)[i](x))
                if not self.paper:
                    x = gate(x)
        return self.fc(x.flatten(1))


class Grid(nn.Module):
    def __init__(self, variant, kind, categories, m, size, se):
        super().__init__()
        self.image_encoder = torchvision.models.resnet18()
        self.image_encoder.fc = nn.Linear(512, m)
        self.poi_encoder = POIEncoder(variant, kind, categories, m, size, se)


class Neighbor(nn.Module):
    def __init__(self, m):
        super().__init__()

        def convs():
            return nn.Sequential(nn.Conv2d(m, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(),
                                 nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.image_encoder, self.image_fc = convs(), nn.Linear(128, m)
        self.poi_encoder, self.poi_fc = convs(), nn.Linear(128, m)

    def forward(self, xs, xp):
        return self.image_fc(self.image_encoder(xs)), self.poi_fc(self.poi_encoder(xp))


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, query, x):
        q, k, v = self.q(query), self.k(x), self.v(x)  # [B, m, 1]
        return torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList([Head(), Head()])
        self.linear = nn.Linear(2, 1)

    def forward(self, query, x):
        query, x = query.unsqueeze(-1), x.unsqueeze(-1)
        return self.linear(torch.cat([h(query, x) for h in self.heads], -1)).squeeze(-1)


class Aggregate(nn.Module):
    """Eq. 4-5."""

    def __init__(self, m):
        super().__init__()
        self.l1, self.l2 = nn.Linear(m, m), nn.Linear(m, 1, bias=False)

    def forward(self, xs, xp):
        w = torch.softmax(torch.cat([self.l2(torch.tanh(self.l1(x))) for x in (xs, xp)], 1), 1)
        return w[:, :1] * xs + w[:, 1:] * xp


class OpenCarbon(nn.Module):
    def __init__(self, variant, kind="k7", categories=17, m=32, M=3, size=256, se=True):
        super().__init__()
        self.variant, self.M, self.m = variant, M, m
        self.grid_rep = Grid(variant, kind, categories, m, size, se)
        width = m
        if M > 1:
            self.neighbor_rep = Neighbor(m)
            self.cross_from_neighborhood = Attention()
            if variant == "reference":
                self.self_grid, self.self_neighbor = Attention(), Attention()
                width = 2 * m
        elif variant == "reference":
            self.self_grid = Attention()  # never used
        self.grid_agg = Aggregate(m)
        if M > 1:
            self.neighbor_agg = Aggregate(m)
        self.regressor = nn.Sequential(nn.Linear(width, m), nn.ReLU(), nn.BatchNorm1d(m), nn.Linear(m, 1))

    def encode(self, images, points):
        """images [U, 3, H, W] uint8, RGB; points [U, C, H, W]."""
        x = images.to(points.dtype)
        if self.variant == "paper":
            x = torchvision.transforms.functional.normalize(x / 255, MEAN, STD)
        else:
            x = x[:, [2, 1, 0]]
        return self.grid_rep.image_encoder(x), self.grid_rep.poi_encoder(points)

    def forward(self, images, points, index):
        """index [B, M, M]: tiles of each cell's neighborhood, -1 = none. Returns ln emission [B], X_s and X_p [B, m]."""
        B, M, k = len(index), self.M, self.M // 2
        if self.variant == "paper":  # each tile once
            xs, xp = self.encode(images, points)
            xs, xp = (torch.cat([x, torch.zeros(1, self.m, dtype=x.dtype)])[index] for x in (xs, xp))  # [B, M, M, m]
        else:  # all neighbors, in slices of B, a missing one being tile 0
            flat = index.clamp(min=0).flatten()
            parts = [self.encode(images[i], points[i]) for i in flat.split(B)]
            xs, xp = (torch.cat(x).reshape(B, M, M, self.m) for x in zip(*parts))
        return (self.predict(xs, xp), xs[:, k, k], xp[:, k, k])

    def predict(self, xs, xp):
        """ln emission [B] of the embeddings [B, M, M, m] around each cell."""
        M, k = self.M, self.M // 2
        x = g = self.grid_agg(xs[:, k, k], xp[:, k, k])
        if M > 1:
            n = self.neighbor_agg(*self.neighbor_rep(xs.permute(0, 3, 1, 2), xp.permute(0, 3, 1, 2)))
            if self.variant == "paper":
                x = self.cross_from_neighborhood(n, g) + g
            else:
                g = self.self_grid(g, g) + g
                n = self.self_neighbor(n, n) + n
                x = torch.cat([self.cross_from_neighborhood(n, g), n], 1)
        return self.regressor(x).squeeze(-1)


def contrastive(variant, xs, xp, tau=0.07):
    """One number, to be weighed by alpha."""
    if variant == "reference":
        return nn.functional.cross_entropy(xs @ xp.T / tau, torch.arange(len(xs)))
    s = nn.functional.normalize(xs) @ nn.functional.normalize(xp).T / tau
    rest = s.masked_fill(torch.eye(len(s), dtype=torch.bool), -torch.inf)
    return (rest.logsumexp(1) + rest.logsumexp(0) - 2 * s.diag()).sum()
