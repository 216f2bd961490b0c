"""The public alternatives, each in an environment of its own, on the frames that ours gets."""
