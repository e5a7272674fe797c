// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The operator's terminal, shown by xterm.js, and the buttons that type a command into it. */

import "./nonce.js";
import {FitAddon} from "./vendor/@xterm/addon-fit/lib/addon-fit.mjs";
import {Terminal as Xterm} from "./vendor/@xterm/xterm/lib/xterm.mjs";
import {socketAddress} from "./connection.js";
import {make, part} from "./elements.js";
import {leaveByKeys} from "./leave.js";

/** Empties the line of a shell: Ctrl + U of readline. */
const EMPTY_LINE = "\x15";
/** Each colour has a contrast of 4.5 to 1 with the background at least (WCAG 2.2, 1.4.3), black alone has not. */
const THEME = {
    background: "#101418", foreground: "#e6edf3", cursor: "#e6edf3", cursorAccent: "#101418",
    selectionBackground: "#31507a",
    black: "#101418", red: "#ff8f85", green: "#6fd986", yellow: "#e3b341", blue: "#86bdff", magenta: "#e2a5ff",
    cyan: "#5fd7d7", white: "#d0d7de",
    brightBlack: "#9da7b3", brightRed: "#ffb3ac", brightGreen: "#9aeaac", brightYellow: "#f2cc60",
    brightBlue: "#b0d4ff", brightMagenta: "#efccff", brightCyan: "#93ecec", brightWhite: "#ffffff",
};

export class Terminal {
    #box = part("terminal");
    #status = part("terminal-status");
    #again = part("terminal-again");
    #xterm = new Xterm({cursorBlink: false, fontSize: 13, scrollback: 3000, theme: THEME});
    #fit = new FitAddon();
    /** @type {WebSocket | null} */
    #socket = null;

    /** @param {{command: string, help: string}[]} commands */
    constructor(commands) {
        this.#xterm.loadAddon(this.#fit);
        this.#xterm.open(this.#box);
        // Tab passes by: only the button and the mouse lead into a part that takes every key.
        this.#xterm.textarea.tabIndex = -1;
        this.#xterm.onData((data) => this.#send({type: "input", data}));
        this.#xterm.onResize(({cols, rows}) => this.#send({type: "resize", columns: cols, rows}));
        new ResizeObserver(() => this.#fit.fit()).observe(this.#box);
        this.#buttons();
        part("commands").append(...commands.map((one) => this.#suggestion(one)));
        this.#connect();
    }

    #buttons() {
        const leave = part("terminal-leave");
        leaveByKeys(this.#box, leave);
        leave.addEventListener("click", () => leave.focus());
        part("terminal-enter").addEventListener("click", () => this.#xterm.focus());
        this.#again.addEventListener("click", () => {
            this.#xterm.reset();
            this.#connect();
            this.#xterm.focus();
        });
        part("terminal-reader").addEventListener("change", (event) => {
            this.#xterm.options.screenReaderMode = event.target.checked;
        });
    }

    /** @param {{command: string, help: string}} suggested */
    #suggestion({command, help}) {
        const button = make("button", {type: "button"}, make("code", {}, command));
        button.addEventListener("click", () => {
            this.#send({type: "input", data: EMPTY_LINE + command});
            this.#xterm.focus();
        });
        return make("li", {}, button, " ", make("span", {class: "hint"}, help));
    }

    #connect() {
        const socket = new WebSocket(socketAddress("terminal"));
        socket.binaryType = "arraybuffer";
        this.#socket = socket;
        this.#again.hidden = true;
        this.#status.textContent = "";
        socket.addEventListener("open", () => {
            this.#fit.fit();
            this.#send({type: "resize", columns: this.#xterm.cols, rows: this.#xterm.rows});
        });
        socket.addEventListener("message", (event) => this.#xterm.write(new Uint8Array(event.data)));
        socket.addEventListener("close", () => {
            this.#status.textContent = "The terminal has ended, or the lab does not answer.";
            this.#again.hidden = false;
        });
    }

    /** @param {object} message */
    #send(message) {
        if (this.#socket?.readyState === WebSocket.OPEN) {
            this.#socket.send(JSON.stringify(message));
        }
    }
}
