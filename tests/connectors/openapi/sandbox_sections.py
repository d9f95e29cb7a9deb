"""The sandbox's ERP and CRM as sections of the configuration: what two modules code elsewhere, described."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.openapi.kind import build_openapi
from connectors.openapi.settings import OpenApiSettings
from connectors.sandbox.service.openapi import openapi_document

SECTIONS = """\
connectors:
  erp:
    use: openapi
    base_url: http://127.0.0.1:8082
    document: sandbox.openapi.json
    auth: {bearer: {file: sandbox-token}}
    operations:
      check_stock:
        id: get_stock
        arguments: {subject: {name: product_id, description: "the product, such as P-100"}}
      get_order:
        id: GET /orders/{subject}
        arguments: {subject: {name: order_id, description: "the order, such as O-1000"}}
        protected: [order_id]
      create_order:
        id: create_order
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        compensate: erp.cancel_order
        protected: [customer_id]
        constraints: [Only for customers whose credit is approved.]
        examples: [{customer_id: C-100, product_id: P-100, quantity: 2, priority: standard}]
      cancel_order:
        id: cancel_order
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        arguments: {subject: {name: order_id, description: "the order, such as O-1000"}}
        protected: [order_id]
      create_backorder:
        id: create_backorder
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        compensate: erp.cancel_backorder
        protected: [customer_id]
      cancel_backorder:
        id: cancel_backorder
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        arguments: {subject: {name: backorder_id, description: "the backorder, such as B-1001"}}
      schedule_shipment:
        id: schedule_shipment
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        compensate: erp.cancel_shipment
        protected: [order_id]
      cancel_shipment:
        id: cancel_shipment
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        arguments: {subject: {name: shipment_id, description: "the shipment, such as S-1001"}}
  crm:
    use: openapi
    base_url: http://127.0.0.1:8082
    document: sandbox.openapi.json
    auth: {bearer: {file: sandbox-token}}
    operations:
      get_customer:
        id: get_customer
        arguments: {subject: {name: customer_id, description: "the customer, such as C-100"}}
        protected: [customer_id]
      get_case:
        id: get_case
        arguments: {subject: {name: case_ref, description: "the case, such as K-1000"}}
        result_fields: [case_ref, customer_id, status]
      add_case_note:
        id: add_note
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        arguments: {subject: {name: case_ref, description: "the case, such as K-1000"}}
        protected: [case_ref]
      resolve_case:
        id: resolve_case
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        compensate: crm.reopen_case
        outward: true
        arguments: {subject: {name: case_ref, description: "the case, such as K-1000"}}
        protected: [case_ref]
      reopen_case:
        id: reopen_case
        effect: write
        idempotency: provider-key
        key_header: Idempotency-Key
        window: 24h
        arguments: {subject: {name: case_ref, description: "the case, such as K-1000"}}
        protected: [case_ref]
"""


def write_document(folder: Path) -> Path:
    """Write what the sandbox says of itself."""
    file = folder / "sandbox.openapi.json"
    file.write_text(json.dumps(openapi_document()), encoding="utf-8")
    return file


def sandbox_settings(name: str, folder: Path, address: str, token: str) -> OpenApiSettings:
    """Return the settings of a section, with its secret and addresses in place."""
    section: dict[str, Any] = yaml.safe_load(SECTIONS)["connectors"][name]
    del section["use"]
    here = {"base_url": address, "document": write_document(folder), "auth": {"bearer": SecretStr(token)}}
    return OpenApiSettings.model_validate({**section, **here})


def sandbox_connector(name: str, folder: Path) -> Connector[HttpClient]:
    """Return the connector of a section; where it leads is up to the settings it is opened with."""
    return build_openapi(name, sandbox_settings(name, folder, "http://127.0.0.1:1", "t"))
