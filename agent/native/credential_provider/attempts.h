// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What this LogonUI process already tried: one attempt per permit, and a pause
// after a failure, so that no agent, however wrong, makes it submit endlessly.
#pragma once

#include <windows.h>

namespace latchkey::attempts {

// Whether a logon with this permit may be begun.
bool possible(const wchar_t* permit);

// Spends the permit; false where it was spent before or a pause is on.
bool begin(const wchar_t* permit);

// Begins a pause of so many milliseconds.
void pause(DWORD duration);

}  // namespace latchkey::attempts
