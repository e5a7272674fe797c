// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Owners: each releases what it holds on every path.
#pragma once

#include <windows.h>
#include <objbase.h>

namespace latchkey {

// Objects from the process heap; nullptr where memory is short (no exceptions).
struct HeapObject {
  static void* operator new(size_t size) noexcept { return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size); }
  static void operator delete(void* object) { HeapFree(GetProcessHeap(), 0, object); }
};

template <typename Raw, auto Close>
class Owned {
 public:
  explicit Owned(Raw raw = nullptr) : raw_(raw) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { reset(); }

  void reset(Raw raw = nullptr) {
    if (raw_ != nullptr) Close(raw_);
    raw_ = raw;
  }
  Raw get() const { return raw_; }
  Raw release() {
    Raw raw = raw_;
    raw_ = nullptr;
    return raw;
  }
  explicit operator bool() const { return raw_ != nullptr; }

 private:
  Raw raw_;
};

using Handle = Owned<HANDLE, CloseHandle>;
using TaskMemory = Owned<void*, CoTaskMemFree>;

// A counted reference to an object with AddRef and Release.
template <typename T>
class Ref {
 public:
  Ref(T* object = nullptr) : object_(object) {
    if (object_ != nullptr) object_->AddRef();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref& operator=(const Ref& other) {
    Ref copy(other);
    T* mine = object_;
    object_ = copy.object_;
    copy.object_ = mine;
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->Release();
  }

  // Takes over a reference that the caller owned.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  // Where a function writes a pointer that it counted.
  T** out() { return &object_; }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

// Holds a lock for one scope.
class Locked {
 public:
  explicit Locked(SRWLOCK& lock) : lock_(lock) { AcquireSRWLockExclusive(&lock_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { ReleaseSRWLockExclusive(&lock_); }

 private:
  SRWLOCK& lock_;
};

// One moment that several waits share.
class Deadline {
 public:
  explicit Deadline(DWORD limit) : end_(GetTickCount64() + limit) {}
  DWORD left() const {
    const ULONGLONG now = GetTickCount64();
    return now < end_ ? static_cast<DWORD>(end_ - now) : 0;
  }

 private:
  ULONGLONG end_;
};

}  // namespace latchkey
