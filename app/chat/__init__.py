"""A conversation and the work of answering it, whatever answers: a local file today, a server too later."""
