"""What is in a fresh sandbox. The ids are fixed: demo, tests and examples name them.

| id | what it is good for |
|---|---|
| C-100 | standard customer, credit approved |
| C-200 | VIP, credit approved: may have a backorder |
| C-300 | credit blocked: no order |
| C-400 | credit in review: no order |
| C-500 | VIP, credit approved up to 100,000 |
| C-600 | credit approved, but no carrier delivers to the address |
| P-100 | always in stock |
| P-200 | out of stock |
| P-300 | five left |
| P-500 | dear: 50 of it are a matter for approval |
| P-900 | in stock, but no carrier takes it: an order gets half-way |
| O-1000 | C-100's order of two P-100, confirmed and invoiced (I-1000) |
| K-1000 | C-100's open case about O-1000 |
"""

import sqlite3

_PRODUCTS = (
    # product_id, name, available, unit_cents, has_carrier
    ("P-100", "Desk lamp", 10_000_000, 4_000, 1),
    ("P-200", "Office chair", 0, 18_900, 1),
    ("P-300", "Standing desk", 5, 64_900, 1),
    ("P-500", "Server rack", 100_000, 48_000, 1),
    ("P-900", "Glass table", 100_000, 35_000, 0),
)
_CUSTOMERS = (
    # customer_id, name, tier, credit_status, credit_limit_cents, address, deliverable
    ("C-100", "Alder Office Supply", "standard", "approved", 1_000_000, "12 Mill Lane, Leeds", 1),
    ("C-200", "Birch & Sons", "vip", "approved", 5_000_000, "3 Quay Street, Bristol", 1),
    ("C-300", "Cedar Trading", "standard", "blocked", 0, "88 High Street, York", 1),
    ("C-400", "Dogwood Ltd", "standard", "review", 200_000, "7 Station Road, Bath", 1),
    ("C-500", "Elm Data Centres", "vip", "approved", 10_000_000, "1 Exchange Square, London", 1),
    ("C-600", "Fir Island Lodge", "standard", "approved", 500_000, "Lighthouse, Fir Island", 0),
)
_ORDER = ("O-1000", "C-100", "P-100", 2, "standard", 4_000)
_INVOICE = ("I-1000", "O-1000", 8_000)
_CASE = ("K-1000", "C-100", "O-1000", "One of two lamps arrived broken")
_SEQUENCES = (("O", 1000), ("I", 1000), ("K", 1000), ("S", 1000), ("B", 1000))


def plant(connection: sqlite3.Connection) -> None:
    """Fill an empty database inside the caller's transaction; does nothing where there is anything already."""
    if connection.execute("SELECT EXISTS (SELECT 1 FROM products)").fetchone()[0]:
        return
    many = connection.executemany
    many("INSERT INTO products VALUES (?, ?, ?, ?, ?)", _PRODUCTS)
    many("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", _CUSTOMERS)
    many(
        "INSERT INTO orders (order_id, customer_id, product_id, quantity, priority, unit_cents)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (_ORDER,),
    )
    many("INSERT INTO invoices (invoice_id, order_id, total_cents) VALUES (?, ?, ?)", (_INVOICE,))
    many("INSERT INTO cases (case_ref, customer_id, order_id, subject) VALUES (?, ?, ?, ?)", (_CASE,))
    many("INSERT INTO sequences VALUES (?, ?)", _SEQUENCES)
