"""How long a run may take."""

import os

IS_LONG = os.environ.get("HEADGATE_LONG") == "1"
