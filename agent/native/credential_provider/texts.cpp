// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "texts.h"

#include <windows.h>
#include <objbase.h>

#include "wire/text.h"

namespace latchkey {
namespace {

constexpr Texts kEnglish = {
    L"Signs you in after the restart, for %. The screen locks again at once.",
    L"Unlocks your session, for %. It is locked again afterwards.",
    L"the operator",
    L"Microsoft Entra account: Windows may refuse the password here. Latchkey then does not try again, and you sign "
    L"in as usual.",
    L"Latchkey could not sign you in: its service gave no answer that can be used. Nothing was changed; sign in as usual.",
    L"Windows refused the sign-in that Latchkey prepared. Latchkey does not try again; sign in as usual.",
};

constexpr Texts kGerman = {
    L"Meldet Sie nach dem Neustart an, für %. Der Bildschirm wird sofort wieder gesperrt.",
    L"Entsperrt Ihre Sitzung, für %. Sie wird danach wieder gesperrt.",
    L"den Techniker",
    L"Microsoft-Entra-Konto: Windows lehnt das Kennwort hier unter Umständen ab. Latchkey versucht es dann nicht noch "
    L"einmal, und Sie melden sich wie gewohnt an.",
    L"Latchkey konnte Sie nicht anmelden: Der Dienst gab keine brauchbare Antwort. Nichts wurde verändert; melden Sie "
    L"sich wie gewohnt an.",
    L"Windows hat die Anmeldung abgelehnt, die Latchkey vorbereitet hat. Latchkey versucht es nicht noch einmal; "
    L"melden Sie sich wie gewohnt an.",
};

// Unicode Standard Annex 9, section 2: explicit and implicit directional marks.
bool turns_direction(wchar_t unit) {
  return unit == 0x061C || unit == 0x200E || unit == 0x200F || (unit >= 0x2028 && unit <= 0x202E) ||
         (unit >= 0x2066 && unit <= 0x2069);
}

}  // namespace

const Texts& texts() { return PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_GERMAN ? kGerman : kEnglish; }

wchar_t* fill_in(const wchar_t* pattern, const wchar_t* requester) {
  auto* text = static_cast<wchar_t*>(CoTaskMemAlloc((length(pattern) + length(requester) + 1) * sizeof(wchar_t)));
  if (text == nullptr) return nullptr;
  wchar_t* at = text;
  for (; *pattern != 0; pattern++) {
    if (*pattern != L'%') {
      *at++ = *pattern;
      continue;
    }
    for (const wchar_t* unit = requester; *unit != 0; unit++)
      if (!turns_direction(*unit)) *at++ = *unit;
  }
  *at = 0;
  return text;
}

wchar_t* task_copy(const wchar_t* text) { return fill_in(text, L""); }

}  // namespace latchkey
