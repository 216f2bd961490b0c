"""From a folder of labelled faces to a trained network: images → ``models/Finalmodel.h5``."""
