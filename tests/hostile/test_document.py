"""The page for readers says what the tables say."""

from __future__ import annotations

from tests.hostile.document import PAGE, page


def test_the_page_is_that_of_the_tables() -> None:
    assert PAGE.read_text() == page(), "write it anew with: python -m tests.hostile.document"
