// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "policy.h"

#include "limits.h"
#include "wire/text.h"

namespace latchkey {
namespace {

// Any value but the number 0 switches the provider off: a policy of the wrong type
// was meant, too.
bool switched_off() {
  DWORD value = 0;
  DWORD size = sizeof value;
  const LSTATUS status =
      RegGetValueW(HKEY_LOCAL_MACHINE, kPolicyKey, kPolicyValue, RRF_RT_REG_DWORD, nullptr, &value, &size);
  return status == ERROR_FILE_NOT_FOUND ? false : status != ERROR_SUCCESS || value != 0;
}

}  // namespace

bool enabled_here() {
  return GetSystemMetrics(SM_CLEANBOOT) == 0 && GetSystemMetrics(SM_REMOTESESSION) == 0 && !switched_off();
}

bool suits(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Answer& answer) {
  return usage == CPUS_LOGON || (usage == CPUS_UNLOCK_WORKSTATION && equal(answer.action, L"unlock"));
}

}  // namespace latchkey
