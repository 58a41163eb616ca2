"""Money as exact integers: decimal text to minor units and back, per ISO 4217.

A currency's exponent says how many digits its minor unit has: 2 for USD, 0 for JPY, 3 for KWD. The table lists the
active codes of ISO 4217:2015 (list one, funds and metals left out) as `CODE: (numeric code, exponent)`. Which amounts
and signs a field takes is its reader's business; here a value is only made exact.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite
from typing import Final

_MAX_TEXT: Final = 64  # characters: no sum of money needs more, and it bounds the cost of int()

# fmt: off
CURRENCIES: Final[dict[str, tuple[int, int]]] = {
    "AED": (784, 2), "AFN": (971, 2), "ALL": (8, 2), "AMD": (51, 2), "AOA": (973, 2), "ARS": (32, 2), "AUD": (36, 2),
    "AWG": (533, 2), "AZN": (944, 2), "BAM": (977, 2), "BBD": (52, 2), "BDT": (50, 2), "BHD": (48, 3), "BIF": (108, 0),
    "BMD": (60, 2), "BND": (96, 2), "BOB": (68, 2), "BRL": (986, 2), "BSD": (44, 2), "BTN": (64, 2), "BWP": (72, 2),
    "BYN": (933, 2), "BZD": (84, 2), "CAD": (124, 2), "CDF": (976, 2), "CHF": (756, 2), "CLP": (152, 0),
    "CNY": (156, 2), "COP": (170, 2), "CRC": (188, 2), "CUP": (192, 2), "CVE": (132, 2), "CZK": (203, 2),
    "DJF": (262, 0), "DKK": (208, 2), "DOP": (214, 2), "DZD": (12, 2), "EGP": (818, 2), "ERN": (232, 2),
    "ETB": (230, 2), "EUR": (978, 2), "FJD": (242, 2), "FKP": (238, 2), "GBP": (826, 2), "GEL": (981, 2),
    "GHS": (936, 2), "GIP": (292, 2), "GMD": (270, 2), "GNF": (324, 0), "GTQ": (320, 2), "GYD": (328, 2),
    "HKD": (344, 2), "HNL": (340, 2), "HTG": (332, 2), "HUF": (348, 2), "IDR": (360, 2), "ILS": (376, 2),
    "INR": (356, 2), "IQD": (368, 3), "IRR": (364, 2), "ISK": (352, 0), "JMD": (388, 2), "JOD": (400, 3),
    "JPY": (392, 0), "KES": (404, 2), "KGS": (417, 2), "KHR": (116, 2), "KMF": (174, 0), "KPW": (408, 2),
    "KRW": (410, 0), "KWD": (414, 3), "KYD": (136, 2), "KZT": (398, 2), "LAK": (418, 2), "LBP": (422, 2),
    "LKR": (144, 2), "LRD": (430, 2), "LSL": (426, 2), "LYD": (434, 3), "MAD": (504, 2), "MDL": (498, 2),
    "MGA": (969, 2), "MKD": (807, 2), "MMK": (104, 2), "MNT": (496, 2), "MOP": (446, 2), "MRU": (929, 2),
    "MUR": (480, 2), "MVR": (462, 2), "MWK": (454, 2), "MXN": (484, 2), "MYR": (458, 2), "MZN": (943, 2),
    "NAD": (516, 2), "NGN": (566, 2), "NIO": (558, 2), "NOK": (578, 2), "NPR": (524, 2), "NZD": (554, 2),
    "OMR": (512, 3), "PAB": (590, 2), "PEN": (604, 2), "PGK": (598, 2), "PHP": (608, 2), "PKR": (586, 2),
    "PLN": (985, 2), "PYG": (600, 0), "QAR": (634, 2), "RON": (946, 2), "RSD": (941, 2), "RUB": (643, 2),
    "RWF": (646, 0), "SAR": (682, 2), "SBD": (90, 2), "SCR": (690, 2), "SDG": (938, 2), "SEK": (752, 2),
    "SGD": (702, 2), "SHP": (654, 2), "SLE": (925, 2), "SOS": (706, 2), "SRD": (968, 2), "SSP": (728, 2),
    "STN": (930, 2), "SVC": (222, 2), "SYP": (760, 2), "SZL": (748, 2), "THB": (764, 2), "TJS": (972, 2),
    "TMT": (934, 2), "TND": (788, 3), "TOP": (776, 2), "TRY": (949, 2), "TTD": (780, 2), "TWD": (901, 2),
    "TZS": (834, 2), "UAH": (980, 2), "UGX": (800, 0), "USD": (840, 2), "UYU": (858, 2), "UZS": (860, 2),
    "VED": (926, 2), "VES": (928, 2), "VND": (704, 0), "VUV": (548, 0), "WST": (882, 2), "XAF": (950, 0),
    "XCD": (951, 2), "XCG": (532, 2), "XOF": (952, 0), "XPF": (953, 0), "YER": (886, 2), "ZAR": (710, 2),
    "ZMW": (967, 2), "ZWG": (924, 2),
    # Withdrawn since 2021, and still what imported history is in.
    "BGN": (975, 2), "CUC": (931, 2), "HRK": (191, 2), "SLL": (694, 2), "ZWL": (932, 2),
}
# fmt: on

_BY_NUMERIC: Final = {number: code for code, (number, _) in CURRENCIES.items()}
_DECIMAL: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?", re.ASCII)


class UnknownCurrency(ValueError):
    """The code is not one of `CURRENCIES`."""


class InvalidAmount(ValueError):
    """The value is not a decimal number that the currency's minor unit can hold. The text says why."""


def numeric_code(currency: str) -> int:
    """The ISO 4217 number of an upper-case code, below 1,024 as the trail's ten bits need it."""
    return _entry(currency)[0]


def exponent(currency: str) -> int:
    """How many decimal digits the currency's minor unit has."""
    return _entry(currency)[1]


def currency_of(number: int) -> str | None:
    """The currency with that ISO 4217 number."""
    return _BY_NUMERIC.get(number)


def minor_units(value: object, currency: str) -> int:
    """`value` in the currency's minor units, exactly: "19.99" USD is 1999.

    Text and `Decimal` lose nothing: digits beyond the minor unit are refused unless they are zeros. A binary float
    never was exact, so it is read as its shortest decimal and rounded half to even: 0.1 + 0.2 USD is 30.
    Raises `UnknownCurrency` and `InvalidAmount`.
    """
    digits = _entry(currency)[1]
    if isinstance(value, bool):
        raise InvalidAmount("must be a number, not true or false")
    if isinstance(value, int):
        scale: int = 10**digits
        return value * scale
    if isinstance(value, float):
        return _from_float(value, digits)
    if isinstance(value, Decimal):
        plain = value.is_finite() and abs(value.adjusted()) < _MAX_TEXT
        return _from_text(format(value, "f") if plain else "", digits)
    if isinstance(value, str):
        return _from_text(value.strip(), digits)
    raise InvalidAmount("must be a decimal number or text")


def decimal_text(minor: int, currency: str) -> str:
    """The amount with all its minor digits: 1999 USD is '19.99', 5 KWD is '0.005', 100 JPY is '100'."""
    digits = _entry(currency)[1]
    if digits == 0:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{digits}d}"


def _entry(currency: str) -> tuple[int, int]:
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise UnknownCurrency("must be an ISO 4217 code such as USD") from None


def _from_float(value: float, digits: int) -> int:
    if not isfinite(value):
        raise InvalidAmount("must be a finite number")
    return int(Decimal(repr(value)).scaleb(digits).to_integral_value(ROUND_HALF_EVEN))


def _from_text(text: str, digits: int) -> int:
    match = _DECIMAL.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise InvalidAmount("must be a decimal number such as 19.99")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if not whole and not fraction:
        raise InvalidAmount("must be a decimal number such as 19.99")
    if fraction[digits:].strip("0"):
        raise InvalidAmount(f"must have at most {digits} digits after the point in this currency")
    minor = int((whole or "0") + fraction[:digits].ljust(digits, "0"))
    return -minor if sign == "-" else minor
