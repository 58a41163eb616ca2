"""What a message that somebody means to send would become here: for `hitstream check --dialect`."""
