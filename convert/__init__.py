"""From ``models/Finalmodel.h5`` to the TFLite files that are deployed."""
