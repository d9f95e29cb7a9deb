from connectors.postgres.beginning import beginning


def test_a_read_may_change_nothing_and_every_limit_is_of_the_transaction() -> None:
    said = beginning(2.5, lock_s=9, tenant="acme", writes=False, free=False, role=None)
    assert said.split("; ") == [
        "BEGIN READ ONLY",
        "SET LOCAL statement_timeout = 2500",
        "SET LOCAL lock_timeout = 2500",
        "SET LOCAL idle_in_transaction_session_timeout = 7500",
        "SET LOCAL pointsman.tenant = 'acme'",
    ]


def test_a_free_query_finds_only_the_servers_own_names_and_runs_as_its_role() -> None:
    said = beginning(1, lock_s=1, tenant="a", writes=False, free=True, role="reader").split("; ")
    assert said[-2:] == ["SET LOCAL search_path = pg_catalog", 'SET LOCAL ROLE "reader"']


def test_a_limit_is_never_none_and_a_tenants_name_is_only_a_name() -> None:
    said = beginning(0.0001, lock_s=0.0001, tenant="o'x\\", writes=True, free=False, role=None)
    assert said.startswith("BEGIN READ WRITE; SET LOCAL statement_timeout = 1;")
    assert said.endswith("SET LOCAL pointsman.tenant = 'o''x\\'")
