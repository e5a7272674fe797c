// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What Windows does for the provider, where this computer's Windows (Wine) does
// nothing, or where a test wants it to fail. The DLL's import table is led here;
// the DLL itself knows nothing of it.
#pragma once

#include <windows.h>

namespace harness {

struct Underneath {
  bool lsa_fails = false;
  bool protect_fails = false;
  ULONGLONG clock_ahead = 0;  // milliseconds
  int clean_boot = 0;         // GetSystemMetrics(SM_CLEANBOOT)
  int remote_session = 0;
  LANGID language = 0x0409;
  LONG fail_at = 0;           // which of the next allocations fails; 0 for none
};

extern Underneath underneath;

constexpr ULONG kNegotiate = 9;           // what LSA answers here
constexpr wchar_t kProtection = 0x1000;   // what the stand-in of CredProtectW adds to each unit

// Leads the DLL's imports here; false where it is not loaded or imports differ.
bool lead_imports(const wchar_t* dll);

}  // namespace harness
