"""Invoice custom sections: type, inputs, queries and mutations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.identity import custom_sections
from domain.identity.queries import organization_row
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.context import current
from graphql_api.loaders import load
from graphql_api.operations import command, operation, permitted, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request

if TYPE_CHECKING:
    from graphql_api.identity.types import Organization

__all__ = [
    "CustomSectionMutations", "CustomSectionQueries", "InvoiceCustomSection", "InvoiceCustomSectionsReferenceInput",
    "own_organization", "section_type",
]  # fmt: skip

LazyOrganization = Annotated["Organization", strawberry.lazy("graphql_api.identity.types")]


async def own_organization(info: Info) -> LazyOrganization:
    """The caller's organization, as objects show it that belong to it."""
    from graphql_api.identity.types import Organization

    async def fetch(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Any]:
        row = await organization_row(work)
        return dict.fromkeys(ids, row)

    row = await load(info, "own_organization", fetch, UUID(int=0))
    return Organization(
        row=row,
        login_method=current(info).login_method,
        shows_billing=permitted(info, "organization:invoices:view"),
    )


@strawberry.type
class InvoiceCustomSection:
    id: strawberry.ID
    code: str
    name: str
    display_name: str | None
    details: str | None
    description: str | None

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)


@strawberry.type
class InvoiceCustomSectionCollection:
    collection: list[InvoiceCustomSection]
    metadata: CollectionMetadata


@strawberry.input
class InvoiceCustomSectionsReferenceInput:
    """Which sections an invoice gets, or none."""

    invoice_custom_section_ids: list[strawberry.ID] | None = UNSET
    skip_invoice_custom_sections: bool | None = UNSET


@strawberry.input
class CreateInvoiceCustomSectionInput:
    client_mutation_id: str | None = UNSET
    code: str
    name: str
    display_name: str | None = UNSET
    details: str | None = UNSET
    description: str | None = UNSET


@strawberry.input
class UpdateInvoiceCustomSectionInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    code: str | None = UNSET
    name: str | None = UNSET
    display_name: str | None = UNSET
    details: str | None = UNSET
    description: str | None = UNSET


@strawberry.input
class DestroyInvoiceCustomSectionInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class DestroyInvoiceCustomSectionPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


def section_type(row: Any) -> InvoiceCustomSection:
    """A section from its row."""
    return InvoiceCustomSection(
        id=strawberry.ID(str(row.id)),
        code=row.code,
        name=row.name,
        display_name=row.display_name,
        details=row.details,
        description=row.description,
    )


@strawberry.type
class CustomSectionQueries:
    @strawberry.field
    @operation(permission="invoice_custom_sections:view")
    async def invoice_custom_section(self, info: Info, id: strawberry.ID) -> InvoiceCustomSection:
        async with read(info) as work:
            return section_type(await custom_sections.section_row(work.session, parse_id(id)))

    @strawberry.field
    @operation(permission="invoice_custom_sections:view")
    async def invoice_custom_sections(
        self, info: Info, page: int | None = None, limit: int | None = None
    ) -> InvoiceCustomSectionCollection | None:
        async with read(info) as work:
            found = await custom_sections.sections_page(work.session, page_request(page, limit))
        return InvoiceCustomSectionCollection(
            collection=[section_type(row) for row in found.rows], metadata=metadata_of(found)
        )


@strawberry.type
class CustomSectionMutations:
    @strawberry.mutation
    @operation(permission="invoice_custom_sections:create")
    async def create_invoice_custom_section(
        self, info: Info, input: CreateInvoiceCustomSectionInput
    ) -> InvoiceCustomSection | None:
        async with command(info) as work:
            return section_type(await custom_sections.create_section(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoice_custom_sections:update")
    async def update_invoice_custom_section(
        self, info: Info, input: UpdateInvoiceCustomSectionInput
    ) -> InvoiceCustomSection | None:
        params = to_params(input)
        section_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return section_type(await custom_sections.update_section(work, section_id, params))

    @strawberry.mutation
    @operation(permission="invoice_custom_sections:delete")
    async def destroy_invoice_custom_section(
        self, info: Info, input: DestroyInvoiceCustomSectionInput
    ) -> DestroyInvoiceCustomSectionPayload | None:
        async with command(info) as work:
            section = await custom_sections.delete_section(work, parse_id(input.id))
        return DestroyInvoiceCustomSectionPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(section.id))
        )
