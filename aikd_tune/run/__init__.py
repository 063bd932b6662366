"""What to try and where: the search, the confirmation, and the Ray cluster they run on."""
