# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes accounts in the directory. Debian's Python runs it, which has Samba's modules.

It reads one JSON object from its standard input, with the passwords of the accounts:

    {"configuration": "…/smb.conf", "lockout": 0,
     "users": [{"name": "helpdesk", "password": "…"}],
     "computers": [{"name": "PC-ANNA", "password": "…", "services": ["HTTP/pc-anna.lab.test"], "keytab": "…"}]}

With `lockout` above 0 an account is locked after so many wrong passwords.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def open_directory(configuration: str) -> tuple[Any, Any]:
    """Return the directory's database and Samba's settings."""
    settings = import_module("samba.param").LoadParm()
    settings.load(configuration)
    session = import_module("samba.auth").system_session(settings)
    return import_module("samba.samdb").SamDB(session_info=session, lp=settings), settings


def change(database: Any, place: str, name: str, value: Any) -> None:  # noqa: ANN401 - Samba has no types
    """Replace an attribute of an object of the directory."""
    ldb = import_module("ldb")
    message = ldb.Message(ldb.Dn(database, place))
    message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    database.modify(message)


def add_computer(database: Any, settings: Any, computer: dict[str, Any]) -> None:  # noqa: ANN401 - as above
    """Make a computer's account with the names of its services, and write the keys of these into a keytab."""
    account = f"(sAMAccountName={computer['name']}$)"
    database.newcomputer(computer["name"])
    [found] = database.search(expression=account, attrs=["dn"])
    change(database, str(found.dn), "servicePrincipalName", computer["services"])
    database.setpassword(account, computer["password"], False)  # noqa: FBT003 - Samba's own order
    database.enable_account(account)
    # This module adds the method to the next one.
    import_module("samba.dckeytab")
    credentials = import_module("samba.credentials").Credentials()
    credentials.guess(settings)
    net = import_module("samba.net").Net(credentials, settings)
    for service in computer["services"]:
        net.export_keytab(keytab=computer["keytab"], principal=service)


def main() -> None:
    """Make the accounts that standard input names."""
    wanted = json.load(sys.stdin)
    database, settings = open_directory(wanted["configuration"])
    if wanted.get("lockout"):
        change(database, database.domain_dn(), "lockoutThreshold", str(wanted["lockout"]))
    for user in wanted.get("users", ()):
        database.newuser(user["name"], user["password"])
    for computer in wanted.get("computers", ()):
        add_computer(database, settings, computer)


if __name__ == "__main__":
    main()
