"""The questions that the network answers: a file for each, from parameters to a frozen answer."""
