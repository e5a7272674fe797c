# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, tokens and roles: who may see, use and change an object.

A role of a team is a role of its members, and an administrator of an organisation administers what belongs to it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lab.controller.awx_resources import resources

if TYPE_CHECKING:
    from lab.controller.store import Row, Store

LIFETIME = timedelta(hours=10)
UNKNOWN = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
WRONG = "Invalid username/password."
FORBIDDEN = "You do not have permission to perform this action."


class Access:
    """Answers questions about one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_roles(self, row: Row) -> None:
        """Make the roles of a new object."""
        for name in resources()[row["resource"]].roles:
            self._store.add("roles", {"role": f"{name}_role", "object": row["id"], "users": [], "teams": []})

    def remove_roles(self, row: Row) -> None:
        """Remove the roles of an object that goes."""
        for role in list(self._store.where("roles", object=row["id"])):
            del self._store._rows["roles"][role["id"]]  # noqa: SLF001 - a role has no links

    def issue(self, user: Row, lifetime: timedelta = LIFETIME) -> tuple[Row, str]:
        """Return a new token: its row, and the text that is shown once."""
        text = secrets.token_urlsafe(24)
        expires = (self._store.now() + lifetime).isoformat()
        return self._store.add("tokens", {"user": user["id"], "token": text, "expires": expires}), text

    def expire(self) -> None:
        """Let the time of every token be over."""
        with self._store.lock:
            for token in self._store.all("tokens"):
                self._store.change(token, expires=self._store.now().isoformat())

    def user_of(self, header: str) -> Row | None:
        """Return the user of an Authorization header; None if AWX would answer 401."""
        scheme, _, value = header.partition(" ")
        if scheme == "Bearer":
            for token in self._store.all("tokens"):
                same = hmac.compare_digest(token["token"].encode(), value.encode())
                if same and self._store.now() < datetime.fromisoformat(token["expires"]):
                    return self._store.find("users", token["user"])
        if scheme == "Basic":
            name, _, password = (
                base64.b64decode(value, validate=False).decode("utf-8", "replace").partition(":")
            )
            for user in self._store.where("users", username=name):
                if hmac.compare_digest(user["password"].encode(), password.encode()):
                    return user
        return None

    def may(self, user: Row, row: Row, *roles: str) -> bool:
        """Tell whether a user has one of these roles for an object, or administers it."""
        if user["is_superuser"]:
            return True
        wanted = {f"{role}_role" for role in (*roles, "admin")}
        return any(self._has(user, number, wanted) for number in self._chain(row))

    def may_see(self, user: Row, row: Row) -> bool:
        """Tell whether a user has any role for an object."""
        return row["resource"] in {"users", "organizations"} or self.may(
            user, row, "read", "use", "execute", "member", "approval", "update", "adhoc", "auditor"
        )

    def _chain(self, row: Row) -> list[int]:
        """Return the object and the objects that it belongs to."""
        chain = [row["id"]]
        described = resources().get(row["resource"])
        while described and described.owner:
            one = described.fields.get(described.owner)
            target = one.facts["of"] if one else described.owner + "s"
            above = self._store.find(target, row.get(described.owner))
            if above is None:
                break
            chain.append(above["id"])
            row, described = above, resources().get(above["resource"])
        return chain

    def _has(self, user: Row, number: int, wanted: set[str]) -> bool:
        for role in self._store.where("roles", object=number):
            if role["role"] not in wanted:
                continue
            if user["id"] in role["users"] or any(self._member(user, team) for team in role["teams"]):
                return True
        return False

    def _member(self, user: Row, team: int) -> bool:
        member = self._store.where("roles", object=team, role="member_role")
        return any(user["id"] in role["users"] for role in member)
