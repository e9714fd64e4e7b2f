"""Downloads of published models: verified, resumable, over several connections, with experts stacked on the way.

A file is ``NAME.gguf.part`` with the journal ``NAME.gguf.part.json`` until its hash is verified; then it is
``NAME.gguf`` with ``NAME.gguf.origin.json``.  Listings and model ids are in ``hub``.
"""
