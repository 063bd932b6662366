"""The four ways of reading a table: three tools that know nothing of us, and our own reader."""

import duckdb
import pandas as pd
import polars

from aikd_tune.store import StudyFolder, read_frame


def by_pandas(folder: StudyFolder, table: str) -> pd.DataFrame:
    return pd.read_parquet(folder.table(table))


def by_duckdb(folder: StudyFolder, table: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute(f"select * from '{folder.table(table)}/*.parquet'").df()


def by_polars(folder: StudyFolder, table: str) -> pd.DataFrame:
    frame = polars.read_parquet(f"{folder.table(table)}/*.parquet")
    return pd.DataFrame(frame.rows(), columns=frame.columns)


OUTSIDE_READERS = {"pandas": by_pandas, "duckdb": by_duckdb, "polars": by_polars}
READERS = {**OUTSIDE_READERS, "store": read_frame}
