"""The kinds of values that fields hold, and what a group of fields is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SHARE = r"^(100|[1-9]?[0-9])(\.[0-9]+)?%$"
HIDDEN = r"^[1-9][0-9]*(-[1-9][0-9]*)*$"
MILESTONES = r"^[1-9]\d*(-[1-9]\d*)*$"
OWN_CODE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
ARGUMENTS = r"^[A-Za-z_][A-Za-z0-9_]*=[^,=]+(, *[A-Za-z_][A-Za-z0-9_]*=[^,=]+)*$"
SHA256 = r"^[0-9a-f]{64}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Count = Annotated[int, Field(ge=1)]
Share = Annotated[str, Field(pattern=SHARE)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Widths = Annotated[str, Field(pattern=HIDDEN)]
Milestones = Annotated[str, Field(pattern=MILESTONES)]
OwnCode = Annotated[str, Field(pattern=OWN_CODE)]
Arguments = Annotated[str, Field(pattern=ARGUMENTS)]
Sha256 = Annotated[str, Field(pattern=SHA256)]


class Section(BaseModel):
    """A group of fields; unknown keys are refused, values are never coerced between kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
