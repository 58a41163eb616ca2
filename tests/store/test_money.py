"""Money stays exact: from what is sent to minor units, and from these to text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.money import (
    CURRENCIES,
    InvalidAmount,
    UnknownCurrency,
    currency_of,
    decimal_text,
    exponent,
    minor_units,
    numeric_code,
)

EXACT = [
    # value, currency, minor units
    ("19.99", "USD", 1999),
    (19.99, "USD", 1999),  # int(19.99 * 100) is 1998
    (Decimal("19.99"), "USD", 1999),
    (20, "USD", 2000),
    ("20", "USD", 2000),
    ("0", "USD", 0),
    ("-0.00", "USD", 0),
    (-0.0, "USD", 0),
    ("-5.5", "USD", -550),
    ("+5.5", "USD", 550),
    (".5", "USD", 50),
    ("5.", "USD", 500),
    ("007", "USD", 700),
    (" 19.99\n", "USD", 1999),
    ("19.990000", "USD", 1999),  # zeros beyond the cent say nothing
    (Decimal("1E+3"), "USD", 100_000),
    (0.1 + 0.2, "USD", 30),  # 0.30000000000000004
    (1.005, "USD", 100),  # half to even, of the decimal that the float is written as
    (1.015, "USD", 102),
    (2.675, "USD", 268),
    (1e3, "USD", 100_000),
    (1e-9, "USD", 0),
    ("100", "JPY", 100),
    ("100.00", "JPY", 100),
    (100.5, "JPY", 100),
    (101.5, "JPY", 102),
    ("1.234", "KWD", 1234),
    (1.234, "KWD", 1234),
    (1, "KWD", 1000),
    ("9" * 30, "JPY", int("9" * 30)),  # exact at any size; what is too much is the field's business
]


@pytest.mark.parametrize(("value", "currency", "want"), EXACT)
def test_an_amount_is_exact_in_minor_units(value: object, currency: str, want: int) -> None:
    assert minor_units(value, currency) == want


REFUSED = [
    ("19.999", "USD"),
    ("0.001", "USD"),
    ("100.5", "JPY"),
    ("1.2345", "KWD"),
    (Decimal("19.999"), "USD"),
    (Decimal("NaN"), "USD"),
    (Decimal("1E+1000000"), "USD"),
    ("", "USD"),
    (" ", "USD"),
    (".", "USD"),
    ("-", "USD"),
    ("1,000", "USD"),
    ("1 000", "USD"),
    ("1e3", "USD"),
    ("0x10", "USD"),
    ("1_000", "USD"),
    ("$5", "USD"),
    ("٣", "USD"),  # a digit, and not one of ours
    ("NaN", "USD"),
    ("Infinity", "USD"),
    ("1" * 65, "USD"),
    (float("nan"), "USD"),
    (float("inf"), "USD"),
    (float("-inf"), "USD"),
    (True, "USD"),
    (None, "USD"),
    ([], "USD"),
    (b"1", "USD"),
]


@pytest.mark.parametrize(("value", "currency"), REFUSED)
def test_what_is_no_amount_is_refused(value: object, currency: str) -> None:
    with pytest.raises(InvalidAmount, match=r"^must "):
        minor_units(value, currency)


@pytest.mark.parametrize("currency", ["", "usd", "XYZ", "XAU", "XXX", "US"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    for call in (numeric_code, exponent, lambda code: minor_units(1, code), lambda code: decimal_text(1, code)):
        with pytest.raises(UnknownCurrency):
            call(currency)


@pytest.mark.parametrize(
    ("minor", "currency", "want"),
    [
        (1999, "USD", "19.99"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (-1999, "USD", "-19.99"),
        (0, "USD", "0.00"),
        (100, "JPY", "100"),
        (-100, "JPY", "-100"),
        (0, "JPY", "0"),
        (5, "KWD", "0.005"),
        (12345, "KWD", "12.345"),
    ],
)
def test_minor_units_as_text(minor: int, currency: str, want: str) -> None:
    assert decimal_text(minor, currency) == want


@given(st.integers(-(10**40), 10**40), st.sampled_from(sorted(CURRENCIES)))
def test_text_and_minor_units_are_each_others_inverse(minor: int, currency: str) -> None:
    assert minor_units(decimal_text(minor, currency), currency) == minor


@given(st.integers(-(10**11), 10**11), st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_float_of_an_exact_amount_is_that_amount(minor: int, currency: str) -> None:
    assert minor_units(float(decimal_text(minor, currency)), currency) == minor


def test_the_table() -> None:
    known = [("USD", 840, 2), ("EUR", 978, 2), ("JPY", 392, 0), ("KWD", 414, 3), ("ALL", 8, 2), ("CLP", 152, 0)]
    assert [(code, numeric_code(code), exponent(code)) for code, _, _ in known] == known
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {exponent(code) for code in CURRENCIES} == {0, 2, 3}


def test_a_number_is_one_currencys_and_fits_the_trails_ten_bits() -> None:
    assert all(0 < numeric_code(code) < 1024 and currency_of(numeric_code(code)) == code for code in CURRENCIES)
    assert currency_of(0) is None
