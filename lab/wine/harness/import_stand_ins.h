// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Stand-ins for functions of Windows: those that Wine lacks, and those that a test
// makes fail. The provider's import table is redirected here; the DLL has no code for it.
#pragma once

#include <windows.h>

namespace harness {

struct FakeWindows {
  bool lsa_fails = false;
  bool protect_fails = false;
  ULONGLONG clock_ahead = 0;  // milliseconds
  int clean_boot = 0;         // GetSystemMetrics(SM_CLEANBOOT)
  int remote_session = 0;
  LANGID language = 0x0409;
  LONG fail_at = 0;           // number of the allocation that fails, counted from now; 0 for none
};

extern FakeWindows fake_windows;

constexpr ULONG kNegotiate = 9;           // the package number that LSA answers here
constexpr wchar_t kProtection = 0x1000;   // the stand-in of CredProtectW adds it to each unit

// Redirects the DLL's imports; false if it is not loaded or lacks one of the imports.
bool redirect_imports(const wchar_t* dll);

}  // namespace harness
