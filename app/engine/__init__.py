"""The engine in a process of its own, and the two ends of the pipe to it.

``protocol`` is what both ends say to each other, ``launch`` how the child is started, ``process`` and ``outcome`` the
parent's end, ``local_engine`` what the program uses of it.  ``child`` alone imports llama_cpp, in the child process.
"""
