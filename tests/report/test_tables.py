from xml.etree import ElementTree

import pytest

from aikd_tune.report.tables import Table

TABLE = Table("Arms & errors", ("arm", "error (%)"), [("a_b | c", "6.0 ± 0.5"), ("<ce>", "−1.2")], strong_row=1)


def test_markdown() -> None:
    assert TABLE.markdown().splitlines() == [
        "| arm | error (%) |",
        "| :-- | --: |",
        r"| a_b \| c | 6.0 ± 0.5 |",
        "| <ce> | −1.2 |",
    ]


def test_latex_with_booktabs() -> None:
    assert TABLE.latex().splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"arm & error (\%) \\",
        r"\midrule",
        r"a\_b | c & 6.0 $\pm$ 0.5 \\",
        r"\textbf{\textless{}ce\textgreater{}} & \textbf{$-$1.2} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_latex_escapes_every_special_sign() -> None:
    row = Table("", ("x",), [("\\ { } % _ # & $ ~ ^",)]).latex().splitlines()[4]
    assert row == (r"\textbackslash{} \{ \} \% \_ \# \& \$ \textasciitilde{} \textasciicircum{} \\")


def test_html_is_escaped_and_well_formed() -> None:
    html = TABLE.html()
    assert "Arms &amp; errors" in html
    root = ElementTree.fromstring(f"<x>{html}</x>")
    assert [cell.text for cell in root.iter("td")] == ["6.0 ± 0.5", "−1.2"]
    assert [cell.text for cell in root.iter("th")] == ["arm", "error (%)", "a_b | c", "<ce>"]
    assert [row.get("class") for row in root.iter("tr")] == [None, None, "strong"]


def test_a_row_of_another_length_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        Table("", ("a", "b"), [("1",)])
