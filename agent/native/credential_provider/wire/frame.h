// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Frames of the logon pipe (protocol/frames.py):
//   "LKY1" | u32 length of body | u32 length of secret | body | secret
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace latchkey {

constexpr size_t kHeaderSize = 12;

struct Lengths {
  uint32_t body;
  uint32_t secret;
};

// Reads a header of kHeaderSize bytes. False where it is not ours or announces
// more than an answer can have.
bool read_header(const uint8_t* header, Lengths& lengths);

// Writes a header of kHeaderSize bytes.
void write_header(uint8_t* header, const Lengths& lengths);

}  // namespace latchkey
