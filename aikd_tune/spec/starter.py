"""The text of a new study, as ``aikd-tune init`` writes it."""

from importlib.resources import files

from aikd_tune.spec.problems import yaml_text


def starter(name: str = "my-study") -> str:
    """A commented study file called ``name`` (which must be a valid study name)."""
    text = files("aikd_tune.spec").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("study: my-study", f"study: {yaml_text(name)}", 1)
