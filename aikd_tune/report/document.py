"""The report: one self-contained HTML page over one or several studies, the answer first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from aikd_tune.errors import UsageError
from aikd_tune.report.caveats import num_ce_settings, num_test_looks
from aikd_tune.report.frames import StudyRecords, read_study
from aikd_tune.report.markup import bullets, facts, paragraph
from aikd_tune.report.measures import measure
from aikd_tune.report.result_sections import calibration_section, confirmation_section, winner_section
from aikd_tune.report.run_sections import cost_section, provenance_section, search_section, trials_section
from aikd_tune.report.selection import Winner
from aikd_tune.report.tables import Table
from aikd_tune.report.verdict import Verdict, common_means, decide

PAGE = Path(__file__).with_name("page.html")


def build_report(study_folders: Sequence[Path]) -> str:
    """The page for these studies, in their order.

    Raises:
        UserError: a folder is no study or cannot be read; the message names it.
    """
    if not study_folders:
        raise UsageError("report: at least one study folder is needed")
    return page([read_study(path) for path in study_folders])


def page(studies: Sequence[StudyRecords]) -> str:
    """The page for studies that are read already."""
    verdicts = [decide(records) for records in studies]
    several = len(studies) > 1
    names = ", ".join(records.study.name for records in studies)
    body = [_overview(studies, verdicts)] if several else []
    body += [
        _article(records, verdict, level=2 if several else 1, place=place)
        for place, (records, verdict) in enumerate(zip(studies, verdicts, strict=True))
    ]
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{names}: aikd-tune report"), body="\n".join(body)
    )


def _overview(studies: Sequence[StudyRecords], verdicts: Sequence[Verdict]) -> str:
    rows = [
        (records.study.name, verdict.headline, verdict.detail)
        for records, verdict in zip(studies, verdicts, strict=True)
    ]
    table = Table("Studies in this report", ("study", "answer", "figures"), rows, text_columns=3)
    return f"<header><h1>{len(studies)} studies</h1>\n{table.html()}</header>"


def _article(records: StudyRecords, verdict: Verdict, level: int, place: int) -> str:
    name = escape(records.study.name)
    sections = _sections(records, verdict)
    links = " · ".join(f'<a href="#s{place}-{index}">{escape(title)}</a>' for index, (title, _) in enumerate(sections))
    blocks = "\n".join(
        f'<section id="s{place}-{index}"><h{level + 1}>{escape(title)}</h{level + 1}>\n{content}\n</section>'
        for index, (title, content) in enumerate(sections)
    )
    detail = f"{verdict.detail[:1].upper()}{verdict.detail[1:]}."
    return (
        f'<article class="{verdict.outcome.split()[0]}">\n<header>\n'
        f'<p class="over">Study {name} · {escape(_date(records))}</p>\n'
        f"<h{level}>{escape(verdict.headline)}</h{level}>\n"
        f"{paragraph(detail, 'lead')}\n{_facts(records, verdict)}\n{bullets(verdict.notes)}\n"
        f'<nav aria-label="Sections of {name}">{links}</nav>\n</header>\n{blocks}\n</article>'
    )


def _sections(records: StudyRecords, verdict: Verdict) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if verdict.winner is not None:
        found.append((f"The best setting: {verdict.winner.label}", winner_section(records, verdict.winner)))
    if verdict.arms:
        found.append(("Confirmation", confirmation_section(records, verdict)))
    found.append(("Search", search_section(records, verdict)))
    found.append(("Calibration", calibration_section(records, verdict)))
    if not records.trials.empty:
        found.append(("What it cost", cost_section(records)))
        found.append(("Trials", trials_section(records)))
    found.append(("Provenance", provenance_section(records)))
    return [(title, content) for title, content in found if content]


def _facts(records: StudyRecords, verdict: Verdict) -> str:
    """The figures of the answer, or of the search while there is no answer."""
    shown, difference, winner, baseline = verdict.measure, verdict.difference, verdict.winner, verdict.baseline
    if shown is None or difference is None or difference.mean is None or winner is None or baseline is None:
        return _facts_so_far(records, winner)
    assert winner.arm is not None
    ours, theirs = common_means(shown, winner.arm, baseline)
    return facts(
        [
            (f"AI-KD, test {shown.label}", shown.with_unit(ours)),
            (f"CE, test {shown.label}", shown.with_unit(theirs)),
            ("Difference", shown.signed(difference.mean)),
            ("95 % interval", shown.interval(difference)),
            ("Paired seeds", str(difference.n)),
            ("Test looks", str(num_test_looks(records))),
            ("CE tuned", "in part" if num_ce_settings(records) else "no"),
        ]
    )


def _facts_so_far(records: StudyRecords, winner: Winner | None) -> str:
    if winner is None:
        return ""
    metric, search = measure(records.study.search.metric), records.search
    value = float(search.loc[search["setting"] == winner.number, metric.name].iloc[0])
    return facts(
        [
            ("Best of the search", winner.label),
            (f"{metric.phrase.capitalize()}, one seed", metric.with_unit(value)),
            ("Complete settings", f"{int((search['state'] == 'complete').sum()):,}"),
            ("Test looks", str(num_test_looks(records))),
        ]
    )


def _date(records: StudyRecords) -> str:
    """When the figures are from: the last end of a trial, not the moment of writing, so that a page can be repeated."""
    ends = records.trials["finished_at"].dropna()
    if ends.empty:
        return "no trial has ended"
    moment: datetime = ends.max().to_pydatetime().replace(tzinfo=UTC)
    return f"as of {moment:%Y-%m-%d %H:%M} UTC"
