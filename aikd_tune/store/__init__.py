"""The study folder: Parquet tables, provenance, lock and binary files; the only truth about a study."""

from aikd_tune.store.blobs import Blobs
from aikd_tune.store.checkpoints import TrialCheckpoints
from aikd_tune.store.columns import column_name, setting_columns
from aikd_tune.store.files import write_atomic
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.lock import StudyLock, holder
from aikd_tune.store.provenance import Provenance, software
from aikd_tune.store.reader import read_frame, read_rows
from aikd_tune.store.schema import describe_columns
from aikd_tune.store.writer import TableWriter

__all__ = [
    "Blobs",
    "Provenance",
    "StudyFolder",
    "StudyLock",
    "TableWriter",
    "TrialCheckpoints",
    "column_name",
    "describe_columns",
    "holder",
    "read_frame",
    "read_rows",
    "setting_columns",
    "software",
    "write_atomic",
]
