-- Amounts are whole cents. Ids are handed out by `sequences`, in order of arrival.
CREATE TABLE IF NOT EXISTS sequences (prefix TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS products (
  product_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  available INTEGER NOT NULL CHECK (available >= 0),
  unit_cents INTEGER NOT NULL CHECK (unit_cents > 0),
  has_carrier INTEGER NOT NULL CHECK (has_carrier IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS customers (
  customer_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  tier TEXT NOT NULL CHECK (tier IN ('standard', 'vip')),
  credit_status TEXT NOT NULL CHECK (credit_status IN ('approved', 'blocked', 'review')),
  credit_limit_cents INTEGER NOT NULL,
  address TEXT NOT NULL,
  deliverable INTEGER NOT NULL CHECK (deliverable IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS orders (
  order_id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers,
  product_id TEXT NOT NULL REFERENCES products,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  priority TEXT NOT NULL CHECK (priority IN ('standard', 'expedited')),
  status TEXT NOT NULL DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'cancelled')),
  unit_cents INTEGER NOT NULL,
  refunded_cents INTEGER NOT NULL DEFAULT 0 CHECK (refunded_cents BETWEEN 0 AND quantity * unit_cents)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS backorders (
  backorder_id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers,
  product_id TEXT NOT NULL REFERENCES products,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  priority TEXT NOT NULL CHECK (priority IN ('standard', 'expedited')),
  status TEXT NOT NULL DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'cancelled'))
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS shipments (
  shipment_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders,
  address TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'cancelled'))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_shipment_per_order ON shipments (order_id) WHERE status = 'confirmed';

CREATE TABLE IF NOT EXISTS invoices (
  invoice_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders,
  total_cents INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'cancelled'))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_invoice_per_order ON invoices (order_id) WHERE status = 'confirmed';

CREATE TABLE IF NOT EXISTS cases (
  case_ref TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers,
  order_id TEXT,
  subject TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')),
  resolution TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS case_notes (
  note INTEGER PRIMARY KEY,
  case_ref TEXT NOT NULL REFERENCES cases,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notes_of_case ON case_notes (case_ref);

-- One row for each effect that ever happened, written in the effect's own transaction.
CREATE TABLE IF NOT EXISTS effects (
  key TEXT PRIMARY KEY,
  action TEXT NOT NULL,
  arguments_digest TEXT NOT NULL,
  result TEXT NOT NULL,
  first_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1
) STRICT;
