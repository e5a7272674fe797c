// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the provider says to the agent: three requests, a connection each.
#pragma once

#include <windows.h>

#include "wire/answer.h"
#include "wire/secret.h"

namespace latchkey {

// Asks whether there is a permit; true, and the answer, where there is.
// Changes nothing. Ends after `limit` milliseconds.
bool peek(Answer& answer, DWORD limit);

// Exchanges a permit for the password, and spends it (attempts.h): works once.
// False where it was spent before, and where the agent does not answer in time,
// refuses, or answers for another permit or account.
bool redeem(const Answer& peeked, Secret& password);

// Tells how the logon went, in the values of ICredentialProviderCredential::ReportResult.
void report(const wchar_t* permit, LONG status, LONG substatus);

}  // namespace latchkey
