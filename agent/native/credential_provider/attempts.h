// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// One attempt per permit in this LogonUI process, and a pause after a failure: a
// faulty agent cannot make the provider submit endlessly.
#pragma once

#include <windows.h>

namespace latchkey::attempts {

// Whether a logon with this permit may begin.
bool possible(const wchar_t* permit);

// Spends the permit; false if it was spent before or during a pause.
bool begin(const wchar_t* permit);

// Begins a pause of `duration` milliseconds.
void pause(DWORD duration);

}  // namespace latchkey::attempts
