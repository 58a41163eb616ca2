"""The calls of `/v1/commerce`: one table, from which both the routes and the OpenAPI document are made."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from store.contract import Read
from store.parameters import Asked

from .database import Database
from .reads import details, inventory, performance, sales, search, segments

TAG: Final = "commerce"
PREFIX: Final = "/v1/commerce"


class Question(Struct, frozen=True):
    """What a read needs. `subject` is what the path names: a SKU, an order's number."""

    database: Database
    asked: Asked
    subject: str
    now: datetime


READS: Final[tuple[Read[Question], ...]] = (
    Read(
        "segments", "/segments", "Customers by what they spent, or by recency, frequency and monetary value.",
        segments.PARAMETERS, segments.Segments, lambda q: segments.segments(q.database, q.asked),
    ),
    Read(
        "segment_customers", "/segments/{name}/customers", "The members of a segment, those who brought most first.",
        segments.MEMBER_PARAMETERS, segments.Members, lambda q: segments.members(q.database, q.subject, q.asked),
    ),
    Read(
        "sales", "/sales", "Sales, refunds and buyers by month.",
        sales.PARAMETERS, sales.Sales, lambda q: sales.sales(q.database, q.asked),
    ),
    Read(
        "performance", "/products/performance", "What products brought in over 30, 90 or 365 days.",
        performance.PARAMETERS, performance.Performance, lambda q: performance.performance(q.database, q.asked),
    ),
    Read(
        "inventory", "/inventory/recommendations", "What to do about stock, the most urgent first.",
        inventory.PARAMETERS, inventory.Inventory, lambda q: inventory.recommendations(q.database, q.asked),
    ),
    Read(
        "low_stock", "/variants/low-stock", "What is out of stock or will be before a delivery.",
        inventory.LOW_STOCK_PARAMETERS, inventory.Inventory, lambda q: inventory.low_stock(q.database, q.asked),
    ),
    Read(
        "search", "/products", "Products by words and filters, with facets.",
        search.PARAMETERS, search.Found, lambda q: search.search(q.database, q.asked, q.now),
    ),
    Read(
        "product", "/products/{sku}", "A product by its SKU or a variant's, with prices and stock.",
        (), details.Product, lambda q: details.product(q.database, q.subject, q.now),
    ),
    Read(
        "categories", "/categories", "The tree of categories.",
        (), details.Categories, lambda q: details.categories(q.database, q.now),
    ),
    Read(
        "customer", "/customers/{id}", "A customer with the sums of their orders.",
        (), details.Customer, lambda q: details.customer(q.database, q.subject, q.now),
    ),
    Read(
        "customer_orders", "/customers/{id}/orders", "A customer's orders, the latest first.",
        details.ORDERS_PARAMETERS, details.Orders,
        lambda q: details.customer_orders(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "order", "/orders/{number}", "An order with its lines and refunds.",
        (), details.Order, lambda q: details.order(q.database, q.subject, q.now),
    ),
)  # fmt: skip
