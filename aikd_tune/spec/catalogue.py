"""The names that a study file may use for data sets and networks, and what each of them implies."""

from typing import Literal, NamedTuple, get_args

OwnNetwork = Literal["small_cnn", "resnet18_cifar", "preact_resnet18_cifar", "densenet121_cifar"]
TorchvisionNetwork = Literal[
    "alexnet",
    "convnext_base",
    "convnext_large",
    "convnext_small",
    "convnext_tiny",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnet_v2_l",
    "efficientnet_v2_m",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "regnet_x_16gf",
    "regnet_x_1_6gf",
    "regnet_x_32gf",
    "regnet_x_3_2gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_x_8gf",
    "regnet_y_128gf",
    "regnet_y_16gf",
    "regnet_y_1_6gf",
    "regnet_y_32gf",
    "regnet_y_3_2gf",
    "regnet_y_400mf",
    "regnet_y_800mf",
    "regnet_y_8gf",
    "resnet101",
    "resnet152",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_b",
    "swin_s",
    "swin_t",
    "swin_v2_b",
    "swin_v2_s",
    "swin_v2_t",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "vit_b_16",
    "vit_b_32",
    "vit_h_14",
    "vit_l_16",
    "vit_l_32",
    "wide_resnet101_2",
    "wide_resnet50_2",
]
NetworkName = OwnNetwork | TorchvisionNetwork

TorchvisionSet = Literal[
    "MNIST",
    "FashionMNIST",
    "KMNIST",
    "CIFAR10",
    "CIFAR100",
    "SVHN",
    "STL10",
    "Flowers102",
    "FGVCAircraft",
    "StanfordCars",
    "OxfordIIITPet",
    "DTD",
    "Food101",
]
FileSet = Literal["parquet_images", "image_folder"]
DataSetName = Literal["digits"] | FileSet | TorchvisionSet

OWN_NETWORKS: frozenset[str] = frozenset(get_args(OwnNetwork))
TORCHVISION_NETWORKS: frozenset[str] = frozenset(get_args(TorchvisionNetwork))
TORCHVISION_SETS: frozenset[str] = frozenset(get_args(TorchvisionSet))
FILE_SETS: frozenset[str] = frozenset(get_args(FileSet))

DEFAULT_WIDTHS = {"small_cnn": 16, "resnet18_cifar": 64, "preact_resnet18_cifar": 64, "densenet121_cifar": 64}


class SetDefaults(NamedTuple):
    """Defaults of a data set's fields; a size of None: the images' own."""

    shift: int = 0
    flip: bool = True
    resized_crop: float = 0.0
    stored_size: int | None = None
    size: int | None = None


_PHOTOGRAPHS = SetDefaults(resized_crop=0.08, stored_size=256, size=224)
_SCENES_OF_32 = SetDefaults(shift=4)
_SIGNS_OF_28 = SetDefaults(shift=2, flip=False)

_DEFAULTS = {
    "digits": SetDefaults(shift=1, flip=False),
    "parquet_images": _SCENES_OF_32,
    "image_folder": _PHOTOGRAPHS,
    "MNIST": _SIGNS_OF_28,
    "FashionMNIST": SetDefaults(shift=2),
    "KMNIST": _SIGNS_OF_28,
    "CIFAR10": _SCENES_OF_32,
    "CIFAR100": _SCENES_OF_32,
    "SVHN": SetDefaults(shift=4, flip=False),
    "STL10": SetDefaults(shift=12),
}


def set_defaults(name: str) -> SetDefaults:
    """What a data set's fields are where the study file leaves them open; sets of one's own get no augmentation."""
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    return _PHOTOGRAPHS if name in TORCHVISION_SETS else SetDefaults(flip=False)


def is_own_code(name: str) -> bool:
    """Whether ``name`` is a function of the user's own, ``package.module:function``."""
    return ":" in name
