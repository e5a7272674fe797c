// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The DLL as a COM server.
#pragma once

#include <windows.h>

namespace latchkey {

// {646ad95f-a509-4aef-ac07-e40e406b97bb}; agent/native/provider_registration.py writes it.
constexpr GUID kClass = {0x646ad95f, 0xa509, 0x4aef, {0xac, 0x07, 0xe4, 0x0e, 0x40, 0x6b, 0x97, 0xbb}};

// Counts an object that keeps the DLL loaded (DllCanUnloadNow).
class ModuleReference {
 public:
  ModuleReference();
  ~ModuleReference();
};

}  // namespace latchkey
