"""One module per skill. A skill is a function from a Generator to a conversation."""
