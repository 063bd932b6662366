"""Studies and settings: typed, frozen, defaulted, checked at once and hashed."""

from aikd_tune.spec.activity import (
    active_fields,
    hidden_layers,
    needs_teacher,
    previous_temperature,
    student_train,
    teacher_temperature,
    teacher_train,
)
from aikd_tune.spec.advice import advice, critic_steps
from aikd_tune.spec.compare import differences
from aikd_tune.spec.domains import ABSENT, Choice, Domain, IntRange, LogUniform, Uniform
from aikd_tune.spec.dump import dump_setting, dump_study
from aikd_tune.spec.facts import DataFacts, count_of
from aikd_tune.spec.fields import AdversarialTerm, Data, Distill, Model, Setting, TeacherTrain, Train, Views
from aikd_tune.spec.first import baseline_setting, first_settings
from aikd_tune.spec.json_schema import json_schema
from aikd_tune.spec.keys import NUMERICS, setting_key, teacher_key, trial_key, views_key
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar, flatten
from aikd_tune.spec.load import load_study, parse_study
from aikd_tune.spec.rungs import rung_epochs
from aikd_tune.spec.space import Space
from aikd_tune.spec.starter import starter
from aikd_tune.spec.study import Study, is_maximised
from aikd_tune.spec.study_fields import Confirm, EarlyStopping, PerTrial, Resources, Search

__all__ = [
    "ABSENT",
    "NUMERICS",
    "SETTING_FIELDS",
    "AdversarialTerm",
    "Choice",
    "Confirm",
    "Data",
    "DataFacts",
    "Distill",
    "Domain",
    "EarlyStopping",
    "IntRange",
    "LogUniform",
    "Model",
    "PerTrial",
    "Resources",
    "Scalar",
    "Search",
    "Setting",
    "Space",
    "Study",
    "TeacherTrain",
    "Train",
    "Uniform",
    "Views",
    "active_fields",
    "advice",
    "baseline_setting",
    "count_of",
    "critic_steps",
    "differences",
    "dump_setting",
    "dump_study",
    "first_settings",
    "flatten",
    "hidden_layers",
    "is_maximised",
    "json_schema",
    "load_study",
    "needs_teacher",
    "parse_study",
    "previous_temperature",
    "rung_epochs",
    "setting_key",
    "starter",
    "student_train",
    "teacher_key",
    "teacher_temperature",
    "teacher_train",
    "trial_key",
    "views_key",
]
