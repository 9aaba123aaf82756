"""``python -m surgewire`` is ``surgewire``."""

import sys

from surgewire.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
