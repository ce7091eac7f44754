"""Which custom sections an invoice carries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing.custom_sections import Chosen, Inherited, Section, applied

BANK, LAW, ENTITY = (Section(code, code) for code in ("bank", "law", "entity"))
FUNDING = Section("funding", "funding", system=True)
sections = st.lists(st.sampled_from([BANK, LAW, ENTITY, FUNDING]), unique=True, max_size=4)
chosen = st.builds(Chosen, st.booleans(), st.lists(st.sampled_from([BANK, LAW]), unique=True, max_size=2))
inherited = st.builds(Inherited, st.booleans(), sections, st.lists(st.sampled_from([ENTITY, LAW]), unique=True))


def test_what_selects_nothing_has_the_customers_else_its_entitys_sections() -> None:
    assert applied([Chosen()], Inherited(own=[BANK], of_entity=[ENTITY])) == [BANK]
    assert applied([Chosen()], Inherited(of_entity=[ENTITY])) == [ENTITY]
    assert applied([Chosen()], Inherited(own=[FUNDING], of_entity=[ENTITY])) == [ENTITY, FUNDING]


def test_rows_with_their_own_add_them_to_those_of_rows_without() -> None:
    rows = [Chosen(own=[LAW]), Chosen(), Chosen(skips=True)]
    assert applied(rows, Inherited(own=[BANK])) == [LAW, BANK]
    assert applied([Chosen(own=[LAW])], Inherited(own=[BANK])) == [LAW]


def test_a_customer_that_skips_has_only_what_a_row_selects() -> None:
    nothing = Inherited(skips=True, own=[FUNDING], of_entity=[ENTITY])
    assert applied([Chosen()], nothing) == []
    assert applied([Chosen(own=[LAW]), Chosen()], nothing) == [LAW]


@given(st.lists(chosen, min_size=1, max_size=4), inherited)
def test_each_once_none_where_all_skip_and_the_servers_wherever_any(rows: list[Chosen], customer: Inherited) -> None:
    found = applied(rows, customer)
    assert len({each.code for each in found}) == len(found)
    if all(row.skips for row in rows):
        assert found == []
        return
    selected = {each.code for row in rows if not row.skips for each in row.own}
    assert selected <= {each.code for each in found}
    if not customer.skips:
        assert {each.code for each in customer.own if each.system} <= {each.code for each in found}
