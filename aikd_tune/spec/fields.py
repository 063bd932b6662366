"""The fields of one setting: everything that can change what a trial computes, typed, frozen and defaulted.

A study file holds the same tree with a domain in place of any scalar; ``space.py`` turns such a tree into a setting.
METHOD choices that the paper leaves open are defaults here, so that each is an axis a study can search.
"""

from typing import Annotated, Literal

from pydantic import Field

from aikd_tune.spec.catalogue import DataSetName, NetworkName
from aikd_tune.spec.kinds import (
    Arguments,
    Count,
    Fraction,
    Milestones,
    NonNegative,
    OwnCode,
    Positive,
    Section,
    Sha256,
    Share,
    Widths,
)


class Views(Section):
    """Training views, drawn anew for every epoch, in the order of these fields; the last three after normalisation."""

    resized_crop: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="random resized crop: least share of the area (aspect 3/4 to 4/3), resized to data.size; 0: off; "
        "default per data set",
    )
    shift: Annotated[int, Field(ge=0)] | None = Field(
        None, description="pixels of zero padding around the raw image before a random crop; default per data set"
    )
    flip: bool | None = Field(None, description="mirror left-right with probability 1/2; default per data set")
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="rotate by a uniform angle of -rotation to rotation (nearest pixel, zeros outside)"
    )
    cutout: Annotated[int, Field(ge=0)] = Field(
        0, description="side of a square of zeros after normalisation, its centre anywhere in the image; 0: off"
    )
    mixup: NonNegative = Field(
        0.0, description="blend with another image by a share from Beta(mixup, mixup), labels too; 0: off"
    )
    cutmix: NonNegative = Field(
        0.0, description="paste a rectangle of another image, its area by Beta(cutmix, cutmix), labels too; 0: off"
    )


class Data(Section):
    """The images, and how they are split: by ``split_seed`` alone, never by a trial's seed."""

    name: DataSetName | OwnCode = Field(
        "digits", description="the data set; package.module:function for one of your own"
    )
    path: str | None = Field(
        None, description="folder (or file) of the set; default for torchvision's sets: the cache; not part of any key"
    )
    fingerprint: Sha256 | None = Field(
        None, description="SHA-256 of the images and labels; filled in when the study file is read"
    )
    source_sha256: Sha256 | None = Field(
        None, description="SHA-256 of the source file of your own function; filled in when the study file is read"
    )
    mode: Literal["rgb", "grey"] | None = Field(
        None,
        description="what every image of image_folder and parquet_images becomes; default: as the first, and others "
        "are refused",
    )
    stored_size: Count | None = Field(
        None,
        description="side of the decoded images: shorter side resized, centre cropped; default: the images' own, "
        "256 for photographs of many sizes",
    )
    size: Count | None = Field(
        None,
        description="side of the images that the network sees; default: as decoded, 224 for photographs of many sizes",
    )
    evaluation: Literal["center_crop", "resize"] = Field(
        "center_crop", description="from the decoded image to data.size outside training"
    )
    normalization: Literal["digits", "cifar", "imagenet", "half"] | None = Field(
        None,
        description="mean and standard deviation per channel; half: levels become -1 to 1; default per set",
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(0, description="draws test, then validation, then training")
    test: Count | Share | None = Field(
        None, description="test images, a count or a share; only where the set has no test split of its own (20%)"
    )
    val: Count | Share = Field("10%", description="validation images, a count or a share of the set")
    train: Count | Share | None = Field(
        None, description="training images, a count or a share; default: all that remain"
    )
    views: Views = Field(default_factory=Views, description="training views")


class Model(Section):
    """The network of both phases."""

    name: NetworkName | OwnCode = Field(
        "small_cnn",
        description="architecture: our own, a torchvision.models classifier, or package.module:function of your own",
    )
    width: Count | None = Field(
        None,
        description="channels of the first stage (growth is half of it in densenet121_cifar); default 16 for "
        "small_cnn, else 64; our own architectures only",
    )
    arguments: Arguments | None = Field(
        None, description='arguments of a torchvision or own architecture, such as "dropout=0.1, depth=2"'
    )
    source_sha256: Sha256 | None = Field(
        None, description="SHA-256 of the source file of your own function; filled in when the study file is read"
    )


class Train(Section):
    """Optimisation of the student (and, unless overridden, of the teacher)."""

    epochs: Count = Field(30, description="epochs")
    batch_size: Annotated[int, Field(ge=2)] = Field(64, description="images a step")
    optimizer: Literal["sgd", "adam", "adamw"] = Field("sgd", description="optimiser")
    lr: Positive = Field(0.05, description="learning rate at the start")
    momentum: Fraction = Field(0.9, description="SGD momentum")
    nesterov: bool = Field(True, description="Nesterov's form of momentum; needs momentum above 0")
    beta1: Fraction = Field(0.9, description="Adam's decay of the gradient's mean")
    beta2: Fraction = Field(0.999, description="Adam's decay of the gradient's square")
    weight_decay: NonNegative = Field(5e-4, description="L2 penalty; adamw: decoupled from the gradient")
    weight_decay_on: Literal["all", "weights"] = Field(
        "all", description="parameters that decay: all, or weights (neither biases nor normalisation layers)"
    )
    lr_schedule: Literal["constant", "cosine", "step"] = Field(
        "cosine", description="learning rate by epoch; cosine falls to 0 after the last; step: times lr_factor"
    )
    lr_milestones: Milestones | None = Field(
        None, description="step: epochs after which the rate drops, joined by '-': \"150-225\""
    )
    lr_factor: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="step: what each milestone multiplies by")
    lr_warmup_epochs: Annotated[int, Field(ge=0)] = Field(
        0, description="first epochs in which every step raises the rate, linearly from 0 to where the schedule is"
    )
    gradient_clip: Positive | None = Field(None, description="greatest L2 norm of the gradient; null: not clipped")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="of the network's arithmetic; weights, losses and tables stay float32; fp16 scales the loss"
    )
    channels_last: bool = Field(True, description="memory layout of weights and activations; sums round differently")
    compile: bool = Field(False, description="torch.compile the network; sums round differently")
    label_smoothing: Fraction = Field(0.0, description="share of the target spread evenly over all classes")


class TeacherTrain(Section):
    """Overrides of ``train`` for phase 1; a field left out is inherited. Or a trained network from a file."""

    file: str | None = Field(
        None, description="state dict of a trained network (weights only) in place of phase 1; not part of any key"
    )
    sha256: Sha256 | None = Field(
        None, description="SHA-256 of teacher.file; filled in when the study file is read, checked when it is used"
    )
    checkpoint: Literal["last", "best"] = Field(
        "last", description="the teacher is the network of the last epoch, or of the lowest validation error"
    )
    epochs: Count | None = Field(None, description="epochs of phase 1")
    batch_size: Annotated[int, Field(ge=2)] | None = Field(None, description="images a step in phase 1")
    optimizer: Literal["sgd", "adam", "adamw"] | None = Field(None, description="optimiser of phase 1")
    lr: Positive | None = Field(None, description="learning rate of phase 1")
    momentum: Fraction | None = Field(None, description="SGD momentum of phase 1")
    nesterov: bool | None = Field(None, description="Nesterov's form in phase 1")
    beta1: Fraction | None = Field(None, description="Adam's decay of the gradient's mean in phase 1")
    beta2: Fraction | None = Field(None, description="Adam's decay of the gradient's square in phase 1")
    weight_decay: NonNegative | None = Field(None, description="L2 penalty of phase 1")
    weight_decay_on: Literal["all", "weights"] | None = Field(None, description="parameters that decay in phase 1")
    lr_schedule: Literal["constant", "cosine", "step"] | None = Field(
        None, description="learning rate schedule of phase 1"
    )
    lr_milestones: Milestones | None = Field(None, description="step: epochs of phase 1 after which the rate drops")
    lr_factor: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="step: what each milestone of phase 1 multiplies by"
    )
    lr_warmup_epochs: Annotated[int, Field(ge=0)] | None = Field(None, description="warm-up epochs of phase 1")
    gradient_clip: Positive | None = Field(None, description="greatest L2 norm of the gradient in phase 1")
    precision: Literal["fp32", "bf16", "fp16"] | None = Field(None, description="precision of phase 1")
    channels_last: bool | None = Field(None, description="memory layout in phase 1")
    compile: bool | None = Field(None, description="torch.compile in phase 1")
    label_smoothing: Fraction | None = Field(None, description="label smoothing of phase 1")


class TeacherTerm(Section):
    """KL from the frozen teacher's predictive probabilities (deterministic knowledge)."""

    weight: NonNegative = Field(0.3, description="weight of t^2 KL(teacher || student)")
    temperature: Positive | None = Field(None, description="temperature of this term; default distill.temperature")


class PreviousTerm(Section):
    """KL from the student of the previous epoch (progressive knowledge); off in the first epoch."""

    weight: NonNegative = Field(0.3, description="weight of t^2 KL(previous || student) at the end of the ramp")
    temperature: Positive | None = Field(None, description="temperature of this term; default distill.temperature")
    ramp: Literal["constant", "linear", "cosine"] = Field(
        "linear", description="weight in epoch e of E: w, w e/E, or w (1 - cos(pi e/E))/2"
    )
    source: Literal["snapshot", "table"] = Field(
        "snapshot",
        description="snapshot: the student at the end of the previous epoch, on this epoch's views; "
        "table: each image's prediction in its last training step (PS-KD)",
    )


class AdversarialTerm(Section):
    """The discriminator's term: the teacher's logits are its real side, the student's its generated side."""

    weight: NonNegative = Field(0.01, description="weight of the adversarial term; its scale depends on the objective")
    warmup_epochs: Annotated[int, Field(ge=0)] = Field(0, description="first epochs without this term")
    objective: Literal["wgan-gp", "bce", "hinge"] = Field("wgan-gp", description="adversarial objective")
    input: Literal["logits", "log_probabilities", "probabilities", "features"] = Field(
        "logits",
        description="what the discriminator sees: logits centred per sample, (log-)probabilities, penultimate features",
    )
    temperature: Positive = Field(1.0, description="temperature of the discriminator's (log-)probabilities")
    hidden: Widths = Field("256-64", description="hidden layers of the discriminator, widths joined by '-'")
    critic_steps: Count = Field(1, description="discriminator updates a student step")
    lr: Positive = Field(1e-4, description="the discriminator's Adam learning rate (constant)")
    beta1: Fraction = Field(0.5, description="the discriminator's Adam beta 1")
    beta2: Fraction = Field(0.9, description="the discriminator's Adam beta 2")
    gradient_penalty: NonNegative = Field(10.0, description="weight of the gradient penalty (wgan-gp)")
    spectral_norm: bool = Field(False, description="divide the discriminator's layers by their spectral norm (bce)")


class Distill(Section):
    """The student's loss; ``method`` other than aikd switches every distillation field off."""

    method: Literal["aikd", "ce", "label_smoothing"] = Field(
        "aikd", description="aikd, plain cross-entropy, or cross-entropy with train.label_smoothing"
    )
    ce: NonNegative | Literal["complement"] = Field(
        1.0, description="weight of cross-entropy, or complement: 1 - teacher weight - previous weight in force"
    )
    start: Literal["fresh", "teacher_init", "teacher"] = Field(
        "fresh", description="the student's first weights: fresh, the teacher's first, or the trained teacher's"
    )
    temperature: Positive = Field(4.0, description="temperature of both KL terms")
    teacher: TeacherTerm = Field(default_factory=TeacherTerm)
    previous: PreviousTerm = Field(default_factory=PreviousTerm)
    adversarial: AdversarialTerm = Field(default_factory=AdversarialTerm)


class Setting(Section):
    """One fully resolved choice of every field but the seed."""

    data: Data = Field(default_factory=Data)
    model: Model = Field(default_factory=Model)
    train: Train = Field(default_factory=Train)
    teacher: TeacherTrain = Field(default_factory=TeacherTrain)
    distill: Distill = Field(default_factory=Distill)
