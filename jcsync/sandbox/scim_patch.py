"""PATCH of the fast platform: operations, and the members of large groups.

All operations of a request are applied to copies, which are kept only when every one succeeds.

Source:
    RFC 7644, section 3.5.2.
"""

from jcsync.sandbox.scim_check import Checker, bad
from jcsync.sandbox.scim_path import Operation, Target, Term, parse_target
from jcsync.sandbox.scim_schema import Attribute, Document, ResourceType


class MemberEdit:
    """Changes to a table of members that cost no more than their own number.

    Attributes:
        changed: Whether anything differs.
    """

    def __init__(self, members: dict[str, None]) -> None:
        """Begin without changes."""
        self._members = members
        self._added: dict[str, None] = {}
        self._removed: dict[str, None] = {}

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return bool(self._added or self._removed)

    @property
    def added(self) -> list[str]:
        """Ids that were not members before."""
        return list(self._added)

    @property
    def removed(self) -> list[str]:
        """Ids that are members no more."""
        return list(self._removed)

    def __contains__(self, identity: str) -> bool:
        """Whether somebody is a member now."""
        return identity in self._added or (
            identity in self._members and identity not in self._removed
        )

    def add(self, identity: str) -> None:
        """Make somebody a member."""
        if identity in self._members:
            self._removed.pop(identity, None)
        else:
            self._added[identity] = None

    def remove(self, identity: str) -> None:
        """Make somebody a member no more."""
        self._added.pop(identity, None)
        if identity in self._members:
            self._removed[identity] = None

    def clear(self) -> None:
        """Remove everybody."""
        self._added.clear()
        self._removed = dict(self._members)

    def commit(self) -> None:
        """Change the table."""
        for identity in self._removed:
            del self._members[identity]
        self._members.update(self._added)


class Patch:
    """Operations on one resource.

    Attributes:
        content: Its attributes, a copy that is changed.
        members: Its members, for a group.
    """

    def __init__(
        self, kind: ResourceType, content: Document, members: dict[str, None], checker: Checker
    ) -> None:
        """Begin with the resource as it is."""
        self._kind = kind
        self._checker = checker
        self.content = content
        self.members = MemberEdit(members)

    def apply(self, operation: Operation) -> None:
        """Apply one operation.

        Raises:
            ScimError: 400.
        """
        if not operation.path:
            self._apply_whole(operation)
            return
        target = parse_target(self._kind, operation.path)
        if target.attribute is None:
            self._apply_extension(operation, target.urn)
        elif target.attribute.name == "members":
            self._apply_members(operation, target)
        else:
            self._apply_attribute(operation, target, target.attribute)

    def _apply_whole(self, operation: Operation) -> None:
        if not isinstance(operation.value, dict):
            message = "an operation without a path needs an object"
            raise bad(message)
        for name, value in operation.value.items():
            if name not in {"schemas", "id", "meta"}:
                self.apply(Operation(operation.op, name, value))

    def _apply_extension(self, operation: Operation, urn: str) -> None:
        if operation.op == "remove":
            self._holder(urn).clear()
        else:
            values = self._checker.attributes(self._kind.extensions[urn], operation.value)
            self._holder(urn).update(values)
        self._tidy(urn)

    def _holder(self, urn: str) -> Document:
        if not urn:
            return self.content
        holder: Document = self.content.setdefault(urn, {})
        return holder

    def _tidy(self, urn: str) -> None:
        """An extension is named in ``schemas`` while it has values."""
        schemas: list[str] = self.content["schemas"]
        if urn and not self.content[urn]:
            del self.content[urn]
            self.content["schemas"] = [schema for schema in schemas if schema != urn]
        elif urn and urn not in schemas:
            schemas.append(urn)

    # ---- members

    def _apply_members(self, operation: Operation, target: Target) -> None:
        if target.part is not None:
            message = "members can be added and removed, not changed"
            raise bad(message, "mutability")
        if operation.op == "remove":
            self._remove_members(operation, target)
            return
        if target.terms:
            message = "a filter selects no members to add"
            raise bad(message, "noTarget")
        ids = self.member_ids(operation.value)
        if operation.op == "replace":
            self.members.clear()
        for identity in ids:
            self.members.add(identity)

    def _remove_members(self, operation: Operation, target: Target) -> None:
        if target.terms:
            if [name for name, _ in target.terms] != ["value"]:
                message = "members are selected by value only"
                raise bad(message, "invalidFilter")
            self.members.remove(str(target.terms[0][1]))
        elif operation.value and self._checker.strict:
            message = "remove takes no value; select members by a filter in the path"
            raise bad(message)
        elif operation.value:
            for identity in self.member_ids(operation.value):
                self.members.remove(identity)
        else:
            self.members.clear()

    def member_ids(self, value: object) -> list[str]:
        """Return the ids in a list of members.

        Raises:
            ScimError: 400: malformed, or one of them twice where that is not overlooked.
        """
        entries = value if isinstance(value, list) else [value]
        attribute = self._kind.attributes["members"]
        ids = [self._checker.single(attribute, entry).get("value") for entry in entries]
        if None in ids:
            message = "a member has no value"
            raise bad(message)
        if self._checker.strict and len(set(ids)) != len(ids):
            message = "a member is named twice"
            raise bad(message)
        return [str(identity) for identity in ids]

    # ---- other attributes

    def _apply_attribute(self, operation: Operation, target: Target, attribute: Attribute) -> None:
        holder = self._holder(target.urn)
        if operation.op == "remove":
            self._remove(holder, target, attribute)
        elif attribute.multi and (target.terms or target.part):
            self._set_in_values(operation, holder, target, attribute)
        elif target.part is not None:
            value = self._checker.value(target.part, operation.value)
            holder.setdefault(attribute.name, {})[target.part.name] = value
        else:
            self._set(operation, holder, attribute)
        self._prune(holder, attribute)
        self._tidy(target.urn)

    def _set(self, operation: Operation, holder: Document, attribute: Attribute) -> None:
        given = operation.value
        if attribute.multi and operation.op == "add" and not isinstance(given, list):
            given = [given]
        value = self._checker.value(attribute, given)
        old = holder.get(attribute.name)
        if attribute.multi and operation.op == "add":
            value = [*(old or []), *(entry for entry in value if entry not in (old or []))]
        elif isinstance(value, dict) and isinstance(old, dict):
            value = {**old, **value}
        if not attribute.secret:
            holder[attribute.name] = value

    def _set_in_values(
        self, operation: Operation, holder: Document, target: Target, attribute: Attribute
    ) -> None:
        values: list[Document] = holder.setdefault(attribute.name, [])
        chosen = [value for value in values if _fits(value, target.terms)]
        if not chosen:
            if operation.op == "replace" or self._checker.strict or not target.terms:
                message = f"{operation.path} selects nothing"
                raise bad(message, "noTarget")
            chosen = [dict(target.terms)]
            values.extend(chosen)
        for value in chosen:
            if target.part is not None:
                value[target.part.name] = self._checker.value(target.part, operation.value)
            else:
                value.update(self._checker.single(attribute, operation.value))
            if value.get("primary") is True:
                for other in values:
                    if other is not value:
                        other.pop("primary", None)

    def _remove(self, holder: Document, target: Target, attribute: Attribute) -> None:
        if attribute.required:
            message = f"{attribute.name} is required"
            raise bad(message, "mutability")
        old = holder.get(attribute.name)
        if old is None:
            return
        if isinstance(old, list) and (target.terms or target.part):
            self._remove_values(holder, target, attribute, old)
        elif target.part is not None:
            old.pop(target.part.name, None)
        else:
            del holder[attribute.name]

    def _remove_values(
        self, holder: Document, target: Target, attribute: Attribute, old: list[Document]
    ) -> None:
        if target.part is None:
            holder[attribute.name] = [v for v in old if not _fits(v, target.terms)]
            return
        for value in old:
            if _fits(value, target.terms):
                value.pop(target.part.name, None)

    @staticmethod
    def _prune(holder: Document, attribute: Attribute) -> None:
        """What is empty is unassigned."""
        value = holder.get(attribute.name)
        if isinstance(value, dict):
            value = {name: part for name, part in value.items() if part is not None}
        if value in (None, [], {}):
            holder.pop(attribute.name, None)
        else:
            holder[attribute.name] = value


def _fits(value: Document, terms: tuple[Term, ...]) -> bool:
    return all(value.get(name) == wanted for name, wanted in terms)
