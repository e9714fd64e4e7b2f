"""`python -m apus_chat` is `apus-chat`."""

import sys

from apus_chat import main

sys.exit(main())
