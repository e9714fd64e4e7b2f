"""The engine in a process of its own, and the two ends of the pipe to it.

``protocol`` is what both ends say to each other, ``launch`` how the child is started, ``process``, ``link`` and
``outcome`` the parent's end.  What the program uses of it: ``local_engine`` holds a loaded file and answers,
``rehearsal`` goes through loads without memory, ``probing`` lists devices, ``from_plan`` makes load options from a
plan.  ``child`` alone imports llama_cpp, in the child process.
"""
