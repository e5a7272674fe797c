// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The way out of the two parts that take every key, the screen and the terminal (WCAG 2.2, 2.1.2). */

/**
 * Let Ctrl + Alt + Shift move the focus out of a part that takes every key.
 *
 * The listener sees a key before the part does. AltGr counts as Ctrl + Alt on Windows, and AltGr + Shift types letters.
 * @param {HTMLElement} box Contains the part.
 * @param {HTMLElement} next Gets the focus.
 */
export function leaveByKeys(box, next) {
    box.addEventListener("keydown", (event) => {
        const together = event.ctrlKey && event.altKey && event.shiftKey;
        if (together && !event.getModifierState("AltGraph")) {
            event.preventDefault();
            event.stopPropagation();
            next.focus();
        }
    }, {capture: true});
}
