"""The answers, one kind a file: each names its keys, reads them in one round trip, and folds what it read."""
