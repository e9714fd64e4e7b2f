"""The engine's side of the pipe.  Runs in the child process only; the only importer of llama_cpp.

The package's own ``__init__`` is not executed: it imports the high-level API with numpy and Jinja, which takes 0.2 s.
"""

import importlib.util
import sys

_spec = importlib.util.find_spec("llama_cpp")
if _spec is not None:
    sys.modules.setdefault("llama_cpp", importlib.util.module_from_spec(_spec))
