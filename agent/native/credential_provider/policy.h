// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Whether the provider serves this PC, in this session, and with this permit.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "wire/answer.h"

namespace latchkey {

// False in safe mode, in a remote session (a person there must not get the
// customer's desktop), and if the policy switches the provider off.
bool enabled_here();

// Whether a permit is for this kind of logon screen: a restart signs in and opens no lock.
// From Windows 10 on CPUS_LOGON may be either (CREDENTIAL_PROVIDER_USAGE_SCENARIO on
// learn.microsoft.com); there the agent looks at the sessions before it redeems.
bool suits(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Answer& answer);

}  // namespace latchkey
