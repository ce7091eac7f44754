"""What a document asks for, read before it is run: only where it decides who is asking."""

from __future__ import annotations

from typing import Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    get_operation_ast,
    parse,
)
from strawberry.types import get_object_definition

from graphql_api.errors import camel
from graphql_api.portal.mutations import PortalMutations
from graphql_api.portal.queries import PortalQueries

__all__ = ["PORTAL_FIELDS", "asks_portal"]

PORTAL_FIELDS: Final = frozenset(
    camel(field.python_name)
    for kind in (PortalQueries, PortalMutations)
    for field in get_object_definition(kind, strict=True).fields
)
"""The operations of the portal, as documents name them."""


def asks_portal(query: str, name: str | None) -> bool:
    """Whether the operation to run asks for anything of the portal; not for a document that can't be read."""
    try:
        document = parse(query, no_location=True)
    except (GraphQLError, RecursionError):
        return False
    operation = get_operation_ast(document, name)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    pending = [operation.selection_set] if operation else []
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode):
                if selection.name.value in PORTAL_FIELDS:
                    return True
            elif isinstance(selection, InlineFragmentNode):
                pending.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and (found := fragments.pop(selection.name.value, None)):
                pending.append(found.selection_set)
    return False
