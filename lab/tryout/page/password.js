// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** Shows the password of a PC's play account, which the lab makes anew each time, and hides it again. */

import {ask, sentence} from "./connection.js";
import {make, part} from "./elements.js";

export class Password {
    #button = part("password-show");
    #place = part("password");
    #shown = false;

    /** @param {() => string} chosen Returns the PC that the page shows. */
    constructor(chosen) {
        this.#button.addEventListener("click", () => (this.#shown ? this.hide() : this.#show(chosen)));
    }

    /** Remove the password from the page. */
    hide() {
        this.#shown = false;
        this.#place.replaceChildren();
        this.#button.setAttribute("aria-expanded", "false");
        this.#button.textContent = "Show the password of this lab's account";
    }

    /** @param {() => string} chosen */
    async #show(chosen) {
        const pc = chosen();
        try {
            const answer = await ask(`pcs/${pc}/password`);
            if (pc !== chosen()) {
                return;
            }
            this.#shown = true;
            this.#place.replaceChildren(`${pc}: `, make("code", {}, answer.password));
            this.#button.setAttribute("aria-expanded", "true");
            this.#button.textContent = "Hide the password of this lab's account";
        } catch (failure) {
            this.#place.replaceChildren(sentence(failure));
        }
    }
}
