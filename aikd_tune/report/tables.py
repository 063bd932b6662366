"""A table of texts, and its three forms: HTML, Markdown, LaTeX (booktabs)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LONG = 40
"""Texts longer than this may be broken into lines in the page."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "&": r"\&",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "–": "--",
    "·": r"$\cdot$",
}


@dataclass(frozen=True)
class Table:
    """Headings and rows of plain text. The first ``text_columns`` columns are left-aligned words, the rest numbers."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    strong_row: int | None = None

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.headings) for row in self.rows), "every row has a cell per heading"

    def html(self) -> str:
        """The caption, and a ``<table>`` in a box that scrolls sideways on a narrow screen."""
        head = "".join(self._cell("th", text, column, ' scope="col"') for column, text in enumerate(self.headings))
        body = "".join(
            ("<tr class='strong'>" if index == self.strong_row else "<tr>")
            + "".join(self._cell("td" if column else "th", text, column) for column, text in enumerate(row))
            + "</tr>\n"
            for index, row in enumerate(self.rows)
        )
        return (
            f'<p class="caption">{escape(self.caption)}</p>\n'
            f'<div class="table" tabindex="0" role="region" aria-label="{escape(self.caption)}"><table>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
        )

    def markdown(self) -> str:
        """A pipe table, without its caption."""
        rule = [":--" if column < self.text_columns else "--:" for column in range(len(self.headings))]
        lines = [self.headings, rule, *self.rows]
        return "\n".join(
            "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
        )

    def latex(self) -> str:
        """A ``tabular`` with booktabs rules, without its caption; needs ``\\usepackage{booktabs}``."""
        columns = "l" * self.text_columns + "r" * (len(self.headings) - self.text_columns)
        lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _latex_row(self.headings), "\\midrule"]
        lines += [_latex_row(row, strong=index == self.strong_row) for index, row in enumerate(self.rows)]
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])

    def _cell(self, tag: str, text: str, column: int, attributes: str = "") -> str:
        kind = ' class="number"' if column >= self.text_columns else ' class="long"' if len(text) > LONG else ""
        scope = ' scope="row"' if tag == "th" and not attributes else attributes
        return f"<{tag}{scope}{kind}>{escape(text)}</{tag}>"


def latex_text(text: str) -> str:
    """Plain text with every sign that LaTeX reads otherwise escaped."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _latex_row(cells: Sequence[str], strong: bool = False) -> str:
    texts = [latex_text(_one_line(cell)) for cell in cells]
    if strong:
        texts = [f"\\textbf{{{text}}}" for text in texts]
    return " & ".join(texts) + " \\\\"
