"""One run: what builds it from settings, drives it, and tells how it goes."""
