"""Small pieces of HTML; every text that comes in is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from matplotlib.figure import Figure

from aikd_tune.report.figures.canvas import to_svg


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text; nothing for an empty one."""
    if not text:
        return ""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """A list of sentences; nothing for none."""
    items = "".join(f"<li>{escape(text)}</li>\n" for text in texts)
    return f"<ul>\n{items}</ul>" if items else ""


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Short facts side by side: name and value."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n" for name, value in pairs)
    return f'<dl class="facts">\n{items}</dl>'


def code(text: str, label: str) -> str:
    """Text to copy."""
    return f'<pre tabindex="0" role="region" aria-label="{escape(label)}"><code>{escape(text)}</code></pre>'


def fold(summary: str, body: str) -> str:
    """Something to open on demand."""
    return f"<details><summary>{escape(summary)}</summary>\n{body}\n</details>"


def drawing(figure: Figure, name: str, title: str, caption: str) -> str:
    """A figure with its title and what it shows; ``name`` is unique in the page."""
    return (
        f'<figure class="drawing"><figcaption><strong>{escape(title)}</strong> {escape(caption)}</figcaption>\n'
        f"{to_svg(figure, name, f'{title} {caption}')}</figure>"
    )


def side_by_side(drawings: Iterable[str], kind: str = "pair") -> str:
    """Figures beside each other where there is room, below each other on a phone."""
    return f'<div class="{kind}">\n' + "\n".join(drawings) + "\n</div>"
