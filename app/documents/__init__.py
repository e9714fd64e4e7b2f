"""Documents: text of attached files, passages of long ones, and their ranking for a question."""
