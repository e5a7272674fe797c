// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parser as a shared library of this computer, for parser_host.py.

#include "exercise.h"
#include "wire/request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" {

// Copies the Answer to `out` and returns its size; 0 where it is refused.
size_t parse(const uint8_t* data, size_t size, uint8_t* out) {
  latchkey::Answer answer;
  if (!latchkey::parse_answer(data, size, answer)) return 0;
  for (size_t i = 0; i < sizeof answer; i++) out[i] = reinterpret_cast<const uint8_t*>(&answer)[i];
  return sizeof answer;
}

// Copies the secret of a whole frame to `out` and returns its size.
size_t secret(const uint8_t* data, size_t size, uint8_t* out) {
  latchkey::Answer answer;
  latchkey::Secret secret;
  if (!latchkey::receive_answer(parser::Bytes(data, size), answer, &secret)) return 0;
  const size_t bytes = secret.length() * sizeof(wchar_t);
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<const uint8_t*>(secret.buffer())[i];
  return bytes;
}

// Writes a request to `out` and returns its size. `data` is a letter (peek, redeem,
// report), two statuses and a permit.
size_t request(const uint8_t* data, size_t size, uint8_t* out) {
  wchar_t permit[65] = {};
  uint32_t status[2] = {};
  for (size_t i = 1; i < 9 && i < size; i++) status[(i - 1) / 4] |= static_cast<uint32_t>(data[i]) << 8 * ((i - 1) % 4);
  for (size_t i = 9; i < size && i < 9 + 64; i++) permit[i - 9] = data[i];
  const auto made = data[0] == 'p'   ? latchkey::Request::peek()
                    : data[0] == 'r' ? latchkey::Request::redeem(permit)
                                     : latchkey::Request::report(permit, status[0], status[1]);
  for (size_t i = 0; i < made.size(); i++) out[i] = made.data()[i];
  return made.size();
}

// Ends the process where a promise is broken.
size_t hold(const uint8_t* data, size_t size, uint8_t* out) {
  out[0] = 'y';
  return LLVMFuzzerTestOneInput(data, size) == 0;
}

}  // extern "C"
