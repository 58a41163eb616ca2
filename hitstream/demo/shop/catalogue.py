"""What the demo shop sells."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

CURRENCY: Final = "EUR"


class Product(Struct, frozen=True):
    """`price`: in euros, as text. `tint`: a class of the style sheet, which colours the picture."""

    handle: str
    name: str
    price: str
    line: str
    text: str
    tint: str


PRODUCTS: Final = (
    Product(
        "morning-pot", "Morning pot", "64.00", "A pot for two that pours without a drop.",
        "Thrown in one piece from red stoneware and glazed on the inside only, so the outside warms to the hand. "
        "The spout is cut sharp: it pours and stops when you do. Holds 0.6 litres.", "clay",
    ),
    Product(
        "harbour-cup", "Harbour cup", "18.50", "Thick at the foot, thin at the lip.",
        "Four fingers fit through the handle in mittens. The glaze runs from grey to sea green, and no two are alike. "
        "Holds 0.25 litres.", "sea",
    ),
    Product(
        "fog-bowl", "Fog bowl", "27.00", "For rice, for soup, for keys.",
        "A wide, shallow bowl under a glaze like weather. Stacks with its kin, eight to a hand's height.", "fog",
    ),
    Product(
        "first-flush", "First flush, 100 g", "14.90", "Spring leaves, picked in one week of April.",
        "Light, grassy, a little sweet. Two minutes at eighty degrees; the second pour is better than the first.",
        "leaf",
    ),
    Product(
        "smoked-leaf", "Smoked leaf, 100 g", "12.40", "Dried over pine, for rain.",
        "Black tea from a valley where it was once dried in haste and has been smoked on purpose ever since. "
        "Four minutes, boiling.", "smoke",
    ),
    Product(
        "linen-cloth", "Linen cloth", "9.80", "Dries anything, and itself.",
        "Half linen, half cotton, washed before it is sold. Loop at one corner.", "linen",
    ),
)  # fmt: skip
