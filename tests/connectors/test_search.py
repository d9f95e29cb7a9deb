"""The search for actions: what it finds, in which order, and what cannot sway it."""

import random
import string
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from connectors.action import Call
from connectors.connector import Connector
from connectors.search import MAX_CHARS, Document, Search, Wish, document_of, schema_words
from connectors.words import stem, words

SHOP = [
    Document(
        "erp.create_order", "Create an order.", "customer_id product_id priority", "", "expedited standard"
    ),
    Document("erp.cancel_order", "Cancel an order that is not shipped.", "order_id reason", "", ""),
    Document("erp.schedule_shipment", "Plan when an order leaves the warehouse.", "order_id", "", ""),
    Document(
        "erp.get_stock", "Look up how many are available.", "product_id", "the product, such as P-100", ""
    ),
    Document("crm.get_customer", "Look up a customer and its credit.", "customer_id", "", ""),
    Document("crm.add_note", "Write a note into a case.", "case_ref text", "", ""),
    Document("fin.refundPayment", "Give money back.", "payment_id amount", "", "chargeback goodwill"),
]

names = st.from_regex(r"[a-z]{2,8}\.[a-z]{2,8}(_[a-z]{2,8}){0,2}", fullmatch=True)
texts = st.text(string.ascii_letters + "   ._-äß中", max_size=60)
documents = st.lists(
    st.builds(Document, name=names, description=texts, parameters=texts, meanings=texts, values=texts),
    max_size=12,
    unique_by=lambda document: document.name,
)


def best(query: str, among: list[Document] = SHOP) -> str:
    return Search(among).rank([Wish(query)])[0]


def test_words_are_split_where_names_join_them() -> None:
    assert list(words("createOrder_v2 HTTPServer Ändere SKU-12")) == [
        *("create", "order", "v", "2", "http", "server", "andere", "sku", "12"),
    ]
    assert stem("cancelled") == stem("cancelling") == stem("cancel")


def test_each_field_finds_its_action() -> None:
    assert best("cancelling what was ordered") == "erp.cancel_order"
    assert best("is it available?") == "erp.get_stock"
    assert best("a chargeback") == "fin.refundPayment", "a word of an enum"
    assert best("refund") == "fin.refundPayment", "a word of a joined name"
    assert best("case_ref") == "crm.add_note"
    assert best("shippment schedul") == "erp.schedule_shipment", "spelled wrongly"


def test_an_action_that_is_called_by_its_name_comes_first_whatever_else_has_its_words() -> None:
    alike = [
        Document("shop.use"),
        Document("shop.use_shop", "Use the shop of a shop."),
        Document("shop.shop"),
    ]
    assert best("shop.use", alike) == "shop.use"
    assert best("(shop__use)", alike) == "shop.use"


def test_what_nothing_has_is_not_found() -> None:
    assert Search(SHOP).rank([Wish("zzzz 12 the")]) == []
    assert Search([]).rank([Wish("order")]) == []


def test_the_heavier_wish_decides() -> None:
    search = Search(SHOP)
    assert search.rank([Wish("note", 0.1), Wish("refund")])[0] == "fin.refundPayment"
    assert search.rank([Wish("note"), Wish("refund", 0.1)])[0] == "crm.add_note"


@given(documents)
def test_every_action_is_found_by_its_own_name(some: list[Document]) -> None:
    search = Search(some)
    for document in some:
        assert search.rank([Wish(document.name)])[0] == document.name
        assert search.rank([Wish(f"please use {document.name.replace('.', '__')}, now")])[0] == document.name


@given(documents, texts, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_that_of_the_documents(
    some: list[Document], query: str, chance: random.Random
) -> None:
    shuffled = some[:]
    chance.shuffle(shuffled)
    assert Search(some).rank([Wish(query)]) == Search(shuffled).rank([Wish(query)])


@given(documents, texts)
def test_what_is_found_has_a_word_in_common_or_one_that_is_spelled_alike(
    some: list[Document], query: str
) -> None:
    found = Search(some).rank([Wish(query)])
    assert len(found) == len(set(found))
    assert set(found) <= {document.name for document in some}


def test_a_description_that_is_stuffed_with_words_comes_behind_what_fits() -> None:
    everything = " ".join(f"{d.name} {d.description} {d.parameters} {d.values}" for d in SHOP)
    greedy = Document("spam.do_it", everything * 5)
    for document in SHOP:
        assert best(document.description, [*SHOP, greedy]) == document.name
        # Not even the names of others, which it may well say, make it one of them.
        assert best(document.name, [*SHOP, greedy]) == document.name


def test_only_the_beginning_of_a_wish_counts() -> None:
    assert Search(SHOP).rank([Wish("x " * MAX_CHARS + "refund")]) == []


def test_a_schema_says_names_meanings_and_values_of_what_is_nested_too() -> None:
    schema = {
        "description": "not this",
        "properties": {
            "to": {"$ref": "#/$defs/Address"},
            "description": {"type": "string", "description": "in words"},
            "speed": {"anyOf": [{"enum": ["slow", "fast"]}, {"type": "null"}]},
        },
        "$defs": {"Address": {"properties": {"street": {"type": "string"}}, "description": "where"}},
    }
    said = schema_words(schema)
    assert set(said.names) == {"to", "description", "speed", "street"}
    assert set(said.meanings) == {"in words", "where"}
    assert said.values == ("slow", "fast")


def test_an_action_is_searched_by_all_that_it_says_of_itself() -> None:
    post = Connector("post", "Letters.")

    @post.action(
        effect="read", constraints=["Only inland"], examples=[{"kind": "parcel", "to": "Ann Street"}]
    )
    async def track(
        call: Call[None], to: str, kind: Literal["letter", "parcel"] = "letter"
    ) -> dict[str, Any]:
        """Find out where it is.

        Args:
            to: the receiver.
            kind: what was sent.
        """
        return {"to": to, "kind": kind}

    (action,) = post.actions.values()
    made = document_of(action)
    assert made.name == "post.track"
    for word, field in (
        ("where", made.description),
        ("kind", made.parameters),
        ("receiver", made.meanings),
        ("inland", made.meanings),
        ("letter", made.values),
        ("Street", made.values),
    ):
        assert word in field
