/** What the tests' page lacks: happy-dom draws nothing and has nothing to observe. */
globalThis.ResizeObserver = class {
  observe() {
    return undefined;
  }
  unobserve() {
    return undefined;
  }
  disconnect() {
    return undefined;
  }
};
