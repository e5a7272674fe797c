// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// How often all providers of this LogonUI process may notify it of one permit. LogonUI
// may make a provider anew after each notification, so none of them can count alone.
#pragma once

#include <windows.h>

namespace latchkey::announcements {

// Whether LogonUI may be notified of the permit now; if so, counts it. `own` is how
// often the asking provider has notified it of this permit.
bool begin(const wchar_t* permit, int own);

}  // namespace latchkey::announcements
