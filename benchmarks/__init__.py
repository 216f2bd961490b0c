"""Measures the h5 and the TFLite files: speed, accuracy, and what a device pays for a run."""
