// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Whether this PC, in this session, wants the provider at all.
#pragma once

namespace latchkey {

// False in safe mode, in a remote session (whoever reaches its logon screen must
// not get the customer's desktop), and where the policy switches it off.
bool wanted_here();

}  // namespace latchkey
