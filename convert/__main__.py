"""``python -m convert``. Ctrl-C ends it without a traceback, also while it is imported."""

import sys

if __name__ == "__main__":
    try:
        from convert.commands import app
        from convert.errors import ConvertError
        from train.cli import run
    except KeyboardInterrupt:
        sys.exit(130)
    run(app, ConvertError)
