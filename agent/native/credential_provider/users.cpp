// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "users.h"

#include <initguid.h>
#include <propkey.h>

#include "wire/text.h"

namespace latchkey {
namespace {

bool describe(ICredentialProviderUser* object, User& user) {
  wchar_t* text = nullptr;
  if (FAILED(object->GetSid(&text)) || text == nullptr) return false;
  TaskMemory sid(text);
  if (!assign(user.sid, text) || user.sid[0] == 0) return false;
  text = nullptr;
  if (FAILED(object->GetStringValue(PKEY_Identity_QualifiedUserName, &text)) || text == nullptr) return true;
  TaskMemory name(text);
  assign(user.qualified_name, text);
  return true;
}

}  // namespace

Ref<Users> Users::copy(ICredentialProviderUserArray* array) {
  auto users = Ref<Users>::adopt(new Users);
  DWORD count = 0;
  if (!users || array == nullptr || FAILED(array->GetCount(&count)) || count > 1000) return users;
  users->users_ = static_cast<User*>(HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, count * sizeof(User)));
  if (users->users_ == nullptr) return Ref<Users>();
  for (DWORD i = 0; i < count; i++) {
    Ref<ICredentialProviderUser> user;
    if (SUCCEEDED(array->GetAt(i, user.out())) && user && describe(user.get(), users->users_[users->count_]))
      users->count_++;
  }
  return users;
}

void Users::Release() {
  if (InterlockedDecrement(&references_) == 0) delete this;
}

Users::~Users() {
  if (users_ != nullptr) HeapFree(GetProcessHeap(), 0, users_);
}

const User* Users::find(const wchar_t* sid) const {
  for (DWORD i = 0; i < count_; i++)
    if (equal(users_[i].sid, sid)) return &users_[i];
  return nullptr;
}

// A Microsoft or Entra account signs in with its online name, which LogonUI has
// as PROVIDER\name and the agent perhaps as the user; it is known by its "@".
bool name_for_logon(const Answer& answer, const User& user, AccountName& name) {
  const bool microsoft = equal(answer.kind, L"microsoft");
  if (!microsoft && !equal(answer.kind, L"entra")) return assign(name.domain, answer.domain) && assign(name.user, answer.user);
  const wchar_t* bar = find(user.qualified_name, L'\\');
  const wchar_t* online = bar != nullptr && find(bar, L'@') != nullptr ? bar + 1 : answer.user;
  return find(online, L'@') != nullptr && assign(name.domain, microsoft ? L"MicrosoftAccount" : L"AzureAD") &&
         assign(name.user, online);
}

}  // namespace latchkey
