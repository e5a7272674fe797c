// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "frame.h"

#include "answer.h"
#include "secret.h"

namespace latchkey {
namespace {

constexpr uint8_t kMagic[4] = {'L', 'K', 'Y', '1'};

uint32_t load(const uint8_t* at) {
  return static_cast<uint32_t>(at[0] | at[1] << 8 | at[2] << 16) | static_cast<uint32_t>(at[3]) << 24;
}

void store(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = static_cast<uint8_t>(value >> 8 * i);
}

}  // namespace

bool read_header(const uint8_t* header, Lengths& lengths) {
  for (size_t i = 0; i < sizeof kMagic; i++)
    if (header[i] != kMagic[i]) return false;
  lengths = {load(header + 4), load(header + 8)};
  return lengths.body <= kMaxAnswerSize && lengths.secret <= Secret::kMaxBytes;
}

void write_header(uint8_t* header, const Lengths& lengths) {
  for (size_t i = 0; i < sizeof kMagic; i++) header[i] = kMagic[i];
  store(header + 4, lengths.body);
  store(header + 8, lengths.secret);
}

}  // namespace latchkey
