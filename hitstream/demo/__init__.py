"""Something to look at: a shop whose pages carry the tracker."""
