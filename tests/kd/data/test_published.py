from aikd_tune.kd.data.published import published_facts
from aikd_tune.spec.catalogue import TORCHVISION_SETS
from aikd_tune.spec.defaults import fill_data
from aikd_tune.spec.fields import Data


def test_every_set_of_torchvision_can_be_planned() -> None:
    for name in TORCHVISION_SETS:
        facts = published_facts(fill_data(Data(name=name)))
        assert facts is not None
        assert facts.num_test
        assert len(facts.class_names) == facts.num_classes >= 10
        assert facts.image_shape[1] == (fill_data(Data(name=name)).stored_size or facts.image_shape[1])
    assert published_facts(Data(name="image_folder", path="x")) is None
