"""Which privileges are legal, and what a list of them makes of those a feature has. Source: handbook, platform 19."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.catalog.entitlements.models import Privilege
from domain.catalog.entitlements.sent import DUPLICATED
from domain.catalog.entitlements.values import VALUE_TYPES, options_of
from domain.kernel.validation import Reader, clean_json

__all__ = ["PrivilegeTerms", "change_privilege", "read_privileges"]

INVALID_FORMAT: Final = "invalid_format"
MOST_PRIVILEGES: Final = 1_000
MOST_OPTIONS: Final = 1_000
LONGEST_OPTION: Final = 255


@dataclass(frozen=True, slots=True)
class PrivilegeTerms:
    """What was sent of one privilege, judged. named: a name was sent, be it null."""

    code: str
    name: str | None
    named: bool
    value_type: str
    config: dict[str, Any]


def read_privileges(read: Reader, known: Mapping[str, Privilege]) -> list[PrivilegeTerms] | None:
    """The field `privileges`; None when absent or null. known: those of the feature by code, whose codes and types
    stay. Errors are added under `privilege.<field>` for its entries."""
    entries = read.objects("privileges", most=MOST_PRIVILEGES)
    if entries is None:
        return None
    found: list[PrivilegeTerms] = []
    for entry in entries:
        one = Reader(entry)
        code = one.text("code", mandatory=True) or ""
        before = known.get(code)
        sent_type = None if before else one.choice("value_type", VALUE_TYPES)
        value_type = before.value_type if before else sent_type or "string"
        config = _config(one, value_type, bool(before))
        found.append(PrivilegeTerms(code, one.text("name"), "name" in one, value_type, config))
        for field, codes in one.errors.items():
            for each in codes:
                read.add(f"privilege.{field}", each)
    codes = [each.code for each in found if each.code]
    if len(set(codes)) < len(codes):
        read.add("privilege.code", DUPLICATED)
    return found


def _config(read: Reader, value_type: str, known: bool) -> dict[str, Any]:
    """{"select_options": […]} of a select, which one that is known need not repeat; else {}."""
    sent = read.params.get("config")
    if "value_type" in read.errors:
        return {}
    content = sent
    if isinstance(sent, Mapping):
        content = {key: value for key, value in sent.items() if value not in (None, [])}
    if not content and (value_type != "select" or known):
        return {}
    options = _options(content) if value_type == "select" else []
    if not options:
        # Of a privilege of another type, what is not acted on need not be right when it is sent again.
        if value_type == "select" or not known:
            read.add("config", INVALID_FORMAT)
        return {}
    return {"select_options": options}


def _options(config: object) -> list[str]:
    """The options, each once; none where the config has another shape."""
    if not isinstance(config, Mapping) or set(config) != {"select_options"} or not clean_json(config):
        return []
    options = config["select_options"]
    fitting = isinstance(options, Sequence) and not isinstance(options, str) and len(options) <= MOST_OPTIONS
    if not fitting or not all(isinstance(each, str) and len(each) <= LONGEST_OPTION for each in options):
        return []
    return list(dict.fromkeys(options))


def change_privilege(privilege: Privilege, terms: PrivilegeTerms) -> None:
    """The name, if one was sent, and options that a select did not have yet; none is ever taken away."""
    if terms.named:
        privilege.name = terms.name
    before = options_of(privilege.config)
    options = list(dict.fromkeys([*before, *options_of(terms.config)]))
    if options != before:
        privilege.config = {"select_options": options}
