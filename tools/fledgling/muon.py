"""Muon: momentum whose update is orthogonalised by a Newton-Schulz iteration."""
import torch


class Muon(torch.optim.Optimizer):
    """The optimizer of hidden matrices; matrices of one shape are updated together."""

    def __init__(self, parameters, lr=0.02, momentum=0.95):
        super().__init__(parameters, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for parameter in group["params"]:
                shapes.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in shapes.items():
                directions = [self._direction(parameter, group["momentum"]) for parameter in parameters]
                updates = orthogonalised(torch.stack(directions)) * max(1, shape[0] / shape[1]) ** 0.5
                for parameter, update in zip(parameters, updates):
                    parameter.mul_(1 - group["lr"] * 0.01).add_(update, alpha=-group["lr"])

    def _direction(self, parameter, momentum):
        mean = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
        mean.lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(mean, momentum)


def orthogonalised(matrices):
    """Approximates the nearest matrices with singular values of one; five steps in bfloat16."""
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if tall else x).float()
