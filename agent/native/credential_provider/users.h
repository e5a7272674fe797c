// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The accounts for which the logon screen has tiles.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "handles.h"
#include "wire/answer.h"

namespace latchkey {

struct User {
  wchar_t sid[185];
  wchar_t qualified_name[513];  // PROVIDER\name as LogonUI knows it; may be empty
};

// A copy, made on LogonUI's thread, that the watching thread can read too.
class Users final : public HeapObject {
 public:
  // nullptr if memory is short. Users that LogonUI cannot describe are left out.
  static Ref<Users> copy(ICredentialProviderUserArray* array);

  void AddRef() { InterlockedIncrement(&references_); }
  void Release();

  // The user of this SID, or nullptr.
  const User* find(const wchar_t* sid) const;

 private:
  ~Users();

  LONG references_ = 1;
  User* users_ = nullptr;
  DWORD count_ = 0;
};

// The account's name as LSA gets it.
struct AccountName {
  wchar_t domain[257];
  wchar_t user[257];
};

// False if Windows has no name for the account that works with a password.
bool name_for_logon(const Answer& answer, const User& user, AccountName& name);

}  // namespace latchkey
