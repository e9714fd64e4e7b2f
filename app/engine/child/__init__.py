"""The engine's side of the pipe.  Runs in the child process only; the only importer of llama_cpp."""
