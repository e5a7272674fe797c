// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The texts on the logon screen, in the system's language. All of them are the provider's own: no text of an operator
// is shown to whoever stands in front of the PC.
#pragma once

namespace latchkey {

struct Texts {
  const wchar_t* restart;
  const wchar_t* unlock;
  const wchar_t* entra;
  const wchar_t* failed;   // nothing was handed to Windows
  const wchar_t* refused;  // Windows refused
};

constexpr wchar_t kTitle[] = L"Latchkey";

const Texts& texts();

// A copy in memory of CoTaskMemAlloc, as COM hands over text; nullptr if memory is short.
wchar_t* task_copy(const wchar_t* text);

}  // namespace latchkey
