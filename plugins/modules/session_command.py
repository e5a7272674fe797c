# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: session_command
short_description: Run a program in the customer's name, in their signed-in session
description:
  - Runs a program as the customer, without administrator rights, in their Windows session, which may be locked. For
    installers for one user, settings of the customer, and mapped drives.
  - Needs a grant of the session with the term O(latchkey.consent.credential_request#module:programs), in its time and
    not paused. The customer must be signed in.
  - The task waits until the program and all that it started have ended. After O(limit) the agent ends all of them.
  - If the customer revokes or pauses the grant, or the grant or session ends, the agent ends the program at once.
  - The command line, the exit code and the times stand in the receipt, and in a notice for the customer. So O(program)
    and O(arguments) must hold no password or other secret. The output goes to the task's result only.
  - An exit code other than 0 fails the task, unless C(failed_when) says otherwise.
options:
  session:
    required: true
  program:
    description:
      - The full path of the program, such as C(C:\Windows\System32\reg.exe).
      - A batch file is refused, because its arguments would be read as commands. Name C(cmd.exe) with C(/c) to run one.
    type: str
    required: true
  arguments:
    description:
      - The arguments, one item each. They are passed as they are. No shell reads them, so that C(%TEMP%), C(|) and quotation
        marks have no special meaning.
      - The whole command line has at most 32766 characters. Of letters beyond ASCII it holds about 10000.
    type: list
    elements: str
    default: []
  folder:
    description: The full path of the working folder. If not set, the folder of the customer's profile.
    type: str
  limit:
    description: Seconds after which the agent ends the program and all that it started. From 1 to 86400.
    type: float
    default: 600
  step:
    description:
      - A name that makes the task repeatable. If this session has the same command for this step, and it runs or has
        ended with 0, the task starts nothing and returns that one. Its output may not be kept any more.
    type: str
  timeout:
    description:
      - Longest time in seconds until the program starts, and longest time to retry a lost connection while it runs.
      - A PC that accepts no connection at all counts as unreachable after 30 seconds.
    type: float
    default: 300
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Ask for a grant that covers programs
  latchkey.consent.credential_request:
    session: CHG-4711
    restarts: 1
    programs: true

- name: Install for the customer
  latchkey.consent.session_command:
    session: CHG-4711
    program: C:\ProgramData\Deploy\editor-user-setup.exe
    arguments: [/SILENT, "/LOG=C:\\ProgramData\\Deploy\\editor.log"]
    limit: 900
  register: installed
  failed_when: installed.rc not in [0, 3010]

- name: Set a value in the customer's part of the registry
  latchkey.consent.session_command:
    session: CHG-4711
    program: C:\Windows\System32\reg.exe
    arguments: [add, HKCU\Software\Contoso, /v, Theme, /d, dark blue, /f]
"""

RETURN = r"""
session:
  description: The support session's name.
  returned: always
  type: str
  sample: CHG-4711
error_code:
  description:
    - The stable code of the error, for conditions. The page on errors lists every code.
  returned: on failure
  type: str
  sample: programs_not_agreed
msg:
  description: The reason for the failure, in one sentence.
  returned: on failure
  type: str
  sample: The customer did not agree that programs run in their name.
hint:
  description: Advice for the operator.
  returned: on failure
  type: str
  sample: Request a grant with programs in latchkey.consent.credential_request first.
outcome:
  description:
    - V(refused) if nothing happened, apart from the changes that the other values report.
    - V(unknown) if the action may have happened. Run the job again, which continues, or check the current state with
      M(latchkey.consent.credential_info).
  returned: on failure
  type: str
  sample: refused
retry_after:
  description: Seconds after which the same request can succeed.
  returned: on failure, if waiting helps
  type: float
  sample: 42.0
connection_error:
  description: The connection plugin's error when the connection could not be made or was lost.
  returned: when the connection failed, such as with RV(error_code=pc_unreachable)
  type: str
  sample: Connection refused
command:
  description: The agent's id of the command.
  returned: once the program was asked for
  type: str
  sample: 7f01d2a4-3a52-4a7e-8f53-2a1c2f0b9a11
command_line:
  description: The command line that Windows gets.
  returned: once the program was asked for
  type: str
  sample: '"C:\Windows\System32\reg.exe" query HKCU'
account:
  description: The customer's account.
  returned: once the program was asked for
  type: str
  sample: PC1\maria
rc:
  description: The exit code, from 0 to 4294967295; null if the program did not end by itself.
  returned: once the program was asked for
  type: int
  sample: 0
stdout:
  description: The beginning of the standard output, at most 64 KiB, with its line ends and tabs. Other control
    characters, and those that turn text, are U+FFFD.
  returned: once the program was asked for
  type: str
  sample: done
stderr:
  description: The beginning of the standard error, at most 64 KiB, with its line ends and tabs. Other control
    characters, and those that turn text, are U+FFFD.
  returned: once the program was asked for
  type: str
  sample: ""
stdout_cut:
  description: Whether the program printed more to its standard output.
  returned: once the program was asked for
  type: bool
  sample: false
stderr_cut:
  description: Whether the program printed more to its standard error.
  returned: once the program was asked for
  type: bool
  sample: false
output_kept:
  description: Whether the agent still had the output. It keeps that of the last programs until it stops.
  returned: once the program was asked for
  type: bool
  sample: true
started_at:
  description: The time of the start.
  returned: once the program was asked for
  type: str
  sample: "2026-11-23T22:11:02.000+01:00"
ended_at:
  description: The time of the end; null if it is not known.
  returned: once the program was asked for
  type: str
  sample: "2026-11-23T22:11:09.000+01:00"
"""
