// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The objects that LogonUI hands to a credential provider.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

namespace harness {

using Tile = ICredentialProviderCredential;

// Counts its references, so that a test sees one that was kept.
template <typename Interface>
class Counted : public Interface {
 public:
  STDMETHODIMP QueryInterface(REFIID iid, void** object) override {
    const bool known = iid == __uuidof(IUnknown) || iid == __uuidof(Interface);
    *object = known ? this : nullptr;
    if (known) AddRef();
    return known ? S_OK : E_NOINTERFACE;
  }
  STDMETHODIMP_(ULONG) AddRef() override { return static_cast<ULONG>(InterlockedIncrement(&references_)); }
  STDMETHODIMP_(ULONG) Release() override { return static_cast<ULONG>(InterlockedDecrement(&references_)); }
  LONG references() const { return references_; }

 private:
  LONG references_ = 0;
};

class Events final : public Counted<ICredentialProviderEvents> {
 public:
  STDMETHODIMP CredentialsChanged(UINT_PTR context) override;

  // Waits for a call that no earlier `await` has seen; the number of calls so far.
  LONG await(DWORD limit);
  LONG calls() const { return calls_; }

  UINT_PTR context = 0;  // of the last call
  DWORD delay = 0;       // how long a call takes

 private:
  LONG calls_ = 0;
  LONG seen_ = 0;
  HANDLE called_ = CreateEventW(nullptr, TRUE, FALSE, nullptr);
};

// LogonUI's side of a tile. Latchkey's tile changes nothing after it is shown.
class TileEvents final : public Counted<ICredentialProviderCredentialEvents> {
 public:
  STDMETHODIMP SetFieldState(Tile*, DWORD, CREDENTIAL_PROVIDER_FIELD_STATE) override { return S_OK; }
  STDMETHODIMP SetFieldInteractiveState(Tile*, DWORD, CREDENTIAL_PROVIDER_FIELD_INTERACTIVE_STATE) override {
    return S_OK;
  }
  STDMETHODIMP SetFieldString(Tile*, DWORD, const wchar_t*) override { return S_OK; }
  STDMETHODIMP SetFieldCheckbox(Tile*, DWORD, BOOL, const wchar_t*) override { return S_OK; }
  STDMETHODIMP SetFieldBitmap(Tile*, DWORD, HBITMAP) override { return S_OK; }
  STDMETHODIMP SetFieldComboBoxSelectedItem(Tile*, DWORD, DWORD) override { return S_OK; }
  STDMETHODIMP DeleteFieldComboBoxItem(Tile*, DWORD, DWORD) override { return S_OK; }
  STDMETHODIMP AppendFieldComboBoxItem(Tile*, DWORD, const wchar_t*) override { return S_OK; }
  STDMETHODIMP SetFieldSubmitButton(Tile*, DWORD, DWORD) override { return S_OK; }
  STDMETHODIMP OnCreatingWindow(HWND* window) override {
    *window = nullptr;
    return E_NOTIMPL;
  }
};

class User final : public Counted<ICredentialProviderUser> {
 public:
  STDMETHODIMP GetSid(wchar_t** sid) override;
  STDMETHODIMP GetProviderID(GUID* provider) override;
  STDMETHODIMP GetStringValue(REFPROPERTYKEY key, wchar_t** value) override;
  STDMETHODIMP GetValue(REFPROPERTYKEY, PROPVARIANT*) override { return E_NOTIMPL; }

  wchar_t sid[600];
  wchar_t qualified_name[600];  // empty: Windows knows none
};

class UserArray final : public Counted<ICredentialProviderUserArray> {
 public:
  STDMETHODIMP SetProviderFilter(REFGUID) override { return S_OK; }
  STDMETHODIMP GetAccountOptions(CREDENTIAL_PROVIDER_ACCOUNT_OPTIONS* options) override;
  STDMETHODIMP GetCount(DWORD* number) override;
  STDMETHODIMP GetAt(DWORD index, ICredentialProviderUser** user) override;

  static constexpr DWORD kMost = 8;
  User users[kMost];
  DWORD count = 0;
};

// A copy in memory of CoTaskMemAlloc.
wchar_t* task_text(const wchar_t* text);

}  // namespace harness
