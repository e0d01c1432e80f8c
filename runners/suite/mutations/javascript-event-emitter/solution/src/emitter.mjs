/** Calls listeners by the name of an event, in the order in which they were added. */
export class Emitter {
  #listeners = new Map();

  /** Adds a listener; returns a function that removes it again. */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, []);
    this.#listeners.get(name).push(listener);
    return () => this.off(name, listener);
  }

  /** Adds a listener that is called for the next event only. */
  once(name, listener) {
    const wrapper = (...values) => {
      this.off(name, wrapper);
      listener(...values);
    };
    return this.on(name, wrapper);
  }

  /** Removes a listener; one that is not there is no error. */
  off(name, listener) {
    const list = this.#listeners.get(name) ?? [];
    const index = list.indexOf(listener);
    if (index >= 0) list.splice(index, 1);
  }

  /** Calls each listener that was there when the event fired; returns how many were called. */
  emit(name, ...values) {
    const list = this.#listeners.get(name) ?? [];
    let called = 0;
    for (const listener of [...list]) {
      listener(...values);
      called += 1;
    }
    return called;
  }
}
