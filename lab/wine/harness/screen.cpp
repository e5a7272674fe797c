// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "screen.h"

#include <initguid.h>
#include <propkey.h>

namespace harness {
wchar_t* task_text(const wchar_t* text) {
  const SIZE_T size = (static_cast<SIZE_T>(lstrlenW(text)) + 1) * sizeof(wchar_t);
  auto* copy = static_cast<wchar_t*>(CoTaskMemAlloc(size));
  if (copy != nullptr) lstrcpyW(copy, text);
  return copy;
}

HRESULT Events::CredentialsChanged(UINT_PTR given) {
  context = given;
  if (delay > 0) Sleep(delay);
  InterlockedIncrement(&calls_);
  SetEvent(called_);
  return S_OK;
}

LONG Events::await(DWORD limit) {
  if (calls_ == seen_) {
    ResetEvent(called_);
    if (calls_ == seen_) WaitForSingleObject(called_, limit);
  }
  return seen_ = calls_;
}

HRESULT User::GetSid(wchar_t** text) {
  *text = task_text(sid);
  return *text != nullptr ? S_OK : E_OUTOFMEMORY;
}

HRESULT User::GetProviderID(GUID* provider) {
  *provider = Identity_LocalUserProvider;
  return S_OK;
}

HRESULT User::GetStringValue(REFPROPERTYKEY key, wchar_t** value) {
  *value = nullptr;
  if (qualified_name[0] == 0 || key.fmtid != PKEY_Identity_QualifiedUserName.fmtid || key.pid != PKEY_Identity_QualifiedUserName.pid)
    return E_INVALIDARG;
  *value = task_text(qualified_name);
  return *value != nullptr ? S_OK : E_OUTOFMEMORY;
}

HRESULT UserArray::GetAccountOptions(CREDENTIAL_PROVIDER_ACCOUNT_OPTIONS* options) {
  *options = CPAO_NONE;
  return S_OK;
}

HRESULT UserArray::GetCount(DWORD* number) {
  *number = count;
  return S_OK;
}

HRESULT UserArray::GetAt(DWORD index, ICredentialProviderUser** user) {
  if (index >= count) return E_INVALIDARG;
  *user = &users[index];
  users[index].AddRef();
  return S_OK;
}

}  // namespace harness
