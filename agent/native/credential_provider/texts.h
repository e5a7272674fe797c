// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What stands on the logon screen, in the system's language.
#pragma once

namespace latchkey {

struct Texts {
  const wchar_t* restart;   // % is who asked
  const wchar_t* unlock;    // % is who asked
  const wchar_t* operator_; // who asked, where the agent has no name
  const wchar_t* entra;
  const wchar_t* failed;    // nothing was handed to Windows
  const wchar_t* refused;   // Windows said no
};

constexpr wchar_t kTitle[] = L"Latchkey";

const Texts& texts();

// `pattern` with its % replaced by `who`, in memory of CoTaskMemAlloc; nullptr
// where memory is short. Marks that turn the direction of text are left out of
// `who`: with them a name could pose as a sentence of ours.
wchar_t* filled_in(const wchar_t* pattern, const wchar_t* who);

// A copy in memory of CoTaskMemAlloc, as COM hands over text.
wchar_t* task_copy(const wchar_t* text);

}  // namespace latchkey
