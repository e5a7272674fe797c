// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Reading one answer, from a pipe or from a test's bytes.
#pragma once

#include "answer.h"
#include "frame.h"
#include "secret.h"

namespace latchkey {

// Reads a whole frame. `source(memory, size)` fills the memory or fails. A secret
// that was not asked for (`secret` is nullptr) is refused unread.
template <typename Source>
bool receive_answer(Source&& source, Answer& answer, Secret* secret) {
  uint8_t header[kHeaderSize];
  Lengths lengths;
  if (!source(header, kHeaderSize) || !read_header(header, lengths)) return false;
  uint8_t body[kMaxAnswerSize];
  if (!source(body, lengths.body) || !parse_answer(body, lengths.body, answer)) return false;
  if (secret == nullptr) return lengths.secret == 0;
  return source(secret->buffer(), lengths.secret) && secret->accept(lengths.secret);
}

}  // namespace latchkey
