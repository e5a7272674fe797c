// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "module.h"

#include "handles.h"
#include "provider.h"

namespace latchkey {
namespace {

LONG references;

// Lives as long as the DLL; whoever holds it keeps the DLL loaded.
class Factory final : public IClassFactory {
 public:
  STDMETHODIMP QueryInterface(REFIID iid, void** object) override {
    if (object == nullptr) return E_POINTER;
    const bool known = iid == __uuidof(IUnknown) || iid == __uuidof(IClassFactory);
    *object = known ? this : nullptr;
    if (!known) return E_NOINTERFACE;
    AddRef();
    return S_OK;
  }
  STDMETHODIMP_(ULONG) AddRef() override { return static_cast<ULONG>(InterlockedIncrement(&references)); }
  STDMETHODIMP_(ULONG) Release() override { return static_cast<ULONG>(InterlockedDecrement(&references)); }

  STDMETHODIMP CreateInstance(IUnknown* outer, REFIID iid, void** object) override {
    if (object == nullptr) return E_POINTER;
    *object = nullptr;
    if (outer != nullptr) return CLASS_E_NOAGGREGATION;
    auto provider = Ref<Provider>::adopt(new Provider);
    return provider ? provider->QueryInterface(iid, object) : E_OUTOFMEMORY;
  }

  STDMETHODIMP LockServer(BOOL lock) override {
    lock ? AddRef() : Release();
    return S_OK;
  }
};

Factory factory;

}  // namespace

ModuleReference::ModuleReference() { InterlockedIncrement(&references); }

ModuleReference::~ModuleReference() { InterlockedDecrement(&references); }

}  // namespace latchkey

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void** object) {
  if (object == nullptr) return E_POINTER;
  *object = nullptr;
  return clsid == latchkey::kClass ? latchkey::factory.QueryInterface(iid, object) : CLASS_E_CLASSNOTAVAILABLE;
}

STDAPI DllCanUnloadNow() { return latchkey::references == 0 ? S_OK : S_FALSE; }

extern "C" BOOL WINAPI DllEntry(HINSTANCE module, DWORD reason, void*) {
  if (reason == DLL_PROCESS_ATTACH) DisableThreadLibraryCalls(module);
  return TRUE;
}
