// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// latchkeyctl.exe: Python itself, told to run `-I -B -m latchkey_agent.cli.ctl` and
// whatever stands on the command line. It runs in this process, so standard
// input, output, exit code and Ctrl-C are those of any program, and ending this
// process ends the work. Where modules come from is fixed by python313._pth.

#include <stddef.h>

// How a C runtime of Microsoft's hands out the command line; what its own
// start-up code calls (corecrt_startup.h of the Universal CRT).
int _configure_wide_argv(int mode);
int* __p___argc(void);
wchar_t*** __p___wargv(void);
__attribute__((noreturn)) void exit(int code);

// https://docs.python.org/3.13/c-api/veryhigh.html#c.Py_Main
int Py_Main(int argc, wchar_t** argv);

enum { kUnexpandedArguments = 1, kFixed = 5, kMost = 64, kUsage = 2 };

void start(void) {
  static wchar_t* words[kMost + 1] = {0, L"-I", L"-B", L"-m", L"latchkey_agent.cli.ctl"};
  if (_configure_wide_argv(kUnexpandedArguments) != 0) exit(kUsage);
  const int given = *__p___argc();
  if (given < 1 || given - 1 + kFixed > kMost) exit(kUsage);
  wchar_t** const argument = *__p___wargv();
  words[0] = argument[0];
  for (int i = 1; i < given; i++) words[kFixed + i - 1] = argument[i];
  exit(Py_Main(kFixed + given - 1, words));
}
