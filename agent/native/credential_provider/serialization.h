// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The credential in the form that LogonUI hands to LSA.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "users.h"
#include "wire/secret.h"

namespace latchkey {

// The number of LSA's Negotiate package. False if LSA does not answer.
bool negotiate_package(ULONG& number);

// Packs KERB_INTERACTIVE_UNLOCK_LOGON into memory that LogonUI frees, the
// password protected by CredProtect. False, and no memory left allocated, if memory
// is short or Windows does not protect.
bool serialize(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, ULONG package, const AccountName& name, Secret& password,
               CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION& serialization);

}  // namespace latchkey
