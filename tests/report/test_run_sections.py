from pathlib import Path

import pytest
from synthetic_study import Synthetic

from aikd_tune.report.run_sections import critic_text, rung_epochs, states_text
from aikd_tune.run import rungs
from aikd_tune.spec import EarlyStopping


@pytest.mark.parametrize(
    ("early_stopping", "epochs"),
    [
        (EarlyStopping(), 30),
        (EarlyStopping(min_epochs=1, reduction=2), 16),
        (EarlyStopping(min_epochs=5), 5),
        (EarlyStopping(name="none"), 30),
    ],
)
def test_the_rungs_drawn_are_those_of_the_search(early_stopping: EarlyStopping, epochs: int) -> None:
    assert tuple(rung_epochs(early_stopping, epochs)) == rungs.rung_epochs(early_stopping, epochs)


def test_many_untrained_critics_are_flagged(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0] * 10, setting=study.study.base)
    assert critic_text(study.records()) == "Critic untrained in 0 of 10 trials with a discriminator."
    study.trials[0]["critic_untrained"] = True
    assert critic_text(study.records()) == "Critic untrained in 1 of 10 trials with a discriminator."
    study.trials[1]["critic_untrained"] = True
    assert critic_text(study.records()) == (
        "Critic untrained in 2 of 10 trials with a discriminator. That is more than 1 in 10, so the search says little "
        "about the discriminator's own fields."
    )


def test_counts_of_a_search_without_a_discriminator(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 8.0, None], ["complete", "pruned", "running"], setting=study.baseline("ce"))
    assert states_text(study.records()) == "3 settings: 1 complete, 1 stopped early, 1 running."
