// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "rival.h"

#include <ntsecapi.h>

#include "screen.h"

namespace harness {
namespace {

constexpr GUID kRival = {0x5d9f3b1e, 0x7c42, 0x4e0b, {0x9a, 0x61, 0x0f, 0xd2, 0x88, 0x35, 0xc7, 0x14}};

bool logs_on_by_itself;

class RivalCredential final : public Counted<ICredentialProviderCredential> {
 public:
  STDMETHODIMP Advise(ICredentialProviderCredentialEvents*) override { return E_NOTIMPL; }
  STDMETHODIMP UnAdvise() override { return E_NOTIMPL; }
  STDMETHODIMP SetSelected(BOOL* auto_logon) override {
    *auto_logon = logs_on_by_itself;
    return S_OK;
  }
  STDMETHODIMP SetDeselected() override { return S_OK; }
  STDMETHODIMP GetFieldState(DWORD, CREDENTIAL_PROVIDER_FIELD_STATE* state,
                             CREDENTIAL_PROVIDER_FIELD_INTERACTIVE_STATE* interactive) override {
    *state = CPFS_DISPLAY_IN_BOTH;
    *interactive = CPFIS_NONE;
    return S_OK;
  }
  STDMETHODIMP GetStringValue(DWORD, wchar_t** text) override {
    *text = task_text(L"Rival");
    return *text != nullptr ? S_OK : E_OUTOFMEMORY;
  }
  STDMETHODIMP GetBitmapValue(DWORD, HBITMAP*) override { return E_NOTIMPL; }
  STDMETHODIMP GetCheckboxValue(DWORD, BOOL*, wchar_t**) override { return E_NOTIMPL; }
  STDMETHODIMP GetSubmitButtonValue(DWORD, DWORD*) override { return E_NOTIMPL; }
  STDMETHODIMP GetComboBoxValueCount(DWORD, DWORD*, DWORD*) override { return E_NOTIMPL; }
  STDMETHODIMP GetComboBoxValueAt(DWORD, DWORD, wchar_t**) override { return E_NOTIMPL; }
  STDMETHODIMP SetStringValue(DWORD, const wchar_t*) override { return E_NOTIMPL; }
  STDMETHODIMP SetCheckboxValue(DWORD, BOOL) override { return E_NOTIMPL; }
  STDMETHODIMP SetComboBoxSelectedValue(DWORD, DWORD) override { return E_NOTIMPL; }
  STDMETHODIMP CommandLinkClicked(DWORD) override { return E_NOTIMPL; }

  // A structure without names: LSA refuses it.
  STDMETHODIMP GetSerialization(CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE* response,
                                CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION* serialization, wchar_t** status_text,
                                CREDENTIAL_PROVIDER_STATUS_ICON* icon) override {
    logs_on_by_itself = false;
    *status_text = nullptr;
    *icon = CPSI_NONE;
    auto* logon = static_cast<KERB_INTERACTIVE_UNLOCK_LOGON*>(CoTaskMemAlloc(sizeof(KERB_INTERACTIVE_UNLOCK_LOGON)));
    if (logon == nullptr) return E_OUTOFMEMORY;
    *logon = {};
    *serialization = {0, kRival, sizeof *logon, reinterpret_cast<BYTE*>(logon)};
    *response = CPGSR_RETURN_CREDENTIAL_FINISHED;
    return S_OK;
  }
  STDMETHODIMP ReportResult(NTSTATUS, NTSTATUS, wchar_t** status_text, CREDENTIAL_PROVIDER_STATUS_ICON* icon) override {
    *status_text = nullptr;
    *icon = CPSI_NONE;
    return E_NOTIMPL;
  }
};

class Rival final : public Counted<ICredentialProvider> {
 public:
  STDMETHODIMP SetUsageScenario(CREDENTIAL_PROVIDER_USAGE_SCENARIO, DWORD) override { return S_OK; }
  STDMETHODIMP SetSerialization(const CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION*) override { return E_NOTIMPL; }
  STDMETHODIMP Advise(ICredentialProviderEvents*, UINT_PTR) override { return E_NOTIMPL; }
  STDMETHODIMP UnAdvise() override { return E_NOTIMPL; }
  STDMETHODIMP GetFieldDescriptorCount(DWORD* count) override {
    *count = 0;
    return S_OK;
  }
  STDMETHODIMP GetFieldDescriptorAt(DWORD, CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR**) override { return E_INVALIDARG; }
  STDMETHODIMP GetCredentialCount(DWORD* count, DWORD* selected, BOOL* auto_logon) override {
    *count = 1;
    *selected = 0;
    *auto_logon = logs_on_by_itself;
    return S_OK;
  }
  STDMETHODIMP GetCredentialAt(DWORD, ICredentialProviderCredential** credential) override {
    *credential = &credential_;
    credential_.AddRef();
    return S_OK;
  }

 private:
  RivalCredential credential_;
};

}  // namespace

ICredentialProvider* make_rival(bool logs_on) {
  static Rival rival;
  logs_on_by_itself = logs_on;
  rival.AddRef();
  return &rival;
}

}  // namespace harness
