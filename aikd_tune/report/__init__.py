"""From a study folder to an answer: frames, statistics, figures, tables, and the page that holds them."""
