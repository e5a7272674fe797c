// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Gives the style elements that xterm.js makes the nonce of the page's content policy.
 *
 * xterm.js has no option for it. Import this module before xterm.js.
 */

const nonce = document.querySelector('meta[name="style-nonce"]')?.content ?? "";
const create = document.createElement;

document.createElement = function createElement(...asked) {
    const made = create.apply(this, asked);
    if (made instanceof HTMLStyleElement) {
        made.nonce = nonce;
    }
    return made;
};
