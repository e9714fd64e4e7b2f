"""The engine's side of the pipe.  Runs in the child process alone; the only place that imports llama_cpp."""
