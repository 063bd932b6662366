"""The discriminator of the adversarial term: an MLP and its own Adam, trained without an autograd graph."""

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from aikd_tune.kd.critic_gradient import Layers, Rows, backward, collect, forward, input_gradient, penalise
from aikd_tune.kd.spectral_norm import SpectralNorm
from aikd_tune.spec.activity import hidden_layers
from aikd_tune.spec.fields import AdversarialTerm

_ADAM_EPSILON = 1e-8


class CriticRecord(NamedTuple):
    """Critic updates, measured before each, as 0-d tensors on the device (reading them would wait for it)."""

    loss: Tensor
    gap: Tensor  # mean D(teacher) - mean D(student)


class Discriminator:
    """An MLP D from what ``critic_input`` gives to one number per sample; LeakyReLU(0.2) after each hidden layer.

    Inputs (n, D) are ``centred`` per sample first, by default where they are logits, whose offset softmax ignores.
    All parameters lie in one flat vector, so that Adam is one operation. They start as those of ``torch.nn.Linear``:
    uniform within 1/sqrt(inputs of the layer). With ``term.spectral_norm`` D acts through weights divided by their
    spectral norm (bce alone: the other objectives ignore the field).
    """

    def __init__(
        self,
        num_inputs: int,
        term: AdversarialTerm,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        centred: bool | None = None,
    ) -> None:
        self._term = term
        self._centred = term.input == "logits" if centred is None else centred
        widths = [num_inputs, *hidden_layers(term.hidden), 1]
        # drawn on the CPU, so that every device starts alike
        drawn = [
            (2.0 * torch.rand((num_in + 1) * num_out, generator=generator) - 1.0) / num_in**0.5
            for num_in, num_out in pairwise(widths)
        ]
        self._parameters = torch.cat(drawn).to(device, dtype)
        self._gradient = torch.zeros_like(self._parameters)
        self._mean = torch.zeros_like(self._parameters)
        self._square = torch.zeros_like(self._parameters)
        self._step = torch.zeros((), device=device)
        self.layers = Layers(self._parameters, widths)
        self._gradient_layers = Layers(self._gradient, widths)
        self._spectral: SpectralNorm | None = None
        if term.spectral_norm and term.objective == "bce":
            self._spectral = SpectralNorm(self.layers, generator)
        self._acting = self.layers if self._spectral is None else self._spectral.normalised
        self._critic_rows: dict[int, Rows] = {}  # by batch size
        self._student_rows: dict[int, Rows] = {}

    @property
    def num_parameters(self) -> int:
        """How many numbers Adam trains."""
        return self._parameters.numel()

    def state(self) -> dict[str, Tensor]:
        """Copies of the parameters, of Adam's memory and of the spectral norm's."""
        return {name: tensor.clone() for name, tensor in self._memory().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        for name, tensor in self._memory().items():
            tensor.copy_(state[name])
        if self._spectral is not None:
            self._spectral.normalise()

    def _memory(self) -> dict[str, Tensor]:
        memory = {"parameters": self._parameters, "mean": self._mean, "square": self._square, "step": self._step}
        return memory if self._spectral is None else memory | self._spectral.memory()

    @torch.no_grad()
    def values(self, inputs: Tensor) -> Tensor:
        """D of each row of ``inputs`` (n, D): (n,)."""
        rows = Rows(self.layers, len(inputs))
        self._enter(inputs, rows.sides)
        forward(self._acting, rows)
        return rows.values

    @torch.inference_mode()
    def critic_steps(self, teacher: Tensor, student: Tensor, mix: Tensor) -> CriticRecord:
        """An Adam update for every row of ``mix`` on inputs of ``teacher`` and ``student`` (B, D) of the same images.

        Batch means of: wgan-gp: D(S) - D(T) + gradient_penalty (||grad_x D(x^)|| - 1)^2 at x^ = u T + (1-u) S, with
        u = a row of ``mix`` (steps, B, 1), uniform in 0..1; bce: softplus(-D(T)) + softplus(D(S)); hinge:
        relu(1 - D(T)) + relu(1 + D(S)); these two take as many steps and do not look at u. The record holds the means
        over the steps. No gradient flows into the inputs. The spectral norm's estimate moves once before every update.
        """
        batch_size = len(teacher)
        rows = self._rows_of_batch(batch_size)
        teacher_rows, student_rows = rows.sides[:batch_size], rows.sides[batch_size:]
        self._enter(teacher, teacher_rows)
        self._enter(student, student_rows)
        records = []
        for u in mix:
            if self._spectral is not None:
                self._spectral.iterate()
                self._spectral.normalise()
            if self._term.objective == "wgan-gp":
                torch.lerp(student_rows, teacher_rows, u, out=rows.between[0])
                records.append(self._wasserstein_pass(rows))
            else:
                records.append(self._classification_pass(rows, batch_size))
            collect(self._gradient_layers, rows)
            if self._spectral is not None:
                self._spectral.pull_back(self._gradient_layers)
            self._adam_step()
        if self._spectral is not None:
            self._spectral.normalise()
        loss, gap = (torch.stack(parts).mean() for parts in zip(*records, strict=True))
        return CriticRecord(loss, gap)

    def critic_step(self, teacher: Tensor, student: Tensor, u: Tensor) -> CriticRecord:
        """One of ``critic_steps``, with ``u`` (B, 1)."""
        return self.critic_steps(teacher, student, u[None])

    def _wasserstein_pass(self, rows: Rows) -> CriticRecord:
        forward(self._acting, rows)
        gap = torch.dot(rows.side_values, rows.side_upstream).neg_()
        backward(self._acting, rows)
        return CriticRecord(penalise(self._acting, rows, self._term.gradient_penalty).sub_(gap), gap)

    def _classification_pass(self, rows: Rows, batch_size: int) -> CriticRecord:
        forward(self._acting, rows)
        teacher, student = torch.split(rows.values, batch_size)
        wrong = torch.cat([-teacher, student])  # above 0: on the other's side
        if self._term.objective == "bce":
            loss = functional.softplus(wrong).sum()
            slopes = torch.sigmoid(wrong)
        else:
            margins = functional.relu(wrong + 1.0)
            loss = margins.sum()
            slopes = margins.sign()
        torch.mul(slopes, 1.0 / batch_size, out=rows.upstream)
        rows.upstream[:batch_size].neg_()
        backward(self._acting, rows)
        return CriticRecord(loss / batch_size, teacher.mean() - student.mean())

    def _rows_of_batch(self, batch_size: int) -> Rows:
        if batch_size not in self._critic_rows:
            penalised = self._term.objective == "wgan-gp"
            rows = Rows(self.layers, 2 * batch_size, batch_size if penalised else 0)
            rows.side_upstream[:batch_size] = -1.0 / batch_size
            rows.side_upstream[batch_size:] = 1.0 / batch_size
            self._critic_rows[batch_size] = rows
        return self._critic_rows[batch_size]

    def _adam_step(self) -> None:
        # the operation behind torch.optim.Adam(fused=True): the class around it costs several times the update
        self._step.add_(1)
        torch._fused_adam_(
            [self._parameters],
            [self._gradient],
            [self._mean],
            [self._square],
            [],
            [self._step],
            lr=self._term.lr,
            beta1=self._term.beta1,
            beta2=self._term.beta2,
            weight_decay=0.0,
            eps=_ADAM_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def student_loss(self, inputs: Tensor) -> Tensor:
        """The student's loss on ``inputs`` (B, D): -D(S) for wgan-gp and hinge, softplus(-D(S)) for bce; batch mean.

        Differentiable once, with respect to ``inputs`` alone: the critic gets no gradient here.
        """
        loss: Tensor = _StudentLoss.apply(inputs, self)
        return loss

    def student_loss_and_gradient(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The student's loss, and its gradient with respect to ``inputs`` (B, D); the caller is outside autograd."""
        batch_size = len(inputs)
        if batch_size not in self._student_rows:
            rows = Rows(self.layers, batch_size)
            rows.upstream.fill_(-1.0 / batch_size)
            self._student_rows[batch_size] = rows
        rows = self._student_rows[batch_size]
        self._enter(inputs, rows.sides)
        forward(self._acting, rows)
        if self._term.objective == "bce":
            loss = functional.softplus(-rows.values).mean()
            torch.div(torch.sigmoid(-rows.values), -batch_size, out=rows.upstream)
        else:
            loss = -rows.values.mean()
        backward(self._acting, rows)
        gradient = input_gradient(self._acting, rows)
        if self._centred:  # centring is symmetric: its own backward
            gradient.sub_(gradient.mean(dim=1, keepdim=True))
        return loss, gradient

    def _enter(self, inputs: Tensor, place: Tensor) -> None:
        if self._centred:
            torch.sub(inputs, inputs.mean(dim=1, keepdim=True), out=place)
        else:
            place.copy_(inputs)


class _StudentLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, discriminator: Discriminator) -> Tensor:
        loss, gradient = discriminator.student_loss_and_gradient(inputs)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return grad_output * gradient, None
