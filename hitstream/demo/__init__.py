"""Something to look at: a shop to click through (`shop`), and made-up traffic to fill a server with (`filling`)."""
