"""A client of the sandbox's servers."""

import requests


class Client(requests.Session):
    """A session that knows where it speaks to and follows no redirect."""

    def __init__(self, base: str, **headers: str) -> None:
        """Speak to ``base``; underscores in names of headers become hyphens."""
        super().__init__()
        self.base = base
        self.trust_env = False
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def request(self, method: str, path: str, **options: object) -> requests.Response:  # type: ignore[override]
        """Send one request; the path is below the base."""
        options = {"timeout": 10, **options, "allow_redirects": False}
        return super().request(method, self.base + path, **options)  # type: ignore[arg-type]
