// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The provider's three requests to the agent, each on a connection of its own.
#pragma once

#include <windows.h>

#include "wire/answer.h"
#include "wire/secret.h"

namespace latchkey {

// Asks whether there is a permit; true, and the answer, if there is one.
// Changes nothing. Ends after `limit` milliseconds.
bool peek(Answer& answer, DWORD limit);

// Exchanges a permit for the password, and spends it (attempts.h): works once.
// False if it was spent before, or the agent does not answer in time, refuses, or
// answers for another permit or account.
bool redeem(const Answer& peeked, Secret& password);

// Reports the result of the logon, in the values of ICredentialProviderCredential::ReportResult.
void report(const wchar_t* permit, LONG status, LONG substatus);

}  // namespace latchkey
