// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "texts.h"

#include <windows.h>
#include <objbase.h>

#include "wire/text.h"

namespace latchkey {
namespace {

constexpr Texts kEnglish = {
    L"Signs you in after the restart. The screen locks again at once.",
    L"Unlocks your session. It is locked again afterwards.",
    L"Microsoft Entra account: Windows may refuse the password here. Latchkey then does not try again, and you sign "
    L"in as usual.",
    L"Latchkey could not sign you in: its service gave no answer that can be used. Nothing was changed; sign in as usual.",
    L"Windows refused the sign-in that Latchkey prepared. Latchkey does not try again; sign in as usual.",
};

constexpr Texts kGerman = {
    L"Meldet Sie nach dem Neustart an. Der Bildschirm wird sofort wieder gesperrt.",
    L"Entsperrt Ihre Sitzung. Sie wird danach wieder gesperrt.",
    L"Microsoft-Entra-Konto: Windows lehnt das Kennwort hier unter Umständen ab. Latchkey versucht es dann nicht noch "
    L"einmal, und Sie melden sich wie gewohnt an.",
    L"Latchkey konnte Sie nicht anmelden: Der Dienst gab keine brauchbare Antwort. Nichts wurde verändert; melden Sie "
    L"sich wie gewohnt an.",
    L"Windows hat die Anmeldung abgelehnt, die Latchkey vorbereitet hat. Latchkey versucht es nicht noch einmal; "
    L"melden Sie sich wie gewohnt an.",
};

}  // namespace

const Texts& texts() { return PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_GERMAN ? kGerman : kEnglish; }

wchar_t* task_copy(const wchar_t* text) {
  const size_t size = (length(text) + 1) * sizeof(wchar_t);
  auto* copy = static_cast<wchar_t*>(CoTaskMemAlloc(size));
  if (copy != nullptr) CopyMemory(copy, text, size);
  return copy;
}

}  // namespace latchkey
