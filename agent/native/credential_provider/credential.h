// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The one tile: a logon permit, for one account, used once.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "handles.h"
#include "module.h"
#include "users.h"
#include "watch.h"
#include "wire/answer.h"

namespace latchkey {

// The fields of the tile. No field ever holds a secret.
enum Field : DWORD { kFieldTitle, kFieldAction, kFieldNote, kFieldLabel, kFieldCount };

class Credential final : public HeapObject, public ICredentialProviderCredential2 {
 public:
  // nullptr if memory is short or the account has no name to log on with.
  static Ref<Credential> make(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Answer& peeked, const User& user,
                              const Ref<Watch>& watch);

  bool is_for(const Answer& peeked) const;

  STDMETHODIMP QueryInterface(REFIID iid, void** object) override;
  STDMETHODIMP_(ULONG) AddRef() override { return static_cast<ULONG>(InterlockedIncrement(&references_)); }
  STDMETHODIMP_(ULONG) Release() override;

  STDMETHODIMP Advise(ICredentialProviderCredentialEvents*) override { return S_OK; }
  STDMETHODIMP UnAdvise() override { return S_OK; }
  STDMETHODIMP SetSelected(BOOL* auto_logon) override;
  STDMETHODIMP SetDeselected() override { return S_OK; }
  STDMETHODIMP GetFieldState(DWORD field, CREDENTIAL_PROVIDER_FIELD_STATE* state,
                             CREDENTIAL_PROVIDER_FIELD_INTERACTIVE_STATE* interactive) override;
  STDMETHODIMP GetStringValue(DWORD field, wchar_t** text) override;
  STDMETHODIMP GetBitmapValue(DWORD, HBITMAP*) override { return E_NOTIMPL; }
  STDMETHODIMP GetCheckboxValue(DWORD, BOOL*, wchar_t**) override { return E_NOTIMPL; }
  STDMETHODIMP GetSubmitButtonValue(DWORD, DWORD*) override { return E_NOTIMPL; }
  STDMETHODIMP GetComboBoxValueCount(DWORD, DWORD*, DWORD*) override { return E_NOTIMPL; }
  STDMETHODIMP GetComboBoxValueAt(DWORD, DWORD, wchar_t**) override { return E_NOTIMPL; }
  STDMETHODIMP SetStringValue(DWORD, const wchar_t*) override { return E_NOTIMPL; }
  STDMETHODIMP SetCheckboxValue(DWORD, BOOL) override { return E_NOTIMPL; }
  STDMETHODIMP SetComboBoxSelectedValue(DWORD, DWORD) override { return E_NOTIMPL; }
  STDMETHODIMP CommandLinkClicked(DWORD) override { return E_NOTIMPL; }

  // Redeems the permit and packs the password, the first time only.
  STDMETHODIMP GetSerialization(CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE* response,
                                CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION* serialization, wchar_t** status_text,
                                CREDENTIAL_PROVIDER_STATUS_ICON* icon) override;

  // Reports to the agent; after a refusal nothing is submitted again.
  STDMETHODIMP ReportResult(NTSTATUS status, NTSTATUS substatus, wchar_t** status_text,
                            CREDENTIAL_PROVIDER_STATUS_ICON* icon) override;

  STDMETHODIMP GetUserSid(wchar_t** sid) override;

 private:
  Credential(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Answer& peeked, const Ref<Watch>& watch)
      : usage_(usage), peeked_(peeked), watch_(watch) {}
  ~Credential() = default;
  bool redeem_and_pack(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION& serialization);
  void pause_and_hide(DWORD pause);
  const wchar_t* action_text() const;

  ModuleReference module_;
  LONG references_ = 1;
  CREDENTIAL_PROVIDER_USAGE_SCENARIO usage_;
  Answer peeked_;
  AccountName name_ = {};
  Ref<Watch> watch_;
  bool submitted_ = false;
};

}  // namespace latchkey
