"""What a damaged ZIP file looks like to Python."""

from __future__ import annotations

import zipfile
import zlib

DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, OSError)
"""What reading one raises, or one of a kind that Python can't read; ``KeyError`` where a member is
missing comes on top."""
