// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The texts on the logon screen, in the system's language.
#pragma once

namespace latchkey {

struct Texts {
  const wchar_t* restart;   // % is the requester
  const wchar_t* unlock;    // % is the requester
  const wchar_t* operator_; // the requester, if the agent has no name
  const wchar_t* entra;
  const wchar_t* failed;    // nothing was handed to Windows
  const wchar_t* refused;   // Windows refused
};

constexpr wchar_t kTitle[] = L"Latchkey";

const Texts& texts();

// `pattern` with its % replaced by `requester`, in memory of CoTaskMemAlloc; nullptr if
// memory is short. Marks that turn the direction of text are left out of `requester`:
// with them a name could pose as a sentence of ours.
wchar_t* fill_in(const wchar_t* pattern, const wchar_t* requester);

// A copy in memory of CoTaskMemAlloc, as COM hands over text.
wchar_t* task_copy(const wchar_t* text);

}  // namespace latchkey
