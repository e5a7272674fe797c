// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The object that LogonUI asks first whether there is a credential.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "credential.h"
#include "handles.h"
#include "module.h"
#include "users.h"
#include "watch.h"

namespace latchkey {

class Provider final : public HeapObject, public ICredentialProvider, public ICredentialProviderSetUserArray {
 public:
  STDMETHODIMP QueryInterface(REFIID iid, void** object) override;
  STDMETHODIMP_(ULONG) AddRef() override { return static_cast<ULONG>(InterlockedIncrement(&references_)); }
  STDMETHODIMP_(ULONG) Release() override;

  // S_OK for logon and unlock; E_NOTIMPL ("not for me") for every other scenario.
  STDMETHODIMP SetUsageScenario(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, DWORD flags) override;
  STDMETHODIMP SetSerialization(const CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION*) override { return E_NOTIMPL; }
  STDMETHODIMP SetUserArray(ICredentialProviderUserArray* users) override;
  STDMETHODIMP Advise(ICredentialProviderEvents* events, UINT_PTR context) override;
  STDMETHODIMP UnAdvise() override;
  STDMETHODIMP GetFieldDescriptorCount(DWORD* count) override;
  STDMETHODIMP GetFieldDescriptorAt(DWORD index, CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR** descriptor) override;

  // One credential if the agent has a permit for a user of the array, otherwise none.
  STDMETHODIMP GetCredentialCount(DWORD* count, DWORD* selected, BOOL* auto_logon) override;
  STDMETHODIMP GetCredentialAt(DWORD index, ICredentialProviderCredential** credential) override;

 private:
  ~Provider();
  void find_credential();

  ModuleReference module_;
  LONG references_ = 1;
  CREDENTIAL_PROVIDER_USAGE_SCENARIO usage_ = CPUS_INVALID;
  Ref<Users> users_;
  Ref<Watch> watch_;
  Ref<Credential> credential_;
};

}  // namespace latchkey
