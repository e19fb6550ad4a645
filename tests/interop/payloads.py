"""What jcsync sends, validated by models that others wrote.

Source:
    RFC 7643, sections 4.1 to 4.3; RFC 7644, sections 3.3 and 3.5.2; scim2-models.
"""

import json
from typing import Any

from scim2_models import Context, EnterpriseUser, Group, PatchOp, User

from jcsync.sandbox.traffic import Recorded

_MODELS: dict[str, Any] = {"Users": User[EnterpriseUser], "Groups": Group}
_MEMBERS_AT_ONCE = 100


def check_payload(write: Recorded) -> None:
    """Demand that a write is valid SCIM, and one that every server can bear.

    Raises:
        pydantic.ValidationError: It is not what the RFCs allow.
        AssertionError: It is more than some servers bear: an operation without a path, several
            values at once, ``null``, many members.
    """
    endpoint = write.path.removeprefix("/scim/v2/").partition("/")[0]
    model = _MODELS[endpoint]
    if write.method == "DELETE":
        assert not write.body
        return
    assert write.headers["content-type"].partition(";")[0] == "application/scim+json"
    document = json.loads(write.body)
    if write.method == "PATCH":
        PatchOp[model].model_validate(document, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        for operation in document["Operations"]:
            _check_operation(operation)
        return
    assert write.method == "POST", "a whole resource is replaced only where PATCH has failed"
    model.model_validate(document, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    assert "id" not in document
    assert not _has_null(document)
    extensions = {name for name in document if name.startswith("urn:")}
    assert extensions == set(document["schemas"][1:])


def _check_operation(operation: dict[str, Any]) -> None:
    assert operation["op"] in {"add", "replace", "remove"}
    assert operation.get("path")
    value = operation.get("value")
    if operation["op"] == "remove":
        return
    if operation["path"] == "members":
        assert operation["op"] == "add"
        assert 0 < len(value) <= _MEMBERS_AT_ONCE
        return
    assert value is not None


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None
