"""One file for each package: how it is called, as its own documentation calls it.

An adapter has ``recognise`` for a whole frame and ``label`` for one cut-out face; the latter goes
through the package's own preprocessing and returns its own word. Each runs in its package's
environment, which has nothing of ours.
"""
