"""What a script of one afternoon does: read JumpCloud, read the platform, create what is missing.

Serially, without retries, limits, history or a second look. It creates people with six attributes
and groups with their members, and sends nothing when they are there. Started by ``scene.py``.

    python bench/plain.py requests DIRECTORY KEY PLATFORM TOKEN
    python bench/plain.py scim2-client DIRECTORY KEY PLATFORM TOKEN
"""

import sys
from collections.abc import Iterator
from typing import Any, Protocol

import requests

PAGE = 100
COUNT = 200


class Platform(Protocol):
    """The platform, through one client or another."""

    def names(self, collection: str, attribute: str) -> dict[str, str]:
        """Return the id of every resource by its name."""
        ...

    def create(self, collection: str, body: dict[str, Any]) -> str:
        """Create a resource and return its id."""
        ...


class WithRequests:
    """The platform through requests."""

    def __init__(self, url: str, token: str) -> None:
        """Open a session."""
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def names(self, collection: str, attribute: str) -> dict[str, str]:
        """Return the id of every resource by its name."""
        found: dict[str, str] = {}
        while True:
            query = {"startIndex": str(len(found) + 1), "count": str(COUNT)}
            page = self._session.get(f"{self._url}/{collection}", params=query, timeout=30).json()
            found |= {row[attribute]: row["id"] for row in page["Resources"]}
            if len(found) >= page["totalResults"]:
                return found

    def create(self, collection: str, body: dict[str, Any]) -> str:
        """Create a resource and return its id."""
        headers = {"Content-Type": "application/scim+json"}
        answer = self._session.post(
            f"{self._url}/{collection}", json=body, headers=headers, timeout=30
        )
        answer.raise_for_status()
        return str(answer.json()["id"])


class WithScim2Client:
    """The platform through scim2-client, which checks what it sends and gets against models."""

    def __init__(self, url: str, token: str) -> None:
        """Open a client, and learn what the platform describes."""
        # Only for those who compare with it: .venv/bin/pip install -e ".[bench]"
        import httpx2  # noqa: PLC0415
        from scim2_client.engines.httpx2 import SyncSCIMClient  # noqa: PLC0415

        headers = {"Authorization": f"Bearer {token}"}
        self._client = SyncSCIMClient(httpx2.Client(base_url=url, headers=headers, timeout=30))
        self._client.discover()

    def names(self, collection: str, attribute: str) -> dict[str, str]:
        """Return the id of every resource by its name."""
        name = {"userName": "user_name", "displayName": "display_name"}[attribute]
        model = self._client.get_resource_model(collection.removesuffix("s"))
        found: dict[str, str] = {}
        while True:
            query = {"startIndex": len(found) + 1, "count": COUNT}
            page = self._client.query(model, query_parameters=query)
            found |= {getattr(row, name): row.id for row in page.resources or ()}
            if len(found) >= page.total_results:
                return found

    def create(self, collection: str, body: dict[str, Any]) -> str:
        """Create a resource and return its id."""
        model = self._client.get_resource_model(collection.removesuffix("s"))
        return str(self._client.create(model(**body)).id)


def main() -> None:
    """Make the platform agree with JumpCloud, as far as it goes."""
    way, directory, key, url, token = sys.argv[1:]
    session = requests.Session()
    session.headers["x-api-key"] = key
    platform: Platform = {"requests": WithRequests, "scim2-client": WithScim2Client}[way](
        url, token
    )
    accounts = platform.names("Users", "userName")
    people: dict[str, str] = {}
    for user in rows(session, f"{directory}/api/systemusers", {"sort": "_id"}):
        if user["email"] not in accounts:
            accounts[user["email"]] = platform.create("Users", body_of(user))
        people[user["_id"]] = accounts[user["email"]]
    groups = platform.names("Groups", "displayName")
    for group in rows(session, f"{directory}/api/v2/usergroups", {"sort": "name"}):
        path = f"{directory}/api/v2/usergroups/{group['id']}/membership"
        members = [{"value": people[row["id"]]} for row in rows(session, path, {})]
        if group["name"] not in groups:
            body = {"displayName": group["name"], "members": members}
            platform.create("Groups", {"schemas": [f"{_CORE}:Group"], **body})


_CORE = "urn:ietf:params:scim:schemas:core:2.0"


def rows(session: requests.Session, url: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list of JumpCloud, page by page."""
    skip = 0
    while True:
        page = {**query, "limit": str(PAGE), "skip": str(skip)}
        body = session.get(url, params=page, timeout=30).json()
        found = body["results"] if isinstance(body, dict) else body
        yield from found
        skip += PAGE
        if len(found) < PAGE:
            return


def body_of(user: dict[str, Any]) -> dict[str, Any]:
    """Return the account that somebody should have."""
    return {
        "schemas": [f"{_CORE}:User"],
        "externalId": user["_id"],
        "userName": user["email"],
        "name": {"givenName": user.get("firstname"), "familyName": user.get("lastname")},
        "displayName": user.get("displayname") or user["email"],
        "title": user.get("jobTitle") or "-",
        "emails": [{"value": user["email"], "type": "work", "primary": True}],
        "active": True,
    }


if __name__ == "__main__":
    main()
