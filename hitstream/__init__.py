"""The composition root: the only package that knows all others, the environment and the clock."""
