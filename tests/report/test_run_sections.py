from pathlib import Path

from synthetic_study import Synthetic

from aikd_tune.report.run_sections import critic_text, states_text


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
