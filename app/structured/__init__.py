"""Answers in a given form: JSON schemas as grammars of llama.cpp."""
