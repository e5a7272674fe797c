// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "serialization.h"

#define SECURITY_WIN32
#include <ntsecapi.h>
#include <security.h>
#include <wincred.h>

#include "module.h"
#include "wire/text.h"

namespace latchkey {
namespace {

static_assert(sizeof(KERB_INTERACTIVE_UNLOCK_LOGON) == 64, "the structure that LSA reads");

// Base64 of the password's bytes and a short header: room for all that a person types.
constexpr DWORD kMaxProtected = 1536;

// The password as CredProtectW encrypts it for this logon session's LSA.
struct Protected {
  wchar_t text[kMaxProtected];
  ~Protected() { wipe(this, sizeof *this); }

  bool make(Secret& password) {
    DWORD size = kMaxProtected;
    const auto length = static_cast<DWORD>(password.length() + 1);
    return CredProtectW(FALSE, password.text(), length, text, &size, nullptr);
  }
};

// Puts `text` at the end of the structure; LSA wants its place as an offset
// from the start, where the type says pointer (KERB_INTERACTIVE_UNLOCK_LOGON,
// as in the credential provider sample of Windows-classic-samples).
void append(BYTE* start, ULONG& size, const wchar_t* text, UNICODE_STRING& place) {
  const auto bytes = static_cast<USHORT>(length(text) * sizeof(wchar_t));
  memcpy(start + size, text, bytes);
  place.Length = place.MaximumLength = bytes;
  place.Buffer = reinterpret_cast<wchar_t*>(static_cast<ULONG_PTR>(size));
  size += bytes;
}

}  // namespace

bool negotiate_package(ULONG& number) {
  HANDLE lsa;
  if (LsaConnectUntrusted(&lsa) < 0) return false;
  char text[] = NEGOSSP_NAME_A;
  LSA_STRING name = {sizeof text - 1, sizeof text, text};
  const bool found = LsaLookupAuthenticationPackage(lsa, &name, &number) >= 0;
  LsaDeregisterLogonProcess(lsa);
  return found;
}

bool serialize(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, ULONG package, const AccountName& name, Secret& password,
               CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION& serialization) {
  Protected hidden;
  if (!hidden.make(password)) return false;
  const size_t units = length(name.domain) + length(name.user) + length(hidden.text);
  auto* start = static_cast<BYTE*>(CoTaskMemAlloc(sizeof(KERB_INTERACTIVE_UNLOCK_LOGON) + units * sizeof(wchar_t)));
  if (start == nullptr) return false;
  auto& logon = *reinterpret_cast<KERB_INTERACTIVE_UNLOCK_LOGON*>(start);
  logon = {};
  logon.Logon.MessageType = usage == CPUS_UNLOCK_WORKSTATION ? KerbWorkstationUnlockLogon : KerbInteractiveLogon;
  ULONG size = sizeof logon;
  append(start, size, name.domain, logon.Logon.LogonDomainName);
  append(start, size, name.user, logon.Logon.UserName);
  append(start, size, hidden.text, logon.Logon.Password);
  serialization = {package, kClass, size, start};
  return true;
}

}  // namespace latchkey
