# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The shells on the PC that a lost connection has left.

winrm goes on in its shell over a new connection: a shell belongs to the user. psrp cannot, and deletes the
shell that it left as soon as the PC answers again. ssh has no shells that outlive the connection.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

from ._fault_codes import NO_SUCH_SHELL, has_code
from ._rejection import tries_in

if TYPE_CHECKING:
    from ansible.plugins.connection import ConnectionBase


class LeftShells:
    """Connects a plugin anew, and leaves no shell behind."""

    def __init__(self, connection: ConnectionBase) -> None:
        # Only some plugins have these attributes.
        self._plugin = cast("Any", connection)
        self._left: list[Any] = []
        self.kept = False
        """Whether the connection goes on in the shell of an earlier one."""

    def reset(self, *, may_delete: bool) -> None:
        """Connect anew. Raises the plugin's exceptions.

        Args:
            may_delete: whether to delete left shells before; not while the PC refuses the account.
        """
        match self._plugin.transport:
            case "winrm" if getattr(self._plugin, "shell_id", None):
                self._renew()
            case "psrp":
                self._replace(may_delete=may_delete)
            case _:
                self._plugin.reset()

    def _renew(self) -> None:
        """Connect a winrm plugin anew, in the same shell; its own reset() would open another one."""
        plugin = self._plugin
        if len(plugin._winrm_transport) == 1:  # noqa: SLF001 - no option tells the plugin's own choice
            self.kept = True
            plugin.protocol = None
            plugin._connect()  # noqa: SLF001 - as reset() does
            return
        # Of several transports the plugin finds the right one only by opening a shell.
        left = plugin.shell_id
        plugin.reset()
        with contextlib.suppress(Exception):
            plugin.protocol.close_shell(left)

    def forget(self) -> None:
        """Open a new shell of winrm: the PC has the old one no longer. Raises the plugin's exceptions."""
        self.kept = False
        self._plugin.reset()

    def abandon(self) -> None:
        """Let the plugin's own close() at the end of the task do nothing: it would try the refused account again."""
        for name in ("shell_id", "protocol", "runspace"):
            if hasattr(self._plugin, name):
                setattr(self._plugin, name, None)

    def _replace(self, *, may_delete: bool) -> None:
        if self._left and may_delete:
            # Nothing could be done over the last connection: without this, each further one would leave a shell.
            self._delete(type(self._left[0].connection)(**self._plugin._psrp_conn_kwargs))  # noqa: SLF001 - as _connect()
        # reset() would close the runspace first, and pypsrp repeatedly waits for a frozen PC to confirm that.
        if (left := self._plugin.runspace) is not None:
            self._left.append(left)
        self._plugin.runspace = None
        self._plugin.reset()

    def delete(self) -> None:
        """Delete the shells that were left, over the new connection, which the PC has accepted."""
        if self._left:
            with contextlib.suppress(Exception):
                self._delete(self._plugin.runspace.connection)

    def _delete(self, wsman: Any) -> None:  # noqa: ANN401 - the collection does not need pypsrp
        """Delete the shells that were left, until the PC does not answer. After a restart it has none of them.

        A refused account is passed on: it counts as a try.
        """
        while self._left:
            self._left[0].shell.wsman = wsman
            try:
                self._left[0].shell.close()
            except Exception as fault:
                if tries_in(fault):
                    raise
                if not has_code(fault, NO_SUCH_SHELL):
                    return
            del self._left[0]
