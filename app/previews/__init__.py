"""Previews of code in answers: drawings, and pages for the browser."""
