"""Other products' wire formats, one file each, so that the clients people have can send here unmodified.

To add one, write its file and name it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .ga4 import GA4
from .matomo import MATOMO
from .plausible import PLAUSIBLE
from .posthog import POSTHOG
from .segment import SEGMENT
from .sentry import SENTRY
from .umami import UMAMI
from .wire import Dialect

DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect for dialect in (SEGMENT, POSTHOG, SENTRY, PLAUSIBLE, UMAMI, GA4, MATOMO)
}
"""All that there are, by name."""
