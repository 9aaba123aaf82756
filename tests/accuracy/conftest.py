"""What the accuracy tests share."""

from collections.abc import Iterator

import pytest

from tests.accuracy.effort import FULL
from tests.accuracy.page import Page, machine


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    """Give the page of figures; the full form writes it, also when some tests fail."""
    page = Page()
    yield page
    if FULL:
        page.add("machine", machine())
        page.write()
