"""``aikd-tune``: every command of the package; each error of a user's is one line on stderr."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from aikd_tune.errors import StudyFileError, UserError

# typer exports only the leaves of its errors; their parent is what an unknown option or a missing argument raises.
UsageErrors: type[typer.BadParameter] = typer.BadParameter.__mro__[1]


class Tables(Enum):
    """Forms of the report's tables."""

    MARKDOWN = "markdown"
    LATEX = "latex"


app = typer.Typer(
    help="Search and ablate AI-KD self-knowledge-distillation: a study file in, tables and a report out.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="the study file")]
StudyDir = Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="a study's results folder, such as results/digits")]
Results = Annotated[
    str, typer.Option("--results", metavar="DIR", help="results root; the study is written to DIR/<name>")
]


@app.callback()
def root(context: typer.Context) -> None:
    """Search and ablate AI-KD self-knowledge-distillation: a study file in, tables and a report out."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@app.command()
def run(
    study: StudyFile,
    results: Results = "results",
    address: Annotated[
        str | None, typer.Option(metavar="ADDR", help="a running Ray cluster; default: this machine")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="settings in all, in place of search.trials")
    ] = None,
) -> int:
    """Run what is missing of a study; the same command continues, extends, or returns at once."""
    from aikd_tune.cli.run import run_command

    return run_command(study, results, address, trials)


@app.command()
def check(study: StudyFile) -> int:
    """Name every error of a study file, or say what it would run and cost."""
    from aikd_tune.cli.check import check_command

    return check_command(study)


@app.command()
def train(
    study: StudyFile,
    seed: Annotated[int | None, typer.Option(help="training seed; default: the study's")] = None,
    results: Results = "results",
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="cpu, cuda or cuda:1; default: cuda where there is one")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the student's state dict here, for teacher.file")
    ] = None,
) -> int:
    """Train one trial of fixed values in this process, without Ray; validation only."""
    from aikd_tune.cli.train import train_command

    return train_command(study, seed, results, device, save)


@app.command()
def status(study_dir: StudyDir) -> int:
    """Say how far a study is; works during a run, from anywhere that sees the folder."""
    from aikd_tune.report.status import status_text

    print(status_text(study_dir))
    return 0


@app.command()
def best(study_dir: StudyDir) -> int:
    """Print the best setting as YAML that run and train accept."""
    from aikd_tune.report.best import best_text

    print(best_text(study_dir), end="")
    return 0


@app.command()
def report(
    study_dirs: Annotated[list[Path], typer.Argument(metavar="STUDY_DIR...", help="one or more results folders")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="default: report.html of the first")
    ] = None,
    tables: Annotated[Tables | None, typer.Option(help="print the tables in this form and write no page")] = None,
) -> int:
    """Write one self-contained HTML page, or print its tables in Markdown or LaTeX."""
    from aikd_tune.cli.report import report_command, tables_command

    return tables_command(study_dirs, tables.value) if tables else report_command(study_dirs, output)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="the file to write")] = Path("study.yaml"),
) -> int:
    """Write a starter study file; an existing file is never overwritten."""
    from aikd_tune.cli.init import init_command

    return init_command(path)


@app.command()
def schema() -> int:
    """Print the JSON Schema of study files, for editors that complete and check YAML."""
    import json

    from aikd_tune.spec import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def main() -> None:
    """The entry point: exit codes 0 done, 1 some trial failed, 2 wrong usage or study file, 130 interrupted."""
    sys.path.append(str(Path.cwd()))  # for functions of the user's own; last, so that nothing installed is hidden
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        lines = error.lines if isinstance(error, StudyFileError) else [str(error)]
        print("\n".join(lines), file=sys.stderr)
        sys.exit(error.exit_code)
    except UsageErrors as error:
        command = error.ctx.command_path if error.ctx else "aikd-tune"
        print(f"{command}: {error.format_message().rstrip('.')}; see {command} --help", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(code or 0)
