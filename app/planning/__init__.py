"""Plans made real: what this machine has, where a model will lie on it, and loading it just so.

``model_manager.plan`` reckons, ``app.engine`` rehearses and loads.  Here they meet: ``machine`` reads what there is,
``service`` makes plans of it for the window and the command line, ``loading`` loads with a plan and climbs down where
memory runs out, ``remembered`` keeps what worked.  Words and pictures are left to ``app.messages`` and ``ui``.
"""
