// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Whether the provider serves this PC, in this session.
#pragma once

namespace latchkey {

// False in safe mode, in a remote session (a person there must not get the
// customer's desktop), and if the policy switches the provider off.
bool enabled_here();

}  // namespace latchkey
