// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "provider.h"

#include <initguid.h>
#include <shlguid.h>

#include "agent.h"
#include "attempts.h"
#include "limits.h"
#include "policy.h"
#include "texts.h"

namespace latchkey {
Provider::~Provider() { UnAdvise(); }

HRESULT Provider::QueryInterface(REFIID iid, void** object) {
  if (object == nullptr) return E_POINTER;
  *object = nullptr;
  if (iid == __uuidof(IUnknown) || iid == __uuidof(ICredentialProvider)) *object = static_cast<ICredentialProvider*>(this);
  if (iid == __uuidof(ICredentialProviderSetUserArray)) *object = static_cast<ICredentialProviderSetUserArray*>(this);
  if (*object == nullptr) return E_NOINTERFACE;
  AddRef();
  return S_OK;
}

ULONG Provider::Release() {
  const LONG left = InterlockedDecrement(&references_);
  if (left == 0) delete this;
  return static_cast<ULONG>(left);
}

HRESULT Provider::SetUsageScenario(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, DWORD) {
  const bool ours = (usage == CPUS_LOGON || usage == CPUS_UNLOCK_WORKSTATION) && enabled_here();
  usage_ = ours ? usage : CPUS_INVALID;
  if (watch_) watch_->set_scene(usage_, users_);
  credential_ = Ref<Credential>();
  return ours ? S_OK : E_NOTIMPL;
}

HRESULT Provider::SetUserArray(ICredentialProviderUserArray* users) {
  users_ = Users::copy(users);
  if (watch_) watch_->set_scene(usage_, users_);
  return users_ ? S_OK : E_OUTOFMEMORY;
}

// Always S_OK: without the thread the tile comes with the next enumeration.
HRESULT Provider::Advise(ICredentialProviderEvents* events, UINT_PTR context) {
  UnAdvise();
  if (events != nullptr && usage_ != CPUS_INVALID) watch_ = Watch::start(events, context, usage_, users_);
  return S_OK;
}

HRESULT Provider::UnAdvise() {
  if (watch_) watch_->stop();
  watch_ = Ref<Watch>();
  return S_OK;
}

HRESULT Provider::GetFieldDescriptorCount(DWORD* count) {
  if (count == nullptr) return E_POINTER;
  *count = kFieldCount;
  return S_OK;
}

HRESULT Provider::GetFieldDescriptorAt(DWORD index, CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR** descriptor) {
  if (descriptor == nullptr) return E_POINTER;
  *descriptor = nullptr;
  if (index >= kFieldCount) return E_INVALIDARG;
  TaskMemory memory(CoTaskMemAlloc(sizeof(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR)));
  TaskMemory label(task_copy(kTitle));
  if (!memory || !label) return E_OUTOFMEMORY;
  *descriptor = static_cast<CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR*>(memory.release());
  **descriptor = {index, index == kFieldTitle ? CPFT_LARGE_TEXT : CPFT_SMALL_TEXT,
                  static_cast<wchar_t*>(label.release()), index == kFieldLabel ? CPFG_CREDENTIAL_PROVIDER_LABEL : GUID{}};
  return S_OK;
}

HRESULT Provider::GetCredentialCount(DWORD* count, DWORD* selected, BOOL* auto_logon) {
  if (count == nullptr || selected == nullptr || auto_logon == nullptr) return E_POINTER;
  find_credential();
  *count = credential_ ? 1 : 0;
  *selected = credential_ ? 0 : CREDENTIAL_PROVIDER_NO_DEFAULT;
  *auto_logon = static_cast<bool>(credential_);
  return S_OK;
}

void Provider::find_credential() {
  Answer peeked;
  const bool asks = usage_ != CPUS_INVALID && users_;
  const bool answered = asks && peek(peeked, kScreenPeek);
  if (asks && !answered && watch_) watch_->missed();
  const bool useful = answered && suits(usage_, peeked) && attempts::possible(peeked.permit);
  const User* user = useful ? users_->find(peeked.sid) : nullptr;
  if (user != nullptr && credential_ && credential_->is_for(peeked)) return;
  credential_ = user != nullptr ? Credential::make(usage_, peeked, *user, watch_) : Ref<Credential>();
}

HRESULT Provider::GetCredentialAt(DWORD index, ICredentialProviderCredential** credential) {
  if (credential == nullptr) return E_POINTER;
  *credential = nullptr;
  if (index != 0 || !credential_) return E_INVALIDARG;
  return credential_->QueryInterface(__uuidof(ICredentialProviderCredential), reinterpret_cast<void**>(credential));
}

}  // namespace latchkey
