"""The questions that the shop answers: a file for each, from parameters to a frozen answer."""
