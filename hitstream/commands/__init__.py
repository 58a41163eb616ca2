"""The commands of `hitstream`, a file each: what it takes (`describe`), and what it then does."""
