"""The network: a small decoder of the `qwen3` architecture, with tied embeddings."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    vocab: int = 2048
    width: int = 192
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    hidden: int = 512
    rope: float = 100000.0
    eps: float = 1e-6


def attend(q, k, v):
    """Causal attention; in separate operations on a CPU, which is faster there for short rows."""
    length = q.shape[2]
    if q.device.type != "cpu" or length > 1024:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    with torch.autocast("cpu", enabled=False):
        scores = (q * q.shape[-1] ** -0.5) @ k.mT
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        return scores.masked_fill(future, -1e4).softmax(-1) @ v


def rotate(x, cos, sin):
    """Rotary position embedding in NEOX style: the two halves of a head are a pair."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.q = nn.Linear(config.width, config.heads * config.head, bias=False)
        self.k = nn.Linear(config.width, config.kv_heads * config.head, bias=False)
        self.v = nn.Linear(config.width, config.kv_heads * config.head, bias=False)
        self.o = nn.Linear(config.heads * config.head, config.width, bias=False)
        self.q_norm = nn.RMSNorm(config.head, config.eps)
        self.k_norm = nn.RMSNorm(config.head, config.eps)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        head, groups = self.config.head, self.config.heads // self.config.kv_heads
        q = rotate(self.q_norm(self.q(x).float().view(batch, length, -1, head)).transpose(1, 2), cos, sin)
        k = rotate(self.k_norm(self.k(x).float().view(batch, length, -1, head)).transpose(1, 2), cos, sin)
        v = self.v(x).view(batch, length, -1, head).transpose(1, 2)
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = attend(q.to(v.dtype), k.to(v.dtype), v)
        return self.o(y.transpose(1, 2).reshape(batch, length, -1))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attn_norm = nn.RMSNorm(config.width, config.eps)
        self.ffn_norm = nn.RMSNorm(config.width, config.eps)
        self.attn = Attention(config)
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x, cos, sin):
        x = x + self.attn(self.attn_norm(x), cos, sin)
        y = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, config.eps)
        nn.init.normal_(self.embed.weight, std=0.05)
        for block in self.blocks:  # residual branches start at zero
            nn.init.zeros_(block.attn.o.weight)
            nn.init.zeros_(block.down.weight)

    def forward(self, ids, where=None):
        """Logits at every position, or only where the boolean mask `where` is set."""
        head = self.config.head
        frequency = self.config.rope ** (-torch.arange(0, head, 2, device=ids.device).float() / head)
        angle = torch.arange(ids.shape[1], device=ids.device).float()[:, None] * frequency
        cos, sin = angle.cos(), angle.sin()
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, cos, sin)
        x = self.norm(x)
        return F.linear(x if where is None else x[where], self.embed.weight)
