import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from study_strategies import asked, many, members_of, studies

from aikd_tune.spec import Choice, Domain, IntRange, LogUniform, Scalar, Setting, Space, Study, Uniform, flatten
from aikd_tune.spec.activity import active_fields
from aikd_tune.spec.keys import canonical, setting_key
from aikd_tune.spec.leaves import FIELD_DEFAULTS


@many
@given(studies(), st.data())
def test_values_are_the_inverse_of_ask(study: Study, data: st.DataObject) -> None:
    setting = asked(data, study)
    values = study.space.values(setting)
    assert study.space.resolve(study.base, values) == setting
    assert study.space.contains(setting)
    assert Setting.model_validate(setting.model_dump()) == setting


@many
@given(studies(), st.data())
def test_only_fields_that_are_active_in_the_end_are_asked_and_each_once(study: Study, data: st.DataObject) -> None:
    chosen: dict[str, Scalar] = {}

    def suggest(path: str, domain: Domain) -> Scalar:
        assert path not in chosen
        chosen[path] = data.draw(members_of(domain), label=path)
        return chosen[path]

    setting = study.space.ask(study.base, suggest)
    assert chosen == study.space.values(setting)
    assert list(chosen) == [path for path in study.space.order if path in chosen]
    assert set(chosen) <= set(active_fields(setting))


@many
@given(studies())
def test_the_base_is_in_the_space(study: Study) -> None:
    assert study.space.contains(study.base)


@many
@given(studies(max_domains=4), st.data())
def test_settings_lists_every_setting_that_can_be_asked_once(study: Study, data: st.DataObject) -> None:
    finite = {p: d for p, d in study.space.domains.items() if d.size is not None and d.size < 6 and not d.when}
    space = Space(finite)
    assert space.size is not None
    assume(space.size <= 100)
    listed = [setting_key(setting, "f") for setting in space.settings(study.base)]
    assert len(set(listed)) == len(listed) == space.count(study.base) <= space.size
    one = space.ask(study.base, lambda path, domain: data.draw(members_of(domain), label=path))
    assert setting_key(one, "f") in listed


def test_settings_leaves_out_what_only_inactive_fields_tell_apart() -> None:
    space = Space(
        {
            "distill.adversarial.weight": Choice((0.0, 0.01)),
            "distill.adversarial.hidden": Choice(("32", "64", "128")),
            "train.epochs": IntRange(10, 30, step=10),
        }
    )
    assert space.size == 2 * 3 * 3
    assert space.count(Setting()) == (1 + 3) * 3
    assert space.count(Setting(), limit=11) is None


def test_a_range_of_numbers_has_no_end() -> None:
    space = Space({"train.lr": LogUniform(0.01, 1.0)})
    assert space.size is None
    assert space.count(Setting()) is None


def test_parents_come_first_whatever_the_order_of_the_domains() -> None:
    domains: dict[str, Domain] = {
        "distill.adversarial.gradient_penalty": LogUniform(1.0, 30.0),
        "distill.adversarial.objective": Choice(("wgan-gp", "bce")),
        "train.lr": Uniform(0.1, 1.0, when={"distill.adversarial.weight": (0.0,)}),
        "distill.adversarial.weight": LogUniform(0.001, 0.3, or_=0.0),
        "distill.method": Choice(("aikd", "ce")),
    }
    order = list(Space(domains).order)
    assert order == list(Space(dict(reversed(domains.items()))).order)
    for parent, child in [
        ("distill.method", "distill.adversarial.weight"),
        ("distill.adversarial.weight", "train.lr"),
        ("distill.adversarial.objective", "distill.adversarial.gradient_penalty"),
    ]:
        assert order.index(parent) < order.index(child)


@pytest.mark.parametrize(("epochs", "lr"), [(10, FIELD_DEFAULTS["train.lr"]), (20, 0.5)])
def test_a_field_whose_condition_fails_takes_its_field_default(epochs: int, lr: float) -> None:
    space = Space({"train.lr": Uniform(0.1, 1.0, when={"train.epochs": (20, 30)}), "train.epochs": Choice((10, 20))})
    base = Setting.model_validate({"train": {"lr": 0.7}})
    setting = space.ask(base, lambda path, _: epochs if path == "train.epochs" else 0.5)
    assert setting.train.lr == lr
    assert list(space.values(setting)) == (["train.epochs", "train.lr"] if epochs == 20 else ["train.epochs"])


def test_a_condition_on_an_inactive_field_does_not_hold() -> None:
    space = Space(
        {
            "distill.adversarial.weight": Choice((0.0, 0.01)),
            "train.lr": Uniform(0.1, 1.0, when={"distill.adversarial.objective": ("wgan-gp",)}),
        }
    )
    off = space.resolve(Setting(), {"distill.adversarial.weight": 0.0, "train.lr": 0.5})
    on = space.resolve(Setting(), {"distill.adversarial.weight": 0.01, "train.lr": 0.5})
    assert off.train.lr == FIELD_DEFAULTS["train.lr"]
    assert on.train.lr == 0.5


def test_a_condition_on_a_field_whose_own_condition_fails_does_not_hold() -> None:
    space = Space(
        {
            "train.epochs": Choice((10, 30)),
            "train.batch_size": Choice((32, 64), when={"train.epochs": (10,)}),
            "train.lr": Uniform(0.1, 1.0, when={"train.batch_size": (64,)}),
        }
    )
    assert list(space.values(space.resolve(Setting(), {"train.epochs": 30}))) == ["train.epochs"]
    assert len(space.values(space.resolve(Setting(), {"train.epochs": 10, "train.lr": 0.5}))) == 3


def test_each_network_gets_its_own_default_width() -> None:
    space = Space({"model.name": Choice(("small_cnn", "resnet18_cifar"))})
    widths = [space.resolve(Setting(), {"model.name": name}).model.width for name in ("small_cnn", "resnet18_cifar")]
    assert widths == [16, 64]


def test_a_whole_number_of_a_field_of_floats_comes_back_whole() -> None:
    space = Space({"distill.temperature": IntRange(1, 10)})
    setting = space.resolve(Setting(), {"distill.temperature": 4})
    value = space.values(setting)["distill.temperature"]
    assert value == 4
    assert isinstance(value, int)


def test_ask_leaves_the_fixed_fields_alone() -> None:
    space = Space({"train.lr": Uniform(0.1, 1.0)})
    setting = space.resolve(Setting(), {"train.lr": 0.25})
    changed = {path for path, value in flatten(setting).items() if value != flatten(Setting())[path]}
    assert changed == {"train.lr", "data.views.resized_crop", "data.views.shift", "data.views.flip", "model.width"}
    assert math.isclose(setting.train.lr, 0.25)
    assert canonical(setting)["train.lr"] == 0.25
