// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The real screen of a Wine PC, shown by noVNC. */

import {socketAddress} from "./connection.js";
import {part} from "./elements.js";
import {leaveByKeys} from "./leave.js";

/** The wait before the next try after the screen was lost (ms): the PC may restart. */
const PAUSE = 3000;

export class Remote {
    #place = part("remote");
    #box = part("remote-screen");
    #fit = part("remote-fit");
    #status = part("remote-status");
    #pc = "";
    /** @type {any} noVNC's RFB */
    #rfb = null;
    #timer = 0;

    constructor() {
        const leave = part("remote-leave");
        leaveByKeys(this.#box, leave);
        leave.addEventListener("click", () => {
            this.#rfb?.blur();
            leave.focus();
        });
        part("remote-enter").addEventListener("click", () => this.#rfb?.focus());
        this.#fit.addEventListener("change", () => this.#scale());
    }

    /**
     * Show the screen of a PC; without a name, no screen.
     * @param {string} pc
     */
    show(pc) {
        if (pc === this.#pc) {
            return;
        }
        this.#pc = pc;
        this.#place.hidden = pc === "";
        clearTimeout(this.#timer);
        this.#rfb?.disconnect();
        this.#rfb = null;
        if (pc !== "") {
            this.#box.setAttribute("aria-label", `Screen of ${pc}`);
            this.#connect(pc);
        }
    }

    /** @param {string} pc */
    async #connect(pc) {
        this.#status.textContent = `Connecting with the screen of ${pc}.`;
        let RFB;
        try {
            ({default: RFB} = await import("./vendor/@novnc/novnc/core/rfb.js"));
        } catch {
            this.#status.textContent = "The browser could not load noVNC, which shows the screen. Start the lab again.";
            return;
        }
        if (pc !== this.#pc) {
            return;
        }
        this.#box.replaceChildren();
        const rfb = new RFB(this.#box, socketAddress(`pcs/${pc}/screen`), {wsProtocols: ["binary"]});
        rfb.showDotCursor = true;
        this.#rfb = rfb;
        this.#scale();
        const canvas = this.#box.querySelector("canvas");
        canvas.setAttribute("role", "application");
        canvas.setAttribute("aria-label", `Screen of ${pc}`);
        rfb.addEventListener("connect", () => {
            this.#status.textContent = `This is the screen of ${pc}.`;
            this.#shape(canvas);
        });
        rfb.addEventListener("disconnect", () => this.#lost(pc, rfb));
    }

    /**
     * @param {string} pc
     * @param {any} rfb
     */
    #lost(pc, rfb) {
        if (rfb === this.#rfb) {
            this.#status.textContent = `The screen of ${pc} is not there at present. The page tries again.`;
            this.#timer = setTimeout(() => this.#connect(pc), PAUSE);
        }
    }

    /**
     * Give the box the proportions of the screen.
     * @param {HTMLCanvasElement} canvas
     */
    #shape(canvas) {
        if (canvas.width > 0) {
            this.#box.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
        }
    }

    #scale() {
        if (this.#rfb) {
            this.#rfb.scaleViewport = this.#fit.checked;
        }
    }
}
