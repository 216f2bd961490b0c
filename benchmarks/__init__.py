"""Speed and accuracy of the h5 and the TFLite files, and of the whole loop."""
