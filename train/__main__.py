"""``python -m train``. Ctrl-C ends it without a traceback, also while it is imported."""

import sys

if __name__ == "__main__":
    try:
        from train.cli import run
        from train.commands import app
    except KeyboardInterrupt:
        sys.exit(130)
    run(app)
