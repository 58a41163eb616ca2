"""Made-up people: who they are, what they use, how keen they are. Pure; the same draw makes the same people."""

from __future__ import annotations

from random import Random
from typing import Final

from msgspec import Struct

FIRST_NAMES: Final = (
    "Ada", "Alma", "Amir", "Anouk", "Ari", "Astrid", "Bela", "Bruno", "Cato", "Chiara", "Clio", "Dario", "Dina",
    "Edda", "Eino", "Elif", "Emre", "Enzo", "Fadi", "Femke", "Flora", "Gaspar", "Greta", "Hana", "Henrik", "Ida",
    "Ilja", "Imani", "Ines", "Iris", "Isak", "Ivo", "Jana", "Joris", "Juno", "Kaito", "Kalle", "Keiko", "Kira",
    "Lale", "Lars", "Leda", "Lior", "Livia", "Lou", "Luca", "Maia", "Malik", "Mara", "Mateo", "Mei", "Mila", "Milo",
    "Nadja", "Nico", "Nils", "Noor", "Nour", "Odin", "Olga", "Omar", "Otis", "Paula", "Pilar", "Quinn", "Rafa",
    "Remy", "Rosa", "Runa", "Salma", "Sami", "Selma", "Silas", "Sina", "Soren", "Tala", "Tamar", "Tarek", "Theo",
    "Thea", "Tilda", "Timo", "Uma", "Vera", "Viggo", "Wanda", "Yael", "Yara", "Yuki", "Zeno",
)  # fmt: skip
LAST_NAMES: Final = (
    "Abel", "Adler", "Amari", "Arden", "Aziz", "Bach", "Basso", "Becker", "Berg", "Bianchi", "Blom", "Boone",
    "Brandt", "Calder", "Cerny", "Costa", "Dahl", "Darzi", "Duval", "Ekman", "Elster", "Falk", "Ferro", "Fischer",
    "Fontana", "Frost", "Garin", "Grau", "Haas", "Haddad", "Hale", "Holm", "Ibarra", "Ito", "Janssen", "Jung",
    "Kaya", "Keller", "Kent", "Kimura", "Koch", "Kramer", "Lang", "Leclerc", "Lindt", "Lund", "Maas", "Marin",
    "Meyer", "Mori", "Nakai", "Nowak", "Oduya", "Olsen", "Ortega", "Palm", "Petit", "Pinto", "Quist", "Ramos",
    "Reyes", "Rossi", "Saito", "Sand", "Silva", "Sommer", "Stein", "Storm", "Takeda", "Teller", "Torres", "Ueda",
    "Vega", "Vidal", "Vogel", "Voss", "Wahl", "Weiss", "Winter", "Wolff", "Yamada", "Zander", "Ziegler",
)  # fmt: skip


class Place(Struct, frozen=True):
    """Degrees north and east."""

    city: str
    country: str
    lat: float
    lon: float


PLACES: Final = (
    Place("Hamburg", "DE", 53.55, 9.99), Place("Lisbon", "PT", 38.72, -9.14), Place("Bergen", "NO", 60.39, 5.32),
    Place("Lyon", "FR", 45.76, 4.84), Place("Trieste", "IT", 45.65, 13.77), Place("Ghent", "BE", 51.05, 3.72),
    Place("Gdansk", "PL", 54.35, 18.65), Place("Porto", "PT", 41.15, -8.61), Place("Aarhus", "DK", 56.16, 10.2),
    Place("Graz", "AT", 47.07, 15.44), Place("Valencia", "ES", 39.47, -0.38), Place("Kyoto", "JP", 35.01, 135.77),
    Place("Halifax", "CA", 44.65, -63.57), Place("Wellington", "NZ", -41.29, 174.78),
)  # fmt: skip

# As they are sent, and how often; nobody's in particular.
USER_AGENTS: Final = (
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 "
     "Mobile/15E148 Safari/604.1", 26),
    ("Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Mobile "
     "Safari/537.36", 24),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36",
     20),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 "
     "Safari/605.1.15", 12),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:152.0) Gecko/20100101 Firefox/152.0", 7),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36 "
     "Edg/147.0.0.0", 6),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0", 3),
    ("Mozilla/5.0 (iPad; CPU OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 "
     "Mobile/15E148 Safari/604.1", 2),
)  # fmt: skip

KEENEST: Final = 12.0


class Persona(Struct, frozen=True):
    """`keen`: how often they come and how readily they buy, 1 being usual. `number` also seeds what they like."""

    number: int
    first_name: str
    last_name: str
    place: Place
    user_agent: str
    keen: float

    @property
    def id(self) -> str:
        return f"{self.first_name}.{self.last_name}.{self.number}".lower()

    @property
    def email(self) -> str:
        return f"{self.id}@mail.example"


def people(draw: Random, count: int) -> tuple[Persona, ...]:
    """Most come seldom, a few come all the time."""
    agents, weights = zip(*USER_AGENTS, strict=True)
    return tuple(
        Persona(
            number=number,
            first_name=draw.choice(FIRST_NAMES),
            last_name=draw.choice(LAST_NAMES),
            place=draw.choice(PLACES),
            user_agent=draw.choices(agents, weights)[0],
            keen=min(KEENEST, draw.lognormvariate(-0.4, 0.9)),
        )
        for number in range(1, count + 1)
    )
