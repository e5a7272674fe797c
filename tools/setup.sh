#!/bin/sh
# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run tools/setup.py with the first Python that can read it. The default Python of an older system may be too old
# while a newer one is installed beside it.

for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 7))' >/dev/null 2>&1; then
        exec "$name" "${0%/*}/setup.py" "$@"
    fi
done
echo "setup: found no CPython 3.11 or newer. Install one:" \
    "apt-get install python3 python3-venv (Debian, Ubuntu) or dnf install python3 (Fedora);" \
    "for other and older systems see https://www.python.org/downloads/" >&2
exit 1
