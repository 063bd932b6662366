"""``aikd-tune report``."""

from collections.abc import Sequence
from pathlib import Path

from aikd_tune.errors import UsageError
from aikd_tune.report.document import build_report
from aikd_tune.report.table_texts import latex_tables, markdown_tables


def report_command(study_dirs: list[Path], output: Path | None) -> int:
    """Write the page and say where it is."""
    page = output or study_dirs[0] / "report.html"
    write_page(study_dirs, page)
    print(page)
    return 0


def tables_command(study_dirs: list[Path], form: str) -> int:
    """Print the tables as Markdown or LaTeX."""
    print(latex_tables(study_dirs) if form == "latex" else markdown_tables(study_dirs))
    return 0


def write_page(study_dirs: Sequence[Path], page: Path) -> None:
    """The report over some studies, whole or not at all."""
    html = build_report(study_dirs)
    temporary = page.with_name(f".{page.name}.tmp")
    try:
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(page)
    except OSError as error:
        raise UsageError(f"{page}: must be a file that can be written, found {error.strerror}") from None
