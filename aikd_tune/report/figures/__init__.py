"""Figures of a study, one function each; usable on paper as they are, and in the page in its own colours."""
