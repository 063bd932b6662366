import torch

from aikd_tune.kd.device import device_kind, device_name, peak_memory_gib, prepare


def test_cpu_is_named_with_its_instructions() -> None:
    assert device_kind("cpu").startswith("cpu ")
    assert device_name() in ("cpu", "cuda")


def test_threads_are_those_asked_for() -> None:
    prepare("cpu", 2)
    assert torch.get_num_threads() == 2
    prepare("cpu", 1)
    assert torch.get_num_threads() == 1


def test_peak_memory_grows_with_what_is_used() -> None:
    before = peak_memory_gib("cpu")
    assert 0.05 < before < 64
    block = torch.ones(int(before * 2**28) + 2**26)  # a quarter GiB more than the process ever had
    assert peak_memory_gib("cpu") >= before + 0.2
    del block
