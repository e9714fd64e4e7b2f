"""The inference engine in a child process, and the parent's side of the pipe to it.

``protocol`` defines the messages, ``client`` starts the child and sends requests, ``local_engine`` is what the rest of
the program uses, ``device_probe`` lists devices.  ``child`` alone imports llama_cpp, in the child process.
"""
