// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The customer's screen: the real one of a Wine PC, or the parts of a simulated PC's screen as HTML. */

import {Shown, make, part} from "./elements.js";
import {Remote} from "./remote.js";
import {RequestWindow} from "./window.js";

/**
 * @typedef {import("./connection.js").Pc} Pc
 * @typedef {import("./connection.js").PcState} PcState
 */

export class Screen {
    #status = part("screen-status");
    #window = new RequestWindow();
    #remote = new Remote();
    #shown = new Shown();

    /**
     * Show another PC's screen; its state follows.
     * @param {Pc} pc
     */
    choose(pc) {
        const real = pc.screen === "vnc";
        for (const one of document.querySelectorAll(".of-screen")) {
            one.hidden = real;
        }
        this.#window.show(pc.pc, null);
        this.#remote.show(real ? pc.pc : "");
    }

    /** Show no screen: the lab has ended. */
    end() {
        this.#remote.show("");
    }

    /** @param {PcState} state */
    show(state) {
        const text = told(state);
        if (this.#status.textContent !== text) {
            this.#status.textContent = text;
        }
        this.#window.show(state.pc, state.window);
        if (this.#shown.changed([state.pc, state.notices, state.lent])) {
            list("notices", state.notices ?? []);
            list("lent", state.lent ?? []);
        }
    }
}

/**
 * Return a sentence about the screen.
 * @param {PcState} state
 */
function told(state) {
    if (state.power !== "up") {
        return `${state.pc} does not run (power: ${state.power}). Its screen is dark.`;
    }
    if (state.console === null) {
        return `Nobody is signed in at ${state.pc}. It shows the logon screen.`;
    }
    return state.console.locked
        ? `The screen of ${state.pc} is locked. ${state.console.user} is signed in.`
        : `${state.console.user} is signed in at ${state.pc}. The desktop is open.`;
}

/**
 * @param {string} id
 * @param {string[]} texts
 */
function list(id, texts) {
    const lines = texts.length > 0 ? texts : ["None at present."];
    part(id).replaceChildren(...lines.map((text) => make("li", {}, text)));
}
