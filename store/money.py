"""Money as exact integers: decimal text to minor units and back, per ISO 4217.

A currency's exponent says how many digits its minor unit has: 2 for USD, 0 for JPY, 3 for KWD. The table lists the
active codes of ISO 4217:2015 (list one, funds and metals left out) as `CODE: (numeric code, exponent)`.
"""
