// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// libFuzzer's entry (https://llvm.org/docs/LibFuzzer.html). The first byte says
// what the rest is: an even one a whole frame, an odd one the body alone.

#include <stdlib.h>

#include "exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool whole = data[0] % 2 == 0;
  const bool holds = whole ? parser::holds_for_frame(data + 1, size - 1)
                           : parser::holds_for_body(data + 1, size - 1);
  if (!holds) abort();
  return 0;
}
