"""Entry point of the bundle."""

import sys

from app.__main__ import main

sys.exit(main())
