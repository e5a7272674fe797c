// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The page's connection with the lab: questions, the stream of events, addresses of WebSockets.
 *
 * Every address is relative to the page's own, which has the lab's token in it.
 *
 * @typedef {{pc: string, computer: string, kind: string, screen: "window" | "vnc", customer: string}} Pc
 * @typedef {{deed: string, label: string, party: string, help: string,
 *     argument: {label: string, example: string} | null}} Deed
 * @typedef {{begin: string, states: string[], moves: [string, string, string][]}} Machine
 * @typedef {{demo: boolean, pcs: Pc[], deeds: Deed[], commands: {command: string, help: string}[],
 *     machines: Record<string, Machine>}} Lab
 * @typedef {{n: number, at: string, pc: string, party: string, what: string, text: string}} Happening
 * @typedef {{title: string, lines: string[], error: string, field: string, buttons: string[], user: string,
 *     domain: string}} RequestWindow
 * @typedef {{n: number, at: string, what: string, text: string}} Entry
 * @typedef {{pc: string, power: string, console: {user: string, locked: boolean} | null, clock: string,
 *     window: RequestWindow | null, notices: string[], lent: string[], agent: string, journal: Entry[]}} PcState
 *     It also has a list for each machine, such as `sessions`, whose items have `id` and `state`.
 */

/** A failure whose message is a sentence for the person at the page. */
export class Failure extends Error {}

/**
 * Ask the lab and return its answer; with a body, by POST.
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<any>}
 * @throws {Failure} The lab does not answer, or refuses.
 */
export async function ask(address, body) {
    const posted = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
    let response;
    try {
        response = await fetch(address, body === undefined ? {} : posted);
    } catch {
        throw new Failure("The lab does not answer. Check the terminal in which you started the lab.");
    }
    let answer;
    try {
        answer = await response.json();
    } catch {
        throw new Failure(`The page cannot read the lab's answer (status ${response.status}). Reload the page.`);
    }
    if (!response.ok) {
        throw new Failure(answer?.error || `The lab refused this (status ${response.status}). Reload the page.`);
    }
    return answer;
}

/**
 * Return the sentence of a failure.
 * @param {unknown} failure
 * @returns {string}
 */
export function sentence(failure) {
    return failure instanceof Failure ? failure.message : `The page has a fault: ${failure}`;
}

/**
 * Return the address of a WebSocket of the lab.
 * @param {string} path
 * @returns {string}
 */
export function socketAddress(path) {
    const address = new URL(path, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    return address.href;
}

/**
 * Follow the lab's events. The browser connects again by itself after an interruption.
 * @param {object} on
 * @param {(happening: Happening) => void} on.happened
 * @param {(state: PcState) => void} on.state
 * @param {(text: string) => void} on.connection Gets a sentence about the connection.
 * @param {() => void} on.ended
 */
export function follow(on) {
    const source = new EventSource("events");
    const end = () => {
        source.close();
        on.ended();
    };
    // A browser may keep a page that the person has left, with its connection. It starts anew when they come back.
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    source.addEventListener("open", () => on.connection("Connected with the lab."));
    source.addEventListener("happened", (event) => on.happened(JSON.parse(event.data)));
    source.addEventListener("state", (event) => on.state(JSON.parse(event.data)));
    source.addEventListener("ended", end);
    source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) {
            end();
        } else {
            on.connection("The lab does not answer. It has ended, or it is busy. The page tries again.");
        }
    });
}
