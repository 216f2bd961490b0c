"""The runtime: finds faces in a stream of frames and names their expressions.

The only package that a device installs. It imports numpy, OpenCV and a TFLite interpreter.
"""

__version__ = "0.1.0"
