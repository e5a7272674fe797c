// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// latchkeyctl.exe runs Python with `-I -B -m latchkey_agent.cli.ctl` and the
// arguments of the command line. Python runs in this process, so standard input,
// standard output, exit code and Ctrl-C work as in any program, and ending this
// process ends the command. python313._pth defines the module search path.

#include <stddef.h>

// These functions return the command line. The start-up code of Microsoft's C
// runtime calls them too (corecrt_startup.h of the Universal CRT).
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
