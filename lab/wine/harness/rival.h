// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Another program's credential provider, of the oldest kind: it knows no user array and
// no events, and answers what it leaves out with E_NOTIMPL, as the documentation of
// ICredentialProvider::Advise on learn.microsoft.com allows. LogonUI takes it all the same.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

namespace harness {

// A provider with one tile, and one reference that the caller owns. With `logs_on` the
// tile logs on by itself, once in this process: its logon is refused, and it gives up.
ICredentialProvider* make_rival(bool logs_on);

}  // namespace harness
