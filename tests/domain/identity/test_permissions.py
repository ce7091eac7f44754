from __future__ import annotations

from domain.identity.permissions import FINANCE, MANAGER, PERMISSIONS, PREDEFINED, granted


def test_there_are_130_permissions_each_once() -> None:
    assert len(PERMISSIONS) == len(set(PERMISSIONS)) == 130


def test_predefined_roles_have_what_the_handbook_grants() -> None:
    assert {"invoices:view", "customers:view", "organization:update", "analytics:view"} <= FINANCE
    assert not {"customers:create", "developers:keys:manage", "plans:create", "invoices:delete"} & FINANCE
    assert {"customers:create", "subscriptions:update", "wallets:top_up", "coupons:attach"} <= MANAGER
    assert not {"analytics:view", "organization:view", "billing_entities:update"} & MANAGER
    assert PREDEFINED["admin"] == set(PERMISSIONS)


def test_a_role_of_an_organization_has_only_what_it_lists() -> None:
    assert granted("admin", predefined=False, own=["plans:view", "made:up"]) == {"plans:view"}
    assert granted("admin", predefined=True, own=[]) == set(PERMISSIONS)
    assert granted("unheard_of", predefined=True, own=[]) == frozenset()
