"""Other products' wire formats, one file each, so that the clients people have can send here unmodified.

To add one, write its file and import it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .ga4 import GA4 as GA4
from .matomo import MATOMO as MATOMO
from .plausible import PLAUSIBLE as PLAUSIBLE
from .posthog import POSTHOG as POSTHOG
from .segment import SEGMENT as SEGMENT
from .sentry import SENTRY as SENTRY
from .umami import UMAMI as UMAMI
from .wire import Dialect

DIALECTS: Final[Mapping[str, Dialect]] = {
    each.name: each for each in tuple(globals().values()) if isinstance(each, Dialect)
}
"""All that are imported above, by name."""
