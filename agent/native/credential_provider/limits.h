// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Names that the agent shares, and every time limit, in milliseconds.
#pragma once

#include <windows.h>

namespace latchkey {

constexpr wchar_t kLogonPipe[] = L"\\\\.\\pipe\\LatchkeyLogon";
constexpr wchar_t kAgentService[] = L"LatchkeyAgent";
// Manual-reset; set while there is a permit to redeem. Only a hint: any process may
// make an event of this name, so the provider only peeks when it is set.
constexpr wchar_t kPermitEvent[] = L"Global\\LatchkeyPermit";

constexpr wchar_t kPolicyKey[] = L"SOFTWARE\\Policies\\Latchkey";
constexpr wchar_t kPolicyValue[] = L"DisableCredentialProvider";

// On LogonUI's own thread: the longest that the logon screen can stand still.
constexpr DWORD kScreenPeek = 300;
constexpr DWORD kRedeem = 3000;
constexpr DWORD kReport = 1000;
constexpr DWORD kUnadvise = 250;

// On the thread that waits for the event.
constexpr DWORD kWatchPeek = 2000;
constexpr DWORD kWatchLimit = 31u * 24 * 60 * 60 * 1000;  // overall, a PC locked for a month
constexpr DWORD kAgentAbsent = 500;                       // between two looks for the event
constexpr DWORD kFirstPause = 250;                        // before an event that stays set is looked at again
constexpr DWORD kLongestPause = 8000;

// The number of notifications of LogonUI for one permit: its first enumeration may
// come too early, and each one empties the box in which a person may be typing.
constexpr int kAnnouncements = 3;          // by one provider, those not counted whose enumeration the agent missed
constexpr int kAnnouncementsInAll = 6;     // by all providers of the process
constexpr DWORD kAnnouncementPause = 200;  // after the first one; doubled after each

// The pause after a failure; the agent cannot shorten it.
constexpr DWORD kAfterRefusal = 15 * 60 * 1000;  // Windows refused: outlasts the usual lockout window
constexpr DWORD kAfterFault = 30 * 1000;         // before anything reached Windows

}  // namespace latchkey
