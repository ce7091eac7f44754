"""How much one document may ask for: depth, complexity, and how often one name is selected.

Complexity is one point per field of the answer; lists are not multiplied, and a field that several fragments select
counts once. Source: handbook, platform 2.1. The check comes before the standard rules and ends them when it fails,
because those take quadratic time on documents made to hurt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLError
from graphql.language import InlineFragmentNode, OperationDefinitionNode, SelectionSetNode
from graphql.validation import ValidationRule
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension

__all__ = ["MAX_COMPLEXITY", "MAX_DEPTH", "MAX_QUERY_LENGTH", "LimitsRule", "OperationNamed"]

MAX_QUERY_LENGTH = 15_000
MAX_DEPTH = 15
MAX_COMPLEXITY = 350
MAX_SELECTIONS_OF_ONE_NAME = 64
MAX_DEFINITIONS = 100


class _Exceeded(Exception):
    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class _Count:
    """Walks one operation as it will be executed, and stops at the first limit passed."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.complexity = 0

    def walk(self, sets: Sequence[SelectionSetNode], depth: int) -> None:
        fields: dict[str, list[FieldNode]] = {}
        self._collect(sets, fields)
        if fields and depth > MAX_DEPTH:
            raise _Exceeded(f"Query has depth of {depth}, which exceeds max depth of {MAX_DEPTH}", "query_is_too_deep")
        for name, nodes in fields.items():
            self.complexity += 1
            if self.complexity > MAX_COMPLEXITY:
                message = f"Query has a complexity above the max complexity of {MAX_COMPLEXITY}"
                raise _Exceeded(message, "query_is_too_complex")
            if len(nodes) > MAX_SELECTIONS_OF_ONE_NAME:
                message = f"Query selects {name} more than {MAX_SELECTIONS_OF_ONE_NAME} times in one place"
                raise _Exceeded(message, "query_is_too_complex")
            inner = [node.selection_set for node in nodes if node.selection_set]
            if inner:
                self.walk(inner, depth + 1)

    def _collect(self, sets: Sequence[SelectionSetNode], fields: dict[str, list[FieldNode]]) -> None:
        """The fields of these selections by response name; each fragment is entered once."""
        seen: set[str] = set()
        pending = list(reversed(sets))
        while pending:
            for selection in pending.pop().selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    fields.setdefault(name, []).append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    pending.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                    seen.add(selection.name.value)
                    fragment = self.fragments.get(selection.name.value)
                    if fragment:
                        pending.append(fragment.selection_set)


class LimitsRule(ValidationRule):
    """Refuses a document that asks for too much, and ends the validation there."""

    def enter_document(self, node: DocumentNode, *_: object) -> None:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        try:
            if len(node.definitions) > MAX_DEFINITIONS:
                message = f"Document has more than {MAX_DEFINITIONS} definitions"
                raise _Exceeded(message, "query_is_too_complex")
            # A fragment that no operation uses is validated too, so it is measured too.
            for definition in node.definitions:
                if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
                    _Count(fragments).walk([definition.selection_set], 1)
        except _Exceeded as exceeded:
            extensions = {"status": 422, "code": exceeded.code}
            raise ValidationAbortedError(exceeded.message, extensions=extensions) from None


class OperationNamed(SchemaExtension):
    """A document of several operations has to say which one to run; the library alone would take the first."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        if document is not None and len(document.definitions) > 1 and context._provided_operation_name is None:
            operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
            if len(operations) > 1:
                extensions = {"status": 400, "code": "operation_not_found"}
                message = "An operation name is required for a document of several operations"
                context.pre_execution_errors = [GraphQLError(message, extensions=extensions)]
        yield
