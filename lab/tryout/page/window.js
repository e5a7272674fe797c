// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The request window of a simulated PC: the texts of the real window, in a form that everybody can use. */

import {ask, sentence} from "./connection.js";
import {Shown, make, part} from "./elements.js";

/** The answers in the order of the window's buttons. */
const ANSWERS = ["allow", "later", "decline", "report"];

export class RequestWindow {
    #place = part("window");
    #shown = new Shown();
    #underWay = false;

    /**
     * Show the window of a PC, or none.
     * @param {string} pc
     * @param {import("./connection.js").RequestWindow | null} content
     */
    show(pc, content) {
        if (this.#shown.changed([pc, content])) {
            this.#place.replaceChildren(...(content === null ? [] : [this.#drawn(pc, content)]));
        }
    }

    /**
     * @param {string} pc
     * @param {import("./connection.js").RequestWindow} content
     */
    #drawn(pc, content) {
        const error = make("p", {role: "alert", class: "bad"}, content.error);
        const password = make("input", {type: "password", autocomplete: "off", spellcheck: "false"});
        const buttons = content.buttons.map((label, place) => {
            const button = make("button", {type: "button"}, label);
            button.addEventListener("click", () => this.#answer(pc, ANSWERS[place], password, error));
            return button;
        });
        const lines = content.lines.map((line) => make("p", {class: line === "" ? "gap" : "line"}, line));
        const fields = content.field === "" ? [] : [
            filled("User name", content.user),
            filled("Domain", content.domain),
            make("label", {}, `${content.field} `, password),
        ];
        const form = make(
            "form", {class: "window", "aria-labelledby": "window-title", autocomplete: "off"},
            make("h3", {id: "window-title"}, content.title),
            ...lines, error, ...fields, make("p", {class: "answers"}, ...buttons),
        );
        // As in the real window, Enter is no answer.
        form.addEventListener("submit", (event) => event.preventDefault());
        return form;
    }

    /**
     * Give an answer with the password as typed. The field is empty at once, whatever the agent says.
     * @param {string} pc
     * @param {string} answer
     * @param {HTMLInputElement} password
     * @param {HTMLElement} error
     */
    async #answer(pc, answer, password, error) {
        if (this.#underWay) {
            return;
        }
        if (answer === "allow" && password.isConnected && password.value === "") {
            error.textContent = "Type the password of this lab's account first.";
            password.focus();
            return;
        }
        this.#underWay = true;
        const typed = answer === "allow" ? password.value : "";
        password.value = "";
        error.textContent = "";
        try {
            const said = await ask(`pcs/${pc}/answer`, {answer, password: typed});
            error.textContent = said.refusal;
        } catch (failure) {
            error.textContent = sentence(failure);
        }
        this.#underWay = false;
    }
}

/**
 * Return a field that the window fills in and that cannot be changed.
 * @param {string} label
 * @param {string} value
 */
function filled(label, value) {
    return make("label", {}, `${label} `, make("input", {type: "text", readonly: "", value, autocomplete: "off"}));
}
